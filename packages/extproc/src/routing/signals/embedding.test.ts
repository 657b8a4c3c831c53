import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { WordEmbedder } from "../testing/word-embedder.ts";
import { embedding, prototypeScore, SOFT_MATCH_THRESHOLD } from "./embedding.ts";
import { createRequestInference } from "./request-inference.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";

const window = { maxTokens: 128, sampling: "head" } as const;

async function evaluate(rules: readonly object[], text: string, softMatchThreshold?: number | null) {
  const embedder = new WordEmbedder();
  const evaluator = embedding.create(
    rules.map((rule) => embedding.rule.parse(rule)),
    signalSettings({ window, ...(softMatchThreshold === undefined ? {} : { softMatchThreshold }) }),
  );
  await evaluator.warm?.(embedder, {});
  const inference = createRequestInference(embedder);
  const evaluation = evaluator.evaluate(promptRequest(text), signalContext(inference));
  inference.flush({});
  return evaluation;
}

describe("embedding signal", () => {
  it("matches the rules whose candidates are near enough, with their scores", async () => {
    const { matches, scores } = await evaluate(
      [
        { name: "pots", threshold: 0.7, candidates: ["repot a plant"] },
        { name: "pests", threshold: 0.7, candidates: ["greenfly everywhere"] },
      ],
      "repot a plant",
    );
    expect(matches).toEqual([{ rule: "pots", confidence: expect.closeTo(1), value: expect.closeTo(1) }]);
    expect(scores?.map(({ rule, score }) => [rule, Math.round(score * 100) / 100])).toEqual([
      ["pots", 1],
      ["pests", 0],
    ]);
  });

  it("matches softly only when no rule reaches its own threshold", async () => {
    const near = { name: "near", threshold: 0.95, candidates: ["repot a plant soon"] };
    const soft = await evaluate([near], "repot a plant");
    expect(soft.matches[0]?.value).toBeGreaterThan(SOFT_MATCH_THRESHOLD);
    const hard = await evaluate([near, { name: "exact", threshold: 0.95, candidates: ["repot a plant"] }], "repot a plant");
    expect(hard.matches.map(({ rule }) => rule)).toEqual(["exact"]);
  });

  it.each<[softMatchThreshold: number | null | undefined, matching: readonly string[]]>([
    [undefined, ["near"]],
    [0.5, ["near"]],
    [0.9, []],
    [null, []],
  ])("with a soft threshold of %s, %j match softly", async (softMatchThreshold, matching) => {
    const near = { name: "near", threshold: 0.95, candidates: ["repot a plant soon"] };
    const { matches } = await evaluate([near], "repot a plant", softMatchThreshold);
    expect(matches.map(({ rule }) => rule)).toEqual(matching);
  });

  it("asks nothing of the encoder for an empty text", async () => {
    expect((await evaluate([{ name: "r", threshold: 0.1, candidates: ["a"] }], "")).matches).toEqual([]);
  });

  it("takes the plain mean when told to", async () => {
    const candidates = ["repot a plant", "something wholly different"];
    const { scores } = await evaluate([{ name: "r", threshold: 0.9, candidates, aggregation_method: "mean" }], "repot a plant");
    expect(scores?.[0]?.score).toBeCloseTo(0.5);
  });
});

it.each([
  [[0.4], 0.4],
  [[0.8, 0.4], 0.75 * 0.8 + 0.25 * 0.6],
  [[0.1, 0.4, 0.8], 0.75 * 0.8 + 0.25 * 0.6],
  [[-0.2, -0.4], 0.75 * -0.2 + 0.25 * -0.3],
])("scores prototypes %j as %d", (cosines, expected) => {
  expect(prototypeScore(new Float32Array(cosines), [...cosines.keys()])).toBeCloseTo(expected);
});
