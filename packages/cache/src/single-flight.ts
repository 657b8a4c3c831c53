/**
 * SingleFlight lets one of several identical requests go upstream while the others wait for its answer. The lease of the one that goes
 * ends with whatever becomes of it; when it brings no answer, exactly one of those that wait goes next. Never asked about requests that
 * are merely similar.
 */
import type { CallOptions, Clock } from "@turnout/shared";

/** Lease is held by the one that goes. */
export interface Lease {
  /** end says whether there is an answer now for those that wait. Only the first call counts. */
  end(answered: boolean): void;
}

/** Turn is what became of a request that came in: it goes, it may look again, or it goes without a lease because it has waited enough. */
export type Turn = { readonly kind: "go"; readonly lease: Lease } | { readonly kind: "answered" } | { readonly kind: "waited" };

interface Flight {
  readonly waiting: Set<(turn: Turn) => void>;
}

export class SingleFlight {
  readonly #flights = new Map<string, Flight>();
  readonly #clock: Clock;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** size is the number of requests that are upstream with a lease. */
  get size(): number {
    return this.#flights.size;
  }

  /** waiting is the number of requests that wait for another's answer. */
  get waiting(): number {
    return [...this.#flights.values()].reduce((sum, { waiting }) => sum + waiting.size, 0);
  }

  /** join resolves at once for the first of a kind, and within `maxWaitMs` or the caller's deadline for those that come meanwhile. */
  async join(key: string, maxWaitMs: number, { signal, deadline = Infinity }: CallOptions): Promise<Turn> {
    const flight = this.#flights.get(key);
    if (flight === undefined) return this.#go(key, { waiting: new Set() });
    const patience = Math.min(maxWaitMs, deadline - this.#clock.now());
    if (patience <= 0 || signal?.aborted === true) return { kind: "waited" };
    return new Promise((resolve) => {
      const settle = (turn: Turn) => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", giveUp);
        flight.waiting.delete(settle);
        resolve(turn);
      };
      const giveUp = () => settle({ kind: "waited" });
      const timer = setTimeout(giveUp, patience);
      signal?.addEventListener("abort", giveUp, { once: true });
      flight.waiting.add(settle);
    });
  }

  #go(key: string, flight: Flight): Turn {
    this.#flights.set(key, flight);
    let over = false;
    const end = (answered: boolean) => {
      if (over) return;
      over = true;
      const [next] = flight.waiting;
      if (!answered && next !== undefined) {
        flight.waiting.delete(next);
        next(this.#go(key, flight));
        return;
      }
      this.#flights.delete(key);
      for (const settle of flight.waiting) settle({ kind: "answered" });
    };
    return { kind: "go", lease: { end } };
  }
}
