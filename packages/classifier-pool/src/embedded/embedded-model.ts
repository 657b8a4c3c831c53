/**
 * The embedded tier: classifiers that answer in microseconds in the calling thread, from tables of hashed n-grams that lie in this
 * repository. It waits for nothing, opens no session and knows no configuration; whether its word is enough is a field of the answer.
 */
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  RouterError,
  type EmbeddedReading,
  type EmbeddedTier,
  type EncoderIdentity,
  type TextClassification,
  type TextStanding,
} from "@turnout/shared";
import { parseSafetensors, toFloat32, type StoredTensor } from "../model/prepare/safetensors.ts";
import { Featurizer, ROWS, type Features } from "./features.ts";
import { parseManifest, type EmbeddedManifest, type HeadManifest } from "./manifest.ts";

/** defaultEmbeddedModel is the directory of the model that comes with Turnout. */
export const defaultEmbeddedModel = fileURLToPath(new URL("../../../../models/embedded", import.meta.url));

/** STYLE_ROWS are the further rows of a styled head: features as they are used in examination questions. */
export const STYLE_ROWS = 1 << 18;

/** TRAITS is the head that says what kind of text this is; the others are read by its light. */
export const TRAITS = "traits";
export const traitLabels = ["exam", "english"] as const;

/** Likelihood of the style of examinations below which it is not reckoned with. */
const NO_STYLE = 0.01;

/** Share of foreign letters from which a text is none that the models know. */
const FOREIGN = 0.5;

/** EncoderLayer is a small network on [vector, vector times style, style]. */
export interface EncoderLayer {
  /** [hidden, 2 * dimension + 1] */
  readonly inWeight: Float32Array;
  readonly inBias: Float32Array;
  /** [labels, hidden] */
  readonly outWeight: Float32Array;
  readonly outBias: Float32Array;
}

/** Head is one classifier: a table of weights in steps of a scale per label, and the network for the encoder's vector. */
interface Head {
  readonly manifest: HeadManifest;
  readonly labels: readonly string[];
  /** [rows + style rows, labels] */
  readonly table: Int8Array;
  readonly scale: Float32Array;
  readonly bias: Float32Array;
  /** Reads the encoder's vector; null where there is none. */
  readonly encoder: EncoderLayer | null;
}

/**
 * createEmbeddedTier reads its model when it is first asked, about 20 ms: a configuration of keywords never pays for it. Throws what
 * loadEmbeddedModel throws, then.
 */
export function createEmbeddedTier(directory: string = defaultEmbeddedModel): EmbeddedTier {
  let model: EmbeddedTier | null = null;
  const loaded = () => (model ??= loadEmbeddedModel(directory));
  return {
    get revision() {
      return loaded().revision;
    },
    labelsOf: (head) => loaded().labelsOf(head),
    thresholdOf: (head, label) => loaded().thresholdOf(head, label),
    encoderOf: (head) => loaded().encoderOf(head),
    read: (text) => loaded().read(text),
  };
}

/**
 * loadEmbeddedModel reads manifest.json and model.safetensors of a directory. Throws RouterError "model_corrupt" when they do not
 * belong together or to this program.
 */
export function loadEmbeddedModel(directory: string = defaultEmbeddedModel): EmbeddedTier {
  const json = readPart(directory, "manifest.json");
  const file = readPart(directory, "model.safetensors");
  const manifest = parseManifest(json.toString("utf8"));
  const sum = createHash("sha256").update(file).digest("hex");
  if (sum !== manifest.sha256) {
    throw new RouterError("model_corrupt", `${directory}/model.safetensors has SHA-256 ${sum}, its manifest says ${manifest.sha256}`);
  }
  return createEmbeddedModel(manifest, parseSafetensors(file));
}

/** createEmbeddedModel makes the tier of tables in memory; training measures with it what will be served. */
export function createEmbeddedModel(manifest: EmbeddedManifest, tensors: ReadonlyMap<string, StoredTensor>): EmbeddedTier {
  return new EmbeddedModel(manifest, tensors);
}

