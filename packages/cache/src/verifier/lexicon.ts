/** What the pair verifier knows of words, apart from the lists in synonyms.ts and opposites.ts. Read from the shipped weights. */
import type { WordPairs } from "./word-pairs.ts";

/** Lexicon is what the verifier knows of words. */
export interface Lexicon {
  /** weightOf a stem, 0 to 1; undefined where it is not known. */
  weightOf(stem: string): number | undefined;
  /** related tells whether two stems may mean the same. */
  related(one: string, other: string): boolean;
}

/** createLexicon from lists of stems, the commonest first, and the filter of related pairs. */
export function createLexicon(words: readonly string[], related: WordPairs): Lexicon {
  const weights = new Map(
    words.flatMap((list, step) => list.split(" ").map((stem): [string, number] => [stem, (step + 1) / (words.length + 1)])),
  );
  return { weightOf: (stem) => weights.get(stem), related: (one, other) => related.has(one, other) };
}
