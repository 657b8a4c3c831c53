/** A tracer that keeps what it is told, for tests of who tells it. */
import type { TraceContext } from "@turnout/shared";
import type { Span, SpanAttributes, SpanOptions, Tracer } from "../spans.ts";

/** RecordedSpan is what became of one span. */
export interface RecordedSpan extends SpanOptions {
  readonly name: string;
  readonly parent: string | null;
  attributes: SpanAttributes;
  failure: string | null;
  endedAt: number | null;
}

export class RecordingTracer implements Tracer {
  readonly spans: RecordedSpan[] = [];
  /** Whether what begins a trace is recorded. */
  sampled = true;

  start(name: string, parent: TraceContext | null, options: SpanOptions): Span {
    return this.#span(name, parent?.traceparent ?? null, options);
  }

  named(name: string): RecordedSpan {
    const found = this.spans.find((span) => span.name === name);
    if (found === undefined) throw new Error(`no span ${name}; there are: ${this.spans.map((span) => span.name).join(", ")}`);
    return found;
  }

  #span(name: string, parent: string | null, options: SpanOptions): Span {
    const recorded: RecordedSpan = { ...options, name, parent, attributes: options.attributes ?? {}, failure: null, endedAt: null };
    const { sampled } = this;
    if (sampled) this.spans.push(recorded);
    const id = String(this.spans.length).padStart(16, "0");
    const context = { traceparent: `00-0af7651916cd43dd8448eb211c80319c-${id}-${sampled ? "01" : "00"}` };
    return {
      context,
      sampled,
      child: (below, childOptions) => this.#span(below, context.traceparent, childOptions),
      set(attributes) {
        recorded.attributes = { ...recorded.attributes, ...attributes };
      },
      fail(reason) {
        recorded.failure = reason;
      },
      end(at) {
        recorded.endedAt ??= at;
      },
    };
  }
}
