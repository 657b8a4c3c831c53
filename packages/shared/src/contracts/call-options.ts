/** CallOptions travels with everything that may wait: the caller's cancellation and its deadline. */
export interface CallOptions {
  /** Aborted when the caller is gone; the work must then be dropped. */
  readonly signal?: AbortSignal;
  /** Point in time, in `Clock.now()` milliseconds of the main thread, after which nobody waits for the answer. */
  readonly deadline?: number;
}
