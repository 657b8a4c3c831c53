/**
 * One text on its way through the pool, and the callers who wait for it. Two callers with the same text and window share one
 * entry, queued or already running; a caller who leaves takes only itself away. Made by pool.ts, settled by dispatcher.ts.
 */
import type { BatchMember, InferenceTimings, RouterError, TextEmbedding, TraceContext } from "@turnout/shared";
import type { QueuedText } from "./batcher.ts";
import type { EncodedText } from "./embedding-cache.ts";
import type { EncodeJob } from "./messages.ts";

/** Waiter is one caller's place for one text. */
export interface Waiter {
  readonly joinedAt: number;
  readonly deadline: number;
  /** On whose behalf it asks. */
  readonly trace?: TraceContext;
  answer(embedding: TextEmbedding): void;
  refuse(error: RouterError): void;
}

export interface PendingTextOptions {
  readonly job: EncodeJob;
  /** True when characters were cut away before the worker saw the text. */
  readonly cut: boolean;
  /** Estimate, special tokens included. */
  readonly tokens: number;
  readonly enqueuedAt: number;
  /** The text is encoded, whether or not anybody still waits. */
  readonly onEncoded: (encoded: EncodedText) => void;
  /** The text is settled, or its last caller has left the queue. */
  readonly onGone: () => void;
}

/** PendingText is settled exactly once. */
export class PendingText implements QueuedText {
  readonly cut: boolean;
  readonly tokens: number;
  readonly enqueuedAt: number;
  deadline = Number.NEGATIVE_INFINITY;
  alone = false;
  #job: EncodeJob;
  #begun = false;
  readonly #waiters = new Set<Waiter>();
  readonly #onEncoded: (encoded: EncodedText) => void;
  readonly #onGone: () => void;

  constructor({ job, cut, tokens, enqueuedAt, onEncoded, onGone }: PendingTextOptions) {
    this.#job = job;
    this.cut = cut;
    this.tokens = tokens;
    this.enqueuedAt = enqueuedAt;
    this.#onEncoded = onEncoded;
    this.#onGone = onGone;
  }

  get cancelled(): boolean {
    return this.#waiters.size === 0;
  }

  /** members are those who wait, as far as they have told their trace. */
  get members(): readonly BatchMember[] {
    return [...this.#waiters].flatMap(({ trace, joinedAt }) => (trace === undefined ? [] : [{ trace, joinedAt }]));
  }

  /** begin is the hand-over to a worker: from now on the job does not change. */
  begin(): EncodeJob {
    this.#begun = true;
    return this.#job;
  }

  /** ask adds heads to the job, or returns false when the worker has it already, without them. */
  ask(heads: readonly string[]): boolean {
    const missing = heads.filter((head) => !this.#job.heads.includes(head));
    if (missing.length === 0) return true;
    if (this.#begun) return false;
    this.#job = { ...this.#job, heads: [...this.#job.heads, ...missing] };
    return true;
  }

  join(waiter: Waiter): void {
    this.#waiters.add(waiter);
    this.deadline = Math.max(this.deadline, waiter.deadline);
  }

  leave(waiter: Waiter): void {
    if (this.#waiters.delete(waiter) && this.#waiters.size === 0) this.#onGone();
  }

  /** answer gives each waiter the encoding, with the timings that are its own. */
  answer(encoded: EncodedText, timingsOf: (waiter: Waiter) => InferenceTimings): void {
    this.#onEncoded(encoded);
    for (const waiter of this.#settle()) waiter.answer({ ...encoded, timings: timingsOf(waiter) });
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
