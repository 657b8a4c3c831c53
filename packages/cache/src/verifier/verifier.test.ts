import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPairVerifier } from "./index.ts";
import { orderOf, runsOf, tilesOf } from "./sequences.ts";
import { scoreOf } from "./trees.ts";
import { WordPairs } from "./word-pairs.ts";
import { loadWeights } from "./weights.ts";

const verifier = createPairVerifier();

describe("createPairVerifier", () => {
  it.each([
    ["What is a sextant?", "hi, could you please tell me what is a sextant? thanks", "identical"],
    ["How do I prune an old pear tree?", "how can i prune an old pear tree", "verified"],
    ["How long do I boil potatoes?", "How long do I boil 3 potatoes?", "guarded"],
    ["How do I glue a wooden chair?", "How do I paint a wooden chair?", "doubted"],
    ["你好，长城有多长？", "长城有多长", "identical"],
  ])("%j and %j are %s", (one, other, verdict) => {
    expect(verifier.decide(one, other, 0.95)).toMatchObject({ verdict, serve: verdict === "identical" || verdict === "verified" });
  });

  it("names the guard that objects", () => {
    expect(verifier.decide("Fares from Oslo to Bergen", "Fares from Bergen to Oslo", 0.99)).toEqual({
      serve: false,
      verdict: "guarded",
      guard: "order",
    });
  });

  it("serves nothing to what the encoder holds for far apart, unless it is the same", () => {
    expect(verifier.decide("How do I prune an old pear tree?", "how can i prune an old pear tree", 0.5).serve).toBe(false);
    expect(verifier.decide("How do I prune an old pear tree?", "how can i prune an old pear tree", Number.NaN).serve).toBe(false);
    expect(verifier.decide("What is a sextant?", "what is a sextant", 0).serve).toBe(true);
  });

  it("serves nothing that it cannot read, unless it is the same to the letter", () => {
    const long = "word ".repeat(1_000);
    expect(verifier.decide(long, long, 1).serve).toBe(true);
    expect(verifier.decide(long, `${long}more`, 1).serve).toBe(false);
    expect(verifier.decide("", "", 1).serve).toBe(true);
    expect(verifier.decide("", "anything", 1).serve).toBe(false);
  });

  it("decides the same in both directions, for whatever text", () => {
    const words = fc.array(fc.constantFrom(..."how do i bake boil rye bread in an old oven from 2 to 3 hours not `x` Oslo".split(" ")), {
      maxLength: 12,
    });
    const text = fc.oneof(
      words.map((list) => list.join(" ")),
      fc.string({ unit: "grapheme" }),
    );
    fc.assert(
      fc.property(text, text, (one, other) => {
        const [there, back] = [verifier.decide(one, other, 0.9), verifier.decide(other, one, 0.9)];
        expect([back.serve, back.verdict, back.guard]).toEqual([there.serve, there.verdict, there.guard]);
      }),
      { seed: 6, numRuns: 500 },
    );
  });

  it("gives a probability with what it judged", () => {
    const { probability } = verifier.decide("How do I glue a wooden chair?", "How do I paint a wooden chair?", 0.9);
    expect(probability).toBeGreaterThan(0);
    expect(probability).toBeLessThan(loadWeights().threshold);
  });
});

describe("scoreOf", () => {
  it("walks each tree to its leaf and adds up", () => {
    const trees = {
      depth: 1,
      count: 2,
      base: 0.5,
      features: Uint8Array.of(0, 1),
      thresholds: Float32Array.of(1, Infinity),
      leaves: Float32Array.of(-1, 2, 4, 8),
    };
    expect(scoreOf(trees, Float32Array.of(1, 9))).toBe(0.5 - 1 + 4);
    expect(scoreOf(trees, Float32Array.of(2, 9))).toBe(0.5 + 2 + 4);
  });
});

describe("WordPairs", () => {
  it("knows every pair it was given, and few others", () => {
    const pairs = Array.from({ length: 2_000 }, (_, i) => `a${i} b${i}`);
    const filter = WordPairs.of(pairs);
    for (let i = 0; i < 2_000; i += 1) expect(filter.has(`b${i}`, `a${i}`)).toBe(true);
    expect(pairs.filter((_, i) => filter.has(`a${i}`, `b${i + 1}`)).length).toBeLessThan(60);
    expect(new WordPairs(new Uint8Array(0)).has("a", "b")).toBe(false);
  });
});

describe("sequences", () => {
  it("tell moved clauses from moved words", () => {
    const [clause, moved] = ["in spain may i cycle at night".split(" "), "may i cycle at night in spain".split(" ")];
    expect(tilesOf(clause, moved)).toEqual({ count: 2, shortest: 2, mean: 3.5 });
    expect(tilesOf("sleep affects memory".split(" "), "memory affects sleep".split(" "))).toEqual({ count: 3, shortest: 1, mean: 1 });
    expect(tilesOf([], [])).toEqual({ count: 0, shortest: 0, mean: 0 });
  });

  it("count what is replaced and what is added", () => {
    const terms = (text: string) =>
      text
        .split(" ")
        .map((stem) => ({ kind: "word" as const, text: stem, stem, named: false, role: "content" as const, weight: 1, known: true }));
    const same = (one: { stem: string }, other: { stem: string }) => one.stem === other.stem;
    expect(runsOf(terms("a b c d"), terms("a x c d e"), same)).toEqual({ common: 3, replaced: 1, inserted: 1, longest: 1 });
  });

  it("say how much stands in order", () => {
    expect(orderOf([0, 1, 2])).toBe(1);
    expect(orderOf([2, 1, 0])).toBe(0);
    expect(orderOf([5])).toBe(1);
  });
});
