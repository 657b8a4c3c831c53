/**
 * Trains the embedded model: `pnpm run train`. Deterministic; about twenty minutes on two cores the first time, five when the encoder's
 * vectors are kept. Writes models/embedded: model.safetensors, manifest.json and figures.json (what the model card prints).
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { neighbourShares, networkLogits } from "../../packages/classifier-pool/src/embedded/encoder-head.ts";
import {
  blend,
  createEmbeddedModel,
  logSoftmax,
  STYLE_ROWS,
  traitLabels,
  TRAITS,
} from "../../packages/classifier-pool/src/embedded/embedded-model.ts";
import {
  Featurizer,
  FIRST_GRAM_ROW,
  FIRST_PAIR_ROW,
  FEATURES_VERSION,
  ROWS,
  type Features,
} from "../../packages/classifier-pool/src/embedded/features.ts";
import type { EmbeddedManifest, HeadManifest } from "../../packages/classifier-pool/src/embedded/manifest.ts";
import { parseSafetensors } from "../../packages/classifier-pool/src/model/prepare/safetensors.ts";
import { fitBlend, fitCascade } from "./calibrate.ts";
import { domainDevelopment, domains, domainTraining, languageOf, type Row } from "./corpora.ts";
import { encode } from "./encode.ts";
import { figuresOf, figuresPage, type Trial } from "./figures.ts";
import { readGlosses } from "./glosses.ts";
import { otherHeads } from "./heads.ts";
import { HIDDEN, trainLayer } from "./layer.ts";
import { nearDuplicates } from "./near-duplicates.ts";
import { neighboursOf } from "./neighbours.ts";
import { writeSafetensors, type Tensor } from "./safetensors.ts";
import { inverseFrequencies, trainTable, type Example } from "./table.ts";
import { withTypos } from "./typos.ts";

/** Scripts in which there is training data; letters of others are foreign. */
const SCRIPTS = ["Latin", "Han", "Hiragana", "Katakana", "Hangul", "Devanagari", "Arabic", "Cyrillic"];
const GLOSS_WEIGHT = 0.5;
/** Share of known words that a text needs to be answered without the encoder. */
const COVERAGE = 0.6;
/** Loss of accuracy that is allowed for not asking the encoder; of messages it knows more than of examination questions. */
const ALLOWED_LOSS = { chat: 0.0015, exam: 0.005 };
const EPOCHS = 8;
/** Share of a message's target that goes to all labels alike: the few messages must not be learnt by heart. */
const SMOOTHING = 0.1;

const output = fileURLToPath(new URL("../embedded/", import.meta.url));
const progress = (line: string) => process.stderr.write(process.stderr.isTTY ? `\r\u001b[2K${line}` : "");
const step = (line: string) => process.stderr.write(`${process.stderr.isTTY ? "\r\u001b[2K" : ""}${line}\n`);
const flat = { chat: 1, exam: 1 };
type Weights = [tables: number, network: number, neighbours: number];
const evenly: Weights = [1 / 3, 1 / 3, 1 / 3];

const development = domainDevelopment();
const developmentRows = Object.values(development).flat();
const training = withoutRepeats(domainTraining());
const glosses = readGlosses();
step(`${training.length} labelled texts, ${glosses.length} glosses, ${developmentRows.length} to develop on`);

const english = training.filter((row) => languageOf(row) === "en");
const typedDevelopment = developmentRows.map(({ text }) => withTypos(text));
const encoded = await encode(
  [...english, ...developmentRows].map(({ text }) => text),
  progress,
);
const encodedTypos = await encode(
  [...english.map(({ text, style }) => (style === "lexicon" ? text : withTypos(text))), ...typedDevelopment],
  progress,
);
const encodedGlosses = await encode(glosses, progress);
const { dimension } = encoded;

const isExam = (row: Row) => (row.style === "exam" ? 1 : 0);
const labelOf = (row: Row) => domains.indexOf(row.label as (typeof domains)[number]);
const network = trainLayer(
  english.map((row, i) => ({
    vector: encoded.vector(i),
    typed: row.style === "lexicon" ? null : encodedTypos.vector(i),
    exam: isExam(row),
    label: labelOf(row),
    weight: row.style === "lexicon" ? 0.5 * row.weight : row.weight,
  })),
  domains.length,
  dimension,
  progress,
);
step("encoder layer trained");
const neighbours = neighboursOf(
  english.map((row, i) => ({ row, label: labelOf(row), vector: encoded.vector(i) })).filter(({ row }) => row.style !== "lexicon"),
  dimension,
);

const featurizer = new Featurizer(SCRIPTS);
const featuresOf = (text: string): Features => featurizer.features(text);
const oneOf = (label: number, smoothing: number) =>
  Float32Array.from(domains, (_, i) => (i === label ? 1 - smoothing : 0) + smoothing / domains.length);
