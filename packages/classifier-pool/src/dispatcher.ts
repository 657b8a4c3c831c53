/**
 * The loop between queue and workers: a free worker gets the next batch, every text of it is settled with its timings, and the
 * texts of a batch that broke its worker are tried once more, each alone. It learns from each batch what a token costs, so that
 * the batcher can tell what would come too late. The only caller of the batcher; pool.ts owns it.
 */
import { RouterError, type BatchMember, type BatchRecord, type Clock, type Metrics } from "@turnout/shared";
import { batchWork, type Admission, type Batcher, type Load, type RunningBatch } from "./batcher.ts";
import { ComputeEstimate } from "./compute-estimate.ts";
import type { BatchReply, EncodeJob, HeadLogits } from "./messages.ts";
import type { PendingText } from "./pending-text.ts";

/** BatchRunner is the workers as the dispatcher sees them. */
interface BatchRunner {
  /** Workers that are loaded, busy or not. */
  warm(): number;
  /** Workers that can take a batch now. */
  idle(): number;
  /** Called only while `idle() > 0`; the worker counts as busy from the call on. Rejects with a RouterError when it is lost. */
  run(jobs: readonly EncodeJob[]): Promise<BatchReply>;
}

export interface DispatcherParts {
  readonly batcher: Batcher<PendingText>;
  readonly runner: BatchRunner;
  readonly dimension: number;
  /** Texts that wait in all queues of the pool. */
  readonly waiting: () => number;
  /** Hears of each batch that was answered. */
  readonly onBatch?: (batch: Omit<BatchRecord, "model">) => void;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

interface BatchInFlight {
  readonly texts: readonly PendingText[];
  readonly cutAt: number;
  /** Of its longest text. */
  readonly tokens: number;
  readonly work: number;
}

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #running = new Set<BatchInFlight>();
  readonly #estimate = new ComputeEstimate();
  #scheduled: NodeJS.Immediate | undefined;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** submit admits a text, or says why not. */
  submit(text: PendingText): Admission {
    const { batcher, clock } = this.#parts;
    const now = clock.now();
    const admission = batcher.push(text, now, this.#load(now));
    if (admission === "admitted") this.#scheduled ??= setImmediate(() => this.pump());
    return admission;
  }

  /**
   * pump hands batches to idle workers. Arrivals schedule it after the current round of I/O, so that requests which arrived
   * together are batched together; a worker that frees up gets its next batch at once.
   */
  pump(): void {
    const { batcher, runner, metrics, clock } = this.#parts;
    clearImmediate(this.#scheduled);
    this.#scheduled = undefined;
    for (let idle = runner.idle(); idle > 0; idle = runner.idle()) {
      const now = clock.now();
      const { batch, dropped, shed } = batcher.cut(now, idle, this.#load(now));
      for (const text of dropped)
        text.refuse(new RouterError("deadline_exceeded", "the deadline passed while the text waited for a worker"));
      for (const text of shed)
        text.refuse(new RouterError("overloaded", "the text waited for a worker until it could no longer be encoded in time"));
      if (batch.length === 0) break;
      void this.#run(batch, now);
    }
    metrics.classifierQueueDepth.set(this.#parts.waiting());
  }

  /** close refuses everything that waits or runs; what a worker still answers is thrown away. */
  close(error: RouterError): void {
    clearImmediate(this.#scheduled);
    for (const text of this.#parts.batcher.drain()) text.refuse(error);
    for (const { texts } of this.#running) for (const text of texts) text.refuse(error);
    this.#parts.metrics.classifierQueueDepth.set(0);
  }

  #load(now: number): Load {
    const msPerToken = this.#estimate.msPerToken(now);
    const running: RunningBatch[] = [];
    for (const { tokens, cutAt, work } of this.#running) running.push({ tokens, leftMs: Math.max(0, cutAt + work * msPerToken - now) });
    return { msPerToken, workers: Math.max(1, this.#parts.runner.warm()), running };
  }

  async #run(texts: readonly PendingText[], cutAt: number): Promise<void> {
    const longest = texts.reduce((tokens, text) => Math.max(tokens, text.tokens), 0);
    const running: BatchInFlight = { texts, cutAt, tokens: longest, work: batchWork(longest, texts.length) };
    this.#running.add(running);
    const outcome = await this.#parts.runner.run(texts.map((text) => text.begin())).catch((error: unknown) => RouterError.from(error));
    this.#running.delete(running);

    if (outcome instanceof RouterError) this.#fail(texts, outcome);
    else if (!outcome.ok) this.#fail(texts, new RouterError(outcome.code, outcome.message));
    else {
      const now = this.#parts.clock.now();
      this.#estimate.record(running.work, now - cutAt, now);
      this.#settle(texts, outcome, cutAt);
    }
    this.pump();
  }

  #settle(batch: readonly PendingText[], reply: Extract<BatchReply, { ok: true }>, cutAt: number): void {
    const { dimension, metrics, clock, onBatch } = this.#parts;
    const { tokenizeMs, computeMs, threadId, logits } = reply;
    const endedAt = clock.now();
    const members: BatchMember[] = [];
    let read = 0;
    metrics.classifierBatchSize.observe(batch.length);
    metrics.classifierComputeSeconds.observe(computeMs / 1000);
    for (const [index, text] of batch.entries()) {
      metrics.classifierQueueSeconds.observe((cutAt - text.enqueuedAt) / 1000);
      const answer = reply.texts[index];
      if (answer === undefined) {
        text.refuse(new RouterError("internal", "a worker answered fewer texts than it was given. This is a bug."));
      } else if (!answer.ok) {
        text.refuse(new RouterError(answer.code, answer.message));
      } else {
        const { row, tokens, scan } = answer;
        read += tokens;
        if (onBatch !== undefined) members.push(...text.members);
        // A copy of 1.5 KB, so that a caller who keeps one vector does not keep the whole batch.
        const vector = reply.vectors.slice(row * dimension, (row + 1) * dimension);
        const heads = logits === null ? {} : { heads: headsOf(logits, row) };
        const encoded = { vector, tokens, sampled: text.cut || answer.sampled, ...heads, ...(scan === undefined ? {} : { scan }) };
        text.answer(encoded, ({ joinedAt }) => ({
          queueMs: Math.max(0, cutAt - joinedAt),
          tokenizeMs,
          computeMs,
          batchSize: batch.length,
        }));
      }
    }
    onBatch?.({ texts: batch.length, tokens: read, startedAt: cutAt, endedAt, tokenizeMs, computeMs, threadId, members });
  }

  /** A text that may have broken its worker is tried again without company, so that it cannot take others with it twice. */
  #fail(batch: readonly PendingText[], error: RouterError): void {
    const again: PendingText[] = [];
    for (const text of batch) {
      if (text.alone || text.cancelled) {
        text.refuse(error);
      } else {
        text.alone = true;
        again.push(text);
      }
    }
    this.#parts.batcher.requeue(again);
  }
}

function headsOf({ spans, width, values }: HeadLogits, row: number): ReadonlyMap<string, Float32Array> {
  return new Map(spans.map(({ name, start, labels }) => [name, values.slice(row * width + start, row * width + start + labels)]));
}
