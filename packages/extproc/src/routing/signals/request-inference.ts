/**
 * One request's view of the classifier: what its signals ask for while they start is collected, deduplicated by model, text and window,
 * and sent as one submission, in which each text is answered for itself. Called by evaluate.ts only.
 */
import {
  RouterError,
  type CallOptions,
  type Embedder,
  type Evaluator,
  type InferenceItem,
  type RequestInference,
  type TextEmbedding,
  type TextWindow,
} from "@turnout/shared";

/** Asked is whom a request asks. One that cannot answer each text for itself answers all or none. */
type Asked = Embedder & Partial<Evaluator>;

interface Wish {
  item: InferenceItem;
  readonly answer: PromiseWithResolvers<TextEmbedding>;
}

/** CollectedInference is a RequestInference that waits for `flush` before it asks the encoder. */
export interface CollectedInference extends RequestInference {
  /** flush sends everything collected so far; later questions are a mistake of the signal that asks them. */
  flush(options: CallOptions): void;
}

/** createRequestInference makes the view of one request. */
export function createRequestInference(embedder: Asked): CollectedInference {
  const wishes = new Map<string, Wish>();
  let flushed = false;
  return {
    embed(text: string, window: TextWindow) {
      return this.infer({ text, window });
    },
    infer(item) {
      const { text, window, model = "", entities = false, heads = [] } = item;
      const key = `${model} ${entities} ${window.sampling} ${window.maxTokens} ${text}`;
      const known = wishes.get(key);
      if (known !== undefined && (!flushed || heads.every((head) => known.item.heads?.includes(head) === true))) {
        if (!flushed && heads.length > 0) known.item = { ...known.item, heads: [...new Set([...(known.item.heads ?? []), ...heads])] };
        return known.answer.promise;
      }
      if (flushed) return Promise.reject(new RouterError("internal", "a signal asked for inference after its first await. This is a bug."));
      const answer = Promise.withResolvers<TextEmbedding>();
      answer.promise.catch(() => undefined); // a signal that has already failed for another reason leaves nobody to hear this one
      wishes.set(key, { item, answer });
      return answer.promise;
    },
    flush(options) {
      flushed = true;
      const pending = [...wishes.values()];
      if (pending.length === 0) return;
      submit(
        embedder,
        pending.map(({ item }) => item),
        options,
      ).then(
        (outcomes) =>
          pending.forEach(({ answer }, index) => {
            const outcome = outcomes[index];
            if (outcome === undefined)
              answer.reject(new RouterError("internal", "the encoder answered fewer texts than it was asked. This is a bug."));
            else if (outcome instanceof RouterError) answer.reject(outcome);
            else answer.resolve(outcome);
          }),
        (error: unknown) => pending.forEach(({ answer }) => answer.reject(error)),
      );
    },
  };
}

/** submit turns a synchronous throw of the embedder into a rejection. */
async function submit(embedder: Asked, items: readonly InferenceItem[], options: CallOptions): Promise<(TextEmbedding | RouterError)[]> {
  return embedder.evaluate === undefined ? embedder.embed(items, options) : embedder.evaluate(items, options);
}