const labelled: Example[] = training.map((row) => ({
  features: featuresOf(row.text),
  target: oneOf(labelOf(row), isExam(row) === 1 ? 0 : SMOOTHING),
  weight: row.weight,
  exam: isExam(row),
}));
/** wordsOf leaves out pairs of words: what stands together in a definition does not in a message. */
const wordsOf = (features: Features): Features => ({
  ...features,
  rows: features.rows.filter((row) => row < FIRST_PAIR_ROW || row >= FIRST_GRAM_ROW),
});
const guessed: Example[] = glosses.map((text, i) => ({
  features: wordsOf(featuresOf(text)),
  target: guess(encodedGlosses.vector(i)),
  weight: GLOSS_WEIGHT,
  exam: 0,
}));
const idf = inverseFrequencies(labelled.map(({ features }) => features));

/** withoutRepeats leaves out what nearly repeats a text of the development sets. */
function withoutRepeats(rows: readonly Row[]): readonly Row[] {
  const repeats = nearDuplicates(
    rows.map(({ text }) => text),
    developmentRows.map(({ text }) => text),
  );
  step(`${repeats.filter(Boolean).length} texts nearly repeat a development text and are left out`);
  return rows.filter((_, index) => repeats[index] === false);
}

/** guess is what the encoder's network says of a gloss, read as a message. */
function guess(vector: Float32Array): Float32Array {
  return logSoftmax(networkLogits(network, vector, 0), 1).map(Math.exp);
}

const tensors: Record<string, Tensor> = {
  idf: { shape: [ROWS], data: idf },
  "domain.encoder.in.weight": { shape: [HIDDEN, dimension], data: network.inWeight },
  "domain.encoder.in.scale": { shape: [HIDDEN], data: network.inScale },
  "domain.encoder.in.style": { shape: [HIDDEN], data: network.inStyle },
  "domain.encoder.in.bias": { shape: [HIDDEN], data: network.inBias },
  "domain.encoder.out.weight": { shape: [2 * domains.length, HIDDEN], data: network.outWeight },
  "domain.encoder.out.bias": { shape: [2 * domains.length], data: network.outBias },
  "domain.encoder.neighbours.center": { shape: [dimension], data: neighbours.center },
  "domain.encoder.neighbours.signs": { shape: [neighbours.labels.length, dimension / 8], data: neighbours.signs },
  "domain.encoder.neighbours.labels": { shape: [neighbours.labels.length], data: neighbours.labels },
};
const heads: Record<string, HeadManifest> = {};

function addHead(name: string, manifest: HeadManifest, examples: readonly Example[], epochs: number): void {
  const { rows, styled, kind, labels } = manifest;
  const trained = trainTable(examples, idf, {
    labels: labels.length,
    kind,
    rows,
    styled,
    epochs,
    progress: (line) => progress(`${name}: ${line}`),
  });
  tensors[`${name}.table`] = { shape: [rows + (styled ? STYLE_ROWS : 0), labels.length], data: trained.table };
  tensors[`${name}.scale`] = { shape: [labels.length], data: trained.scale };
  tensors[`${name}.bias`] = { shape: [labels.length], data: trained.bias };
  heads[name] = manifest;
  step(`${name}: table trained on ${examples.length} texts`);
}

addHead(
  TRAITS,
  { labels: [...traitLabels], kind: "sigmoid", rows: 1 << 17, styled: false, temperature: flat },
  training.map((row, i) => ({
    ...(labelled[i] as Example),
    target: Float32Array.of(isExam(row), languageOf(row) === "en" ? 1 : 0),
    weight: 1,
  })),
  3,
);
for (const head of otherHeads()) {
  addHead(
    head.name,
    {
      labels: head.labels,
      kind: head.kind,
      rows: head.rows,
      styled: false,
      temperature: flat,
      ...(head.thresholds === undefined ? {} : { thresholds: head.thresholds }),
    },
    head.examples.map(({ text, target, weight }) => ({ features: featuresOf(text), target, weight, exam: 0 })),
    head.epochs,
  );
}
const domain: HeadManifest = {
  labels: [...domains],
  kind: "softmax",
  rows: ROWS,
  styled: true,
  temperature: flat,
  cascade: { lead: { chat: 1, exam: 1 }, coverage: COVERAGE },
  encoder: {
    model: encoded.model,
    revision: encoded.revision,
    dimension,
    hidden: HIDDEN,
    neighbours: neighbours.labels.length,
    blend: { chat: evenly, exam: evenly },
  },
};
addHead("domain", domain, [...labelled, ...guessed], EPOCHS);

const file = writeSafetensors(tensors);
const manifest: EmbeddedManifest = {
  format: "turnout-embedded/2",
  features: FEATURES_VERSION,
  revision: createHash("sha256").update(file).digest("hex").slice(0, 12),
  sha256: createHash("sha256").update(file).digest("hex"),
  scripts: SCRIPTS,
  heads: { ...heads, domain: calibrated() },
};
const model = createEmbeddedModel(manifest, parseSafetensors(file));
mkdirSync(output, { recursive: true });
writeFileSync(`${output}model.safetensors`, file);
writeFileSync(`${output}manifest.json`, `${JSON.stringify(manifest, null, 2)}\n`);
const figures = figuresOf(trials());
for (const [group, figure] of Object.entries(figures)) step(`${group.padEnd(28)} ${JSON.stringify(figure)}`);
writeFileSync(`${output}figures.json`, `${JSON.stringify(figures, null, 2)}\n`);
writeFileSync(`${output}FIGURES.md`, figuresPage(figures, manifest.revision));
step(`models/embedded: ${(file.byteLength / 2 ** 20).toFixed(1)} MiB, revision ${manifest.revision}`);

