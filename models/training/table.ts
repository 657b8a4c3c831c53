/**
 * Trains the tables of the embedded tier: logistic regression on hashed features, by AdaGrad, one text at a time. The result is in
 * signed bytes with one scale per label, as it is served.
 */
import { ROWS, type Features } from "../../packages/classifier-pool/src/embedded/features.ts";
import { foldRow, foldShift, IDF_STEP, STYLE_ROWS, styleRow, weigh } from "../../packages/classifier-pool/src/embedded/embedded-model.ts";
import { seeded, shuffle } from "./random.ts";

/** Example is one text to learn from. */
export interface Example {
  readonly features: Features;
  /** One per label: probabilities that sum to 1 (softmax), or 0 to 1 each (sigmoid). */
  readonly target: Float32Array;
  readonly weight: number;
  /** 1 for a text in the style of examinations. */
  readonly exam: number;
}

export interface TableOptions {
  readonly labels: number;
  readonly kind: "softmax" | "sigmoid";
  readonly rows: number;
  readonly styled: boolean;
  readonly epochs: number;
  readonly progress: (line: string) => void;
}

/** Table is a trained head as it is stored. */
export interface Table {
  readonly table: Int8Array;
  readonly scale: Float32Array;
  readonly bias: Float32Array;
}

/** inverseFrequencies of all rows in the texts, in steps of IDF_STEP; 255 where a row never occurs. */
export function inverseFrequencies(texts: readonly Features[]): Uint8Array {
  const counts = new Uint32Array(ROWS);
  for (const { rows } of texts) for (const row of rows) counts[row] = (counts[row] as number) + 1;
  return Uint8Array.from(counts, (count) =>
    count === 0 ? 255 : Math.min(254, Math.max(1, Math.round(Math.log((texts.length + 1) / (count + 1)) / IDF_STEP))),
  );
}

const RATE = 0.2;
const DECAY = 1e-7;

/** trainTable is deterministic for the same examples in the same order. */
export function trainTable(examples: readonly Example[], idf: Uint8Array, options: TableOptions): Table {
  const { labels, kind, rows, styled, epochs, progress } = options;
  const size = (rows + (styled ? STYLE_ROWS : 0)) * labels;
  const weights = new Float32Array(size);
  const squares = new Float32Array(size).fill(1e-6);
  const bias = new Float32Array(labels);
  const order = Uint32Array.from(examples, (_, i) => i);
  const random = seeded(1);
  const logits = new Float64Array(labels);
  const shift = foldShift(rows);
  for (let epoch = 0; epoch < epochs; epoch += 1) {
    shuffle(order, random);
    const rate = RATE * (1 - epoch / epochs);
    let loss = 0;
    for (let n = 0; n < order.length; n += 1) {
      const { features, target, weight, exam } = examples[order[n] as number] as Example;
      const { places, values } = placed(features.rows, idf, rows, shift, styled && exam > 0);
      for (let c = 0; c < labels; c += 1) logits[c] = bias[c] as number;
      for (let k = 0; k < places.length; k += 1) {
        const at = (places[k] as number) * labels;
        const value = values[k] as number;
        for (let c = 0; c < labels; c += 1) logits[c] = (logits[c] as number) + (weights[at + c] as number) * value;
      }
      loss += gradient(logits, target, weight, kind);
      for (let k = 0; k < places.length; k += 1) {
        const at = (places[k] as number) * labels;
        const value = values[k] as number;
        for (let c = 0; c < labels; c += 1) {
          const slope = (logits[c] as number) * value + DECAY * (weights[at + c] as number);
          squares[at + c] = (squares[at + c] as number) + slope * slope;
          weights[at + c] = (weights[at + c] as number) - (rate * slope) / Math.sqrt(squares[at + c] as number);
        }
      }
      for (let c = 0; c < labels; c += 1) bias[c] = (bias[c] as number) - 0.01 * rate * (logits[c] as number);
      if (n % 2048 === 0) progress(`epoch ${epoch + 1} of ${epochs}, ${n} of ${order.length} texts, loss ${(loss / (n + 1)).toFixed(3)}`);
    }
  }
  return quantize(weights, bias, labels);
}

/** placed are the places of a text's features in the table and their values: plain rows, then the same in the style of examinations. */
function placed(features: Uint32Array, idf: Uint8Array, rows: number, shift: number, styled: boolean) {
  const weights = weigh(features, idf);
  const plain = features.map((row) => foldRow(row, shift));
  if (!styled) return { places: plain, values: weights };
  const places = new Uint32Array(plain.length * 2);
  const values = new Float32Array(places.length);
  places.set(plain);
  places.set(
    features.map((row) => rows + styleRow(row)),
    plain.length,
  );
  values.set(weights);
  values.set(weights, weights.length);
  return { places, values };
}

/** gradient turns logits into the loss's slope per label, in place, and returns the loss. */
function gradient(logits: Float64Array, target: Float32Array, weight: number, kind: "softmax" | "sigmoid"): number {
  let loss = 0;
  if (kind === "sigmoid") {
    for (let c = 0; c < logits.length; c += 1) {
      const p = 1 / (1 + Math.exp(-(logits[c] as number)));
      const wanted = target[c] as number;
      loss -= wanted * Math.log(p + 1e-12) + (1 - wanted) * Math.log(1 - p + 1e-12);
      logits[c] = (p - wanted) * weight;
    }
    return loss;
  }
  let top = -Infinity;
  for (const logit of logits) top = Math.max(top, logit);
  let sum = 0;
  for (let c = 0; c < logits.length; c += 1) sum += Math.exp((logits[c] as number) - top);
  for (let c = 0; c < logits.length; c += 1) {
    const p = Math.exp((logits[c] as number) - top) / sum;
    const wanted = target[c] as number;
    if (wanted > 0) loss -= wanted * Math.log(p + 1e-12);
    logits[c] = (p - wanted) * weight;
  }
  return loss;
}

/** quantize keeps each label's weights in 255 steps of its own size. */
function quantize(weights: Float32Array, bias: Float32Array, labels: number): Table {
  const table = new Int8Array(weights.length);
  const scale = new Float32Array(labels);
  for (let c = 0; c < labels; c += 1) {
    let largest = 0;
    for (let at = c; at < weights.length; at += labels) largest = Math.max(largest, Math.abs(weights[at] as number));
    const step = (largest || 1) / 127;
    scale[c] = step;
    for (let at = c; at < weights.length; at += labels) table[at] = Math.round((weights[at] as number) / step);
  }
  return { table, scale, bias };
}
