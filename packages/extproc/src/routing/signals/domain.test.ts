import { RouterError, systemClock, type Embedder } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { fitting, scriptedTier } from "../testing/scripted-tier.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";
import { WordEmbedder } from "../testing/word-embedder.ts";
import { domain } from "./domain.ts";
import { evaluateSignals, type SignalOutcome } from "./evaluate.ts";
import { createRequestInference } from "./request-inference.ts";

const window = { maxTokens: 128, sampling: "head" } as const;

async function evaluate(rules: readonly object[], text: string) {
  const embedder = new WordEmbedder();
  const evaluator = domain.create(
    rules.map((rule) => domain.rule.parse(rule)),
    signalSettings({ window }),
  );
  await evaluator.warm?.(embedder, {});
  const inference = createRequestInference(embedder);
  const evaluation = evaluator.evaluate(promptRequest(text), signalContext(inference));
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

  it("goes by the nearest exemplars, and by them alone where there are many", async () => {
    const mixed = ["cats purr", "cats sleep", "cats hunt", "dogs bark", "dogs dig", "dogs fetch", "fish swim", "birds sing"];
    const pets = { name: "pets", exemplars: mixed };
    const tools = {
      name: "cats",
      exemplars: ["hammers hit", "saws cut", "drills turn", "files rub", "planes shave", "nails hold", "glue sticks", "tape tears"],
    };
    const { matches } = await evaluate([pets, tools], "cats purr sleep hunt");
    expect(matches.map(({ rule }) => rule)).toEqual(["pets"]);
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
    const evaluator = domain.create([domain.rule.parse(roses)], signalSettings({ window }));
    const inference = createRequestInference(new WordEmbedder());
    await expect(evaluator.evaluate(promptRequest("roses"), signalContext(inference))).rejects.toMatchObject({
      code: "encoder_unavailable",
    });
  });
});

describe("domain signal with trained domains", () => {
  const rules = [{ name: "math" }, { name: "computer_science" }, { name: "other" }];
  const tier = scriptedTier(["math", "computer science", "law", "other"], {
    clear: { shares: { math: 0.9, law: 0.1 } },
    torn: { shares: { math: 0.5, "computer science": 0.4 }, standing: "unsure", combined: { "computer science": 0.8, math: 0.1 } },
    unwanted: { shares: { law: 0.6, math: 0.3, other: 0.1 } },
    strange: { shares: { math: 0.99 }, standing: "foreign" },
  });

  async function ask(text: string, { parts = {}, names = rules, embedder = new WordEmbedder() as Embedder, warm = true } = {}) {
    const settings = signalSettings({ window, embedded: tier, encoderModel: () => fitting, ...parts });
    const evaluator = domain.create(
      names.map((rule) => domain.rule.parse(rule)),
      settings,
    );
    if (warm) await evaluator.warm?.(embedder, {});
    const results = await evaluateSignals([{ type: "domain", evaluator }], promptRequest(text), { embedder, clock: systemClock }, {});
    return { ...(results.outcomes[0] as SignalOutcome), needs: evaluator.needs };
  }
  const found = ({ matches }: SignalOutcome) => matches.map(({ rule, confidence }) => [rule, Number(confidence.toFixed(3))]);
  const refusing: Embedder = { embed: () => Promise.reject(new RouterError("overloaded", "no room")) };

  it("is answered by the embedded tier alone where that is sure", async () => {
    const outcome = await ask("clear", { embedder: refusing });
    expect([found(outcome), outcome.cascade, outcome.error]).toEqual([[["math", 0.9]], { tier: "embedded" }, null]);
  });

  it("asks the encoder where it is unsure, and tells whether the two agreed", async () => {
    const outcome = await ask("torn");
    expect([found(outcome), outcome.cascade]).toEqual([[["computer_science", 0.8]], { tier: "encoder", agreed: false }]);
  });

  it("goes by the embedded tier when the encoder fails, and tells of the failure", async () => {
    const outcome = await ask("torn", { embedder: refusing });
    expect([found(outcome), outcome.cascade, outcome.error?.code]).toEqual([[["math", 0.5]], { tier: "embedded" }, "overloaded"]);
  });

  it("goes by the embedded tier while no encoder has been ready", async () => {
    const outcome = await ask("torn", { parts: { encoderModel: () => null }, warm: false });
    expect([found(outcome), outcome.error?.code]).toEqual([[["math", 0.5]], "encoder_unavailable"]);
  });

  it("never asks the encoder when told so, and needs none", async () => {
    const outcome = await ask("torn", { parts: { domainCascade: "embedded" }, embedder: refusing, warm: false });
    expect([found(outcome), outcome.error, outcome.needs]).toEqual([[["math", 0.5]], null, "nothing"]);
  });

  it("asks the encoder even where it is sure when told so", async () => {
    expect((await ask("clear", { parts: { domainCascade: "encoder" } })).cascade).toEqual({ tier: "encoder", agreed: true });
  });

  it("lets a known domain that no rule stands for fall to the fallback, as sure as it is none of the others", async () => {
    expect(found(await ask("unwanted"))).toEqual([["other", 0.7]]);
    expect(found(await ask("unwanted", { names: [{ name: "math" }] }))).toEqual([]);
  });

  it("lets other names stand for known domains", async () => {
    const names = [{ name: "legal", mmlu_categories: ["law"] }, { name: "other" }];
    expect(found(await ask("unwanted", { names }))).toEqual([["legal", 0.6]]);
  });

  it("is never sure of a script it does not know", async () => {
    expect(found(await ask("strange"))).toEqual([["other", 0.25]]);
    expect(found(await ask("strange", { names: [{ name: "math" }] }))).toEqual([]);
  });

  it("compares domains of other names by their descriptions, beside the trained ones", async () => {
    const names = [...rules, roses];
    expect(found(await ask("pruning roses and thorns", { names }))[0]?.[0]).toBe("roses");
    expect((await ask("clear", { names })).cascade).toMatchObject({ tier: "encoder" });
  });

  it.each([
    ["another model", { model: "another" }],
    ["another revision of it", { revision: "r1+layers=2" }],
    ["shorter vectors of it", { dimension: 64 }],
  ])("adds nearness to descriptions where the encoder is not the trained network's: %s", async (_, difference) => {
    const outcome = await ask("torn", { parts: { encoderModel: () => ({ ...fitting, ...difference }) } });
    expect([outcome.error, outcome.cascade?.tier, outcome.scores.length]).toEqual([null, "encoder", 3]);
    expect(found(outcome)).not.toEqual([["computer_science", 0.8]]);
  });
});
