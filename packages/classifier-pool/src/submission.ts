/**
 * One `embed` call: its texts in order, its caller's cancellation and deadline. It settles once, with all embeddings or with the
 * first error, and then leaves every text that nobody else waits for. Made by pool.ts.
 */
import { RouterError, type CallOptions, type Clock, type TextEmbedding } from "@turnout/shared";
import type { PendingText, Waiter } from "./pending-text.ts";

export class Submission {
  readonly result: Promise<TextEmbedding[]>;
  readonly #settle = Promise.withResolvers<TextEmbedding[]>();
  readonly #embeddings: TextEmbedding[];
  readonly #places: { readonly text: PendingText; readonly waiter: Waiter }[] = [];
  readonly #deadline: number;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort = () => this.refuse(new RouterError("cancelled", "the caller left"));
  readonly #onRefused: (error: RouterError, texts: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #missing: number;
  #settled = false;

  constructor(size: number, options: CallOptions, clock: Clock, onRefused: (error: RouterError, texts: number) => void) {
    this.result = this.#settle.promise;
    this.#embeddings = Array.from({ length: size });
    this.#missing = size;
    this.#clock = clock;
    this.#deadline = options.deadline ?? Number.POSITIVE_INFINITY;
    this.#signal = options.signal;
    this.#onRefused = onRefused;
    if (this.#signal?.aborted === true) this.#onAbort();
    else if (this.#deadline <= clock.now()) this.#expire();
  }

  get settled(): boolean {
    return this.#settled;
  }

  /** wait takes the place of item `index` among those who wait for `text`. */
  wait(index: number, text: PendingText): void {
    const waiter: Waiter = {
      joinedAt: this.#clock.now(),
      deadline: this.#deadline,
      answer: (embedding) => this.answer(index, embedding),
      refuse: (error) => this.refuse(error),
    };
    this.#places.push({ text, waiter });
    text.join(waiter);
  }

  refuse(error: RouterError): void {
    if (!this.#end()) return;
    this.#onRefused(error, this.#missing);
    this.#settle.reject(error);
  }

  /** answer gives item `index` its embedding. */
  answer(index: number, embedding: TextEmbedding): void {
    if (this.#settled) return;
    this.#embeddings[index] = embedding;
    this.#missing -= 1;
    if (this.#missing === 0 && this.#end()) this.#settle.resolve(this.#embeddings);
  }

  /** watch begins to mind deadline and signal: one timer and one listener per call, and none for a call that is settled already. */
  watch(): void {
    if (this.#settled) return;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#deadline < Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#expire(), Math.ceil(this.#deadline - this.#clock.now()));
    }
  }

  #expire(): void {
    this.refuse(new RouterError("deadline_exceeded", "the deadline passed before the encoder answered"));
  }

  #end(): boolean {
    if (this.#settled) return false;
    this.#settled = true;
    clearTimeout(this.#timer);
    this.#signal?.removeEventListener("abort", this.#onAbort);
    for (const { text, waiter } of this.#places) text.leave(waiter);
    return true;
  }
}
