/**
 * Measures the jailbreak heads on what they have not learned from: `node --conditions=source models/training/heads/jailbreak-figures.ts`,
 * half a minute. Prints, as JSON: each source of attacks left out of training in turn (AUC), each source of harmless texts with trigger
 * words left out in turn (share flagged), and five-fold cross-validation, by which the threshold is chosen. Scores are those of the
 * signal: the highest risk of a chunk, by the code that serves.
 */
import { readFileSync } from "node:fs";
import { createEmbeddedModel, defaultEmbeddedModel } from "../../../packages/classifier-pool/src/embedded/embedded-model.ts";
import { Featurizer, type Features } from "../../../packages/classifier-pool/src/embedded/features.ts";
import { parseManifest, type HeadManifest } from "../../../packages/classifier-pool/src/embedded/manifest.ts";
import { parseSafetensors, type StoredTensor } from "../../../packages/classifier-pool/src/model/prepare/safetensors.ts";
import { AttackScale } from "../../../packages/extproc/src/routing/jailbreak/attack-scale.ts";
import { Chunks, TIER_CUT } from "../../../packages/extproc/src/routing/jailbreak/chunks.ts";
import { readLines } from "../corpora.ts";
import { writeSafetensors, type Tensor } from "../safetensors.ts";
import { trainTable } from "../table.ts";
import { attackRows, authoredAttacks, jailbreakHeads, THRESHOLD, type AttackRow } from "./jailbreak.ts";

const FOLDS = 5;
/** Every n-th harmless development text of other corpora. */
const EASY: Readonly<Record<string, number>> = { "chat_domain.dev.jsonl": 1, "domain.dev.jsonl": 5, "clinc150.dev.jsonl": 5 };

const served = parseManifest(readFileSync(`${defaultEmbeddedModel}/manifest.json`, "utf8"));
const stored = parseSafetensors(readFileSync(`${defaultEmbeddedModel}/model.safetensors`));
const idf = (stored.get("idf") as StoredTensor).bytes;
const featurizer = new Featurizer(served.scripts);
const known = new Map<string, Features>();

const training = attackRows();
const development = [
  ...["jailbreak.dev.jsonl", "injection_own.dev.jsonl"].flatMap((file) => readLines<AttackRow>(file)),
  ...authoredAttacks("dev"),
];

const easy = Object.entries(EASY).flatMap(([file, nth]) =>
  readLines<{ readonly text: string }>(file)
    .filter((_, index) => index % nth === 0)
    .map(({ text }) => ({ text, label: 0, source: file })),
);

const isOther = ({ source }: AttackRow) => source.endsWith(".jsonl");
const familyOf = ({ source }: AttackRow) => source.split("/")[0] as string;
const isFamily = (family: string) => (row: AttackRow) => familyOf(row) === family;
const labelled = [...training.filter((row) => !isOther(row)), ...development];
const attackFamilies = [...new Set(labelled.filter(({ label }) => label === 1).map(familyOf))];
/** Sources of harmless texts that were written or collected for their trigger words. */
const triggerFamilies = [
  ...new Set(labelled.filter((row) => row.label === 0 && /^(notinject|turnout-(?!documents))/.test(row.source)).map(familyOf)),
];

/** fit gives the measure of models trained on these rows. */
function fit(rows: readonly AttackRow[]): (row: AttackRow) => number {
  const heads: Record<string, HeadManifest> = { traits: served.heads["traits"] as HeadManifest };
  const tensors: Record<string, Tensor> = {};
  for (const { name, labels, kind, rows: size, epochs, thresholds = {}, examples } of jailbreakHeads(rows)) {
    const learned = examples.map(({ text, target, weight }) => ({ features: featuresOf(text), target, weight, exam: 0 }));
    const trained = trainTable(learned, idf, { labels: labels.length, kind, rows: size, styled: false, epochs, progress: () => undefined });
    tensors[`${name}.table`] = { shape: [size, 1], data: trained.table };
    tensors[`${name}.scale`] = { shape: [1], data: trained.scale };
    tensors[`${name}.bias`] = { shape: [1], data: trained.bias };
    heads[name] = { labels, kind, rows: size, styled: false, temperature: { chat: 1, exam: 1 }, thresholds };
  }
  const scale = new AttackScale(
    createEmbeddedModel({ ...served, heads }, new Map([...stored, ...parseSafetensors(writeSafetensors(tensors))])),
  );
  return ({ text }) => new Chunks([text], TIER_CUT).all().reduce((highest, chunk) => Math.max(highest, scale.risk(chunk)), 0);
}

