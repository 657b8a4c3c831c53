import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { quantizeRows, scaleColumns, transpose } from "./quantize.ts";

describe("quantizeRows", () => {
  it("is off by at most half a step of each row's own scale", () => {
    const value = fc.float({ min: -1000, max: 1000, noNaN: true });
    fc.assert(
      fc.property(fc.array(value, { minLength: 12, maxLength: 12 }), fc.constantFrom(64, 127), (numbers, limit) => {
        const matrix = Float32Array.from(numbers);
        const { values, scales } = quantizeRows(matrix, 3, 4, limit);
        for (const [i, number] of matrix.entries()) {
          const scale = scales[Math.floor(i / 4)]!;
          expect(Math.abs(values[i]!)).toBeLessThanOrEqual(limit);
          expect(Math.abs(values[i]! * scale - number)).toBeLessThanOrEqual(scale * 0.5001);
        }
      }),
      { seed: 3 },
    );
  });

  it("keeps a row of zeros at zero, with a scale that can be divided by", () => {
    const { values, scales } = quantizeRows(new Float32Array(4), 1, 4, 127);
    expect([...values]).toEqual([0, 0, 0, 0]);
    expect(scales[0]).toBeGreaterThan(0);
  });
});

describe("transpose and scaleColumns", () => {
  it("turns rows into columns", () => {
    expect([...transpose(Float32Array.of(1, 2, 3, 4, 5, 6), 2, 3)]).toEqual([1, 4, 2, 5, 3, 6]);
  });

  it("scales each column", () => {
    expect([...scaleColumns(Float32Array.of(1, 2, 3, 4), Float32Array.of(10, 100))]).toEqual([10, 200, 30, 400]);
  });
});
