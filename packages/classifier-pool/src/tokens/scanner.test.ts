import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createScanner, windowsOf } from "./scanner.ts";
import type { TokenPlacer } from "./token-places.ts";

/** Every letter is a token, spaces are none; ids count up from 10. */
const place: TokenPlacer = (text) => {
  const starts = Int32Array.from(text.matchAll(/\S/g), ({ index }) => index);
  return { ids: Array.from(starts, (_, token) => 10 + token), starts, ends: starts.map((start) => start + 1), found: "words" };
};
const scan = createScanner({ place, prefix: [1], suffix: [2], maxTokens: 10 });

describe("a scanner", () => {
  it("reads a text that fits in one window", () => {
    expect(scan("ab cd", 64)).toMatchObject({
      windows: [{ ids: [1, 10, 11, 12, 13, 2], at: 1, from: 0, to: 4 }],
      count: 4,
      tokens: 6,
      scannedChars: 5,
    });
  });

  it("reads a longer one in overlapping windows, each with special tokens", () => {
    const { windows } = scan("abcd efgh ijkl", 64);
    expect(windows).toEqual([
      { ids: [1, 10, 11, 12, 13, 14, 15, 16, 17, 2], at: 1, from: 0, to: 6 },
      { ids: [1, 14, 15, 16, 17, 18, 19, 20, 21, 2], at: 3, from: 6, to: 12 },
    ]);
  });

  it.each([
    ["stops before a word that it could not read whole", "abc def ghi", 7, 3, 3],
    ["stops within a word that alone is too long", "abcdefghij", 7, 5, 5],
    ["reads all where all fits", "abc def", 8, 6, 7],
  ])("%s", (_, text, limit, count, scannedChars) => {
    expect(scan(text, limit)).toMatchObject({ count, scannedChars });
  });

  it("says by name that a text's tokens cannot be placed", () => {
    const blind = createScanner({ place: () => null, prefix: [], suffix: [], maxTokens: 10 });
    expect(() => blind("ab", 64)).toThrow(expect.objectContaining({ code: "model_unsupported" }));
  });
});

describe("windows", () => {
  it("speak for every token once, never at an edge that another window has not", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 3_000 }), fc.integer({ min: 1, max: 512 }), (count, room) => {
        const windows = windowsOf(count, room);
        const margin = Math.floor(Math.min(64, Math.floor(room / 4)) / 2);
        let next = 0;
        for (const { first, length, from, to } of windows) {
          expect(from).toBe(next);
          expect(length).toBeLessThanOrEqual(room);
          expect(from - first).toBeGreaterThanOrEqual(first === 0 ? 0 : margin);
          expect(first + length - to).toBeGreaterThanOrEqual(first + length === count ? 0 : margin);
          next = to;
        }
        expect(next).toBe(count);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});