/** calibrated chooses temperatures, weights and thresholds, by style; nothing but the development sets is looked at. */
function calibrated(): HeadManifest {
  const raw = createEmbeddedModel(
    {
      format: "turnout-embedded/2",
      features: FEATURES_VERSION,
      revision: "raw",
      sha256: "",
      scripts: SCRIPTS,
      heads: { ...heads, domain },
    },
    parseSafetensors(file),
  );
  const rows = developmentRows.map((row, i) => {
    const reading = raw.read(row.text);
    const vector = encoded.vector(english.length + i);
    const own = reading.classify("domain").probabilities.map(Math.log);
    const other = logSoftmax(networkLogits(network, vector, reading.exam), 1);
    const opinions = [own, other, neighbourShares(neighbours, vector, domains.length)];
    return { label: labelOf(row), own, opinions, exam: reading.exam, english: reading.english >= 0.5, coverage: reading.coverage };
  });
  const read = rows.filter((row) => row.english);
  /** byStyle fits the weights of both styles at once, as they are mixed: the first half is of messages, the second of examinations. */
  const byStyle = (opinionsOf: (row: (typeof rows)[number]) => readonly Float32Array[]) => {
    const weights = fitBlend(
      read.map((row) => ({
        label: row.label,
        opinions: [1 - row.exam, row.exam].flatMap((share) => opinionsOf(row).map((opinion) => opinion.map((value) => share * value))),
      })),
    );
    return { chat: weights.slice(0, weights.length / 2), exam: weights.slice(weights.length / 2) };
  };
  const sharpness = byStyle(({ own }) => [own]);
  const weights = byStyle(({ opinions }) => opinions);
  const [foreign] = fitBlend(rows.filter((row) => !row.english).map(({ own, label }) => ({ opinions: [own], label })));
  const styled = (exam: number, ofChat: readonly number[], ofExam: readonly number[]) =>
    ofChat.map((value, n) => value + exam * ((ofExam[n] as number) - value));
  const leadWhere = (isExamination: boolean) =>
    fitCascade(
      read
        .filter(({ exam }) => exam >= 0.5 === isExamination)
        .map(({ own, opinions, label, coverage, exam }) => ({
          coverage,
          lead: leadOf(logSoftmax(blend([own], styled(exam, sharpness.chat, sharpness.exam)), 1).map(Math.exp)),
          ownRight: topOf(own) === label,
          mixedRight: topOf(blend(opinions, styled(exam, weights.chat, weights.exam))) === label,
        })),
      COVERAGE,
      isExamination ? ALLOWED_LOSS.exam : ALLOWED_LOSS.chat,
    );
  const temperature = ([sharp]: readonly (number | undefined)[]) => Number((1 / (sharp as number)).toFixed(3));
  return {
    ...domain,
    temperature: { chat: temperature(sharpness.chat), exam: temperature(sharpness.exam), languages: temperature([foreign]) },
    cascade: { lead: { chat: leadWhere(false), exam: leadWhere(true) }, coverage: COVERAGE },
    encoder: { ...domain.encoder!, blend: weights as { chat: Weights; exam: Weights } },
  };
}

function topOf(scores: Float32Array): number {
  return scores.indexOf(Math.max(...scores));
}

function leadOf(probabilities: Float32Array): number {
  const [best = 0, next = 0] = probabilities.toSorted((a, b) => b - a);
  return best - next;
}

/** trials of the served model: the development texts, and the English ones once more with typing errors. */
function trials(): Trial[] {
  const named = Object.entries(development).flatMap(([set, rows]) => rows.map((row) => ({ set, row })));
  return named.flatMap(({ set, row }, index) => {
    const place = english.length + index;
    const written = trial(row, row.text, encoded.vector(place), [
      set,
      `${set}/${languageOf(row) === "en" ? "en" : "other languages"}`,
      `${set}/${row.style}`,
    ]);
    if (languageOf(row) !== "en") return [written];
    return [written, trial(row, typedDevelopment[index] as string, encodedTypos.vector(place), [`${set}/en, typos in 20 % of words`])];
  });
}

function trial(row: Row, text: string, vector: Float32Array, groups: readonly string[]): Trial {
  const reading = model.read(text);
  const own = reading.classify("domain");
  const combined = reading.combine("domain", vector);
  const asks = own.standing === "unsure";
  const served = asks ? combined : own;
  const cascade = { confidence: served.confidence, right: served.best === row.label };
  return { groups, embedded: own.best === row.label, encoder: combined.best === row.label, cascade, asks };
}
