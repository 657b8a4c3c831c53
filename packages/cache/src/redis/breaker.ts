/**
 * Breaker keeps requests away from a shard that does not answer. Pure: it holds no timer and sends nothing. While it is open nobody waits;
 * whether the shard answers again is found out by a probe in the background, never by a request.
 *
 * A probe costs nobody anything, so that probes go on every second however long the outage lasts. What grows (1 s × 2, up to 30 s) is the
 * time before the first probe of a shard that fails again soon after it came back: one that answers probes and nothing else.
 */
import type { Clock } from "@turnout/shared";

const CONSECUTIVE_FAILURES = 5;
const WINDOW = 20;
const FAILED_SHARE = 0.5;
const FIRST_OPEN_MS = 1_000;
const MAX_OPEN_MS = 30_000;
const PROBE_EVERY_MS = 1_000;
/** A shard that held for this long is trusted again. */
const TRUSTED_AFTER_MS = 30_000;

export class Breaker {
  readonly #clock: Pick<Clock, "now">;
  /** True for each of the last calls that failed. */
  #outcomes: boolean[] = [];
  #consecutive = 0;
  #openMs = FIRST_OPEN_MS;
  #closedAt = Number.NEGATIVE_INFINITY;
  /** When the next probe is due; null while closed. */
  #probeAt: number | null = null;

  constructor(clock: Pick<Clock, "now">) {
    this.#clock = clock;
  }

  get open(): boolean {
    return this.#probeAt !== null;
  }

  /** Milliseconds until a probe is due; null while closed. */
  get probeInMs(): number | null {
    return this.#probeAt === null ? null : Math.max(0, this.#probeAt - this.#clock.now());
  }

  /** record takes a call's outcome; true when that opened the breaker. Outcomes of calls begun before it opened are ignored. */
  record(ok: boolean): boolean {
    if (this.open) return false;
    this.#consecutive = ok ? 0 : this.#consecutive + 1;
    this.#outcomes.push(!ok);
    if (this.#outcomes.length > WINDOW) this.#outcomes.shift();
    const failed = this.#outcomes.filter(Boolean).length;
    const mostFailed = this.#outcomes.length === WINDOW && failed > WINDOW * FAILED_SHARE;
    if (ok || (this.#consecutive < CONSECUTIVE_FAILURES && !mostFailed)) return false;
    const now = this.#clock.now();
    this.#openMs = now - this.#closedAt < TRUSTED_AFTER_MS ? Math.min(this.#openMs * 2, MAX_OPEN_MS) : FIRST_OPEN_MS;
    this.#probeAt = now + this.#openMs;
    return true;
  }

  /** probed takes a probe's outcome; true when that closed the breaker. */
  probed(ok: boolean): boolean {
    if (this.#probeAt === null) return false;
    if (!ok) {
      this.#probeAt = this.#clock.now() + PROBE_EVERY_MS;
      return false;
    }
    this.#probeAt = null;
    this.#closedAt = this.#clock.now();
    this.#outcomes = [];
    this.#consecutive = 0;
    return true;
  }
}
