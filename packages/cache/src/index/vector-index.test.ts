import { describe, expect, it } from "vitest";
import { createNaiveIndex } from "./oracle.ts";
import { clusteredVectors, randomNumbers } from "./testing/vectors.ts";
import { createVectorIndex, quantise } from "./vector-index.ts";

const HOUR = 3_600_000;
const partitions = [0, 1, 2, 3, 0x7fff_ffff, 0x8000_0000, 0x8000_0001, 0xffff_ffff];
const invalid = expect.objectContaining({ code: "vector_invalid" });
const directionless: readonly (readonly [name: string, vector: Float32Array])[] = [
  ["nothing but zeros", new Float32Array(64)],
  ["not all numbers", new Float32Array(64).fill(1).fill(Number.NaN, 3, 4)],
  ["infinite", new Float32Array(64).fill(1).fill(Number.NEGATIVE_INFINITY, 3, 4)],
];
const never = () => {
  throw new Error("nothing was to be evicted");
};

function indexOf(dimension: number, options: { readonly maxEntries?: number; readonly onEvicted?: (id: string) => void } = {}) {
  return createVectorIndex({ dimension, maxEntries: 100, onEvicted: never, ...options });
}

/** axis points along one of the dimensions. */
function axis(dimension: number, along: number, value = 127): Int8Array {
  return new Int8Array(dimension).fill(value, along, along + 1);
}

