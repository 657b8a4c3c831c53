import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Chunks, TIER_CUT } from "./chunks.ts";

const cut = { length: 8, stride: 5 };

describe("Chunks", () => {
  it.each([
    [[""], []],
    [["short"], ["short"]],
    [["12345678"], ["12345678"]],
    [["123456789"], ["12345678", "23456789"]],
    [["1234567890abcdef"], ["12345678", "67890abc", "90abcdef"]],
    [
      ["", "one", "", "two", ""],
      ["one", "two"],
    ],
  ])("cuts %j", (texts, expected) => {
    expect(new Chunks(texts, cut).all()).toEqual(expected);
  });

  it("knows of which text each chunk is", () => {
    const chunks = new Chunks(["", "123456789", "", "two"], cut);
    expect(Array.from({ length: chunks.count }, (_, chunk) => chunks.textOf(chunk))).toEqual([1, 1, 3]);
  });

  it("has whatever is no longer than the overlap whole in some chunk, wherever it stands", () => {
    const attack = "a".repeat(TIER_CUT.length - TIER_CUT.stride);
    fc.assert(
      fc.property(fc.nat(5_000), fc.nat(5_000), (before, after) => {
        const text = "-".repeat(before) + attack + "-".repeat(after);
        expect(new Chunks([text], TIER_CUT).all().some((chunk) => chunk.includes(attack))).toBe(true);
      }),
    );
  });
});
