import { beforeEach, describe, expect, it } from "vitest";
import { Breaker } from "./breaker.ts";

describe("Breaker", () => {
  let now = 0;
  let breaker: Breaker;
  beforeEach(() => {
    now = 100_000;
    breaker = new Breaker({ now: () => now });
  });
  const fail = (times: number) => Array.from({ length: times }, () => breaker.record(false));

  it("opens at the fifth failure in a row, and says so once", () => {
    expect(fail(4)).toEqual([false, false, false, false]);
    breaker.record(true);
    expect(fail(6)).toEqual([false, false, false, false, true, false]);
    expect([breaker.open, breaker.probeInMs]).toEqual([true, 1_000]);
  });

  it("opens when more than half of the last twenty failed", () => {
    const outcomes = Array.from({ length: 40 }, (_, index) => breaker.record(index % 2 === 0));
    expect(outcomes).not.toContain(true);
    expect([false, false].map((ok) => breaker.record(ok))).toContain(true);
  });

  it("closes only by a probe; the outcomes of late calls change nothing", () => {
    fail(5);
    breaker.record(true);
    expect(breaker.open).toBe(true);
    expect(breaker.probed(true)).toBe(true);
    expect([breaker.open, breaker.probeInMs]).toEqual([false, null]);
    expect(breaker.probed(true)).toBe(false);
  });

  it("is probed every second, however long the outage lasts", () => {
    fail(5);
    for (let second = 0; second < 100; second += 1) {
      now += breaker.probeInMs!;
      expect(breaker.probed(false)).toBe(false);
      expect(breaker.probeInMs).toBe(1_000);
    }
  });

  it("stays open for longer each time it opens again soon, and trusts again after half a minute", () => {
    const waits: (number | null)[] = [];
    for (let round = 0; round < 7; round += 1) {
      fail(5);
      waits.push(breaker.probeInMs);
      now += breaker.probeInMs!;
      breaker.probed(true);
    }
    expect(waits).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
    now += 30_000;
    fail(5);
    expect(breaker.probeInMs).toBe(1_000);
  });
});
