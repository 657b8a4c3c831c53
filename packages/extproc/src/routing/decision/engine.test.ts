import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { routingSchema } from "../schema.ts";
import { createDecisionEngine } from "./engine.ts";
import { best, type Ranked } from "./strategy.ts";

const ranked = (name: string, rank: Partial<Ranked> = {}): Ranked => ({ name, confidence: 0.5, priority: 0, tier: 0, ...rank });

describe("best", () => {
  it.each<[string, "priority" | "confidence", Ranked[], string | null]>([
    ["nothing", "priority", [], null],
    ["priority first", "priority", [ranked("sure", { confidence: 1 }), ranked("high", { priority: 5 })], "high"],
    ["then confidence", "priority", [ranked("a"), ranked("sure", { confidence: 0.6 })], "sure"],
    ["then the name", "priority", [ranked("b"), ranked("a"), ranked("c")], "a"],
    ["confidence first", "confidence", [ranked("sure", { confidence: 1 }), ranked("high", { priority: 5 })], "sure"],
    ["then priority", "confidence", [ranked("a"), ranked("high", { priority: 1 })], "high"],
    ["then the name", "confidence", [ranked("b"), ranked("a")], "a"],
    ["the lowest tier, as soon as one has a tier", "priority", [ranked("t2", { tier: 2, priority: 9 }), ranked("t1", { tier: 1 })], "t1"],
    ["no tier is tier 0", "priority", [ranked("t1", { tier: 1, priority: 9 }), ranked("none")], "none"],
    [
      "confidence within a tier",
      "priority",
      [ranked("high", { tier: 1, priority: 9 }), ranked("sure", { tier: 1, confidence: 0.9 })],
      "sure",
    ],
    ["negative priorities last", "priority", [ranked("low", { priority: -1 }), ranked("zero")], "zero"],
  ])("%s (%s)", (_, strategy, decisions, expected) => {
    expect(best(decisions, strategy)?.name ?? null).toBe(expected);
  });

  it("does not depend on the order of the decisions", () => {
    const decision = fc.record({
      name: fc.constantFrom("a", "b", "c", "d", "e"),
      confidence: fc.constantFrom(0, 0.5, 1),
      priority: fc.integer({ min: -1, max: 1 }),
      tier: fc.integer({ min: 0, max: 2 }),
    });
    fc.assert(
      fc.property(
        fc
          .uniqueArray(decision, { selector: ({ name }) => name, maxLength: 5 })
          .chain((list) => fc.tuple(fc.constant(list), fc.shuffledSubarray(list, { minLength: list.length }))),
        fc.constantFrom("priority" as const, "confidence" as const),
        ([list, shuffled], strategy) => {
          expect(best(shuffled, strategy)).toEqual(best(list, strategy));
          // Brute force: nothing beats the best in a duel.
          const winner = best(list, strategy);
          const tiers = list.some(({ tier }) => tier > 0);
          for (const other of tiers ? [] : list) if (winner !== null) expect(best([other, winner], strategy)).toEqual(winner);
        },
      ),
      { seed: 11, numRuns: 300 },
    );
  });
});

describe("createDecisionEngine", () => {
  const { decisions } = routingSchema.parse({
    decisions: [
      { name: "always" },
      {
        name: "deep",
        priority: 5,
        rules: {
          operator: "AND",
          conditions: [
            { operator: "NOT", conditions: [{ type: "language", name: "en" }] },
            { type: "keyword", name: "k" },
          ],
        },
      },
    ],
  });
  const engine = createDecisionEngine(decisions, "priority");

  it("knows which signals its conditions ask for, however deep", () => {
    expect([...engine.usedSignals].sort()).toEqual(["keyword", "language"]);
  });

  it("judges all decisions and tells what became of each condition", () => {
    const facts = { confidence: (type: string) => (type === "keyword" ? 0.4 : undefined), value: () => undefined, failed: () => false };
    const { chosen, candidates } = engine.judge(facts);
    expect(chosen).toMatchObject({ name: "deep", confidence: 0.7 });
    expect(candidates.map(({ name, matched }) => [name, matched])).toEqual([
      ["always", true],
      ["deep", true],
    ]);
    expect(candidates[1]?.verdict.parts.map(({ label, matched }) => [label, matched])).toEqual([
      ["NOT", true],
      ["keyword:k", true],
    ]);
  });

  it("chooses nothing where nothing holds", () => {
    const none = createDecisionEngine(decisions.slice(1), "priority");
    expect(none.judge({ confidence: () => undefined, value: () => undefined, failed: () => false }).chosen).toBeNull();
  });
});
