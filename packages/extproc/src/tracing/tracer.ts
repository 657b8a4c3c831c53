/**
 * Spans behind the words of routing/spans.ts: OpenTelemetry's ids, samplers and export, but objects of our own in between. The SDK's spans
 * guard against what cannot happen here and are twice as large; where the heap is kept small (cli/heap.ts), they cost more in collections
 * than in time. No global is set and no context manager runs: parents are handed over.
 */
import {
  createTraceState,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Attributes,
  type HrTime,
  type Link,
  type SpanContext,
  type SpanStatus,
} from "@opentelemetry/api";
import type { Resource } from "@opentelemetry/resources";
import { RandomIdGenerator, SamplingDecision, type ReadableSpan, type Sampler } from "@opentelemetry/sdk-trace";
import type { TraceContext } from "@turnout/shared";
import type { Span, SpanAttributes, SpanOptions, Tracer } from "../routing/spans.ts";
import type { Timeline } from "./timeline.ts";

export interface TracerParts {
  readonly sampler: Sampler;
  readonly resource: Resource;
  readonly timeline: Timeline;
  /** Takes each recorded span when it has ended. */
  readonly onEnd: (span: ReadableSpan) => void;
}

/** SCOPE has vSR's name of its tracer, by which dashboards know these spans. */
const SCOPE = { name: "semantic-router" };
const KINDS = { internal: SpanKind.INTERNAL, server: SpanKind.SERVER, client: SpanKind.CLIENT } as const;
const UNSET: SpanStatus = { code: SpanStatusCode.UNSET };
const ids = new RandomIdGenerator();

/** createTracer gives routing its tracer. */
export function createTracer(parts: TracerParts): Tracer {
  return {
    start(name, parent, options) {
      const { attributes = {}, kind = "internal", links = [] } = options;
      const above = parent === null ? undefined : spanContextOf(parent);
      const context = above === undefined ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, above);
      const traceId = above?.traceId ?? ids.generateTraceId();
      const { decision, traceState = above?.traceState } = parts.sampler.shouldSample(
        context,
        traceId,
        name,
        KINDS[kind],
        attributes as Attributes,
        links.map(linkTo),
      );
      const sampled = decision === SamplingDecision.RECORD_AND_SAMPLED;
      const own: SpanContext = {
        traceId,
        spanId: ids.generateSpanId(),
        traceFlags: sampled ? TraceFlags.SAMPLED : TraceFlags.NONE,
        ...(traceState === undefined ? {} : { traceState }),
      };
      if (!sampled) return unrecorded(traceContextOf(own));
      parts.timeline.adjust();
      return new RecordedSpan(parts, name, own, above, options);
    },
  };
}

/** unrecorded hands on its context, and that is all. */
function unrecorded(context: TraceContext): Span {
  const span: Span = { context, sampled: false, child: () => span, set: () => undefined, fail: () => undefined, end: () => undefined };
  return span;
}

const NO_EVENTS: [] = [];

class RecordedSpan implements Span, ReadableSpan {
  readonly name: string;
  readonly kind: SpanKind;
  readonly parentSpanContext?: SpanContext;
  readonly startTime: HrTime;
  endTime: HrTime;
  status = UNSET;
  readonly attributes: Attributes;
  readonly links: Link[];
  ended = false;
  readonly #parts: TracerParts;
  readonly #own: SpanContext;

  constructor(parts: TracerParts, name: string, own: SpanContext, parent: SpanContext | undefined, options: SpanOptions) {
    const { kind = "internal", startedAt, attributes = {}, links = [] } = options;
    this.name = name;
    this.kind = KINDS[kind];
    if (parent !== undefined) this.parentSpanContext = parent;
    this.startTime = parts.timeline.at(startedAt);
    this.endTime = this.startTime;
    this.attributes = attributes as Attributes;
    this.links = links.map(linkTo);
    this.#parts = parts;
    this.#own = own;
  }

  get sampled(): true {
    return true;
  }

  get context(): TraceContext {
    return traceContextOf(this.#own);
  }

  child(name: string, options: SpanOptions): Span {
    return new RecordedSpan(this.#parts, name, { ...this.#own, spanId: ids.generateSpanId() }, this.#own, options);
  }

  set(attributes: SpanAttributes): void {
    if (!this.ended) Object.assign(this.attributes, attributes);
  }

  fail(reason: string): void {
    if (this.ended) return;
    this.status = { code: SpanStatusCode.ERROR, message: reason };
    this.attributes["error.type"] = reason;
  }

  end(at: number): void {
    if (this.ended) return;
    this.ended = true;
    this.endTime = this.#parts.timeline.at(at);
    this.#parts.onEnd(this);
  }

  spanContext(): SpanContext {
    return this.#own;
  }

  get duration(): HrTime {
    const nanoseconds = (this.endTime[0] - this.startTime[0]) * 1e9 + this.endTime[1] - this.startTime[1];
    return [Math.floor(nanoseconds / 1e9), nanoseconds % 1e9];
  }

  get resource(): Resource {
    return this.#parts.resource;
  }

  get instrumentationScope(): typeof SCOPE {
    return SCOPE;
  }

  get events(): [] {
    return NO_EVENTS;
  }

  get droppedAttributesCount(): number {
    return 0;
  }

  get droppedEventsCount(): number {
    return 0;
  }

  get droppedLinksCount(): number {
    return 0;
  }
}

const linkTo = (context: TraceContext): Link => ({ context: spanContextOf(context) });

/** spanContextOf a valid traceparent; anything behind the flags belongs to a later version and is not ours to understand. */
function spanContextOf({ traceparent, tracestate }: TraceContext): SpanContext {
  const [, traceId = "", spanId = "", flags = ""] = traceparent.split("-", 4);
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(tracestate === undefined ? {} : { traceState: createTraceState(tracestate) }),
  };
}

function traceContextOf({ traceId, spanId, traceFlags, traceState }: SpanContext): TraceContext {
  const traceparent = `00-${traceId}-${spanId}-${(traceFlags & TraceFlags.SAMPLED) === 0 ? "00" : "01"}`;
  const tracestate = traceState?.serialize() ?? "";
  return tracestate === "" ? { traceparent } : { traceparent, tracestate };
}