function featuresOf(text: string): Features {
  const features = known.get(text) ?? featurizer.features(text);
  known.set(text, features);
  return features;
}

/** auc is the share of pairs of an attack and a harmless text in which the attack scores higher. */
function auc(attacks: readonly number[], harmless: readonly number[]): number {
  const sorted = Float64Array.from(harmless).sort();
  const below = (score: number, orEqual: boolean) => {
    let low = 0;
    let high = sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const value = sorted[middle] as number;
      if (value < score || (orEqual && value === score)) low = middle + 1;
      else high = middle;
    }
    return low;
  };
  const wins = attacks.reduce((sum, score) => sum + (below(score, false) + below(score, true)) / 2, 0);
  return round(wins / (attacks.length * harmless.length));
}

const round = (value: number) => Number(value.toFixed(3));
const flagged = (scores: readonly number[], threshold = THRESHOLD) =>
  `${scores.filter((score) => score >= threshold).length} of ${scores.length}`;

const leftOut = attackFamilies.map((family) => {
  const score = fit(training.filter((row) => !isFamily(family)(row)));
  const attacks = labelled.filter((row) => row.label === 1 && isFamily(family)(row)).map(score);
  const hard = [
    ...labelled.filter((row) => row.label === 0 && isFamily(family)(row)),
    ...development.filter((row) => row.label === 0 && !isFamily(family)(row)),
  ].map(score);
  return {
    family,
    attacks: attacks.length,
    harmless: hard.length,
    auc: auc(attacks, hard),
    aucWithOtherCorpora: auc(attacks, [...hard, ...easy.map(score)]),
    found: flagged(attacks),
  };
});
const mean = (values: readonly number[]) => round(values.reduce((sum, value) => sum + value, 0) / values.length);

const triggers = triggerFamilies.map((family) => {
  const score = fit(training.filter((row) => row.label === 1 || !isFamily(family)(row)));
  return { family, flagged: flagged(labelled.filter((row) => row.label === 0 && isFamily(family)(row)).map(score)) };
});

const scores = new Map<AttackRow, number>();
for (let fold = 0; fold < FOLDS; fold += 1) {
  const isHeldOut = (_: AttackRow, index: number) => (index * 7) % FOLDS === fold;
  const score = fit([...labelled.filter((row, index) => !isHeldOut(row, index)), ...training.filter(isOther)]);
  for (const row of labelled.filter(isHeldOut)) scores.set(row, score(row));
}
const scoresOf = (wanted: (row: AttackRow) => boolean) => [...scores].filter(([row]) => wanted(row)).map(([, score]) => score);
const triggerScores = scoresOf((row) => row.label === 0 && triggerFamilies.includes(familyOf(row)));
const crossValidation = {
  auc: auc(
    scoresOf(({ label }) => label === 1),
    scoresOf(({ label }) => label === 0),
  ),
  triggersFlaggedAt: Object.fromEntries(
    [0.75, 0.8, 0.85, 0.9, 0.92, 0.94].map((threshold) => [threshold, flagged(triggerScores, threshold)]),
  ),
  flagged: Object.fromEntries(
    [...new Set(labelled.map((row) => `${familyOf(row)} ${row.label}`))].map((group) => [
      group,
      flagged(scoresOf((row) => `${familyOf(row)} ${row.label}` === group)),
    ]),
  ),
};

const figures = {
  threshold: THRESHOLD,
  leftOneSourceOut: leftOut,
  meanAuc: mean(leftOut.map((figure) => figure.auc)),
  meanAucWithOtherCorpora: mean(leftOut.map((figure) => figure.aucWithOtherCorpora)),
  harmlessWithTriggerWordsLeftOut: triggers,
  crossValidation,
};
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
