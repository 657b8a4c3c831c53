import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TextWindow } from "@turnout/shared";
import { EmbeddingCache, textKey, type EncodedText } from "./embedding-cache.ts";
import type { TextJob } from "./messages.ts";

const window: TextWindow = { maxTokens: 128, sampling: "head" };
const key = (text: string) => textKey("model@1", { parts: [text], window }, false);
const encoded = (changes: Partial<EncodedText> = {}): EncodedText => ({
  vector: new Float32Array(384),
  tokens: 5,
  sampled: false,
  ...changes,
});
const heads = (...names: string[]) => new Map(names.map((name) => [name, new Float32Array(3)]));

describe("textKey", () => {
  const job: Pick<TextJob, "parts" | "window"> = { parts: ["a text"], window };
  it.each<[difference: string, other: string]>([
    ["the model", textKey("model@2", job, false)],
    ["the window's length", textKey("model@1", { ...job, window: { ...window, maxTokens: 64 } }, false)],
    ["the sampling", textKey("model@1", { ...job, window: { ...window, sampling: "head_middle_tail" } }, false)],
    ["what was cut away", textKey("model@1", job, true)],
    ["case", key("A text")],
    ["space", key("a text ")],
    ["an accent", key("\u00e1 text")],
    ["the spelling of an accent", key("a\u0301 text")],
  ])("tells %s apart", (_, other) => {
    expect(other).not.toBe(key("a text"));
  });

  it("is the same for the same text, and does not show it", () => {
    expect(key("a text")).toBe(key(["a", "text"].join(" ")));
    expect(key("a text")).not.toContain("text");
  });

  it("tells lone surrogates apart, which UTF-8 does not", () => {
    expect(new Set(["\ud800", "\ud801", "\udc00", "\ufffd"].map(key)).size).toBe(4);
  });

  it("tells apart parts that read the same one after another", () => {
    const parts = fc.tuple(
      ...Array.from({ length: 3 }, () => fc.string({ unit: fc.constantFrom("a", " ", "\0", "\n", "1"), maxLength: 3 })),
    );
    const keyOf = (three: [string, string, string]) => textKey("m", { parts: three, window }, true);
    fc.assert(
      fc.property(parts, parts, (a, b) => {
        expect(keyOf(a as [string, string, string]) === keyOf(b as [string, string, string])).toBe(JSON.stringify(a) === JSON.stringify(b));
      }),
      { seed: 11, numRuns: 2_000 },
    );
  });
});

describe("the cache", () => {
  it("recalls what it remembers", () => {
    const cache = new EmbeddingCache(1 << 20);
    const entry = encoded();
    cache.remember(key("a"), entry);
    expect(cache.recall(key("a"), [])).toBe(entry);
    expect(cache.recall(key("b"), [])).toBeNull();
  });

  it("keeps to its bytes by forgetting what was not asked for longest", () => {
    const cache = new EmbeddingCache(100_000);
    cache.remember(key("kept"), encoded());
    for (let index = 0; index < 1_000; index += 1) {
      cache.remember(key(`text ${index}`), encoded());
      cache.recall(key("kept"), []);
      expect(cache.bytes).toBeLessThanOrEqual(100_000);
    }
    expect(cache.recall(key("kept"), [])).not.toBeNull();
    expect(cache.recall(key("text 0"), [])).toBeNull();
    expect(cache.recall(key("text 999"), [])).not.toBeNull();
  });

  it("does not keep what is larger than all of it", () => {
    const cache = new EmbeddingCache(1_000);
    cache.remember(key("a"), encoded());
    expect([cache.recall(key("a"), []), cache.bytes]).toEqual([null, 0]);
  });

  it("misses when a head is asked for that it does not know, and adds it to those it knows", () => {
    const cache = new EmbeddingCache(1 << 20);
    cache.remember(key("a"), encoded({ heads: heads("topic") }));
    expect(cache.recall(key("a"), ["topic"])).not.toBeNull();
    expect(cache.recall(key("a"), ["topic", "tone"])).toBeNull();
    cache.remember(key("a"), encoded({ heads: heads("tone") }));
    expect([...cache.recall(key("a"), ["topic", "tone"])!.heads!.keys()]).toEqual(["topic", "tone"]);
    cache.remember(key("a"), encoded());
    expect(cache.recall(key("a"), ["topic", "tone"])).not.toBeNull();
  });

  it("remembers nothing when it is off", () => {
    const cache = new EmbeddingCache(0);
    cache.remember(key("a"), encoded());
    expect([cache.recall(key("a"), []), cache.bytes]).toEqual([null, 0]);
  });
});
