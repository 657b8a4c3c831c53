import { describe, expect, it } from "vitest";
import { neighbourShares, networkLogits } from "./encoder-head.ts";

const rounded = (values: Float32Array) => [...values].map((value) => Number(value.toFixed(3)));

describe("networkLogits", () => {
  // Two neurons on two numbers, one label for each; the second set of outputs is for examinations.
  const network = {
    inWeight: Int8Array.of(1, 0, 0, -2),
    inScale: Float32Array.of(2, 0.5),
    inStyle: Float32Array.of(0, 4),
    inBias: Float32Array.of(1, 0),
    outWeight: Float32Array.of(1, 0, 0, 1, 10, 0, 0, 10),
    outBias: Float32Array.of(0, 0.5, 0, 100),
  };
  it("adds up neurons above zero", () => expect(rounded(networkLogits(network, Float32Array.of(3, 1), 0))).toEqual([7, 0.5]));
  it("adds what is particular to examinations", () =>
    expect(rounded(networkLogits(network, Float32Array.of(3, 1), 1))).toEqual([7 + 70, 3 + 0.5 + 30 + 100]));
  it("adds half of it for what may be one", () =>
    expect(rounded(networkLogits(network, Float32Array.of(3, 1), 0.5))).toEqual([7 + 35, 1 + 0.5 + 5 + 50]));
});

describe("neighbourShares", () => {
  const neighbours = {
    center: new Float32Array(8),
    signs: Uint8Array.of(0b00001111, 0b11110000, 0b00001110),
    labels: Uint8Array.of(0, 1, 0),
  };
  const vector = (signs: number) => Float32Array.from({ length: 8 }, (_, i) => ((signs >> i) & 1 ? 0.3 : -0.3));

  it("go to the label of the texts that lie near", () => {
    expect(rounded(neighbourShares(neighbours, vector(0b00001111), 3).map(Math.exp))).toEqual([1.01, 0.01, 0.01]);
    expect(rounded(neighbourShares(neighbours, vector(0b11110000), 3).map(Math.exp))).toEqual([0.01, 1.01, 0.01]);
  });
  it("are divided where labels are as near", () => {
    expect(rounded(neighbourShares({ ...neighbours, labels: Uint8Array.of(0, 1, 2) }, new Float32Array(8), 3).map(Math.exp))).toEqual([
      0.343, 0.343, 0.343,
    ]);
  });
  it("do not depend on where the centre lies", () => {
    const center = Float32Array.from({ length: 8 }, (_, i) => i / 10);
    const moved = vector(0b00001111).map((value, i) => value + (center[i] as number));
    expect(rounded(neighbourShares({ ...neighbours, center }, moved, 3))).toEqual(
      rounded(neighbourShares(neighbours, vector(0b00001111), 3)),
    );
  });
});
