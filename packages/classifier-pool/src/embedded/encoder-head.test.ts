import { describe, expect, it } from "vitest";
import { neighbourShares, networkLogits } from "./encoder-head.ts";
import * as oracle from "./encoder-head-oracle.ts";

const rounded = (values: Float32Array) => [...values].map((value) => Number(value.toFixed(3)));

/** numbers from -0.5 to 0.5 that are the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    return state / 2 ** 32;
  };
}

function farthest(a: Float32Array, b: Float32Array): number {
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
}

describe("networkLogits", () => {
  // Two neurons on two numbers of eight, one label for each; the second set of outputs is for examinations.
  const network = {
    inWeight: Int8Array.of(1, 0, 0, 0, 0, 0, 0, 0, 0, -2, 0, 0, 0, 0, 0, 0),
    inScale: Float32Array.of(2, 0.5),
    inStyle: Float32Array.of(0, 4),
    inBias: Float32Array.of(1, 0),
    outWeight: Float32Array.of(1, 0, 0, 1, 10, 0, 0, 10),
    outBias: Float32Array.of(0, 0.5, 0, 100),
  };
  const vector = Float32Array.of(3, 1, 9, 9, 9, 9, 9, 9);
  it("adds up neurons above zero", () => expect(rounded(networkLogits(network, vector, 0))).toEqual([7, 0.5]));
  it("adds what is particular to examinations", () =>
    expect(rounded(networkLogits(network, vector, 1))).toEqual([7 + 70, 3 + 0.5 + 30 + 100]));
  it("adds half of it for what may be one", () => expect(rounded(networkLogits(network, vector, 0.5))).toEqual([7 + 35, 1 + 0.5 + 5 + 50]));

  it.each([
    { dimension: 384, hidden: 1024, labels: 14 },
    { dimension: 8, hidden: 1, labels: 2 },
    { dimension: 40, hidden: 7, labels: 3 },
  ])("says what a network read number by number says, $dimension to $hidden to $labels", ({ dimension, hidden, labels }) => {
    const random = seeded(hidden);
    const floats = (length: number, size: number) => Float32Array.from({ length }, () => size * random());
    const network = {
      inWeight: Int8Array.from({ length: hidden * dimension }, () => 255 * random()),
      inScale: floats(hidden, 0.05),
      inStyle: floats(hidden, 1),
      inBias: floats(hidden, 1),
      outWeight: floats(2 * labels * hidden, 1),
      outBias: floats(2 * labels, 1),
    };
    for (const exam of [0, 0.3, 1]) {
      const vector = floats(dimension, 0.2);
      const logits = networkLogits(network, vector, exam);
      expect(farthest(logits, oracle.networkLogits(network, vector, exam))).toBeLessThan(1e-4);
      expect(networkLogits(network, vector, exam)).toEqual(logits);
    }
  });
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

  // Labels of one text, of whole sixteens and of none; vectors far from all texts, near to some, and of very uneven numbers.
  it.each([
    { dimension: 384, texts: 3000, labels: 14 },
    { dimension: 8, texts: 33, labels: 2 },
    { dimension: 2048, texts: 100, labels: 3 },
  ])("are those of texts compared one by one, $texts of $dimension numbers", ({ dimension, texts, labels }) => {
    const random = seeded(texts);
    const center = Float32Array.from({ length: dimension }, () => 0.01 * random());
    const signs = Uint8Array.from({ length: (texts * dimension) / 8 }, () => 256 * (random() + 0.5));
    const crowd = {
      center,
      signs,
      labels: Uint8Array.from({ length: texts }, (_, text) => (text < 17 ? Math.min(text, 1) : text % labels)),
    };
    for (const near of [0, 0.004, 0.1]) {
      const vector = center.map((value, i) => value + near * ((((signs[i >> 3] as number) >> (i & 7)) & 1) - 0.5) + 0.1 * random() ** 3);
      const shares = neighbourShares(crowd, vector, labels + 1);
      expect(farthest(shares, oracle.neighbourShares(crowd, vector, labels + 1))).toBeLessThan(1e-4);
      expect(neighbourShares(crowd, vector, labels + 1)).toEqual(shares);
    }
  });

  it("cannot be of vectors of more numbers than are added up safely", () => {
    const center = new Float32Array(2056);
    const crowd = { center, signs: new Uint8Array(257), labels: Uint8Array.of(0) };
    expect(() => neighbourShares(crowd, center, 1)).toThrow(/2056 numbers; 2048/);
  });
});
