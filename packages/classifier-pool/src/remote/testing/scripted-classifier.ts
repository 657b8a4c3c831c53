/**
 * A pool whose answers a test decides: it counts what it was asked, can hold calls until it is told, fail them, and change its model.
 * A text's vector is its length in the first place, so that answers can be told apart.
 */
import {
  RouterError,
  type CallOptions,
  type Classifier,
  type EncoderStatus,
  type ErrorCode,
  type FurtherModel,
  type InferenceItem,
  type TextEmbedding,
} from "@turnout/shared";

export const DIMENSION = 8;

export class ScriptedClassifier implements Classifier {
  readonly asked: InferenceItem[] = [];
  /** Deadlines of the calls, in order. */
  readonly deadlines: (number | undefined)[] = [];
  cancelled = 0;
  revision = "r1";
  /** What it says of further models. */
  models: readonly FurtherModel[] = [];
  #failure: ErrorCode | null = null;
  #unavailable: string | null = null;
  #hold: PromiseWithResolvers<void> | null = null;
  #waiting: { readonly count: number; readonly resolve: () => void }[] = [];

  status(): EncoderStatus {
    return this.#unavailable === null
      ? {
          state: "ready",
          model: "scripted",
          revision: this.revision,
          dimension: DIMENSION,
          ...(this.models.length === 0 ? {} : { models: this.models }),
        }
      : { state: "unavailable", model: "scripted", reason: this.#unavailable };
  }

  whenSettled(): Promise<EncoderStatus> {
    return Promise.resolve(this.status());
  }

  async embed(items: readonly InferenceItem[], { signal, deadline }: CallOptions): Promise<TextEmbedding[]> {
    this.asked.push(...items);
    this.deadlines.push(deadline);
    for (const { count, resolve } of this.#waiting) if (this.asked.length >= count) resolve();
    signal?.addEventListener("abort", () => (this.cancelled += 1), { once: true });
    await this.#hold?.promise;
    if (this.#failure !== null) throw new RouterError(this.#failure, `told to fail: ${this.#failure}`);
    return items.map(({ text, heads }) => ({
      vector: Float32Array.of(text.length, ...Array.from({ length: DIMENSION - 1 }, (_, index) => index / 10)),
      tokens: text.split(" ").length,
      sampled: false,
      timings: { queueMs: 1.5, tokenizeMs: 0.25, computeMs: 2, batchSize: items.length },
      ...(heads === undefined ? {} : { heads: new Map(heads.map((head) => [head, Float32Array.of(1, -1, 0.5)])) }),
    }));
  }

  evaluate(items: readonly InferenceItem[], options: CallOptions): Promise<(TextEmbedding | RouterError)[]> {
    const alone = items.map((item) => this.embed([item], options).then(([answer]) => answer!, RouterError.from));
    return Promise.all(alone);
  }

  failWith(code: ErrorCode | null): void {
    this.#failure = code;
  }

  breakDown(reason: string | null): void {
    this.#unavailable = reason;
  }

  /** hold lets calls wait; the function returned lets them go. */
  hold(): () => void {
    const hold = Promise.withResolvers<void>();
    this.#hold = hold;
    return () => {
      this.#hold = null;
      hold.resolve();
    };
  }

  /** whenAsked resolves once `count` items in all have arrived. */
  whenAsked(count: number): Promise<void> {
    if (this.asked.length >= count) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ count, resolve }));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
