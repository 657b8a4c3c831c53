/**
 * Trains the small network on the encoder's vectors: [vector, vector times style, style] → ReLU → labels; softmax, Adam, minibatches,
 * dropout. The second copy of the vector lets it read examination questions otherwise than messages.
 */
import { seeded, shuffle } from "./random.ts";

/** Layer is the network as it is stored; `hidden` neurons, each with `2 * dimension + 1` inputs. */
export interface Layer {
  readonly hidden: number;
  readonly inWeight: Float32Array;
  readonly inBias: Float32Array;
  /** [labels, hidden] */
  readonly outWeight: Float32Array;
  readonly outBias: Float32Array;
}

export interface LayerExample {
  readonly vector: Float32Array;
  readonly exam: number;
  readonly label: number;
  readonly weight: number;
}

const HIDDEN = 192;
const EPOCHS = 10;
const BATCH = 64;
const RATE = 0.001;
const DECAY = 0.1;
const DROPOUT = 0.4;
/** Numbers of a unit vector are about 0.05; Adam's steps suit inputs of about 1. */
const INPUT_SCALE = 12;
const SMOOTHING = 0.05;

/** trainLayer is deterministic for the same examples in the same order. */
export function trainLayer(examples: readonly LayerExample[], labels: number, dimension: number, progress: (line: string) => void): Layer {
  const width = 2 * dimension + 1;
  const random = seeded(7);
  const inWeights = HIDDEN * width;
  const outWeights = inWeights + HIDDEN;
  const outBiases = outWeights + labels * HIDDEN;
  const spread = Math.sqrt(6 / dimension);
  const parameters = Float32Array.from({ length: outBiases + labels }, (_, i) =>
    i < inWeights ? (random() - 0.5) * spread : i >= outWeights && i < outBiases ? (random() - 0.5) * 0.1 : 0,
  );
  const slopes = new Float32Array(parameters.length);
  const first = new Float32Array(parameters.length);
  const second = new Float32Array(parameters.length);
  const order = Uint32Array.from(examples, (_, i) => i);
  const steps = Math.ceil(order.length / BATCH) * EPOCHS;
  const input = new Float32Array(width);
  const neurons = new Float32Array(HIDDEN);
  const logits = new Float64Array(labels);
  let step = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch += 1) {
    shuffle(order, random);
    progress(`encoder layer, epoch ${epoch + 1} of ${EPOCHS}`);
    for (let start = 0; start < order.length; start += BATCH) {
      slopes.fill(0);
      let total = 0;
      for (let n = start; n < Math.min(order.length, start + BATCH); n += 1) {
        const example = examples[order[n] as number] as LayerExample;
        total += example.weight;
        // A message leaves the second copy of the vector at zero: its weights need no work.
        const inputs = example.exam === 0 ? dimension : width;
        for (let i = 0; i < dimension; i += 1) {
          input[i] = (example.vector[i] as number) * INPUT_SCALE;
          input[dimension + i] = (input[i] as number) * example.exam;
        }
        input[width - 1] = example.exam;
        for (let h = 0; h < HIDDEN; h += 1) {
          let sum = parameters[inWeights + h] as number;
          const at = h * width;
          for (let i = 0; i < inputs; i += 1) sum += (parameters[at + i] as number) * (input[i] as number);
          neurons[h] = sum > 0 && random() >= DROPOUT ? sum / (1 - DROPOUT) : 0;
        }
        slopeOfLogits(example);
        for (let h = 0; h < HIDDEN; h += 1) {
          const neuron = neurons[h] as number;
          if (neuron === 0) continue;
          let back = 0;
          for (let c = 0; c < labels; c += 1) {
            const at = outWeights + c * HIDDEN + h;
            back += (logits[c] as number) * (parameters[at] as number);
            slopes[at] = (slopes[at] as number) + (logits[c] as number) * neuron;
          }
          back /= 1 - DROPOUT;
          const at = h * width;
          for (let i = 0; i < inputs; i += 1) slopes[at + i] = (slopes[at + i] as number) + back * (input[i] as number);
          slopes[inWeights + h] = (slopes[inWeights + h] as number) + back;
        }
        for (let c = 0; c < labels; c += 1) slopes[outBiases + c] = (slopes[outBiases + c] as number) + (logits[c] as number);
      }
      update(total);
    }
  }
  return {
    hidden: HIDDEN,
    inWeight: parameters.slice(0, inWeights).map((value, i) => (i % width === width - 1 ? value : value * INPUT_SCALE)),
    inBias: parameters.slice(inWeights, outWeights),
    outWeight: parameters.slice(outWeights, outBiases),
    outBias: parameters.slice(outBiases),
  };

  /** slopeOfLogits leaves in `logits` how the loss changes with each. */
  function slopeOfLogits({ label, weight }: LayerExample): void {
    for (let c = 0; c < labels; c += 1) {
      let sum = parameters[outBiases + c] as number;
      const at = outWeights + c * HIDDEN;
      for (let h = 0; h < HIDDEN; h += 1) sum += (parameters[at + h] as number) * (neurons[h] as number);
      logits[c] = sum;
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
      const decay = i < inWeights || (i >= outWeights && i < outBiases) ? DECAY * (parameters[i] as number) : 0;
      const move = (first[i] as number) / firstBias / (Math.sqrt((second[i] as number) / secondBias) + 1e-8);
      parameters[i] = (parameters[i] as number) - rate * (move + decay);
    }
  }
}
