/**
 * Spans of what a classifier pool inside this process did, from the numbers that its threads return: for each caller how long its text
 * waited, was tokenized and computed, and for all of them together the batch. The pool says it once for each batch, and knows no spans.
 */
import { isSampled, type BatchRecord } from "@turnout/shared";
import { spanNames, type Tracer } from "../routing/spans.ts";

/** createBatchRecorder gives what a pool calls after each batch. A batch none of whose callers is recorded is not either. */
export function createBatchRecorder(tracer: Tracer): (batch: BatchRecord) => void {
  return ({ model, members, texts, tokens, startedAt, endedAt, tokenizeMs, computeMs, threadId }) => {
    const recorded = members.filter(({ trace }) => isSampled(trace));
    if (recorded.length === 0) return;
    const attributes = { "batch.size": texts, "thread.id": threadId };
    // A trace of its own: none of those that share it is more its parent than the others.
    const batch = tracer.start(spanNames.batch, null, {
      startedAt,
      attributes: { ...attributes, "batch.tokens": tokens, "model.name": model },
      links: recorded.map(({ trace }) => trace),
    });
    batch.end(endedAt);
    // The way to the thread and back takes what is left; how it falls to the two is not known.
    const tokenizing = startedAt + Math.max(0, endedAt - startedAt - tokenizeMs - computeMs) / 2;
    const computing = tokenizing + tokenizeMs;
    const links = [batch.context];
    for (const { trace, joinedAt } of recorded) {
      // Who joins a text that is being computed has not waited in the queue.
      if (joinedAt < startedAt) tracer.start(spanNames.queue, trace, { startedAt: joinedAt }).end(startedAt);
      tracer.start(spanNames.tokenize, trace, { startedAt: tokenizing, attributes: { ...attributes } }).end(computing);
      tracer.start(spanNames.compute, trace, { startedAt: computing, attributes: { ...attributes }, links }).end(computing + computeMs);
    }
  };
}
