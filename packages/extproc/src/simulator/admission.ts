import { ApiError } from "./api-error.ts";

/**
 * Who may generate now: at most max-num-seqs requests and max-loras different adapters at once; the others wait in a bounded
 * queue. Like vLLM, a request whose adapter finds no place is overtaken by later ones that can run.
 */
export interface Admission {
  /** Resolves with `leave` when the request may run; `adapter` is null for the base model. Rejects with ApiError 429 when too many wait, or with the signal's reason. */
  enter(adapter: string | null, signal: AbortSignal): Promise<() => void>;
  readonly running: readonly (string | null)[];
  readonly waiting: readonly (string | null)[];
}

interface Place {
  readonly adapter: string | null;
  start(): void;
}

export function createAdmission(limits: { maxNumSeqs: number; maxLoras: number; maxWaiting: number }): Admission {
  const running = new Set<Place>();
  const waiting = new Set<Place>();

  function fits(adapter: string | null): boolean {
    if (running.size >= limits.maxNumSeqs) return false;
    if (adapter === null) return true;
    const adapters = new Set([...running].map((place) => place.adapter));
    adapters.delete(null);
    return adapters.has(adapter) || adapters.size < limits.maxLoras;
  }

  function leave(place: Place): void {
    if (!running.delete(place)) return;
    for (const next of waiting) {
      if (!fits(next.adapter)) continue;
      waiting.delete(next);
      next.start();
    }
  }

  return {
    enter(adapter, signal) {
      return new Promise((resolve, reject) => {
        signal.throwIfAborted();
        const onAbort = () => {
          if (waiting.delete(place)) reject(signal.reason);
        };
        const place: Place = {
          adapter,
          start() {
            signal.removeEventListener("abort", onAbort);
            running.add(place);
            resolve(() => leave(place));
          },
        };
        if (fits(adapter)) {
          place.start();
        } else if (waiting.size >= limits.maxWaiting) {
          reject(new ApiError(429, "RateLimitError", `the waiting queue is full (${limits.maxWaiting} requests)`));
        } else {
          waiting.add(place);
          signal.addEventListener("abort", onAbort);
        }
      });
    },
    get running() {
      return [...running].map((place) => place.adapter);
    },
    get waiting() {
      return [...waiting].map((place) => place.adapter);
    },
  };
}
