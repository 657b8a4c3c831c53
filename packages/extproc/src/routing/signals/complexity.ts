/**
 * The complexity signal: how much thinking a request asks for. Each rule matches at one of three levels, as `name:hard`, `name:medium`
 * or `name:easy`. The embedded tier judges every text in this thread; a rule with candidates is judged by the encoder too, by how much
 * nearer the text is to the hard ones than to the easy ones, as vSR does.
 */
import {
  defineSignal,
  RouterError,
  type EmbeddedTier,
  type RoutingRequest,
  type SignalContext,
  type SignalEvaluation,
  type SignalMatch,
  type SignalScore,
} from "@turnout/shared";
import { z } from "zod";
import { Anchors } from "./anchors.ts";
import { ComplexityScale, LEVELS, logOf, normalised, UNKNOWN, type Shares } from "./complexity-scale.ts";
import { prototypeScore } from "./embedding.ts";

/**
 * COMPLEXITY_DEFAULTS were chosen on training authors, each judged by what the other has written; the figures are for MiniLM and three
 * sets of candidates. The likeliest level is right in 81 to 82 %, with a threshold of 0.15, which is vSR's example, in 79 to 81 %.
 * Candidates alone, which is vSR's way, are right in 38 to 46 % at that threshold, and in 56 to 60 % at the best.
 */
const COMPLEXITY_DEFAULTS = {
  /** What the embedded tier's "hard less easy", -1 to 1, counts beside the candidates' difference of cosines. */
  tierShare: 0.5,
  /** What a difference of cosines counts in the log-odds of the levels. */
  marginOdds: 4,
} as const;

const candidates = (what: string) =>
  z.strictObject({ candidates: z.array(z.string().min(1)).default([]).describe(`Texts typical of ${what} requests.`) }).prefault({});

const rule = z
  .strictObject({
    name: z.string().min(1).describe("Conditions refer to `name:hard`, `name:medium` or `name:easy`."),
    description: z.string().optional().describe("For people; not read."),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        "Score, hard less easy, above which a text is hard, and below whose negative it is easy; in between it is medium. Default: the likeliest level.",
      ),
    hard: candidates("hard").describe("Without candidates the embedded model judges alone."),
    easy: candidates("easy").describe("Goes with `hard`: both have candidates, or neither."),
  })
  .superRefine(({ hard, easy }, issues) => {
    for (const [side, own, other] of [
      ["hard", hard, easy],
      ["easy", easy, hard],
    ] as const) {
      if (own.candidates.length > 0 || other.candidates.length === 0) continue;
      const message = "hard and easy both have candidates, or neither: the score is the difference";
      issues.addIssue({ code: "custom", path: [side, "candidates"], message });
    }
  });

type Rule = z.output<typeof rule>;

export const complexity = defineSignal({
  type: "complexity",
  configKey: "complexity",
  header: "complexity",
  needs: "wanted",
  summary:
    "Says how much thinking a request asks for: `hard`, `medium` or `easy`, by a trained model, and by nearness to a rule's candidates where it has any.",
  outcomes: LEVELS,
  gate: "composer",
  rule,
  create(rules, { window, embedded }) {
    const scale = scaleOf(embedded);
    const compared = rules.filter(({ hard }) => hard.candidates.length > 0);
    const anchors = new Anchors(
      compared.flatMap(({ hard, easy }) => [...hard.candidates, ...easy.candidates]),
      window,
    );
    const banks = new Map(
      compared.map((rule) => [rule, [rule.hard, rule.easy].map((side) => side.candidates.map((text) => anchors.indexOf(text)))] as const),
    );
    /** judge the rules that something is known for: what the embedded tier says, what the encoder says, or both. */
    const judge = (own: Shares | null, cosines: Float32Array | null) => {
      const judged = rules.flatMap((rule) => {
        const [hard, easy] = banks.get(rule) ?? [];
        const margin =
          cosines === null || hard === undefined || easy === undefined
            ? null
            : prototypeScore(cosines, hard) - prototypeScore(cosines, easy);
        return own === null && margin === null ? [] : [judgeRule(rule, own ?? UNKNOWN, margin ?? 0)];
      });
      return { matches: judged.map(({ match }) => match), scores: judged.flatMap(({ scores }) => scores) };
    };
    const needs = compared.length === 0 ? "nothing" : scale instanceof RouterError ? "embedding" : "wanted";
    return {
      needs,
      warm: async (embedder, options) => {
        if (compared.length > 0) await anchors.warm(embedder, options);
      },
      evaluate({ userText: text }: RoutingRequest, { inference, provisional }: SignalContext) {
        if (text === "") return { matches: [] };
        const own = scale instanceof RouterError ? null : scale.sharesOf(text);
        const alone = judge(own, null);
        // Rules without candidates have nobody else to judge them.
        const missing = scale instanceof RouterError && compared.length < rules.length ? scale : null;
        if (compared.length === 0) {
          if (missing !== null) throw missing;
          return alone;
        }
        provisional(alone);
        return (async (): Promise<SignalEvaluation> => {
          anchors.requireWarm();
          const { vector, sampled } = await inference.embed(text, window);
          const both = { ...judge(own, anchors.similarities(vector)), sampled };
          if (missing === null) return both;
          provisional(both);
          throw missing;
        })();
      },
    };
  },
});

/** scaleOf gives the reason instead where there is none: the configuration is right, and each request says what is missing. */
function scaleOf(embedded: EmbeddedTier | null): ComplexityScale | RouterError {
  try {
    if (embedded !== null) return new ComplexityScale(embedded);
    return new RouterError("model_unsupported", "there is no embedded model to judge complexity with");
  } catch (error) {
    return RouterError.from(error);
  }
}

/** judgeRule finds the level. Its confidence, and the score of each level, are shares that sum to 1. */
function judgeRule(
  { name, threshold }: Rule,
  own: Shares,
  margin: number,
): { readonly match: SignalMatch; readonly scores: readonly SignalScore[] } {
  const { tierShare, marginOdds } = COMPLEXITY_DEFAULTS;
  const shares = normalised([logOf(own[0]) + marginOdds * margin, logOf(own[1]), logOf(own[2]) - marginOdds * margin]);
  const score = margin + tierShare * (own[0] - own[2]);
  const level = threshold === undefined ? likeliest(shares) : score > threshold ? 0 : score < -threshold ? 2 : 1;
  const scores = LEVELS.map((level, index) => ({ rule: `${name}:${level}`, score: shares[index] as number }));
  return { match: { rule: `${name}:${LEVELS[level]}`, confidence: shares[level] as number }, scores };
}

/** likeliest level, medium where none is likelier than all others. */
function likeliest([hard, medium, easy]: Shares): 0 | 1 | 2 {
  if (hard > medium && hard > easy) return 0;
  return easy > medium && easy > hard ? 2 : 1;
}