function readPart(directory: string, name: string): Buffer {
  try {
    return readFileSync(`${directory}/${name}`);
  } catch (error) {
    throw new RouterError("model_corrupt", `the embedded model's ${name} cannot be read from ${directory}`, { cause: error });
  }
}

class EmbeddedModel implements EmbeddedTier {
  readonly revision: string;
  readonly #heads = new Map<string, Head>();
  readonly #featurizer: Featurizer;
  /** Inverse document frequency of each row in steps of IDF_STEP; 255 is a row that training never met. */
  readonly #idf: Uint8Array;
  /** The signals of one request read the same text one after the other. */
  #last: Reading | null = null;

  constructor(manifest: EmbeddedManifest, tensors: ReadonlyMap<string, StoredTensor>) {
    this.revision = manifest.revision;
    this.#featurizer = new Featurizer(manifest.scripts);
    this.#idf = bytesOf(tensors, "idf", ROWS);
    for (const [name, head] of Object.entries(manifest.heads)) this.#heads.set(name, loadHead(name, head, tensors));
    if (!this.#heads.has(TRAITS)) throw new RouterError("model_corrupt", `the embedded model has no head "${TRAITS}"`);
  }

  labelsOf(head: string): readonly string[] | null {
    return this.#heads.get(head)?.labels ?? null;
  }

  thresholdOf(head: string, label: string): number {
    return this.#heads.get(head)?.manifest.thresholds?.[label] ?? 0.5;
  }

  encoderOf(head: string): EncoderIdentity | null {
    return this.#heads.get(head)?.manifest.encoder ?? null;
  }

  read(text: string): EmbeddedReading {
    if (this.#last?.text !== text) {
      const features = this.#featurizer.features(text);
      this.#last = new Reading(text, features, weigh(features.rows, this.#idf), knownShare(features.words, this.#idf), this.#heads);
    }
    return this.#last;
  }
}

/** Reading is what the tier says of one text; each head is asked when somebody wants to know. */
class Reading implements EmbeddedReading {
  readonly text: string;
  readonly coverage: number;
  readonly foreign: boolean;
  #traits: Float32Array | null = null;
  readonly #features: Features;
  readonly #values: Float32Array;
  readonly #heads: ReadonlyMap<string, Head>;

  constructor(text: string, features: Features, values: Float32Array, coverage: number, heads: ReadonlyMap<string, Head>) {
    this.text = text;
    this.#features = features;
    this.#values = values;
    this.#heads = heads;
    this.coverage = coverage;
    this.foreign = features.foreign > FOREIGN;
  }

  get exam(): number {
    return this.#trait("exam");
  }

  get english(): number {
    return this.#trait("english");
  }

  classify(name: string): TextClassification {
    const head = this.#head(name);
    return this.#judge(head, this.#ownLogits(head), this.#temperature(head.manifest.temperature));
  }

  combine(name: string, vector: Float32Array): TextClassification {
    const head = this.#head(name);
    const { encoder, manifest } = head;
    if (encoder === null || manifest.encoder === undefined || manifest.encoder.dimension !== vector.length) {
      throw new RouterError("model_unsupported", `head "${name}" cannot be combined with a vector of ${vector.length} numbers`);
    }
    const own = logSoftmax(this.#ownLogits(head), this.#temperature(manifest.temperature));
    const others = logSoftmax(encoderLogits(encoder, vector, this.exam), 1);
    const { temperature } = manifest.encoder;
    // The network was trained on English alone; of other languages the encoder knows less than the tables.
    const weight = this.english < 0.5 ? 0 : manifest.encoder.weight;
    const mixed = mix(own, others, weight);
    return { ...this.#judge(head, mixed, this.#temperature(temperature)), standing: this.foreign ? "foreign" : "sure" };
  }

  #head(name: string): Head {
    const head = this.#heads.get(name);
    if (head === undefined) throw new RouterError("model_unsupported", `the embedded model has no head "${name}"`);
    return head;
  }

  /** #trait is found out when somebody wants to know: chunks of a long text are only searched for attacks. */
  #trait(label: (typeof traitLabels)[number]): number {
    this.#traits ??= this.#logits(this.#head(TRAITS), 0).map(sigmoid);
    return this.#traits[traitLabels.indexOf(label)] as number;
  }

