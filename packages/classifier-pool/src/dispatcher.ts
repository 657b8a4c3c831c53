/**
 * The loop between queue and workers: a free worker gets the next batch, every text of it is settled with its timings, and the
 * texts of a batch that broke its worker are tried once more, each alone. The only caller of the batcher; pool.ts owns it.
 */
import { RouterError, type Clock, type Metrics } from "@turnout/shared";
import type { Batcher } from "./batcher.ts";
import type { BatchReply, TextJob } from "./messages.ts";
import type { PendingText } from "./pending-text.ts";

/** BatchRunner is the workers as the dispatcher sees them. */
interface BatchRunner {
  /** Workers that can take a batch now. */
  idle(): number;
  /** Called only while `idle() > 0`; the worker counts as busy from the call on. Rejects with a RouterError when it is lost. */
  run(jobs: readonly TextJob[]): Promise<BatchReply>;
}

export interface DispatcherParts {
  readonly batcher: Batcher<PendingText>;
  readonly runner: BatchRunner;
  readonly dimension: number;
  readonly metrics: Metrics;
  readonly clock: Clock;
}

export class Dispatcher {
  readonly #parts: DispatcherParts;
  readonly #running = new Set<PendingText>();
  #scheduled: NodeJS.Immediate | undefined;

  constructor(parts: DispatcherParts) {
    this.#parts = parts;
  }

  /** submit admits a text, or returns false when the queue is full. */
  submit(text: PendingText): boolean {
    const admitted = this.#parts.batcher.push(text);
    if (admitted) this.#scheduled ??= setImmediate(() => this.pump());
    return admitted;
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
      const { batch, dropped } = batcher.cut(now, idle);
      for (const text of dropped)
        text.refuse(new RouterError("deadline_exceeded", "the deadline passed while the text waited for a worker"));
      if (batch.length === 0) break;
      void this.#run(batch, now);
    }
    metrics.classifierQueueDepth.set(batcher.size);
  }

  /** close refuses everything that waits or runs; what a worker still answers is thrown away. */
  close(error: RouterError): void {
    clearImmediate(this.#scheduled);
    for (const text of [...this.#parts.batcher.drain(), ...this.#running]) text.refuse(error);
    this.#parts.metrics.classifierQueueDepth.set(0);
  }

  async #run(batch: readonly PendingText[], cutAt: number): Promise<void> {
    for (const text of batch) this.#running.add(text);
    const outcome = await this.#parts.runner.run(batch.map((text) => text.job)).catch((error: unknown) => RouterError.from(error));
    for (const text of batch) this.#running.delete(text);

    if (outcome instanceof RouterError) this.#fail(batch, outcome);
    else if (!outcome.ok) this.#fail(batch, new RouterError(outcome.code, outcome.message));
    else this.#settle(batch, outcome, cutAt);
    this.pump();
  }

  #settle(batch: readonly PendingText[], reply: Extract<BatchReply, { ok: true }>, cutAt: number): void {
    const { dimension, metrics } = this.#parts;
    const { tokenizeMs, computeMs } = reply;
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
        // A copy of 1.5 KB, so that a caller who keeps one vector does not keep the whole batch.
        const vector = reply.vectors.slice(answer.row * dimension, (answer.row + 1) * dimension);
        text.answer((waiter) => ({
          vector,
          tokens: answer.tokens,
          sampled: text.cut || answer.sampled,
          timings: { queueMs: Math.max(0, cutAt - waiter.joinedAt), tokenizeMs, computeMs, batchSize: batch.length },
        }));
      }
    }
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
