/**
 * Trains the pair verifier and writes packages/cache/data/verifier.json. Deterministic. Learns from the training authors' pairs only; the
 * development set calibrates (its even rows) and gives the threshold; the test set is not read here.
 *
 *     node --conditions=source models/training/verifier/train.ts
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { featureNames, isForeign } from "../../../packages/cache/src/verifier/pair-features.ts";
import { scoreOf, type Trees } from "../../../packages/cache/src/verifier/trees.ts";
import { seeded } from "../random.ts";
import { trainTrees, type Row } from "./boosting.ts";
import { exampleOf, trainLexicon, type Example } from "./examples.ts";
import { measured, readPairs, type Pair } from "./pairs.ts";
import { rewritten } from "./rewriting.ts";

/** AUTHORS of the pairs that are learnt from. */
export const AUTHORS = ["A.jsonl", "B.jsonl", "own.train.jsonl"] as const;
/** Pairs that are further apart are never judged. */
export const LEAST_COSINE = 0.7;
/** Share of the development set's different pairs that may be served. */
const ALLOWED = 0.01;
const REWRITTEN_WEIGHT = 0.6;
const NATURAL_WEIGHT = 0.5;

/** rowsOf are what the trees learn from: pairs as written, pairs rewritten, and pairs that are alike by chance. */
export function rowsOf(plain: readonly Example[], rewrittenPairs: readonly Example[], natural: readonly Example[]): Row[] {
  const rows = (examples: readonly Example[], weight: number): Row[] =>
    examples.flatMap((example) => (example.kind === "judged" ? [{ values: example.values, label: example.label, weight }] : []));
  return [...rows(plain, 1), ...rows(rewrittenPairs, REWRITTEN_WEIGHT), ...rows(natural, NATURAL_WEIGHT)];
}

/** rewrittenPairs writes one side of each pair otherwise. */
export function rewrittenPairs(pairs: readonly Pair[]): Pair[] {
  const random = seeded(3);
  return pairs.map((pair) =>
    random() < 0.5 ? { ...pair, text: rewritten(pair.text, random) } : { ...pair, text2: rewritten(pair.text2, random) },
  );
}

/** scoreOfExample is the log-odds that it may be served, before calibration; what is identical is certain, what a guard stops is impossible. */
export function scoreOfExample(example: Example, trees: Trees, leastCosine: number): number {
  if (example.kind === "identical") return Infinity;
  if (example.kind !== "judged" || example.guard !== null || example.cosine < leastCosine || isForeign(example.values)) return -Infinity;
  return scoreOf(trees, example.values);
}

/** calibrate fits probability = logistic(scale * score + offset) by Newton's method. */
function calibrate(rows: readonly { readonly score: number; readonly label: number }[]): { scale: number; offset: number } {
  let [scale, offset] = [1, 0];
  for (let step = 0; step < 50; step += 1) {
    let [g0, g1, h00, h01, h11] = [0, 0, 1e-3, 0, 1e-3];
    for (const { score, label } of rows) {
      const p = 1 / (1 + Math.exp(-(scale * score + offset)));
      const curve = p * (1 - p);
      g0 += (p - label) * score;
      g1 += p - label;
      h00 += curve * score * score;
      h01 += curve * score;
      h11 += curve;
    }
    const determinant = h00 * h11 - h01 * h01;
    scale -= (h11 * g0 - h01 * g1) / determinant;
    offset -= (h00 * g1 - h01 * g0) / determinant;
  }
  return { scale: Number(scale.toFixed(4)), offset: Number(offset.toFixed(4)) };
}

/** thresholdFor finds the least score at which no more than the allowed share of different pairs is served. */
function thresholdFor(examples: readonly Example[], trees: Trees, allowed: number): number {
  const wrong = examples.filter(({ label }) => label === 0).map((example) => scoreOfExample(example, trees, LEAST_COSINE));
  wrong.sort((a, b) => b - a);
  return wrong[Math.floor(allowed * wrong.length)] as number;
}

const base64 = (data: Uint8Array | Float32Array) => Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64");

if (import.meta.main) {
  const progress = (line: string) => process.stderr.write(`${line}\n`);
  const pairs = AUTHORS.flatMap((name) => readPairs(name));
  const { lexicon, words, related } = trainLexicon();
  const examples = async (list: readonly Pair[]) => (await measured(list, progress)).map((pair) => exampleOf(pair, lexicon));
  const natural = await examples(readPairs("natural.jsonl"));
  const rows = rowsOf(await examples(pairs), await examples(rewrittenPairs(pairs)), natural);
  progress(`${pairs.length} pairs, ${natural.length} natural ones, ${rows.length} rows`);
  const trees = trainTrees(rows);
  const dev = await examples(readPairs("dev.jsonl"));
  const scored = dev.flatMap((example, i) =>
    i % 2 === 0 && example.kind === "judged" && example.guard === null
      ? [{ score: scoreOf(trees, example.values), label: example.label }]
      : [],
  );
  const calibration = calibrate(scored);
  const score = thresholdFor(dev, trees, ALLOWED);
  const threshold = 1 / (1 + Math.exp(-(calibration.scale * score + calibration.offset)));
  const directory = join(import.meta.dirname, "../../../packages/cache/data");
  mkdirSync(directory, { recursive: true });
  const document = {
    features: featureNames,
    trees: {
      depth: trees.depth,
      count: trees.count,
      base: trees.base,
      features: base64(trees.features),
      thresholds: base64(trees.thresholds),
      leaves: base64(trees.leaves),
    },
    calibration,
    threshold: Math.ceil(threshold * 1_000) / 1_000,
    cosine: LEAST_COSINE,
    words,
    related: base64(related.bits),
  };
  const text = `${JSON.stringify(document, null, 1)}\n`;
  writeFileSync(join(directory, "verifier.json"), text);
  progress(`threshold ${document.threshold} (score ${score.toFixed(2)}), ${text.length} bytes`);
}
