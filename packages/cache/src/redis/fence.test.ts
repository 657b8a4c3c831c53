import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { matches } from "../backends/memory.ts";
import { Fence, MAX_PURGES } from "./fence.ts";
import type { EntryFacts } from "./row-codec.ts";
import { compareStreamIds } from "./stream.ts";

const facts = (fence: string, changes: Partial<EntryFacts> = {}): EntryFacts => ({
  id: "id",
  scope: "scope",
  decision: "decision",
  model: "model",
  createdMs: 100,
  expiresMs: 200,
  epoch: "epoch",
  fence,
  ...changes,
});

describe("compareStreamIds", () => {
  it.each([
    ["0-0", "0-1"],
    ["9-0", "10-0"],
    ["5-9", "5-10"],
    ["18446744073709551614-0", "18446744073709551615-0"],
    ["9007199254740992-0", "9007199254740993-0"],
  ])("puts %s before %s", (older, newer) => {
    expect(compareStreamIds(older, newer)).toBeLessThan(0);
    expect(compareStreamIds(newer, older)).toBeGreaterThan(0);
    expect(compareStreamIds(older, older)).toBe(0);
  });
});

describe("Fence", () => {
  it("covers what was written without knowing of a purge that means it", () => {
    const fence = new Fence();
    expect(fence.covers(facts("0-0"))).toBe(false);
    fence.add({ at: "5-0", token: "a", filter: { scope: "scope" } });
    expect(fence.covers(facts("0-0"))).toBe(true);
    expect(fence.covers(facts("4-9"))).toBe(true);
    expect(fence.covers(facts("5-0"))).toBe(false);
    expect(fence.covers(facts("0-0", { scope: "other" }))).toBe(false);
  });

  it("covers by id, also where the purge names more than the id", () => {
    const fence = new Fence();
    fence.add({ at: "5-0", token: "a", filter: { ids: ["id"] } });
    fence.add({ at: "6-0", token: "b", filter: { ids: ["second"], model: "model" } });
    expect(fence.covers(facts("0-0"))).toBe(true);
    expect(fence.covers(facts("5-0"))).toBe(false);
    expect(fence.covers(facts("5-0", { id: "second" }))).toBe(true);
    expect(fence.covers(facts("5-0", { id: "second", model: "other" }))).toBe(false);
  });

  it("takes purges in any order, each once", () => {
    const fence = new Fence();
    expect(fence.add({ at: "7-0", token: "b", filter: {} })).toBe(true);
    expect(fence.add({ at: "5-0", token: "a", filter: { scope: "other" } })).toBe(true);
    expect(fence.add({ at: "9-0", token: "b", filter: {} })).toBe(false);
    expect([fence.latest, fence.token]).toEqual(["7-0", "b"]);
    expect(fence.covers(facts("6-0"))).toBe(true);
    expect(fence.covers(facts("7-0"))).toBe(false);
  });

  it("takes what is older than a full list for purged", () => {
    const fence = new Fence();
    for (let index = 1; index <= MAX_PURGES + 10; index += 1)
      fence.add({ at: `${index}-0`, token: `${index}`, filter: { ids: ["other"] } });
    expect(fence.purges).toHaveLength(MAX_PURGES);
    expect(fence.covers(facts("10-0"))).toBe(true);
    expect(fence.covers(facts("11-0"))).toBe(false);
  });

  it("says the same as looking at every purge, in whatever order they came", () => {
    const name = fc.constantFrom("a", "b", "c");
    const filter = fc.record({ ids: fc.array(name), scope: name, decision: name }, { requiredKeys: [] });
    const places = fc.uniqueArray(fc.nat(200), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(fc.array(filter, { maxLength: 20 }), places, fc.nat(210), name, name, (filters, at, written, id, scope) => {
        const purges = at.flatMap((ms, index) =>
          filters[index] === undefined ? [] : [{ at: `${ms}-0`, token: `${ms}`, filter: filters[index] }],
        );
        const fence = new Fence();
        for (const purge of purges) fence.add(purge);
        const entry = facts(`${written}-0`, { id, scope, decision: "a" });
        const meant = purges.some((purge) => compareStreamIds(purge.at, entry.fence) > 0 && matches(entry, purge.filter));
        expect(fence.covers(entry)).toBe(meant);
      }),
      { seed: 6, numRuns: 2_000 },
    );
  });
});