  /** #ownLogits are what the tables say, in the text's own style where the head tells styles apart. */
  #ownLogits(head: Head): Float32Array {
    return this.#logits(head, head.manifest.styled ? this.exam : 0);
  }

  #temperature({ chat, exam }: { readonly chat: number; readonly exam: number }): number {
    if (chat === exam) return chat;
    return this.exam >= 0.5 ? exam : chat;
  }

  #judge(head: Head, logits: Float32Array, temperature: number): TextClassification {
    const { labels, manifest } = head;
    const probabilities =
      manifest.kind === "softmax" ? logSoftmax(logits, temperature).map(Math.exp) : logits.map((z) => sigmoid(z / temperature));
    let best = 0;
    for (let label = 1; label < labels.length; label += 1)
      if ((probabilities[label] as number) > (probabilities[best] as number)) best = label;
    const confidence = probabilities[best] as number;
    return { labels, probabilities, best: labels[best] as string, confidence, standing: this.#standing(manifest, confidence) };
  }

  #standing({ cascade, encoder }: HeadManifest, confidence: number): TextStanding {
    if (this.foreign) return "foreign";
    if (cascade === undefined || encoder === undefined) return "sure";
    // The encoder reads no other language than English: the tables say what can be said.
    if (this.english < 0.5) return "sure";
    return confidence >= this.#temperature(cascade.confidence) && this.coverage >= cascade.coverage ? "sure" : "unsure";
  }

  /** #logits is the hot loop: every feature adds its row of weights, `exam` times its row in that style. */
  #logits({ table, scale, bias, manifest, labels }: Head, exam: number): Float32Array {
    const rows = this.#features.rows;
    const values = this.#values;
    const width = labels.length;
    const logits = new Float32Array(width);
    const shift = foldShift(manifest.rows);
    for (let i = 0; i < rows.length; i += 1) {
      const row = rows[i] as number;
      const value = values[i] as number;
      const at = foldRow(row, shift) * width;
      for (let label = 0; label < width; label += 1) logits[label] = (logits[label] as number) + value * (table[at + label] as number);
      if (!manifest.styled || exam < NO_STYLE) continue;
      const styled = (manifest.rows + styleRow(row)) * width;
      for (let label = 0; label < width; label += 1) {
        logits[label] = (logits[label] as number) + exam * value * (table[styled + label] as number);
      }
    }
    for (let label = 0; label < width; label += 1) {
      logits[label] = (logits[label] as number) * (scale[label] as number) + (bias[label] as number);
    }
    return logits;
  }
}

/** foldShift is how foldRow maps rows into a table of `rows` of them, a power of two; 0 for one that has them all. */
export const foldShift = (rows: number) => (rows === ROWS ? 0 : 1 + Math.clz32(rows));

/** foldRow is a feature's row in a table of fewer rows. */
export const foldRow = (row: number, shift: number) => (shift === 0 ? row : Math.imul(row, 0x9e3779b1) >>> shift);

const STYLE_SHIFT = foldShift(STYLE_ROWS);

/** styleRow is where a feature stands among the further rows of a styled head. */
export const styleRow = (row: number) => foldRow(row + 77, STYLE_SHIFT);

/** Inverse document frequencies are kept in this step; 255 stands for a row never met. */
export const IDF_STEP = 1 / 16;

/** weigh gives each row its inverse document frequency, scaled so that a text's values have length 1. */
export function weigh(rows: Uint32Array, idf: Uint8Array): Float32Array {
  const values = new Float32Array(rows.length);
  let squares = 0;
  for (let i = 0; i < rows.length; i += 1) {
    const value = (idf[rows[i] as number] as number) * IDF_STEP;
    values[i] = value;
    squares += value * value;
  }
  const length = Math.sqrt(squares) || 1;
  for (let i = 0; i < values.length; i += 1) values[i] = (values[i] as number) / length;
  return values;
}

