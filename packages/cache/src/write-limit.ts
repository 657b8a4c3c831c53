/** WriteLimit bounds how many answers one scope may have kept in a minute, so that nobody pushes everybody else's answers out. */
import type { Clock } from "@turnout/shared";
import { LRUCache } from "lru-cache";

const WINDOW_MS = 60_000;
/** Scopes that are counted at a time; one that is forgotten begins anew. */
const MAX_SCOPES = 10_000;

interface Window {
  readonly startedMs: number;
  count: number;
}

export class WriteLimit {
  readonly #perMinute: number;
  readonly #clock: Clock;
  readonly #windows = new LRUCache<string, Window>({ max: MAX_SCOPES });

  constructor(perMinute: number, clock: Clock) {
    this.#perMinute = perMinute;
    this.#clock = clock;
  }

  /** admit counts one write of a scope; false when it has had its share. */
  admit(scope: string): boolean {
    const now = this.#clock.now();
    const known = this.#windows.get(scope);
    const window = known !== undefined && now - known.startedMs < WINDOW_MS ? known : { startedMs: now, count: 0 };
    this.#windows.set(scope, window);
    window.count += 1;
    return window.count <= this.#perMinute;
  }
}
