/**
 * The W3C trace context of a request, as text: which span of whom is the parent of ours. Read where a request comes in, handed on with
 * everything that is asked for it. Pure; nothing here makes spans.
 */

/** TraceContext is a valid `traceparent`, and the `tracestate` that belongs to it. */
export interface TraceContext {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Version, trace id, parent id, flags; a later version may have more behind them (W3C Trace Context, 3.2). */
const TRACEPARENT = /^(?!ff)([0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-.*)?$/;
const LONGEST_TRACEPARENT = 256;
/** What everybody must be able to hand on (3.3.1.5); a longer one is dropped whole, as a broken one would be. */
const LONGEST_TRACESTATE = 512;

/** parseTraceContext is null without a valid traceparent. An empty tracestate, which Envoy sends, counts as none. */
export function parseTraceContext(traceparent: string | undefined, tracestate: string | undefined): TraceContext | null {
  if (traceparent === undefined || traceparent.length > LONGEST_TRACEPARENT) return null;
  const parts = TRACEPARENT.exec(traceparent);
  if (parts === null || (parts[1] === "00" && parts[2] !== undefined)) return null;
  if (tracestate === undefined || tracestate === "" || tracestate.length > LONGEST_TRACESTATE) return { traceparent };
  return { traceparent, tracestate };
}

/** isSampled says whether the span of a valid context is recorded. */
export function isSampled({ traceparent }: TraceContext): boolean {
  return (Number.parseInt(traceparent.slice(53, 55), 16) & 1) === 1;
}

/** traceContextIn reads headers with lower-case names. Two traceparents are none: nobody could tell which is the parent. */
export function traceContextIn(headers: readonly (readonly [name: string, value: string])[]): TraceContext | null {
  const parents = headers.filter(([name]) => name === "traceparent");
  if (parents.length !== 1) return null;
  const states = headers.filter(([name, value]) => name === "tracestate" && value !== "");
  return parseTraceContext(parents[0]?.[1], states.map(([, value]) => value).join(","));
}
