import type { EmbeddedTier, SignalEvaluation } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { intentTier } from "../testing/intent-tier.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";
import { FACT_CHECK, factCheck } from "./fact-check.ts";

const asks = (share: number) => ({ needs_fact_check: share, no_fact_check_needed: 1 - share });
const opinions = { "when was the bridge built": asks(0.9), "a poem about the bridge": asks(0.1), "is that so": asks(0.6) };
const foreign = "Π";
const both = [{ name: "needs_fact_check" }, { name: "no_fact_check_needed" }];

function evaluate(rules: readonly object[], text: string, tier: EmbeddedTier | null = intentTier([FACT_CHECK], opinions, { foreign })) {
  const evaluator = factCheck.create(
    rules.map((rule) => factCheck.rule.parse(rule)),
    signalSettings({ embedded: tier }),
  );
  return evaluator.evaluate(promptRequest(text), signalContext()) as SignalEvaluation;
}
const matched = (rules: readonly object[], text: string) => evaluate(rules, text).matches.map(({ rule }) => rule);

describe("fact_check signal", () => {
  it.each<[text: string, expected: readonly string[]]>([
    ["when was the bridge built", ["needs_fact_check"]],
    ["a poem about the bridge", ["no_fact_check_needed"]],
    ["is that so", ["needs_fact_check"]],
    ["", []],
    [" \n", []],
    ["Πότε χτίστηκε η γέφυρα", []],
  ])("of %j is %j", (text, expected) => {
    expect(matched(both, text)).toEqual(expected);
  });

  it("gives the probability of what it says, and of what it does not say", () => {
    const { matches, scores } = evaluate(both, "when was the bridge built");
    expect(matches).toEqual([{ rule: "needs_fact_check", confidence: expect.closeTo(0.9, 3), value: expect.closeTo(0.9, 3) }]);
    expect(scores).toEqual([
      { rule: "needs_fact_check", score: expect.closeTo(0.9, 3) },
      { rule: "no_fact_check_needed", score: expect.closeTo(0.1, 3) },
    ]);
  });

  it("takes a threshold for either rule as what it needs to be needed", () => {
    expect(matched([{ name: "needs_fact_check", threshold: 0.7 }], "is that so")).toEqual([]);
    expect(matched([{ name: "no_fact_check_needed", threshold: 0.7 }], "is that so")).toEqual(["no_fact_check_needed"]);
    expect(matched([{ name: "needs_fact_check", threshold: 0.05 }], "a poem about the bridge")).toEqual(["needs_fact_check"]);
  });

  it("says what is missing where the model has no such head", () => {
    expect(() => evaluate(both, "is that so", intentTier([], {}))).toThrow(/no head "fact_check"/);
    expect(() => evaluate(both, "is that so", null)).toThrow(/no embedded model/);
  });
});
