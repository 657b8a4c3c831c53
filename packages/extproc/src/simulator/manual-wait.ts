import type { Wait } from "./pace.ts";

/** A wait that passes only when a test says so: streams advance token by token, without a clock. For tests. */
export interface ManualWait {
  readonly wait: Wait;
  /** Resolves with the length of the oldest pause, ms, as soon as somebody waits. */
  nextPause(): Promise<number>;
  /** Ends the oldest pause. */
  pass(): void;
  /** How many wait now. */
  readonly waiting: number;
}

export function createManualWait(): ManualWait {
  const pauses: { readonly ms: number; end(): void }[] = [];
  let announce = Promise.withResolvers<void>();
  return {
    wait(ms, signal) {
      return new Promise((resolve, reject) => {
        const onAbort = () => {
          pauses.splice(pauses.indexOf(pause), 1);
          reject(signal.reason);
        };
        const pause = {
          ms,
          end() {
            signal.removeEventListener("abort", onAbort);
            resolve();
          },
        };
        signal.throwIfAborted();
        signal.addEventListener("abort", onAbort);
        pauses.push(pause);
        announce.resolve();
        announce = Promise.withResolvers();
      });
    },
    async nextPause() {
      while (pauses[0] === undefined) await announce.promise;
      return pauses[0].ms;
    },
    pass() {
      pauses.shift()?.end();
    },
    get waiting() {
      return pauses.length;
    },
  };
}
