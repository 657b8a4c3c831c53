/** Who does it to whom, as far as words without a grammar tell: persons, and "killed by Brutus" against "killed Brutus". Pure. */
import type { Term } from "./terms.ts";

/** "I", "me" and "my" are one person, wherever they stand. */
const persons: ReadonlyMap<string, string> = new Map(
  (
    [
      ["i", "me my mine myself we us our ours"],
      ["you", "your yours yourself"],
      ["he", "him his himself"],
      ["she", "her hers herself"],
      ["they", "them their theirs"],
      ["it", "its itself"],
    ] as const
  ).flatMap(([one, others]) => others.split(" ").map((other): [string, string] => [other, one])),
);

/** personless is the term's stem, or its person. */
export const personless = ({ stem, text }: Term): string => persons.get(text) ?? stem;

/** saysWho: words that say who does what to whom. */
export const saysWho = ({ role, kind }: Term): boolean => kind !== "symbol" && (role === "content" || role === "person");

export const isBy = ({ text }: Term): boolean => text === "by";

/** sameWords tells whether both say the same words in any order. */
export function sameWords(now: readonly Term[], stored: readonly Term[]): boolean {
  return now.length === stored.length && now.map(personless).toSorted().join(" ") === stored.map(personless).toSorted().join(" ");
}

export function sameOrder(now: readonly Term[], stored: readonly Term[]): boolean {
  return now.map(personless).join(" ") === stored.map(personless).join(" ");
}

/** turnedVoice finds "killed by Brutus" where the other question has "killed Brutus". */
export function turnedVoice(passive: readonly Term[], active: readonly Term[]): boolean {
  if (active.some(isBy)) return false;
  return passive.some((term, at) => {
    if (!isBy(term)) return false;
    const deed = passive[at - 1];
    const doer = passive.slice(at + 1).find(saysWho);
    if (deed === undefined || doer === undefined) return false;
    const done = active.findIndex(({ stem }) => stem === deed.stem);
    return done >= 0 && active.findIndex((other) => personless(other) === personless(doer)) > done;
  });
}
