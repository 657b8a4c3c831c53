/**
 * Spans as routing speaks of them: what it needs to say, without a word of OpenTelemetry, which is known to `../tracing` alone. All names
 * of spans and attributes are here; those that vSR has keep vSR's spelling. Nothing that a client says (prompts, keys, who it is) is ever
 * an attribute: values come from the configuration, from closed lists, from counters and clocks.
 */
import type { TraceContext } from "@turnout/shared";

export type SpanAttributes = Readonly<Record<string, string | number | boolean | readonly string[]>>;

export interface SpanOptions {
  /** Default "internal". */
  readonly kind?: "internal" | "server" | "client";
  /** In milliseconds of the clock, as all times here. */
  readonly startedAt: number;
  /** Given away: the span may add to them. */
  readonly attributes?: SpanAttributes;
  /** Spans that have to do with it without being its parent. */
  readonly links?: readonly TraceContext[];
}

/** Span is one piece of work. Where it is not recorded (`sampled` is false) everything but `context` does nothing. */
export interface Span {
  /** What whoever works for it is told as parent. */
  readonly context: TraceContext;
  readonly sampled: boolean;
  child(name: string, options: SpanOptions): Span;
  set(attributes: SpanAttributes): void;
  /** fail marks it as failed; `reason` is a word of a closed list, never a message. */
  fail(reason: string): void;
  /** end counts once. */
  end(at: number): void;
}

/** Tracer begins traces, or goes on with those of others. */
export interface Tracer {
  start(name: string, parent: TraceContext | null, options: SpanOptions): Span;
}

/** spanNames in the order in which a request meets them. */
export const spanNames = {
  request: "semantic_router.request.received",
  cacheLookup: "semantic_router.cache.lookup",
  signals: "semantic_router.signal.evaluation",
  signal: (type: string) => `semantic_router.signal.${type}`,
  decision: "semantic_router.decision.evaluation",
  plugin: "semantic_router.plugin.execution",
  upstream: "semantic_router.upstream.request",
  response: "semantic_router.response.processing",
  embedded: "classifier.embedded",
  call: "classifier.v1.Classifier/Evaluate",
  batch: "classifier.batch",
  queue: "classifier.queue",
  tokenize: "classifier.tokenize",
  compute: "classifier.compute",
} as const;
