/** Spans as a tree of names, so that a test can say what it expects of a whole trace at once. */
import type { ReceivedSpan } from "./otlp-receiver.ts";

/** spanTree writes the spans of one trace, indented below their parents, in the order in which they began. A parent that did not come is "?". */
export function spanTree(spans: readonly ReceivedSpan[], traceId: string): string {
  const ours = spans.filter((span) => span.traceId === traceId).toSorted((a, b) => a.start - b.start || a.name.localeCompare(b.name));
  const known = new Set(ours.map(({ spanId }) => spanId));
  const below = (parent: string, depth: number): string[] =>
    ours
      .filter(({ parentSpanId }) => parentSpanId === parent)
      .flatMap((span) => ["  ".repeat(depth) + span.name + (span.failed ? " !" : ""), ...below(span.spanId, depth + 1)]);
  const strangers = [...new Set(ours.map(({ parentSpanId }) => parentSpanId))].filter((parent) => parent !== "" && !known.has(parent));
  return [...below("", 0), ...strangers.flatMap((parent) => [`? ${parent}`, ...below(parent, 1)])].join("\n");
}
