/**
 * Points of the monotonic clock as points in time, for spans. Both ends of a span, and all spans of a trace, must go through the same
 * offset: the wall clock has a resolution of a millisecond, and children would stick out of their parents. Yet the offset may not stay
 * for ever, because wall clocks are set.
 */
import type { HrTime } from "@opentelemetry/api";
import type { Clock } from "@turnout/shared";

/** How far the wall clock may have run away, milliseconds. */
const TOLERANCE_MS = 20;

/** Timeline turns milliseconds of the clock into time. */
export class Timeline {
  readonly #clock: Clock;
  #offset: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#offset = clock.wallMs() - clock.now();
  }

  /** adjust is called where a trace begins. */
  adjust(): void {
    const offset = this.#clock.wallMs() - this.#clock.now();
    if (Math.abs(offset - this.#offset) > TOLERANCE_MS) this.#offset = offset;
  }

  at(ms: number): HrTime {
    const wall = this.#offset + ms;
    const seconds = Math.floor(wall / 1_000);
    return [seconds, Math.round((wall - seconds * 1_000) * 1e6)];
  }
}
