import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { compileCondition, conditionSchema, evaluateCondition, type ConditionConfig, type SignalFacts } from "./condition.ts";

/** Facts of keyword rules: `a` and `b` matched with confidences, `m` missed with a score; type `domain` failed. */
const facts: SignalFacts = {
  confidence: (type, rule) => (type === "keyword" ? { a: 0.9, b: 0.5 }[rule] : undefined),
  value: (type, rule) => (type === "keyword" ? { a: 12, m: 0.3 }[rule] : undefined),
  failed: (type) => type === "domain",
};
const a = { type: "keyword", name: "a" };
const b = { type: "keyword", name: "b" };
const m = { type: "keyword", name: "m" };
const failed = { type: "domain", name: "x" };

function judge(condition: ConditionConfig | undefined): [boolean, number] {
  const { matched, confidence } = evaluateCondition(compileCondition(condition), facts);
  return [matched, confidence];
}

describe("evaluateCondition", () => {
  it.each<[string, ConditionConfig | undefined, boolean, number]>([
    ["no rules", undefined, true, 0],
    ["empty rules", {}, true, 0],
    ["a leaf that matched", a, true, 0.9],
    ["a leaf that did not", m, false, 0],
    ["AND of both", { operator: "AND", conditions: [a, b] }, true, 0.7],
    ["AND with a miss", { operator: "AND", conditions: [a, m] }, false, 0],
    ["AND of nothing", { operator: "AND", conditions: [] }, true, 0],
    ["AND counts a catch-all as 0", { operator: "AND", conditions: [a, { operator: "AND", conditions: [] }] }, true, 0.45],
    ["OR takes the best", { operator: "OR", conditions: [b, m, a] }, true, 0.9],
    ["OR of misses", { operator: "OR", conditions: [m, failed] }, false, 0],
    ["OR of nothing", { operator: "OR", conditions: [] }, false, 0],
    ["OR of a catch-all", { operator: "OR", conditions: [{ operator: "AND", conditions: [] }] }, true, 0],
    ["NOT of a miss", { operator: "NOT", conditions: [m] }, true, 1],
    ["NOT of a match", { operator: "NOT", conditions: [a] }, false, 0],
    ["NOT of two", { operator: "NOT", conditions: [m, m] }, false, 0],
    ["NOT of a failed signal, which is no match", { operator: "NOT", conditions: [failed] }, true, 1],
    ["no operator is OR", { conditions: [m, a] }, true, 0.9],
    ["an unknown operator is OR", { operator: "XOR", conditions: [m, a] }, true, 0.9],
    ["an operator in lower case", { operator: "and", conditions: [a, m] }, false, 0],
    ["predicate on the raw value", { ...a, predicate: { gte: 12 } }, true, 1],
    ["predicate that fails", { ...a, predicate: { gt: 12 } }, false, 0],
    ["predicate on a rule that did not match but has a score", { ...m, predicate: { gt: 0.2, lt: 0.4 } }, true, 1],
    ["predicate falls back to the confidence", { ...b, predicate: { lte: 0.5 } }, true, 1],
    ["predicate without any value", { ...failed, predicate: { gte: 0 } }, false, 0],
    ["predicate of a failed signal that shall match", { ...failed, predicate: { gte: 0 }, on_error: "match" }, true, 1],
    ["on_error of a signal that did not fail", { type: "keyword", name: "z", predicate: { gte: 0 }, on_error: "match" }, false, 0],
  ])("%s", (_, condition, matched, confidence) => {
    const [actualMatched, actualConfidence] = judge(condition);
    expect(actualMatched).toBe(matched);
    expect(actualConfidence).toBeCloseTo(confidence);
  });

  it("agrees with a plain reading of the rules on random trees", () => {
    const leaf = fc.constantFrom(a, b, m, failed);
    const { tree } = fc.letrec<{ tree: ConditionConfig; node: ConditionConfig }>((tie) => ({
      tree: fc.oneof({ depthSize: "small" }, leaf, tie("node")),
      node: fc.record({ operator: fc.constantFrom("AND", "OR", "NOT", "", "nor"), conditions: fc.array(tie("tree"), { maxLength: 4 }) }),
    }));
    fc.assert(
      fc.property(tree, (condition) => {
        const [matched, confidence] = judge(condition);
        const expected = plainly(condition);
        expect(matched).toBe(expected !== null);
        expect(confidence).toBeCloseTo(expected ?? 0);
      }),
      { seed: 3, numRuns: 500 },
    );
  });
});

/** plainly is the oracle: confidence of a match, null of none. */
function plainly({ type, name, operator, conditions = [] }: ConditionConfig): number | null {
  if (type !== undefined) return facts.confidence(type, name ?? "") ?? null;
  const parts = conditions.map(plainly);
  if (operator === "NOT") return parts.length === 1 && parts[0] === null ? 1 : null;
  const matched = parts.filter((part) => part !== null);
  if (operator !== "AND") return matched.length === 0 ? null : Math.max(...matched);
  if (matched.length < parts.length) return null;
  return parts.length === 0 ? 0 : matched.reduce((sum, part) => sum + part, 0) / parts.length;
}

describe("conditionSchema", () => {
  it.each<[object, (string | number)[]]>([
    [{ type: "domian", name: "x" }, ["type"]],
    [{ type: "domain" }, ["name"]],
    [{ name: "x" }, ["type"]],
    [{ type: "domain", name: "x", operator: "AND" }, ["type"]],
    [{ operator: "NOT", conditions: [a, b] }, ["conditions"]],
    [
      { operator: "AND", conditions: [{ operator: "OR", conditions: [{ type: "domain", name: "" }] }] },
      ["conditions", 0, "conditions", 0, "name"],
    ],
    [{ ...a, predicate: {} }, ["predicate"]],
    [{ ...a, label: "RISKY" }, []],
  ])("refuses %j at its own path", (condition, path) => {
    expect(conditionSchema.safeParse(condition).error?.issues[0]?.path).toEqual(path);
  });
});
