/**
 * One text on its way through the pool, and the callers who wait for it. Two callers with the same text and window share one
 * entry, queued or already running; a caller who leaves takes only itself away. Made by pool.ts, settled by dispatcher.ts.
 */
import type { RouterError, TextEmbedding } from "@turnout/shared";
import type { QueuedText } from "./batcher.ts";
import type { TextJob } from "./messages.ts";

/** Waiter is one caller's place for one text. */
export interface Waiter {
  readonly joinedAt: number;
  readonly deadline: number;
  answer(embedding: TextEmbedding): void;
  refuse(error: RouterError): void;
}

/** PendingText is settled exactly once; `onSettled` is told then, or when its last caller has left the queue. */
export class PendingText implements QueuedText {
  readonly job: TextJob;
  readonly tokens: number;
  /** True when characters were cut away before the worker saw the text. */
  readonly cut: boolean;
  readonly enqueuedAt: number;
  deadline = Number.NEGATIVE_INFINITY;
  alone = false;
  readonly #waiters = new Set<Waiter>();
  readonly #onGone: () => void;

  constructor(job: TextJob, cut: boolean, tokens: number, enqueuedAt: number, onGone: () => void) {
    this.job = job;
    this.cut = cut;
    this.tokens = tokens;
    this.enqueuedAt = enqueuedAt;
    this.#onGone = onGone;
  }

  get cancelled(): boolean {
    return this.#waiters.size === 0;
  }

  join(waiter: Waiter): void {
    this.#waiters.add(waiter);
    this.deadline = Math.max(this.deadline, waiter.deadline);
  }

  leave(waiter: Waiter): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#onGone();
  }

  /** answer gives each waiter what `embedding` makes for it. */
  answer(embedding: (waiter: Waiter) => TextEmbedding): void {
    for (const waiter of this.#settle()) waiter.answer(embedding(waiter));
  }

  refuse(error: RouterError): void {
    for (const waiter of this.#settle()) waiter.refuse(error);
  }

  #settle(): Waiter[] {
    const waiters = [...this.#waiters];
    this.#waiters.clear();
    this.#onGone();
    return waiters;
  }
}
