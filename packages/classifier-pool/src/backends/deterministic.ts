/**
 * An encoder without weights, for tests and demonstrations: a text's vector is the normalised sum of one pseudo-random vector
 * per word, so that the same text always gives the same vector and texts with words in common are near. It knows no meaning.
 */
import type { ModelSettings } from "../messages.ts";
import { createTokenizer, type Vocabulary } from "../tokens/tokenizer.ts";
import type { Encoder } from "./index.ts";

const START = 1;
const END = 2;
const FIRST_WORD = 3;

/** Ids are hashes of lower-cased words and of single other characters. */
const vocabulary: Vocabulary = {
  encode: (text) =>
    text
      .toLowerCase()
      .match(/[\p{L}\p{N}]+|[^\s\p{L}\p{N}]/gu)
      ?.map(wordId) ?? [],
  prefix: [START],
  suffix: [END],
};

export async function load({ dimension, maxTokens }: ModelSettings): Promise<Encoder> {
  return {
    dimension,
    tokenizer: createTokenizer(vocabulary, maxTokens),
    async run({ rows, width, ids, lengths }) {
      const vectors = new Float32Array(rows * dimension);
      for (let row = 0; row < rows; row += 1) {
        const vector = vectors.subarray(row * dimension, (row + 1) * dimension);
        for (const id of ids.subarray(row * width, row * width + (lengths[row] ?? 0))) addWord(vector, id);
        normalise(vector);
      }
      return vectors;
    },
  };
}

/** wordId is FNV-1a over UTF-16 units, kept clear of the special ids. */
function wordId(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return FIRST_WORD + ((hash >>> 0) % 0x7fff_0000);
}

/** addWord adds the word's pseudo-random vector (xorshift32 from its id). */
function addWord(vector: Float32Array, id: number): void {
  let state = Math.imul(id, 0x9e3779b1) | 1;
  for (let at = 0; at < vector.length; at += 1) {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    vector[at] = (vector[at] ?? 0) + state / 0x8000_0000;
  }
}

function normalise(vector: Float32Array): void {
  let squares = 0;
  for (const value of vector) squares += value * value;
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let at = 0; at < vector.length; at += 1) vector[at] = (vector[at] ?? 0) * scale;
}
