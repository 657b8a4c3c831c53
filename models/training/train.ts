/**
 * Trains the embedded model: `pnpm run train`. Deterministic; about ten minutes on two cores the first time, three when the encoder's
 * vectors are kept. Writes models/embedded: model.safetensors, manifest.json and figures.json (what the model card prints).
 */
import { createHash } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  createEmbeddedModel,
  encoderLogits,
  logSoftmax,
  mix,
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
import { fitCascade, fitTemperature, fitWeight, type Scored } from "./calibrate.ts";
import { domainDevelopment, domains, domainTraining, languageOf, type Row } from "./corpora.ts";
import { encode } from "./encode.ts";
import { readGlosses } from "./glosses.ts";
import { otherHeads } from "./heads.ts";
import { trainLayer } from "./layer.ts";
import { nearDuplicates } from "./near-duplicates.ts";
import { writeSafetensors, type Tensor } from "./safetensors.ts";
import { inverseFrequencies, trainTable, type Example } from "./table.ts";

/** Scripts in which there is training data; letters of others are foreign. */
const SCRIPTS = ["Latin", "Han", "Hiragana", "Katakana", "Hangul", "Devanagari", "Arabic", "Cyrillic"];
const GLOSS_WEIGHT = 0.5;
/** Share of known words that a text needs to be answered without the encoder. */
const COVERAGE = 0.6;
const EPOCHS = 8;

const output = fileURLToPath(new URL("../embedded/", import.meta.url));
const progress = (line: string) => process.stderr.write(process.stderr.isTTY ? `\r\u001b[2K${line}` : "");
const step = (line: string) => process.stderr.write(`${process.stderr.isTTY ? "\r\u001b[2K" : ""}${line}\n`);
const flat = { chat: 1, exam: 1 };

const development = domainDevelopment();
const developmentRows = Object.values(development).flat();
const training = withoutRepeats(domainTraining());
const glosses = readGlosses();
step(`${training.length} labelled texts, ${glosses.length} glosses, ${developmentRows.length} to develop on`);

const english = training.filter((row) => languageOf(row) === "en");
const encoded = await encode(
  [...english, ...developmentRows].map(({ text }) => text),
  progress,
);
const encodedGlosses = await encode(glosses, progress);
const { dimension } = encoded;
const developmentVector = (index: number) => encoded.vector(english.length + index);

const isExam = (row: Row) => (row.style === "exam" ? 1 : 0);
const labelOf = (row: Row) => domains.indexOf(row.label as (typeof domains)[number]);
const layer = trainLayer(
  english.map((row, i) => ({
    vector: encoded.vector(i),
    exam: isExam(row),
    label: labelOf(row),
    weight: row.style === "lexicon" ? 0.5 * row.weight : row.weight,
  })),
  domains.length,
  dimension,
  progress,
);
step("encoder layer trained");

