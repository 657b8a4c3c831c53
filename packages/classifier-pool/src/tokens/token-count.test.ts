import { describe, expect, it } from "vitest";
import { estimateTokens } from "./token-count.ts";

const estimate = (text: string, maxTokens = 512) => estimateTokens({ parts: [text], window: { maxTokens, sampling: "head" } });

describe("estimateTokens", () => {
  it.each([
    ["nothing but special tokens", "", 2],
    ["a token per short word", "which river is the longest", 7],
    ["a token per punctuation mark", "a, b; c!", 8],
    ["more for a long word", "internationalization", 6],
    ["a token per three digits", "1234567", 5],
    ["a token per ideograph", "\u6771\u4eac\u90fd", 5],
    ["a token per astral character", "\u{1f600}\u{1f600}", 4],
  ])("counts %s", (_, text, tokens) => {
    expect(estimate(text)).toBe(tokens);
  });

  it("never exceeds the window and stops looking there", () => {
    expect(estimate("word ".repeat(1 << 18), 128)).toBe(128);
  });

  it("adds the parts of a sampled text", () => {
    expect(estimateTokens({ parts: ["a b", "c d", "e f"], window: { maxTokens: 64, sampling: "head_middle_tail" } })).toBe(8);
  });
});
