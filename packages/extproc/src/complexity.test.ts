import { createMetrics, silentLogger, systemClock } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { ConfigError, parseConfig, routingSettingsOf } from "./config/index.ts";
import { promptRequest } from "./routing/chat-request.ts";
import { createExchangeFactory } from "./routing/exchange.ts";
import { createRoutingSnapshot } from "./routing/snapshot.ts";
import { levelTier } from "./routing/testing/level-tier.ts";
import { WordEmbedder } from "./routing/testing/word-embedder.ts";

const text = `
version: v0.3
providers:
  defaults: { default_model: base }
  models: [{ name: base }]
routing:
  modelCards: [{ name: base, loras: [{ name: thinker }, { name: writer }, { name: sprinter }] }]
  signals:
    keywords: [{ name: sums, operator: OR, keywords: [sum, integral] }]
    complexity:
      - { name: effort }
      - name: maths
        threshold: 0.15
        hard: { candidates: [prove integral theorem] }
        easy: { candidates: [simple little greeting] }
        composer: { operator: OR, conditions: [{ type: keyword, name: sums }] }
  decisions:
    - { name: sums, priority: 30, rules: { type: complexity, name: "maths:hard" }, modelRefs: [{ model: base, lora_name: thinker }] }
    - { name: deep, priority: 20, rules: { type: complexity, name: "effort:hard" }, modelRefs: [{ model: base, lora_name: thinker }] }
    - { name: broad, priority: 20, rules: { type: complexity, name: "effort:medium" }, modelRefs: [{ model: base, lora_name: writer }] }
    - { name: quick, priority: 20, rules: { type: complexity, name: "effort:easy" }, modelRefs: [{ model: base, lora_name: sprinter }] }
`;
const parse = (document: string) => parseConfig(document, { file: "effort.yaml", env: {} });
const tier = levelTier({ knotty: [0.8, 0.15, 0.05], middling: [0.2, 0.6, 0.2], plain: [0.05, 0.1, 0.85] });

async function snapshotOf(document = text) {
  const { routing, providers, ...rest } = parse(document).document;
  const embedder = new WordEmbedder();
  const settings = routingSettingsOf({ routing, providers, ...rest });
  const snapshot = createRoutingSnapshot({ config: routing, providers, settings, embedder, embedded: tier, clock: systemClock });
  await snapshot.router.warm({});
  return snapshot;
}

function problemsOf(document: string) {
  try {
    parse(document);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe("decisions on complexity", () => {
  it.each<[prompt: string, decision: string, adapter: string, matched: string]>([
    ["knotty business", "deep", "thinker", "effort:hard"],
    ["middling business", "broad", "writer", "effort:medium"],
    ["plain business", "quick", "sprinter", "effort:easy"],
    ["knotty integral, prove the theorem", "sums", "thinker", "effort:hard,maths:hard"],
  ])("route %j to %s, and say so in headers and metrics", async (content, decision, adapter, matched) => {
    const snapshot = await snapshotOf();
    const metrics = createMetrics();
    const exchange = createExchangeFactory({ current: () => snapshot, logger: silentLogger, metrics, clock: systemClock }).open();
    const headers = [["x-vsr-debug", "true"] as const];
    exchange.onRequestHead({ method: "POST", path: "/v1/chat/completions", headers, endOfStream: false });
    const body = Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content }] }));
    const verdict = await exchange.onRequestBody(body, {});
    expect(verdict.kind === "forward" && JSON.parse(Buffer.from(verdict.body ?? []).toString())).toMatchObject({ model: adapter });
    expect(exchange.onResponseHead({ status: 200, headers: [] }).set).toEqual(
      expect.arrayContaining([
        ["x-vsr-selected-decision", decision],
        ["x-vsr-matched-complexity", matched],
      ]),
    );
    const last = matched.split(",").at(-1);
    expect(await metrics.registry.metrics()).toContain(`llm_signal_match_total{signal_type="complexity",signal_name="${last}"} 1`);
  });

  it("evaluate what a composer asks for, although no decision does", async () => {
    const { router } = await snapshotOf();
    const route = await router.route(promptRequest("knotty integral, prove the theorem"), {});
    expect(route.trace.signals.map(({ type }) => type).toSorted()).toEqual(["complexity", "keyword"]);
  });

  it("leave out a rule whose composer does not hold, its scores too", async () => {
    const { router } = await snapshotOf();
    const route = await router.route(promptRequest("knotty theorem to prove"), {});
    expect(route.decision?.name).toBe("deep");
    const outcome = route.trace.signals.find(({ type }) => type === "complexity");
    expect(outcome?.scores.map(({ rule }) => rule)).toEqual(["effort:hard", "effort:medium", "effort:easy"]);
  });

  it("do not wait for an encoder that they are better with", async () => {
    const { router } = await snapshotOf();
    expect({ needs: router.needsEncoder, wants: router.wantsEncoder }).toEqual({ needs: false, wants: true });
  });
});

describe("a configuration that is wrong about complexity", () => {
  it.each<[mistake: string, before: string, after: string, problem: object]>([
    [
      "a level that there is not",
      '"effort:hard"',
      '"effort:hrad"',
      { path: "routing.decisions[1].rules.name", nearest: "effort:hard", kind: "invalid" },
    ],
    [
      "a rule without its level",
      '"effort:medium"',
      "effort",
      { path: "routing.decisions[2].rules.name", expected: expect.stringContaining("effort:hard, effort:medium, effort:easy") },
    ],
    [
      "a composer on a rule that there is not",
      "{ type: keyword, name: sums }",
      "{ type: keyword, name: sumz }",
      { path: "routing.signals.complexity[1].composer.conditions[0].name", nearest: "sums" },
    ],
    [
      "a composer on complexity",
      "{ type: keyword, name: sums }",
      '{ type: complexity, name: "effort:hard" }',
      { path: "routing.signals.complexity[1].composer.conditions[0].type", found: 'a composer that asks for "complexity"' },
    ],
    [
      "a composer on what Turnout does not have",
      "{ type: keyword, name: sums }",
      "{ type: projection, name: sums }",
      { path: "routing.signals.complexity[1].composer.conditions[0].type", kind: "unsupported" },
    ],
    [
      "images among the candidates",
      "hard: { candidates: [prove integral theorem] }",
      "hard: { candidates: [prove integral theorem], image_candidates: [proof.png] }",
      { path: "routing.signals.complexity[1].hard.image_candidates", kind: "unsupported" },
    ],
    ["a misspelt composer", "composer:", "composr:", { path: "routing.signals.complexity[1].composr", nearest: "composer" }],
  ])("is told of %s", (_, before, after, problem) => {
    expect(text).toContain(before);
    expect(problemsOf(text.replace(before, after))).toContainEqual(expect.objectContaining(problem));
  });
});