const featurizer = new Featurizer(SCRIPTS);
const featuresOf = (text: string): Features => featurizer.features(text);
const oneOf = (label: number, count: number) => Float32Array.from({ length: count }, (_, i) => (i === label ? 1 : 0));
const labelled: Example[] = training.map((row) => ({
  features: featuresOf(row.text),
  target: oneOf(labelOf(row), domains.length),
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
  return logSoftmax(encoderLogits(layer, vector, 0), 1).map(Math.exp);
}

const tensors: Record<string, Tensor> = {
  idf: { shape: [ROWS], data: idf },
  "domain.encoder.in.weight": { shape: [layer.hidden, 2 * dimension + 1], data: layer.inWeight },
  "domain.encoder.in.bias": { shape: [layer.hidden], data: layer.inBias },
  "domain.encoder.out.weight": { shape: [domains.length, layer.hidden], data: layer.outWeight },
  "domain.encoder.out.bias": { shape: [domains.length], data: layer.outBias },
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
  cascade: { confidence: flat, coverage: COVERAGE },
  encoder: { model: encoded.model, revision: encoded.revision, dimension, hidden: layer.hidden, weight: 0.4, temperature: flat },
};
addHead("domain", domain, [...labelled, ...guessed], EPOCHS);

const file = writeSafetensors(tensors);
const manifest: EmbeddedManifest = {
  format: "turnout-embedded/1",
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
const figures = measure();
writeFileSync(`${output}figures.json`, `${JSON.stringify(figures, null, 2)}\n`);
writeFileSync(`${output}FIGURES.md`, figuresPage());
step(`models/embedded: ${(file.byteLength / 2 ** 20).toFixed(1)} MiB, revision ${manifest.revision}`);

/** calibrated chooses temperatures, weight and thresholds, by style; nothing but the development sets is looked at. */
function calibrated(): HeadManifest {
  const raw = createEmbeddedModel(
    {
      format: "turnout-embedded/1",
      features: FEATURES_VERSION,
      revision: "raw",
      sha256: "",
      scripts: SCRIPTS,
      heads: { ...heads, domain: { ...domain, encoder: { ...domain.encoder!, weight: 1 } } },
    },
    parseSafetensors(file),
  );
  const rows = developmentRows.map((row, i) => {
    const reading = raw.read(row.text);
    const own = reading.classify("domain").probabilities.map(Math.log);
    const other = reading.combine("domain", developmentVector(i)).probabilities.map(Math.log);
    return { row, label: labelOf(row), own, other, exam: reading.exam >= 0.5, english: reading.english >= 0.5, coverage: reading.coverage };
  });
  const of = (exam: boolean, readEnglish: boolean) => rows.filter((row) => row.exam === exam && (row.english || !readEnglish));
  const temperature = { chat: fitTemperature(of(false, false).map(scoredOwn)), exam: fitTemperature(of(true, false).map(scoredOwn)) };
  const tempered = (exam: boolean) =>
    of(exam, true).map((row) => ({ ...row, own: logSoftmax(row.own, exam ? temperature.exam : temperature.chat) }));
  const weight = fitWeight([tempered(false), tempered(true)]);
  const mixed = (exam: boolean): Scored[] => tempered(exam).map(({ own, other, label }) => ({ label, scores: mix(own, other, weight) }));
  const threshold = (exam: boolean) =>
    fitCascade(
      tempered(exam).map(({ own, other, label, coverage }) => ({
        coverage,
        confidence: Math.exp(Math.max(...own)),
        ownRight: topOf(own) === label,
        mixedRight: topOf(mix(own, other, weight)) === label,
      })),
      COVERAGE,
    );
  return {
    ...domain,
    temperature,
    cascade: { confidence: { chat: threshold(false), exam: threshold(true) }, coverage: COVERAGE },
    encoder: {
      model: encoded.model,
      revision: encoded.revision,
      dimension,
      hidden: layer.hidden,
      weight,
      temperature: { chat: fitTemperature(mixed(false)), exam: fitTemperature(mixed(true)) },
    },
  };
}

/** figuresPage is figures.json for people. */
function figuresPage(): string {
  const rows = Object.entries(figures).map(
    ([group, { n, embedded, encoder, cascade, escalated }]) => `| ${group} | ${n} | ${embedded} | ${encoder} | ${cascade} | ${escalated} |`,
  );
  const head = "| set | texts | embedded | with the encoder always | cascade | share that asks the encoder |\n|---|---|---|---|---|---|";
  const about = "Accuracy of the domain head on development sets, in %; written by `pnpm run train`. Thresholds were chosen on these sets.";
  return `# Figures of revision ${manifest.revision}\n\n${about}\n\n${head}\n${rows.join("\n")}\n`;
}

function scoredOwn({ own, label }: { readonly own: Float32Array; readonly label: number }): Scored {
  return { scores: own, label };
}

function topOf(scores: Float32Array): number {
  return scores.indexOf(Math.max(...scores));
}

/** measure gives accuracy by set and style, as the served model answers. */
function measure() {
  const groups = new Map<string, { n: number; embedded: number; encoder: number; cascade: number; escalated: number }>();
  let index = 0;
  for (const [set, rows] of Object.entries(development)) {
    for (const row of rows) {
      const reading = model.read(row.text);
      const own = reading.classify("domain");
      const combined = reading.combine("domain", developmentVector(index));
      index += 1;
      const asks = own.standing === "unsure";
      for (const group of [set, `${set}/${languageOf(row) === "en" ? "en" : "other languages"}`, `${set}/${row.style}`]) {
        const sum = groups.get(group) ?? { n: 0, embedded: 0, encoder: 0, cascade: 0, escalated: 0 };
        sum.n += 1;
        sum.embedded += own.best === row.label ? 1 : 0;
        sum.encoder += combined.best === row.label ? 1 : 0;
        sum.cascade += (asks ? combined : own).best === row.label ? 1 : 0;
        sum.escalated += asks ? 1 : 0;
        groups.set(group, sum);
      }
    }
  }
  const percent = (sum: number, n: number) => Number(((100 * sum) / n).toFixed(1));
  const figures = Object.fromEntries(
    [...groups].map(([group, { n, embedded, encoder, cascade, escalated }]) => [
      group,
      { n, embedded: percent(embedded, n), encoder: percent(encoder, n), cascade: percent(cascade, n), escalated: percent(escalated, n) },
    ]),
  );
  for (const [group, figure] of Object.entries(figures)) step(`${group.padEnd(28)} ${JSON.stringify(figure)}`);
  return figures;
}
