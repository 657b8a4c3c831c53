/**
 * A stand-in for the encoder in tests of routing: a text's vector counts its words of more than
 * three letters, so that texts with such words in common are near.
 * It records every submission, and can be told to fail or to wait.
 */
import { RouterError, type CallOptions, type Embedder, type InferenceItem, type TextEmbedding } from "@turnout/shared";

const DIMENSION = 512;

export class WordEmbedder implements Embedder {
  readonly submissions: (readonly InferenceItem[])[] = [];
  /** What an embed() call does before it answers. */
  before: (options: CallOptions) => Promise<void> = async () => undefined;

  async embed(items: readonly InferenceItem[], options: CallOptions): Promise<TextEmbedding[]> {
    this.submissions.push(items);
    await this.before(options);
    return items.map(({ text, window }) => {
      const words = text.toLowerCase().match(/\w{4,}/g) ?? [];
      const timings = { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: items.length };
      return { vector: vectorOf(words), tokens: words.length, sampled: words.length > window.maxTokens, timings };
    });
  }

  failWith(code: "encoder_unavailable" | "overloaded" | "worker_failed"): void {
    this.before = () => Promise.reject(new RouterError(code, `told to fail: ${code}`));
  }
}

function vectorOf(words: readonly string[]): Float32Array {
  const vector = new Float32Array(DIMENSION);
  for (const word of words) {
    let hash = 0;
    for (const character of word) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0;
    const slot = hash % DIMENSION;
    vector[slot] = (vector[slot] ?? 0) + 1;
  }
  const norm = Math.hypot(...vector) || 1;
  return vector.map((value) => value / norm);
}
