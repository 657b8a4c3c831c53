/**
 * One call's texts in order, its caller's cancellation and deadline. It settles once: with all answers or the first error (`embed`), or
 * with an answer or an error for each text (`evaluate`); and then leaves every text that nobody else waits for. Made by pool.ts.
 */
import { RouterError, type CallOptions, type Clock, type TextEmbedding, type TraceContext } from "@turnout/shared";
import type { PendingText, Waiter } from "./pending-text.ts";

/**
 * So long before its deadline a call is settled with what is known: timers count whole milliseconds, and a caller who sets one for the
 * same deadline would otherwise be gone before the answer.
 */
const ANSWER_MS = 2;

/** Outcome is what becomes of one text. */
export type Outcome = TextEmbedding | RouterError;

export interface SubmissionOptions extends CallOptions {
  readonly size: number;
  /** True: a text that fails takes no other with it. */
  readonly each: boolean;
  readonly clock: Clock;
  /** Hears how many texts were refused, and why. */
  readonly onRefused: (error: RouterError, texts: number) => void;
}

export class Submission {
  readonly result: Promise<Outcome[]>;
  readonly #settle = Promise.withResolvers<Outcome[]>();
  readonly #outcomes: (Outcome | undefined)[];
  readonly #each: boolean;
  readonly #places: { readonly text: PendingText; readonly waiter: Waiter }[] = [];
  readonly #deadline: number;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #trace: TraceContext | undefined;
  readonly #onAbort = () => this.refuse(new RouterError("cancelled", "the caller left"));
  readonly #onRefused: (error: RouterError, texts: number) => void;
  #timer: NodeJS.Timeout | undefined;
  #missing: number;
  #settled = false;

  constructor({ size, each, clock, deadline, signal, trace, onRefused }: SubmissionOptions) {
    this.result = this.#settle.promise;
    this.#outcomes = Array.from({ length: size });
    this.#each = each;
    this.#missing = size;
    this.#clock = clock;
    this.#deadline = deadline ?? Number.POSITIVE_INFINITY;
    this.#signal = signal;
    this.#trace = trace;
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
      ...(this.#trace === undefined ? {} : { trace: this.#trace }),
      answer: (embedding) => this.answer(index, embedding),
      refuse: (error) => this.fail(index, error),
    };
    this.#places.push({ text, waiter });
    text.join(waiter);
  }

  /** refuse ends the call: all texts that have no outcome yet get this one. */
  refuse(error: RouterError): void {
    if (!this.#end()) return;
    this.#onRefused(error, this.#missing);
    if (this.#each) this.#settle.resolve(this.#outcomes.map((outcome) => outcome ?? error));
    else this.#settle.reject(error);
  }

  /** fail gives item `index` an error, which ends the call unless each text counts for itself. */
  fail(index: number, error: RouterError): void {
    if (this.#settled) return;
    if (!this.#each) return this.refuse(error);
    this.#onRefused(error, 1);
    this.answer(index, error);
  }

  /** answer gives item `index` its outcome. */
  answer(index: number, outcome: Outcome): void {
    if (this.#settled || this.#outcomes[index] !== undefined) return;
    this.#outcomes[index] = outcome;
    this.#missing -= 1;
    if (this.#missing === 0 && this.#end()) this.#settle.resolve(this.#outcomes.filter((known) => known !== undefined));
  }

  /** watch begins to mind deadline and signal: one timer and one listener per call, and none for a call that is settled already. */
  watch(): void {
    if (this.#settled) return;
    this.#signal?.addEventListener("abort", this.#onAbort, { once: true });
    if (this.#deadline < Number.POSITIVE_INFINITY) {
      this.#timer = setTimeout(() => this.#expire(), this.#deadline - this.#clock.now() - ANSWER_MS);
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
