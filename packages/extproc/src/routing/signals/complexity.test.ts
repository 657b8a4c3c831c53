import { RouterError, type EmbeddedTier, type SignalEvaluation } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { request } from "../testing/fixtures.ts";
import { levelTier } from "../testing/level-tier.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";
import { WordEmbedder } from "../testing/word-embedder.ts";
import { complexity } from "./complexity.ts";

const tier = levelTier({
  "? knotty": [1, 0, 0],
  knotty: [0.8, 0.15, 0.05],
  plain: [0.05, 0.1, 0.85],
  middling: [0.25, 0.5, 0.25],
  leaning: [0.5, 0.4, 0.1],
});

function make(rules: readonly object[], embedded: EmbeddedTier | null = tier) {
  const parsed = rules.map((rule) => complexity.rule.parse({ name: "effort", ...rule }));
  return complexity.create(parsed, signalSettings({ embedded }));
}

function inferenceOf(embedder: WordEmbedder) {
  const embed = async (text: string, window: { maxTokens: number; sampling: "head" }) => {
    const [embedding] = await embedder.embed([{ text, window }], {});
    if (embedding === undefined) throw new Error("no vector");
    return embedding;
  };
  return { embed: embed as never, infer: (() => Promise.reject(new Error("not asked"))) as never };
}

const names = ({ matches }: SignalEvaluation) => matches.map(({ rule }) => rule);

describe("a rule without candidates", () => {
  it.each<[string, number | undefined, string]>([
    ["knotty", undefined, "effort:hard"],
    ["plain", undefined, "effort:easy"],
    ["middling", undefined, "effort:medium"],
    ["leaning", undefined, "effort:hard"],
    ["leaning", 0.15, "effort:hard"],
    ["leaning", 0.4, "effort:medium"],
    ["middling", 0, "effort:medium"],
    ["plain", 0.6, "effort:medium"],
    ["nobody knows", 0, "effort:medium"],
  ])("finds %s at threshold %s: %s", async (text, threshold, expected) => {
    const evaluation = await make([threshold === undefined ? {} : { threshold }]).evaluate(request(text), signalContext());
    expect(names(evaluation)).toEqual([expected]);
  });

  it("needs no encoder, and is answered at once", () => {
    const evaluator = make([{}]);
    expect(evaluator.needs).toBe("nothing");
    expect(evaluator.evaluate(request("knotty"), signalContext())).not.toBeInstanceOf(Promise);
  });

  it("scores all levels, with shares that sum to 1; the match's confidence is its level's", async () => {
    const { matches, scores = [] } = await make([{}]).evaluate(request("knotty"), signalContext());
    expect(scores.map(({ rule }) => rule)).toEqual(["effort:hard", "effort:medium", "effort:easy"]);
    expect(scores.reduce((sum, { score }) => sum + score, 0)).toBeCloseTo(1);
    expect(matches[0]?.confidence).toBe(scores[0]?.score);
  });

  it("says medium, and that it does not know, of a script that nobody has met", async () => {
    const { matches } = await make([{}]).evaluate(request("? knotty"), signalContext());
    expect(matches).toEqual([{ rule: "effort:medium", confidence: expect.closeTo(1 / 3) }]);
  });

  it("finds nothing in no text", async () => {
    expect(await make([{}]).evaluate(request(""), signalContext())).toEqual({ matches: [] });
  });

  it.each<[string, EmbeddedTier | null]>([
    ["there is no embedded model", null],
    ["the embedded model has no such head", { ...tier, labelsOf: () => null }],
  ])("fails by name when %s", async (_, embedded) => {
    const evaluate = async () => make([{}], embedded).evaluate(request("knotty"), signalContext());
    await expect(evaluate()).rejects.toMatchObject({ code: "model_unsupported" });
  });
});

