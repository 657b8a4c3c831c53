/** Clock is the one source of time for code whose tests must not sleep. `now()` is monotonic milliseconds, `wallMs()` Unix milliseconds. */
export interface Clock {
  now(): number;
  wallMs(): number;
}

/** systemClock reads the real clocks of the process. */
export const systemClock: Clock = {
  now: () => performance.now(),
  wallMs: () => Date.now(),
};
