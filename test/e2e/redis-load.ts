/** Lookups in a row against one backend, with what became of each and how long it took. */
import type { RouterError } from "@turnout/shared";
import type { Followed } from "../../packages/cache/src/redis/testing/entries.ts";

/** From here on a lookup counts as one that waited for Redis in vain; the limit of a lookup is 25 ms. */
const SLOW_MS = 20;

export interface LookupReport {
  readonly outcomes: Readonly<Record<string, number>>;
  readonly slow: number;
  readonly p50Ms: number;
  readonly maxMs: number;
}

export interface Lookups {
  /** What became of them since the last report. */
  report(): LookupReport;
  /** Lookups since the last report. */
  done(): number;
  stop(): Promise<void>;
}

/** startLookups looks one id up again and again; it never has more than one on its way. */
export function startLookups({ backend }: Followed, id: string): Lookups {
  const stopping = new AbortController();
  let outcomes: Record<string, number> = {};
  let times: number[] = [];
  const finished = (async () => {
    while (!stopping.signal.aborted) {
      const start = performance.now();
      const outcome = await backend.get([id], {}).then(
        ([payload]) => (payload === null ? "miss" : "hit"),
        (error: RouterError) => error.code ?? String(error),
      );
      times.push(performance.now() - start);
      outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  })();
  return {
    done: () => times.length,
    report() {
      const sorted = times.toSorted((a, b) => a - b);
      const report = {
        outcomes,
        slow: sorted.filter((ms) => ms >= SLOW_MS).length,
        p50Ms: sorted[sorted.length >> 1] ?? 0,
        maxMs: sorted.at(-1) ?? 0,
      };
      outcomes = {};
      times = [];
      return report;
    },
    async stop() {
      stopping.abort();
      await finished;
    },
  };
}
