/**
 * Trains the network on the encoder's vectors: [vector, style] → ReLU → labels, of which a second set is added for examination questions;
 * softmax, Adam, minibatches, dropout. A text is sometimes read as it is typed in haste.
 */
import type { EncoderNetwork } from "../../packages/classifier-pool/src/embedded/encoder-head.ts";
import { seeded, shuffle } from "./random.ts";

export interface LayerExample {
  readonly vector: Float32Array;
  /** The vector of the same text with typing errors; null for what nobody types. */
  readonly typed: Float32Array | null;
  readonly exam: number;
  readonly label: number;
  readonly weight: number;
}

/** Neurons of the network. */
export const HIDDEN = 1024;
const EPOCHS = 10;
const BATCH = 64;
const RATE = 0.001;
const DECAY = 0.1;
const DROPOUT = 0.5;
/** Share of readings with typing errors. */
const TYPED = 0.3;
/** Numbers of a unit vector are about 0.05; Adam's steps suit inputs of about 1. */
const INPUT_SCALE = 12;
const SMOOTHING = 0.05;

/** trainLayer is deterministic for the same examples in the same order. */
export function trainLayer(
  examples: readonly LayerExample[],
  labels: number,
  dimension: number,
  progress: (line: string) => void,
): EncoderNetwork {
  const random = seeded(7);
  const outputs = 2 * labels;
  const styles = HIDDEN * dimension;
  const biases = styles + HIDDEN;
  const outWeights = biases + HIDDEN;
  const outBiases = outWeights + outputs * HIDDEN;
  const spread = Math.sqrt(6 / dimension);
  const parameters = Float32Array.from({ length: outBiases + outputs }, (_, i) =>
    i < styles ? (random() - 0.5) * spread : i >= outWeights && i < outWeights + labels * HIDDEN ? (random() - 0.5) * 0.1 : 0,
  );
  const slopes = new Float32Array(parameters.length);
  const first = new Float32Array(parameters.length);
  const second = new Float32Array(parameters.length);
  const order = Uint32Array.from(examples, (_, i) => i);
  const steps = Math.ceil(order.length / BATCH) * EPOCHS;
  const input = new Float32Array(dimension);
  const neurons = new Float32Array(HIDDEN);
  const logits = new Float64Array(labels);
  let step = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    shuffle(order, random);
    for (let start = 0; start < order.length; start += BATCH) {
      if (start % (32 * BATCH) === 0) progress(`encoder layer, epoch ${epoch + 1} of ${EPOCHS}, ${start} of ${order.length} texts`);
      slopes.fill(0);
      let total = 0;
      for (let n = start; n < Math.min(order.length, start + BATCH); n += 1) {
        const example = examples[order[n] as number] as LayerExample;
        total += example.weight;
        learn(example);
      }
      update(total);
    }
  }
  return stored();

  /** learn adds the slopes of one text. Neurons that are dropped out cost nothing. */
  function learn({ vector, typed, exam, label, weight }: LayerExample): void {
    const read = typed !== null && random() < TYPED ? typed : vector;
    for (let i = 0; i < dimension; i += 1) input[i] = (read[i] as number) * INPUT_SCALE;
    for (let h = 0; h < HIDDEN; h += 1) {
      neurons[h] = 0;
      if (random() < DROPOUT) continue;
      const sum = dot(parameters, h * dimension, input) + (parameters[biases + h] as number) + exam * (parameters[styles + h] as number);
      if (sum > 0) neurons[h] = sum / (1 - DROPOUT);
    }
    slopeOfLogits(exam, label, weight);
    const sets = exam === 0 ? 1 : 2;
    for (let h = 0; h < HIDDEN; h += 1) {
      const neuron = neurons[h] as number;
      if (neuron === 0) continue;
      let back = 0;
      for (let out = 0; out < sets * labels; out += 1) {
        const slope = logits[out % labels] as number;
        const at = outWeights + out * HIDDEN + h;
        back += slope * (parameters[at] as number);
        slopes[at] = (slopes[at] as number) + slope * neuron;
      }
      back /= 1 - DROPOUT;
      const at = h * dimension;
      for (let i = 0; i < dimension; i += 1) slopes[at + i] = (slopes[at + i] as number) + back * (input[i] as number);
      slopes[styles + h] = (slopes[styles + h] as number) + back * exam;
      slopes[biases + h] = (slopes[biases + h] as number) + back;
    }
    for (let out = 0; out < sets * labels; out += 1) {
      slopes[outBiases + out] = (slopes[outBiases + out] as number) + (logits[out % labels] as number);
    }
  }

  /** slopeOfLogits leaves in `logits` how the loss changes with each. */
  function slopeOfLogits(exam: number, label: number, weight: number): void {
    for (let c = 0; c < labels; c += 1) {
      logits[c] = (parameters[outBiases + c] as number) + dot(parameters, outWeights + c * HIDDEN, neurons);
      if (exam === 0) continue;
      const styled = c + labels;
      logits[c] =
        (logits[c] as number) + (parameters[outBiases + styled] as number) + dot(parameters, outWeights + styled * HIDDEN, neurons);
    }
    const top = Math.max(...logits);
    let sum = 0;
    for (let c = 0; c < labels; c += 1) sum += Math.exp((logits[c] as number) - top);
    for (let c = 0; c < labels; c += 1) {
      const wanted = SMOOTHING / labels + (c === label ? 1 - SMOOTHING : 0);
      logits[c] = (Math.exp((logits[c] as number) - top) / sum - wanted) * weight;
    }
  }

  /** update is one step of Adam with decoupled weight decay. */
  function update(total: number): void {
    step += 1;
    const rate = RATE * (1 - step / (steps + 1));
    const firstBias = 1 - 0.9 ** step;
    const secondBias = 1 - 0.999 ** step;
    for (let i = 0; i < parameters.length; i += 1) {
      const slope = (slopes[i] as number) / total;
      first[i] = 0.9 * (first[i] as number) + 0.1 * slope;
      second[i] = 0.999 * (second[i] as number) + 0.001 * slope * slope;
      const decay = i < biases || (i >= outWeights && i < outBiases) ? DECAY * (parameters[i] as number) : 0;
      const move = (first[i] as number) / firstBias / (Math.sqrt((second[i] as number) / secondBias) + 1e-8);
      parameters[i] = (parameters[i] as number) - rate * (move + decay);
    }
  }

  /** stored keeps each neuron's weights in 255 steps of its own size. */
  function stored(): EncoderNetwork {
    const inWeight = new Int8Array(styles);
    const inScale = new Float32Array(HIDDEN);
    for (let h = 0; h < HIDDEN; h += 1) {
      const weights = parameters.subarray(h * dimension, (h + 1) * dimension);
      const largest = weights.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1;
      inScale[h] = (INPUT_SCALE * largest) / 127;
      weights.forEach((value, i) => (inWeight[h * dimension + i] = Math.round((value / largest) * 127)));
    }
    return {
      inWeight,
      inScale,
      inStyle: parameters.slice(styles, biases),
      inBias: parameters.slice(biases, outWeights),
      outWeight: parameters.slice(outWeights, outBiases),
      outBias: parameters.slice(outBiases),
    };
  }
}

/** dot of a vector with as many numbers of an array; four sums, so that none waits for another. */
function dot(array: Float32Array, at: number, vector: Float32Array): number {
  let a = 0;
  let b = 0;
  let c = 0;
  let d = 0;
  for (let i = 0; i < vector.length; i += 4) {
    a += (array[at + i] as number) * (vector[i] as number);
    b += (array[at + i + 1] as number) * (vector[i + 1] as number);
    c += (array[at + i + 2] as number) * (vector[i + 2] as number);
    d += (array[at + i + 3] as number) * (vector[i + 3] as number);
  }
  return a + b + c + d;
}
