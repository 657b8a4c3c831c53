import type { TraceContext } from "../telemetry/trace-context.ts";

/** CallOptions travels with everything that may wait: the caller's cancellation, its deadline, its trace. */
export interface CallOptions {
  /** Aborted when the caller is gone; the work must then be dropped. */
  readonly signal?: AbortSignal;
  /** Point in time, in `Clock.now()` milliseconds of the main thread, after which nobody waits for the answer. */
  readonly deadline?: number;
  /** The span on whose behalf it is done, for whoever makes spans of the work, here or in another process. */
  readonly trace?: TraceContext;
}
