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
import { neighbourShares, networkLogits, type EncoderNetwork, type Neighbours } from "./encoder-head.ts";
import { Featurizer, ROWS, type Features } from "./features.ts";
import { parseManifest, type EmbeddedManifest, type EncoderHeadManifest, type HeadManifest } from "./manifest.ts";

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

/** Head is one classifier: a table of weights in steps of a scale per label, and what reads the encoder's vector. */
interface Head {
  readonly manifest: HeadManifest;
  readonly labels: readonly string[];
  /** [rows + style rows, labels] */
  readonly table: Int8Array;
  readonly scale: Float32Array;
  readonly bias: Float32Array;
  /** Null where the encoder's vector is not read. */
  readonly encoder: { readonly network: EncoderNetwork; readonly neighbours: Neighbours } | null;
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

const KEPT_READINGS = 6;
const MAX_KEPT_LENGTH = 4_096;

class EmbeddedModel implements EmbeddedTier {
  readonly revision: string;
  readonly #heads = new Map<string, Head>();
  readonly #featurizer: Featurizer;
  /** Inverse document frequency of each row in steps of IDF_STEP; 255 is a row that training never met. */
  readonly #idf: Uint8Array;
  /** The signals of one request read the same few texts in turn: the message, and its cues. The latest stand first. */
  #latest: readonly Reading[] = [];

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
    const known = this.#latest.find((reading) => reading.text === text);
    if (known !== undefined) return known;
    const features = this.#featurizer.features(text);
    const reading = new Reading(text, features, weigh(features.rows, this.#idf), knownShare(features.words, this.#idf), this.#heads);
    // A long text is let go with the next one: nobody's megabytes stay.
    const others = this.#latest.filter(({ text: { length } }) => length <= MAX_KEPT_LENGTH).slice(0, KEPT_READINGS - 1);
    this.#latest = [reading, ...others];
    return reading;
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
    const standing = this.foreign ? "foreign" : "sure";
    // The network was trained on English alone; of other languages the encoder knows less than the tables.
    if (this.english < 0.5) return { ...this.classify(name), standing };
    const opinions = [
      logSoftmax(this.#ownLogits(head), 1),
      logSoftmax(networkLogits(encoder.network, vector, this.exam), 1),
      neighbourShares(encoder.neighbours, vector, head.labels.length),
    ];
    const { chat, exam } = manifest.encoder.blend;
    const weights = chat.map((weight, n) => this.#styled(weight, exam[n] as number));
    return { ...this.#judge(head, blend(opinions, weights), 1), standing };
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

  /** #temperature for this text's language and style. */
  #temperature({ chat, exam, languages }: HeadManifest["temperature"]): number {
    if (chat === exam && languages === undefined) return chat;
    return languages !== undefined && this.english < 0.5 ? languages : 1 / this.#styled(1 / chat, 1 / exam);
  }

  /** #styled lies between the numbers for the two styles, by the likelihood of each: a text that could be either is read as half of both. */
  #styled(chat: number, exam: number): number {
    return chat + this.exam * (exam - chat);
  }

  #judge(head: Head, logits: Float32Array, temperature: number): TextClassification {
    const { labels, manifest } = head;
    const probabilities =
      manifest.kind === "softmax" ? logSoftmax(logits, temperature).map(Math.exp) : logits.map((z) => sigmoid(z / temperature));
    let best = 0;
    let next = 0;
    for (let label = 1; label < labels.length; label += 1) {
      const probability = probabilities[label] as number;
      if (probability > (probabilities[best] as number)) {
        next = probabilities[best] as number;
        best = label;
      } else if (probability > next) next = probability;
    }
    const confidence = probabilities[best] as number;
    return { labels, probabilities, best: labels[best] as string, confidence, standing: this.#standing(manifest, confidence - next) };
  }

  #standing({ cascade, encoder }: HeadManifest, lead: number): TextStanding {
    if (this.foreign) return "foreign";
    if (cascade === undefined || encoder === undefined) return "sure";
    // The encoder reads no other language than English: the tables say what can be said.
    if (this.english < 0.5) return "sure";
    return lead >= this.#styled(cascade.lead.chat, cascade.lead.exam) && this.coverage >= cascade.coverage ? "sure" : "unsure";
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

/** blend is the weighted sum of opinions, which are logarithms of probabilities. Training chooses the weights by it. */
export function blend(opinions: readonly Float32Array[], weights: readonly number[]): Float32Array {
  const sum = new Float32Array((opinions[0] as Float32Array).length);
  opinions.forEach((opinion, n) => {
    for (let label = 0; label < sum.length; label += 1)
      sum[label] = (sum[label] as number) + (weights[n] as number) * (opinion[label] as number);
  });
  return sum;
}

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
  return {
    manifest,
    labels,
    table: signed(bytesOf(tensors, `${name}.table`, (rows + (styled ? STYLE_ROWS : 0)) * count)),
    scale: floatsOf(tensors, `${name}.scale`, count),
    bias: floatsOf(tensors, `${name}.bias`, count),
    encoder: encoder === undefined ? null : loadEncoderHead(name, count, encoder, tensors),
  };
}

function loadEncoderHead(
  name: string,
  labels: number,
  { dimension, hidden, neighbours }: EncoderHeadManifest,
  tensors: ReadonlyMap<string, StoredTensor>,
): NonNullable<Head["encoder"]> {
  const floats = (tensor: string, length: number) => floatsOf(tensors, `${name}.encoder.${tensor}`, length);
  const bytes = (tensor: string, length: number) => bytesOf(tensors, `${name}.encoder.${tensor}`, length);
  return {
    network: {
      inWeight: signed(bytes("in.weight", hidden * dimension)),
      inScale: floats("in.scale", hidden),
      inStyle: floats("in.style", hidden),
      inBias: floats("in.bias", hidden),
      outWeight: floats("out.weight", 2 * labels * hidden),
      outBias: floats("out.bias", 2 * labels),
    },
    neighbours: {
      center: floats("neighbours.center", dimension),
      signs: bytes("neighbours.signs", (neighbours * dimension) / 8),
      labels: bytes("neighbours.labels", neighbours),
    },
  };
}

const signed = (bytes: Uint8Array) => new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);

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