describe("the vector index", () => {
  it.each([
    { dimension: 64, operations: 2_000 },
    { dimension: 384, operations: 10_000 },
    { dimension: 768, operations: 2_000 },
    { dimension: 1_000, operations: 2_000 },
  ])("answers as a naive one over $operations random changes of $dimension dimensions", ({ dimension, operations }) => {
    const random = randomNumbers(dimension);
    const below = (bound: number) => Math.floor(random() * bound);
    const naive = createNaiveIndex();
    let evicted = 0;
    const index = createVectorIndex({
      dimension,
      maxEntries: 2_100,
      onEvicted: (id) => {
        evicted += 1;
        expect(naive.remove(id)).toBe(true);
      },
    });
    const next = clusteredVectors({ dimension, clusters: 20, random });
    let nowMs = 1_000;
    let found = 0;
    for (let operation = 0; operation < operations; operation += 1) {
      const die = random();
      const id = String(below(6_000));
      if (die < 0.6) {
        const entry = {
          partition: partitions[below(partitions.length)] as number,
          expiresMs: nowMs + below(HOUR),
          vector: quantise(next()).vector,
        };
        index.add(id, entry);
        naive.add(id, entry);
      } else if (die < 0.7) {
        expect(index.remove(id)).toBe(naive.remove(id));
      } else if (die < 0.7002) {
        index.clear();
        naive.clear();
      } else if (die < 0.72) {
        nowMs += below(HOUR / 100);
      } else {
        const query = { partition: partitions[below(partitions.length)] as number, vector: next(), nowMs, limit: 8 };
        const expected = naive.nearest(query).filter(({ cosine }) => cosine >= 0.8);
        const given = index.nearest(query).filter(({ cosine }) => cosine >= 0.8);
        expect(given).toEqual(expected);
        found += expected.length;
      }
      expect(index.size).toBe(naive.size);
    }
    expect(found).toBeGreaterThan(operations / 10);
    if (operations === 10_000) expect(evicted).toBeGreaterThan(0);
  });

  it("finds nothing of another partition, nor of one that differs in the highest bit", () => {
    const index = indexOf(64);
    index.add("a", { partition: 0x8000_0001, expiresMs: HOUR, vector: axis(64, 3) });
    const ask = (partition: number) => index.nearest({ partition, vector: axis(64, 3), nowMs: 0, limit: 8 }).map(({ id }) => id);
    expect([ask(0x8000_0001), ask(1), ask(0)]).toEqual([["a"], [], []]);
  });

  it("finds an entry until the millisecond in which it expires", () => {
    const index = indexOf(64);
    index.add("a", { partition: 0, expiresMs: 1_700_000_000_500, vector: axis(64, 0) });
    const at = (nowMs: number) => index.nearest({ partition: 0, vector: axis(64, 0), nowMs, limit: 1 }).length;
    expect([at(1_700_000_000_499), at(1_700_000_000_500), at(1_700_000_000_501)]).toEqual([1, 0, 0]);
  });

  it("never finds an entry whose expiry is no number", () => {
    const index = indexOf(64);
    index.add("a", { partition: 0, expiresMs: Number.NaN, vector: axis(64, 0) });
    expect(index.nearest({ partition: 0, vector: axis(64, 0), nowMs: 0, limit: 1 })).toEqual([]);
  });

  it("gives the nearest first, no more than asked for", () => {
    const index = indexOf(64);
    const near = (value: number) => axis(64, 0).fill(value, 1, 2);
    [60, 0, 90, 30].forEach((value) => index.add(String(value), { partition: 7, expiresMs: HOUR, vector: near(value) }));
    const found = index.nearest({ partition: 7, vector: axis(64, 0), nowMs: 0, limit: 3 });
    expect(found.map(({ id }) => id)).toEqual(["0", "30", "60"]);
    expect(found[0]?.cosine).toBe(1);
    expect(found[2]?.cosine).toBeCloseTo(127 / Math.hypot(127, 60), 12);
  });

  it("keeps one vector under an id, the last", () => {
    const index = indexOf(64);
    for (const along of [1, 2]) index.add("a", { partition: 0, expiresMs: HOUR, vector: axis(64, along) });
    const cosines = [1, 2].map((along) => index.nearest({ partition: 0, vector: axis(64, along), nowMs: 0, limit: 8 })[0]?.cosine);
    expect([index.size, cosines]).toEqual([1, [0, 1]]);
  });

  it("finds nothing that was removed", () => {
    const index = indexOf(64);
    for (const id of ["a", "b"]) index.add(id, { partition: 0, expiresMs: HOUR, vector: axis(64, 0) });
    expect([index.remove("a"), index.remove("a"), index.size]).toEqual([true, false, 1]);
    const found = index.nearest({ partition: 0, vector: axis(64, 0), nowMs: 0, limit: 8 });
    expect(found).toEqual([{ id: "b", cosine: 1 }]);
  });

  it("makes room by what expires first, expired or not, and says so", () => {
    const evicted: string[] = [];
    const index = indexOf(64, { maxEntries: 10, onEvicted: (id) => evicted.push(id) });
    const add = (id: string, expiresMs: number) => index.add(id, { partition: 0, expiresMs, vector: axis(64, 0) });
    [50, 90, 20, 80, 10, 70, 60, 40, 30, 100].forEach((expiresMs) => add(`e${expiresMs}`, expiresMs));
    add("e100", 100);
    expect(evicted).toEqual([]);
    add("x", 200);
    add("y", 200);
    expect([evicted, index.size]).toEqual([["e10", "e20"], 10]);
  });

  it("takes the place of what was removed before it takes memory", () => {
    const index = indexOf(384, { maxEntries: 100_000 });
    const add = (id: number) => index.add(String(id), { partition: 0, expiresMs: HOUR, vector: axis(384, 0) });
    for (let id = 0; id < 1_024; id += 1) add(id);
    const { bytes } = index;
    for (let id = 0; id < 1_024; id += 1) {
      index.remove(String(id));
      add(10_000 + id);
    }
    expect(index.bytes).toBe(bytes);
    add(1);
    expect(index.bytes).toBeGreaterThan(bytes);
  });

  it("forgets everything when it is cleared", () => {
    const index = indexOf(64);
    const add = (id: string) => index.add(id, { partition: 0, expiresMs: HOUR, vector: axis(64, 0) });
    ["a", "b", "c"].forEach(add);
    index.clear();
    add("d");
    const found = index.nearest({ partition: 0, vector: axis(64, 0), nowMs: 0, limit: 8 });
    expect([index.size, found, index.remove("a")]).toEqual([1, [{ id: "d", cosine: 1 }], false]);
  });

  it.each<readonly [name: string, vector: Float32Array | Int8Array]>([
    ["too short", new Float32Array(63).fill(1)],
    ["too long", new Float32Array(65).fill(1)],
    ["all zeros", new Int8Array(64)],
    ...directionless,
  ])("refuses to look for a vector that is %s", (_, vector) => {
    expect(() => indexOf(64).nearest({ partition: 0, vector, nowMs: 0, limit: 1 })).toThrow(invalid);
  });

  it.each([
    ["too short", axis(63, 0)],
    ["too long", axis(65, 0)],
    ["all zeros", new Int8Array(64)],
  ])("refuses to keep a vector that is %s, and keeps what it had", (_, vector) => {
    const index = indexOf(64);
    index.add("a", { partition: 0, expiresMs: HOUR, vector: axis(64, 0) });
    expect(() => index.add("a", { partition: 0, expiresMs: HOUR, vector })).toThrow(invalid);
    expect(index.nearest({ partition: 0, vector: axis(64, 0), nowMs: 0, limit: 1 })).toEqual([{ id: "a", cosine: 1 }]);
  });

  it("refuses to be larger than memory can be", () => {
    expect(() => indexOf(1_024, { maxEntries: 10_000_000 })).toThrow(/too many/);
    expect(() => indexOf(10_000)).toThrow(/too many/);
  });
});

describe("quantise", () => {
  it.each(directionless)("refuses a vector that is %s", (_, vector) => expect(() => quantise(vector)).toThrow(invalid));

  it("is half a scale off at most", () => {
    const vector = clusteredVectors({ dimension: 384, clusters: 1, random: randomNumbers(3) })();
    const { vector: bytes, scale } = quantise(vector);
    expect(Math.max(...vector.map((value, i) => Math.abs(value - (bytes[i] as number) * scale)))).toBeLessThanOrEqual(scale / 2 + 1e-9);
    expect(Math.max(...bytes.map(Math.abs))).toBe(127);
  });
});
