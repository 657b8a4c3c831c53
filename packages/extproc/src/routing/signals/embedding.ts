/** The embedding signal compares the user's text with the candidate phrases of each rule. */
import { defineSignal, type SignalMatch, type SignalScore } from "@turnout/shared";
import { z } from "zod";
import { Anchors } from "./anchors.ts";

/**
 * When no rule reaches its own threshold, those above this score match softly, as in vSR (`enable_soft_matching`, `min_score_threshold` of
 * `global.model_catalog.embeddings.semantic.embedding_config`), unless the configuration says otherwise.
 */
export const SOFT_MATCH_THRESHOLD = 0.5;

/** vSR's prototype score: most of the best candidate, some of the mean of the best two. */
const BEST_WEIGHT = 0.75;

export const embedding = defineSignal({
  type: "embedding",
  configKey: "embeddings",
  header: "embeddings",
  needs: "embedding",
  summary: "Matches when the user's text is close in meaning to one of a rule's candidate phrases.",
  rule: z.strictObject({
    name: z.string().min(1).describe("What conditions refer to."),
    description: z.string().optional().describe("For people; not read."),
    threshold: z
      .number()
      .min(-1)
      .max(1)
      .describe(
        `Score from which the rule matches. When no rule reaches its own, those above ${SOFT_MATCH_THRESHOLD} match, as in vSR; \`global.model_catalog.embeddings.semantic.embedding_config\` changes that.`,
      ),
    candidates: z.array(z.string().min(1)).min(1).describe("Phrases that mean what the rule looks for."),
    aggregation_method: z
      .enum(["max", "mean", "any"])
      .default("max")
      .describe("mean: the average over all candidates. max and any: the best candidate, a little tempered by the second best."),
    query_modality: z.enum(["text"]).default("text").describe("What of the request is compared."),
  }),
  create(rules, { window, softMatchThreshold = SOFT_MATCH_THRESHOLD }) {
    const anchors = new Anchors(
      rules.flatMap((rule) => rule.candidates),
      window,
    );
    const prepared = rules.map((rule) => ({ ...rule, rows: rule.candidates.map((candidate) => anchors.indexOf(candidate)) }));
    return {
      warm: (embedder, options) => anchors.warm(embedder, options),
      async evaluate(request, { inference }) {
        if (request.userText === "") return { matches: [] };
        anchors.requireWarm();
        const { vector, sampled } = await inference.embed(request.userText, window);
        const cosines = anchors.similarities(vector);
        const scores: SignalScore[] = prepared.map(({ name, rows, aggregation_method }) => ({
          rule: name,
          score: aggregation_method === "mean" ? mean(cosines, rows) : prototypeScore(cosines, rows),
        }));
        return { matches: matchesOf(prepared, scores, softMatchThreshold), scores, sampled };
      },
    };
  },
});

function matchesOf(
  rules: readonly { readonly threshold: number }[],
  scores: readonly SignalScore[],
  softMatchThreshold: number | null,
): SignalMatch[] {
  const above = (threshold: (index: number) => number) =>
    scores
      .filter(({ score }, index) => score >= threshold(index))
      .map(({ rule, score }) => ({ rule, confidence: Math.min(Math.max(score, 0), 1), value: score }));
  const hard = above((index) => rules[index]?.threshold ?? Infinity);
  return hard.length > 0 || softMatchThreshold === null ? hard : above(() => softMatchThreshold);
}

/** prototypeScore of one rule over the rows of its candidates; a single candidate scores as itself. */
export function prototypeScore(cosines: Float32Array, rows: readonly number[]): number {
  let best = -Infinity;
  let second = -Infinity;
  for (const row of rows) {
    const cosine = cosines[row] ?? -Infinity;
    if (cosine > best) {
      second = best;
      best = cosine;
    } else if (cosine > second) second = cosine;
  }
  return second === -Infinity ? best : BEST_WEIGHT * best + (1 - BEST_WEIGHT) * ((best + second) / 2);
}

function mean(cosines: Float32Array, rows: readonly number[]): number {
  let sum = 0;
  for (const row of rows) sum += cosines[row] ?? 0;
  return sum / rows.length;
}