describe("a rule with candidates", () => {
  const rule = { hard: { candidates: ["prove theorem rigour"] }, easy: { candidates: ["greeting hello friend"] } };

  async function warm(rules: readonly object[], embedded: EmbeddedTier | null = tier) {
    const embedder = new WordEmbedder();
    const evaluator = make(rules, embedded);
    await evaluator.warm?.(embedder, {});
    return { evaluator, context: signalContext(inferenceOf(embedder)) };
  }

  it.each<[string, string]>([
    ["please prove this theorem", "effort:hard"],
    ["hello friend", "effort:easy"],
    ["seven green bottles", "effort:medium"],
  ])("finds %j by nearness where the embedded model knows nothing: %s", async (text, expected) => {
    const { evaluator, context } = await warm([rule], null);
    expect(evaluator.needs).toBe("embedding");
    expect(names(await evaluator.evaluate(request(text), context))).toEqual([expected]);
  });

  it("adds up both opinions", async () => {
    const { evaluator, context } = await warm([rule]);
    expect(evaluator.needs).toBe("wanted");
    const near = await evaluator.evaluate(request("leaning prove theorem"), context);
    const alone = await make([{}]).evaluate(request("leaning prove theorem"), signalContext());
    expect(names(near)).toEqual(["effort:hard"]);
    expect(near.matches[0]?.confidence).toBeGreaterThan(alone.matches[0]?.confidence ?? 1);
    // Hard by its words, near to the easy candidates: a little nearness does not outweigh the words, much does.
    expect(names(await evaluator.evaluate(request("knotty greeting"), context))).toEqual(["effort:hard"]);
    expect(names(await evaluator.evaluate(request("knotty greeting friend"), context))).toEqual(["effort:easy"]);
  });

  it.each<[number, string]>([
    [0, "effort:easy"],
    [0.15, "effort:easy"],
    [0.3, "effort:medium"],
  ])("weighs both against a threshold as vSR does: %f", async (threshold, expected) => {
    const { evaluator, context } = await warm([{ ...rule, threshold }]);
    expect(names(await evaluator.evaluate(request("knotty greeting friend"), context))).toEqual([expected]);
  });

  it("is judged by the embedded model until the encoder answers, and says that it did not", async () => {
    const provisional: SignalEvaluation[] = [];
    const context = { ...signalContext(), provisional: (evaluation: SignalEvaluation) => void provisional.push(evaluation) };
    await expect(async () => make([rule]).evaluate(request("knotty"), context)).rejects.toMatchObject({ code: "encoder_unavailable" });
    expect(provisional.map(names)).toEqual([["effort:hard"]]);
  });

  it("leaves other rules without candidates as they are", async () => {
    const { evaluator, context } = await warm([rule, { name: "plainly" }]);
    expect(names(await evaluator.evaluate(request("plain prove theorem"), context))).toContain("plainly:easy");
  });

  it("fails for a rule that only the missing model could judge, and keeps what the other says", async () => {
    const { evaluator, context } = await warm([rule, { name: "plainly" }], null);
    const provisional: SignalEvaluation[] = [];
    const keeping = { ...context, provisional: (evaluation: SignalEvaluation) => void provisional.push(evaluation) };
    await expect(async () => evaluator.evaluate(request("prove theorem"), keeping)).rejects.toBeInstanceOf(RouterError);
    expect(provisional.map(names).at(-1)).toEqual(["effort:hard"]);
  });
});

describe("the rule's schema", () => {
  it.each<[string, object, PropertyKey[]]>([
    ["hard candidates alone", { hard: { candidates: ["x"] } }, ["easy", "candidates"]],
    ["easy candidates alone", { easy: { candidates: ["x"] } }, ["hard", "candidates"]],
    ["a negative threshold", { threshold: -0.1 }, ["threshold"]],
    ["an unknown key", { hard: { texts: ["x"] } }, ["hard"]],
  ])("refuses %s", (_, rule, path) => {
    expect(complexity.rule.safeParse({ name: "a", ...rule }).error?.issues[0]?.path).toEqual(path);
  });
});
