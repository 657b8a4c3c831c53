import { describe, expect, it } from "vitest";
import { medianRatio, p50p99, quantile } from "./figures.ts";

describe("quantile", () => {
  it.each<[values: number[], q: number, expected: number]>([
    [[3, 1, 2], 0.5, 2],
    [[4, 1, 3, 2], 0.5, 2],
    [[1, 2, 3], 0, 1],
    [[1, 2, 3], 0.99, 3],
    [[], 0.5, Number.NaN],
  ])("of %j at %d is %d", (values, q, expected) => {
    expect(quantile(values, q)).toBe(expected);
  });
});

describe("p50p99", () => {
  it("is null where nothing was measured", () => {
    expect(p50p99([])).toEqual({ p50: null, p99: null });
  });
});

describe("medianRatio", () => {
  it.each<[pairs: [number, number][], expected: number | null]>([
    [[[6, 2]], 3],
    [
      [
        [6, 2],
        [1, 1],
      ],
      2,
    ],
    [
      [
        [6, 2],
        [100, 1],
        [1, 1],
      ],
      3,
    ],
    // A server that is down has no latency.
    [
      [
        [Number.NaN, 2],
        [4, 2],
      ],
      2,
    ],
    [[[Number.NaN, 2]], null],
    [[], null],
  ])("of %j is %j", (pairs, expected) => {
    expect(medianRatio(pairs)).toBe(expected);
  });
});
