/**
 * One request's view of the encoder: what its signals ask for while they start is collected, deduplicated by text and window, and
 * sent as one submission. Called by evaluate.ts only.
 */
import {
  RouterError,
  type CallOptions,
  type Embedder,
  type InferenceItem,
  type RequestInference,
  type TextEmbedding,
  type TextWindow,
} from "@turnout/shared";

interface Wish {
  readonly item: InferenceItem;
  readonly answer: PromiseWithResolvers<TextEmbedding>;
}

/** CollectedInference is a RequestInference that waits for `flush` before it asks the encoder. */
export interface CollectedInference extends RequestInference {
  /** flush sends everything collected so far; later questions are a mistake of the signal that asks them. */
  flush(options: CallOptions): void;
}

/** createRequestInference makes the view of one request. */
export function createRequestInference(embedder: Embedder): CollectedInference {
  const wishes = new Map<string, Wish>();
  let flushed = false;
  return {
    embed(text: string, window: TextWindow) {
      const key = `${window.sampling} ${window.maxTokens} ${text}`;
      const known = wishes.get(key);
      if (known !== undefined) return known.answer.promise;
      if (flushed) return Promise.reject(new RouterError("internal", "a signal asked for inference after its first await. This is a bug."));
      const answer = Promise.withResolvers<TextEmbedding>();
      answer.promise.catch(() => undefined); // a signal that has already failed for another reason leaves nobody to hear this one
      wishes.set(key, { item: { text, window }, answer });
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
        (embeddings) =>
          pending.forEach(({ answer }, index) => {
            const embedding = embeddings[index];
            if (embedding === undefined)
              answer.reject(new RouterError("internal", "the encoder answered fewer texts than it was asked. This is a bug."));
            else answer.resolve(embedding);
          }),
        (error: unknown) => pending.forEach(({ answer }) => answer.reject(error)),
      );
    },
  };
}

/** submit turns a synchronous throw of the embedder into a rejection. */
async function submit(embedder: Embedder, items: readonly InferenceItem[], options: CallOptions): Promise<TextEmbedding[]> {
  return embedder.embed(items, options);
}
