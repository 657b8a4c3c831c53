import type { SignalDefinition } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import type { ConditionConfig, SignalFacts } from "../decision/condition.ts";
import { complexity } from "./complexity.ts";
import { gatesOf, matchNames, throughGates } from "./gates.ts";
import { keyword } from "./keyword.ts";

const facts: SignalFacts = {
  confidence: (type, rule) => (type === "keyword" && rule === "said" ? 1 : undefined),
  value: () => undefined,
  failed: (type) => type === "domain",
};
const said = { type: "keyword", name: "said" };
const unsaid = { type: "keyword", name: "unsaid" };

describe("matchNames", () => {
  it("are the rule's own name, or one for each outcome", () => {
    expect(matchNames(keyword as SignalDefinition, "a")).toEqual(["a"]);
    expect(matchNames(complexity, "a")).toEqual(["a:hard", "a:medium", "a:easy"]);
  });
});

describe("throughGates", () => {
  it.each<[string, ConditionConfig | undefined, boolean]>([
    ["no gate", undefined, true],
    ["a gate that holds", said, true],
    ["one that does not", unsaid, false],
    ["OR", { operator: "OR", conditions: [unsaid, said] }, true],
    ["AND", { operator: "AND", conditions: [unsaid, said] }, false],
    ["NOT", { operator: "NOT", conditions: [unsaid] }, true],
    ["a gate on a signal that failed", { type: "domain", name: "math" }, false],
  ])("%s", (_, composer, open) => {
    const gates = gatesOf(complexity, [{ name: "effort", ...(composer === undefined ? {} : { composer }) }, { name: "other" }]);
    const results = [{ rule: "effort:hard" }, { rule: "other:easy" }];
    expect(throughGates(results, gates, facts)).toEqual(open ? results : [{ rule: "other:easy" }]);
  });

  it("is no business of signals without gates", () => {
    expect(gatesOf(keyword as SignalDefinition, [{ name: "a", composer: unsaid } as { name: string }])).toEqual([]);
  });
});
