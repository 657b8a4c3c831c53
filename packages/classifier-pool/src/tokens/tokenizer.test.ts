import { describe, expect, it } from "vitest";
import type { TextJob } from "../messages.ts";
import { createTokenizer, type Vocabulary } from "./tokenizer.ts";

/** Every word "wN" is token N; [1] begins, [2] ends, dots are 0. */
const vocabulary: Vocabulary = {
  encode: (text) => text.match(/w\d+|\./g)?.map((word) => (word === "." ? 0 : Number(word.slice(1)))) ?? [],
  prefix: [1],
  suffix: [2],
};
const words = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => `w${from + index}`).join(" ");
const { tokenize } = createTokenizer(vocabulary, 512);

describe("tokenize", () => {
  it.each<{ rule: string; job: TextJob; ids: number[]; sampled: boolean }>([
    {
      rule: "puts special tokens around a text",
      job: { parts: ["w7 w8"], window: { maxTokens: 8, sampling: "head" } },
      ids: [1, 7, 8, 2],
      sampled: false,
    },
    {
      rule: "gives special tokens alone for an empty text",
      job: { parts: [""], window: { maxTokens: 8, sampling: "head" } },
      ids: [1, 2],
      sampled: false,
    },
    {
      rule: "fills the window exactly",
      job: { parts: ["w3 w4 w5"], window: { maxTokens: 5, sampling: "head" } },
      ids: [1, 3, 4, 5, 2],
      sampled: false,
    },
    {
      rule: "keeps the head of a longer text",
      job: { parts: ["w3 w4 w5 w6"], window: { maxTokens: 5, sampling: "head" } },
      ids: [1, 3, 4, 5, 2],
      sampled: true,
    },
    {
      rule: "samples head, middle and tail of a whole text, with three dots between",
      job: { parts: [words(10, 40)], window: { maxTokens: 17, sampling: "head_middle_tail" } },
      ids: [1, 10, 11, 12, 0, 0, 0, 23, 24, 25, 0, 0, 0, 37, 38, 39, 2],
      sampled: true,
    },
    {
      rule: "samples three parts that were cut before",
      job: { parts: [words(10, 20), words(50, 60), words(90, 99)], window: { maxTokens: 18, sampling: "head_middle_tail" } },
      ids: [1, 10, 11, 12, 13, 0, 0, 0, 53, 54, 55, 0, 0, 0, 96, 97, 98, 2],
      sampled: true,
    },
    {
      rule: "falls back to the head in a window too small for thirds",
      job: { parts: [words(10, 40)], window: { maxTokens: 8, sampling: "head_middle_tail" } },
      ids: [1, 10, 11, 12, 13, 14, 15, 2],
      sampled: true,
    },
  ])("$rule", ({ job, ids, sampled }) => {
    expect(tokenize(job)).toEqual({ ids, sampled });
  });

  it("never exceeds what the model can read", () => {
    const small = createTokenizer(vocabulary, 6);
    expect(small.tokenize({ parts: [words(10, 40)], window: { maxTokens: 128, sampling: "head" } }).ids).toHaveLength(6);
  });
});
