/**
 * The modality signal: what kind of answer a message wants, under the fixed names of vLLM Semantic Router: text (AR), an image
 * (DIFFUSION), or both. The embedded tier answers, in this thread, or an operator's keywords do; what neither is sure of is text.
 */
import { defineSignal, RouterError, type SignalMatch } from "@turnout/shared";
import { z } from "zod";
import { IntentScale, type IntentTask } from "../intent/intent-scale.ts";
import { literalExpression } from "./literal-expression.ts";

const MODALITIES = ["AR", "DIFFUSION", "BOTH"] as const;
type Modality = (typeof MODALITIES)[number];

/** MODALITY is what the embedded model is asked. */
export const MODALITY: IntentTask = { head: "modality", labels: [...MODALITIES], cueShare: 0.5 };

/** The module, under global.model_catalog.modules. */
const MODULE = "modality_detector";

const rule = z
  .strictObject({
    name: z.enum(MODALITIES).describe("AR: text. DIFFUSION: an image. BOTH: text and an image. What conditions refer to."),
    description: z.string().optional().describe("For people; not read."),
    method: z
      .enum(["hybrid", "keyword", "classifier"])
      .default("hybrid")
      .describe(
        `classifier: trained. keyword: keywords and both_keywords alone. hybrid: the classifier, and the keywords where it is not sure. Default: the module's (${MODULE}.method), else hybrid.`,
      ),
    keywords: z.array(z.string().min(1)).default([]).describe(`Words that ask for an image. Default: ${MODULE}.keywords.`),
    both_keywords: z
      .array(z.string().min(1))
      .default([])
      .describe(`Words that ask for text and an image; they win over keywords. Default: ${MODULE}.both_keywords.`),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        `Probability from which the classifier is sure of DIFFUSION or BOTH. Default: ${MODULE}.confidence_threshold, else the trained model's own.`,
      ),
  })
  .superRefine(({ method, keywords, both_keywords: both }, issues) => {
    if (method === "keyword" && keywords.length + both.length === 0)
      issues.addIssue({ code: "custom", path: ["keywords"], message: "method keyword needs keywords, here or in the module" });
  });

type Rule = z.output<typeof rule>;

export const modality = defineSignal({
  type: "modality",
  configKey: "modality",
  header: "modality",
  needs: "nothing",
  summary: "Tells whether a message wants text, an image, or both.",
  rule,
  modules: {
    [`${MODULE}.method`]: "method",
    [`${MODULE}.keywords`]: "keywords",
    [`${MODULE}.both_keywords`]: "both_keywords",
    [`${MODULE}.confidence_threshold`]: "threshold",
  },
  create(rules, { embedded }) {
    const trained = rules.some(({ method }) => method !== "keyword");
    const scale = trained ? IntentScale.of(embedded, MODALITY) : null;
    const detectors = rules.map((rule) => ({ rule, keywords: keywordsOf(rule) }));
    return {
      evaluate({ userText }, { provisional }) {
        if (userText.trim() === "") return { matches: [] };
        const missing = scale instanceof RouterError ? scale : null;
        const judge = scale instanceof RouterError ? null : scale;
        const shares = judge?.judge(userText) ?? null;
        const matches: SignalMatch[] = [];
        const detect = ({ method, threshold }: Rule, keywords: KeywordSearch): Found => {
          if (judge === null || method === "keyword") return keywords(userText) ?? NO_KEYWORD;
          const judged = byClassifier(shares, (name) => threshold ?? judge.thresholdOf(name));
          return judged.sure || method === "classifier" ? judged : (keywords(userText) ?? judged);
        };
        for (const { rule, keywords } of detectors) {
          // Rules by keywords alone need no model.
          if (missing !== null && rule.method !== "keyword") continue;
          const { name, confidence } = detect(rule, keywords);
          if (name === rule.name) matches.push({ rule: name, confidence, value: confidence });
        }
        if (missing !== null) {
          provisional({ matches });
          throw missing;
        }
        const scores = shares === null ? [] : rules.map(({ name }) => ({ rule: name, score: shares[MODALITIES.indexOf(name)] as number }));
        return { matches, scores };
      },
    };
  },
});

interface Found {
  readonly name: Modality;
  readonly confidence: number;
  /** False where text is only what is left. */
  readonly sure: boolean;
}

/** byClassifier takes what the classifier is not sure of, or cannot read, for text. */
function byClassifier(shares: Float32Array | null, thresholdOf: (name: Modality) => number): Found {
  if (shares === null) return { name: "AR", confidence: 1 / MODALITIES.length, sure: false };
  const best = shares.indexOf(Math.max(...shares));
  const share = shares[best] as number;
  const name = MODALITIES[best] as Modality;
  if (name === "AR" || share >= thresholdOf(name)) return { name, confidence: share, sure: true };
  return { name: "AR", confidence: 1 - share, sure: false };
}

/** KeywordSearch says what a text asks for by a rule's keywords; null where none occurs. */
type KeywordSearch = (text: string) => Found | null;

const NO_KEYWORD: Found = { name: "AR", confidence: 1, sure: true };

function keywordsOf({ keywords, both_keywords: both }: Rule): KeywordSearch {
  const image = keywords.length === 0 ? null : literalExpression(keywords, false);
  const mixed = both.length === 0 ? null : literalExpression(both, false);
  return (text) => {
    if (mixed?.test(text) === true) return { name: "BOTH", confidence: 1, sure: true };
    if (image?.test(text) === true) return { name: "DIFFUSION", confidence: 1, sure: true };
    return null;
  };
}
