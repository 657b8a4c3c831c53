/** Load on a real pool; its encoder costs nothing. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { arrive, keepAsking, openPool, type BenchPool } from "./pool-load.ts";
import { randomNumbers, sentence } from "./words.ts";

let bench: BenchPool;
beforeAll(async () => {
  bench = await openPool("deterministic", { backend: "deterministic", workers: 1 });
});
afterAll(() => bench.pool.close());

describe("keepAsking", () => {
  it("asks until the time is over, and tells the CPU of both sides apart", async () => {
    const random = randomNumbers(1);
    const { asked, cpuMs, frontCpuMs, meanBatch } = await keepAsking(bench, 4, 0.2, () => sentence(10, random), 128);
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(asked.every(({ tookMs, tokens }) => tookMs !== null && tokens > 2)).toBe(true);
    expect(cpuMs).toBeGreaterThan(frontCpuMs);
    expect(meanBatch).toBeGreaterThanOrEqual(1);
  });
});

describe("arrive", () => {
  it("tells what was asked in the order of the arrivals, whichever was answered first", async () => {
    const short = { atMs: 0, text: sentence(5, randomNumbers(5)) };
    const long = { atMs: 0, text: sentence(60, randomNumbers(60)) };
    await arrive(bench, [short], 128, 60_000);
    // The short one is remembered by now, and overtakes.
    const { asked } = await arrive(bench, [long, short], 128, 60_000);
    expect(asked.map(({ tokens }) => tokens)).toEqual([expect.any(Number), expect.any(Number)]);
    expect(asked[0]?.tokens).toBeGreaterThan(asked[1]?.tokens ?? 0);
  });

  it("says which came too late", async () => {
    const { asked } = await arrive(bench, [{ atMs: 0, text: sentence(7, randomNumbers(99)) }], 128, 0);
    expect(asked).toEqual([{ tookMs: null, tokens: 0 }]);
  });
});

describe("sentence", () => {
  it("has its words, the same for the same seed", () => {
    expect(sentence(10, randomNumbers(3)).split(" ")).toHaveLength(10);
    expect(sentence(10, randomNumbers(3))).toBe(sentence(10, randomNumbers(3)));
    expect(sentence(10, randomNumbers(3))).not.toBe(sentence(10, randomNumbers(4)));
  });
});