function knownShare(words: Uint32Array, idf: Uint8Array): number {
  let known = 0;
  for (const word of words) if (idf[word] !== 255) known += 1;
  return words.length === 0 ? 0 : known / words.length;
}

/** encoderLogits costs 0.15 to 0.3 ms; it is asked only where the encoder has spent milliseconds. */
export function encoderLogits({ inWeight, inBias, outWeight, outBias }: EncoderLayer, vector: Float32Array, exam: number): Float32Array {
  const dimension = vector.length;
  const width = 2 * dimension + 1;
  const neurons = inBias.map((bias, neuron) => {
    const at = neuron * width;
    let plain = bias;
    let styled = inWeight[at + 2 * dimension] as number;
    for (let i = 0; i < dimension; i += 1) plain += (vector[i] as number) * (inWeight[at + i] as number);
    if (exam < NO_STYLE) return Math.max(plain, 0);
    for (let i = 0; i < dimension; i += 1) styled += (vector[i] as number) * (inWeight[at + dimension + i] as number);
    return Math.max(plain + exam * styled, 0);
  });
  return outBias.map((bias, label) =>
    neurons.reduce((sum, neuron, i) => sum + neuron * (outWeight[label * neurons.length + i] as number), bias),
  );
}

/** mix is the weighted geometric mean of two distributions, as logarithms. Training chooses the weight by it. */
export const mix = (own: Float32Array, other: Float32Array, weight: number) =>
  own.map((value, label) => (1 - weight) * value + weight * (other[label] as number));

const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

/** logSoftmax of logits divided by a temperature. */
export function logSoftmax(logits: Float32Array, temperature: number): Float32Array {
  let top = -Infinity;
  for (const logit of logits) top = Math.max(top, logit / temperature);
  let sum = 0;
  for (const logit of logits) sum += Math.exp(logit / temperature - top);
  const log = top + Math.log(sum);
  return logits.map((logit) => logit / temperature - log);
}

function loadHead(name: string, manifest: HeadManifest, tensors: ReadonlyMap<string, StoredTensor>): Head {
  const { labels, rows, styled, encoder } = manifest;
  const count = labels.length;
  const table = bytesOf(tensors, `${name}.table`, (rows + (styled ? STYLE_ROWS : 0)) * count);
  return {
    manifest,
    labels,
    table: new Int8Array(table.buffer, table.byteOffset, table.byteLength),
    scale: floatsOf(tensors, `${name}.scale`, count),
    bias: floatsOf(tensors, `${name}.bias`, count),
    encoder:
      encoder === undefined
        ? null
        : {
            inWeight: floatsOf(tensors, `${name}.encoder.in.weight`, encoder.hidden * (2 * encoder.dimension + 1)),
            inBias: floatsOf(tensors, `${name}.encoder.in.bias`, encoder.hidden),
            outWeight: floatsOf(tensors, `${name}.encoder.out.weight`, count * encoder.hidden),
            outBias: floatsOf(tensors, `${name}.encoder.out.bias`, count),
          },
  };
}

function bytesOf(tensors: ReadonlyMap<string, StoredTensor>, name: string, length: number): Uint8Array {
  const tensor = tensors.get(name);
  if (tensor?.bytes.byteLength !== length) {
    throw new RouterError(
      "model_corrupt",
      `the embedded model's tensor "${name}" has ${tensor?.bytes.byteLength ?? "no"} bytes, expected ${length}`,
    );
  }
  return tensor.bytes;
}

function floatsOf(tensors: ReadonlyMap<string, StoredTensor>, name: string, length: number): Float32Array {
  const tensor = tensors.get(name);
  const floats = tensor === undefined ? null : toFloat32(name, tensor);
  if (floats?.length !== length) {
    throw new RouterError(
      "model_corrupt",
      `the embedded model's tensor "${name}" has ${floats?.length ?? "no"} numbers, expected ${length}`,
    );
  }
  return floats;
}
