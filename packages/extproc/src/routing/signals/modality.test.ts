import type { EmbeddedTier, SignalEvaluation } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { intentTier } from "../testing/intent-tier.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";
import { MODALITY, modality } from "./modality.ts";

const opinions = {
  "how does a dovetail joint hold": { AR: 0.95, DIFFUSION: 0.05 },
  "a joiner's bench, soft light": { DIFFUSION: 0.9, AR: 0.1 },
  "the joint in words and as a drawing": { BOTH: 0.8, DIFFUSION: 0.2 },
  "maybe a bench": { DIFFUSION: 0.45, AR: 0.3, BOTH: 0.25 },
  "maybe a bench, illustrated": { DIFFUSION: 0.45, AR: 0.3, BOTH: 0.25 },
};
const foreign = "Π";
const names = ["AR", "DIFFUSION", "BOTH"] as const;
const tier = intentTier([MODALITY], opinions, { foreign });

function evaluate(text: string, settings: object = {}, embedded: EmbeddedTier | null = tier, rules: readonly string[] = names) {
  const evaluator = modality.create(
    rules.map((name) => modality.rule.parse({ name, ...settings })),
    signalSettings({ embedded }),
  );
  return evaluator.evaluate(promptRequest(text), signalContext()) as SignalEvaluation;
}
const matched = (text: string, settings: object = {}, embedded: EmbeddedTier | null = tier) =>
  evaluate(text, settings, embedded).matches.map(({ rule }) => rule);

const keywords = { keywords: ["bench", "drawing"], both_keywords: ["illustrated"] };

describe("modality signal", () => {
  it.each<[text: string, classifier: string | null]>([
    ["how does a dovetail joint hold", "AR"],
    ["a joiner's bench, soft light", "DIFFUSION"],
    ["the joint in words and as a drawing", "BOTH"],
    ["maybe a bench", "AR"],
    ["", null],
    [" ", null],
    ["Πάγκος", "AR"],
  ])("of %j by the classifier is %s", (text, expected) => {
    const found = expected === null ? [] : [expected];
    expect(matched(text)).toEqual(found);
    expect(matched(text, { method: "classifier", ...keywords })).toEqual(found);
  });

  it.each<[text: string, hybrid: string, keyword: string]>([
    ["how does a dovetail joint hold", "AR", "AR"],
    // The classifier is sure, whatever the words.
    ["a joiner's bench, soft light", "DIFFUSION", "DIFFUSION"],
    ["the joint in words and as a drawing", "BOTH", "DIFFUSION"],
    // It is not, and the words say.
    ["maybe a bench", "DIFFUSION", "DIFFUSION"],
    ["maybe a bench, illustrated", "BOTH", "BOTH"],
    ["Πάγκος Drawing", "DIFFUSION", "DIFFUSION"],
    ["benches and withdrawing", "AR", "AR"],
  ])("of %j is %s by hybrid and %s by keyword", (text, hybrid, keyword) => {
    expect(matched(text, keywords)).toEqual([hybrid]);
    expect(matched(text, { method: "keyword", ...keywords }, null)).toEqual([keyword]);
  });

  it("is less sure of what is only left to be text", () => {
    const confidenceOf = (text: string) => evaluate(text).matches[0]?.confidence;
    expect(confidenceOf("how does a dovetail joint hold")).toBeCloseTo(0.95, 2);
    expect(confidenceOf("maybe a bench")).toBeCloseTo(0.55, 3);
    expect(confidenceOf("Πάγκος")).toBeCloseTo(1 / 3, 3);
  });

  it("takes the rule's threshold for DIFFUSION and BOTH, for every rule alike", () => {
    expect(matched("maybe a bench", { threshold: 0.4 })).toEqual(["DIFFUSION"]);
    expect(matched("a joiner's bench, soft light", { threshold: 0.95 })).toEqual(["AR"]);
  });

  it("scores the rules that there are", () => {
    const { matches, scores } = evaluate("the joint in words and as a drawing", {}, tier, ["DIFFUSION"]);
    expect(matches).toEqual([]);
    expect(scores).toEqual([{ rule: "DIFFUSION", score: expect.closeTo(0.2, 3) }]);
  });

  it("says what is missing where the model has no such head; keywords need none", () => {
    expect(() => evaluate("maybe a bench", keywords, intentTier([], {}))).toThrow(/no head "modality"/);
  });

  it("has rules by keywords answer where the model that others need has no such head", () => {
    const settled: SignalEvaluation[] = [];
    const rules = [
      { name: "AR", method: "classifier" },
      { name: "DIFFUSION", method: "keyword", ...keywords },
    ].map((rule) => modality.rule.parse(rule));
    const evaluator = modality.create(rules, signalSettings({ embedded: intentTier([], {}) }));
    const context = { ...signalContext(), provisional: (evaluation: SignalEvaluation) => void settled.push(evaluation) };
    expect(() => evaluator.evaluate(promptRequest("maybe a bench"), context)).toThrow(/no head "modality"/);
    expect(settled).toEqual([{ matches: [{ rule: "DIFFUSION", confidence: 1, value: 1 }] }]);
  });

  it("refuses keywords that are not there", () => {
    expect(modality.rule.safeParse({ name: "AR", method: "keyword" }).success).toBe(false);
    expect(modality.rule.safeParse({ name: "AR", method: "keyword", both_keywords: ["illustrated"] }).success).toBe(true);
  });
});
