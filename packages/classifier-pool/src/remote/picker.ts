/**
 * Which replica gets the next call. Power of two choices on the load that is known of each: two are drawn, the less loaded one wins.
 * It needs no global order, never herds all callers onto the one replica that looks idle, and is nearly as even as the best choice.
 * Round robin stands beside it for comparison. Pure; called by replica-set.ts.
 */

/** Loaded is what a picker must know of a candidate: texts that wait or run there, as far as can be known here. */
export interface Loaded {
  readonly load: number;
}

export type Balancing = "power_of_two" | "round_robin";

/** Picker chooses among candidates that could all answer; undefined when there are none. */
export type Picker<Candidate extends Loaded> = (candidates: readonly Candidate[]) => Candidate | undefined;

/** createPicker makes a picker; `random` gives numbers from 0 up to 1. */
export function createPicker<Candidate extends Loaded>(balancing: Balancing, random: () => number = Math.random): Picker<Candidate> {
  switch (balancing) {
    case "power_of_two":
      return (candidates) => {
        const first = Math.floor(random() * candidates.length);
        if (candidates.length < 2) return candidates[first];
        // Drawn from the others, so that it is another one.
        const second = (first + 1 + Math.floor(random() * (candidates.length - 1))) % candidates.length;
        const [one, other] = [candidates[first] as Candidate, candidates[second] as Candidate];
        return other.load < one.load ? other : one;
      };
    case "round_robin": {
      let turn = -1;
      return (candidates) => {
        turn += 1;
        return candidates[turn % candidates.length];
      };
    }
    default:
      return balancing satisfies never;
  }
}
