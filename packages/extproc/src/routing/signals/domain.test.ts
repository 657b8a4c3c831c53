import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { WordEmbedder } from "../testing/word-embedder.ts";
import { domain } from "./domain.ts";
import { createRequestInference } from "./request-inference.ts";

const window = { maxTokens: 128, sampling: "head" } as const;

async function evaluate(rules: readonly object[], text: string) {
  const embedder = new WordEmbedder();
  const evaluator = domain.create(
    rules.map((rule) => domain.rule.parse(rule)),
    { window },
  );
  await evaluator.warm?.(embedder, {});
  const inference = createRequestInference(embedder);
  const evaluation = evaluator.evaluate(promptRequest(text), { inference });
  inference.flush({});
  return evaluation;
}

const roses = { name: "roses", description: "pruning roses and thorns" };
const soil = { name: "soil", description: "compost acidity drainage" };
const other = { name: "other", description: "everything else" };

describe("domain signal", () => {
  it("names the domain whose description is nearest, whatever it is called", async () => {
    const { matches } = await evaluate([roses, soil, other], "when are roses due for pruning");
    expect(matches.map(({ rule }) => rule)).toEqual(["roses"]);
    expect(matches[0]?.confidence).toBeGreaterThan(0.5);
    expect(matches[0]?.confidence).toBeLessThanOrEqual(1);
  });

  it("lets what is near to nothing fall to the domain named other", async () => {
    const { matches } = await evaluate([roses, soil, other], "knock knock");
    expect(matches.map(({ rule }) => rule)).toEqual(["other"]);
  });

  it("takes chores and small talk for other although a subject's description shares a word with them", async () => {
    const chores = { name: "words", description: "paragraph structure" };
    const { matches } = await evaluate([chores, other], "could you make my paragraph shorter and friendlier for tonight");
    expect(matches.map(({ rule }) => rule)).toEqual(["other"]);
    const without = await evaluate([chores], "could you make my paragraph shorter and friendlier for tonight");
    expect(without.matches.map(({ rule }) => rule)).toEqual(["words"]);
  });

  it("lets it fall to a domain that stands for other", async () => {
    const { matches } = await evaluate([roses, { name: "general", description: "chit chat", mmlu_categories: ["other"] }], "knock knock");
    expect(matches.map(({ rule }) => rule)).toEqual(["general"]);
  });

  it("knows a domain by its name alone", async () => {
    const { matches } = await evaluate([{ name: "water_plants" }, soil], "do plants that live in water need feeding");
    expect(matches.map(({ rule }) => rule)).toEqual(["water_plants"]);
  });

  it("matches nothing when nothing is near and there is no such domain", async () => {
    expect((await evaluate([roses, soil], "knock knock")).matches).toEqual([]);
  });

  it("counts exemplars as well as the description", async () => {
    const withExemplars = { ...soil, exemplars: ["my lawn is yellow in patches"] };
    const { matches } = await evaluate([roses, withExemplars, other], "yellow patches in my lawn");
    expect(matches.map(({ rule }) => rule)).toEqual(["soil"]);
  });

  it("matches every domain that stands for the one found", async () => {
    const gardening = { name: "gardening", description: "tools gloves sheds", mmlu_categories: ["roses", "soil"] };
    const { matches } = await evaluate([gardening, roses, soil], "pruning roses");
    expect(matches.map(({ rule }) => rule)).toEqual(["gardening", "roses"]);
  });

  it("takes the names it stands for as anchors when nothing is described", async () => {
    const { matches } = await evaluate([{ name: "g", mmlu_categories: ["roses"] }, soil], "roses");
    expect(matches.map(({ rule }) => rule)).toEqual(["g"]);
  });

  it("says when only a sample of the text was read", async () => {
    expect(await evaluate([roses], "roses ".repeat(200))).toMatchObject({ sampled: true });
  });

  it("reports the encoder as unavailable until its anchors are encoded", async () => {
    const evaluator = domain.create([domain.rule.parse(roses)], { window });
    const inference = createRequestInference(new WordEmbedder());
    await expect(evaluator.evaluate(promptRequest("roses"), { inference })).rejects.toMatchObject({ code: "encoder_unavailable" });
  });
});
