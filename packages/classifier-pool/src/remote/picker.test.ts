import { describe, expect, it } from "vitest";
import { createPicker } from "./picker.ts";

/** seeded is mulberry32: numbers from 0 up to 1, the same in every run. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

describe("power of two choices", () => {
  it("never takes the more loaded of two, and knows one and none", () => {
    const pick = createPicker("power_of_two", seeded(1));
    const [idle, busy] = [{ load: 0 }, { load: 3 }];
    for (let round = 0; round < 100; round += 1) expect(pick([busy, idle])).toBe(idle);
    expect(pick([busy])).toBe(busy);
    expect(pick([])).toBeUndefined();
  });

  it("is even among equals, draws every pair, and spares the slow one in proportion", () => {
    const pick = createPicker<{ load: number; taken: number; drain: number }>("power_of_two", seeded(2));
    const replicas = [4, 4, 4, 1].map((drain) => ({ load: 0, taken: 0, drain }));
    for (let tick = 0; tick < 3_000; tick += 1) {
      for (let arrival = 0; arrival < 9; arrival += 1) {
        const chosen = pick(replicas) as (typeof replicas)[number];
        chosen.load += 1;
        chosen.taken += 1;
      }
      for (const replica of replicas) replica.load = Math.max(0, replica.load - replica.drain);
    }
    const [a = 0, b = 0, c = 0, slow = 0] = replicas.map(({ taken }) => taken);
    const even = (a + b + c) / 3;
    for (const taken of [a, b, c]) expect(Math.abs(taken - even) / even).toBeLessThan(0.05);
    expect(slow).toBeLessThan(even / 2);
    expect(Math.max(...replicas.map(({ load }) => load))).toBeLessThan(12);
  });
});

it("goes round in turn", () => {
  const pick = createPicker<{ load: number; name: string }>("round_robin");
  const replicas = ["a", "b", "c"].map((name) => ({ load: 0, name }));
  expect(Array.from({ length: 6 }, () => pick(replicas)?.name)).toEqual(["a", "b", "c", "a", "b", "c"]);
  expect(pick([])).toBeUndefined();
});
