import { describe, expect, it } from "vitest";
import { fitVectors, poolTokens } from "./pooling.ts";

/** Three rows of up to three tokens of two numbers; what is padding says 99. */
const hidden = Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 99, 99, 99, 99, 99, 99, 99, 99, 99, 99);
const batch = { rows: 3, width: 3, lengths: Int32Array.of(3, 1, 0) };

describe("poolTokens", () => {
  it.each([
    ["mean", [3, 4, 7, 8, 0, 0]],
    ["cls", [1, 2, 7, 8, 0, 0]],
    ["last_token", [5, 6, 7, 8, 0, 0]],
  ] as const)("takes the %s of the real tokens", (pooling, expected) => {
    expect([...poolTokens(hidden, batch, 2, pooling)]).toEqual(expected);
  });
});

describe("fitVectors", () => {
  it.each([
    ["changes nothing when nothing is asked", 3, false, [3, 4, 12, 0, 0, 0]],
    ["cuts", 2, false, [3, 4, 0, 0]],
    ["cuts, then scales to length 1", 2, true, [0.6, 0.8, 0, 0]],
    ["leaves zeros where nothing can be scaled", 1, true, [1, 0]],
  ])("%s", (_, dimension, normalize, expected) => {
    const fitted = fitVectors(Float32Array.of(3, 4, 12, 0, 0, 0), 2, 3, dimension, normalize);
    expect([...fitted]).toEqual(expected.map((value) => expect.closeTo(value, 6)));
  });

  it("scales whole vectors", () => {
    expect([...fitVectors(Float32Array.of(3, 4, 12), 1, 3, 3, true)]).toEqual([3, 4, 12].map((value) => expect.closeTo(value / 13, 6)));
  });
});
