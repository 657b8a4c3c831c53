/** Turns pairs into what the verifier's trees see, and collects what it knows of words. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { featuresOfReading } from "../../../packages/cache/src/guards/features.ts";
import { compareFeatures } from "../../../packages/cache/src/guards/compare.ts";
import { readQuestion, sameQuestion } from "../../../packages/cache/src/guards/read.ts";
import { stem } from "../../../packages/cache/src/guards/stem.ts";
import { createLexicon, type Lexicon } from "../../../packages/cache/src/verifier/lexicon.ts";
import { pairFeatures } from "../../../packages/cache/src/verifier/pair-features.ts";
import { WordPairs } from "../../../packages/cache/src/verifier/word-pairs.ts";
import type { MeasuredPair } from "./pairs.ts";
import { relatedPairs } from "./thesaurus.ts";

/** JudgedPair is one that the verifier has to judge, if no guard objects. */
export interface JudgedPair extends MeasuredPair {
  readonly kind: "judged";
  readonly values: Float32Array;
  readonly guard: string | null;
}

/** Example is a pair that has to be judged, or that is decided already. */
export type Example = JudgedPair | (MeasuredPair & { readonly kind: "identical" | "unread" });

export function exampleOf(pair: MeasuredPair, lexicon: Lexicon): Example {
  const [now, stored] = [readQuestion(pair.text), readQuestion(pair.text2)];
  if (now === null || stored === null) return { ...pair, kind: "unread" };
  if (sameQuestion(now, stored)) return { ...pair, kind: "identical" };
  const [marks, storedMarks] = [featuresOfReading(now), featuresOfReading(stored)];
  if (marks === null || storedMarks === null) return { ...pair, kind: "unread" };
  const verdict = compareFeatures(marks, storedMarks);
  const values = pairFeatures({ reading: now, features: marks }, { reading: stored, features: storedMarks }, pair.cosine, lexicon);
  return { ...pair, kind: "judged", values, guard: verdict.pass ? null : verdict.guard };
}

/** Texts that say how common words are. */
const CORPORA = ["chat_domain.train.jsonl", "clinc150.train.jsonl", "domain.train.jsonl", "jailbreak.train.jsonl"];
const LEAST = 4;
const STEPS = 16;

/** trainLexicon counts words, and packs WordNet's synonyms. */
export function trainLexicon(): { readonly lexicon: Lexicon; readonly words: readonly string[]; readonly related: WordPairs } {
  const counts = new Map<string, number>();
  let texts = 0;
  for (const name of CORPORA) {
    for (const line of readFileSync(join(import.meta.dirname, "../data", name), "utf8")
      .trim()
      .split("\n")) {
      texts += 1;
      const { text } = JSON.parse(line) as { text: string };
      const found = [
        ...text
          .slice(0, 1_000)
          .toLowerCase()
          .matchAll(/[a-z][a-z']*/g),
      ].map(([word]) => stem(word));
      for (const word of new Set(found)) counts.set(word, (counts.get(word) ?? 0) + 1);
    }
  }
  const most = Math.log(texts / LEAST);
  const words = Array.from({ length: STEPS - 1 }, () => [] as string[]);
  for (const [word, count] of [...counts].toSorted(([a], [b]) => (a < b ? -1 : 1))) {
    if (count < LEAST) continue;
    const step = Math.min(STEPS - 1, Math.max(1, Math.round((Math.log(texts / count) / most) * STEPS)));
    words[step - 1]?.push(word);
  }
  const lists = words.map((list) => list.join(" "));
  const related = WordPairs.of(relatedPairs());
  return { lexicon: createLexicon(lists, related), words: lists, related };
}
