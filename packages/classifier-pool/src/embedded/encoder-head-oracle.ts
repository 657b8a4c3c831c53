/** An encoder's head read number by number: what the real one is tested against. */
import type { EncoderNetwork, Neighbours } from "./encoder-head.ts";

const REACH = 0.03;
const FAR = 12;
const DOUBT = 0.01;

export function networkLogits(network: EncoderNetwork, vector: Float32Array, exam: number): Float32Array {
  const { inWeight, inScale, inStyle, inBias, outWeight, outBias } = network;
  const dimension = vector.length;
  const hidden = inBias.length;
  const neurons = new Float32Array(hidden);
  for (let neuron = 0; neuron < hidden; neuron += 1) {
    const at = neuron * dimension;
    let sum = 0;
    for (let i = 0; i < dimension; i += 1) sum += (vector[i] as number) * (inWeight[at + i] as number);
    neurons[neuron] = Math.max(0, sum * (inScale[neuron] as number) + (inBias[neuron] as number) + exam * (inStyle[neuron] as number));
  }
  const labels = outBias.length / 2;
  const logits = new Float32Array(labels);
  for (let out = 0; out < outBias.length; out += 1) {
    const at = out * hidden;
    let sum = outBias[out] as number;
    for (let neuron = 0; neuron < hidden; neuron += 1) sum += (neurons[neuron] as number) * (outWeight[at + neuron] as number);
    logits[out % labels] = (logits[out % labels] as number) + (out < labels ? sum : exam * sum);
  }
  return logits;
}

export function neighbourShares({ center, signs, labels }: Neighbours, vector: Float32Array, count: number): Float32Array {
  const width = center.length / 8;
  const sums = sumsOfSigns(vector, center);
  const near = new Float32Array(labels.length);
  let nearest = -Infinity;
  for (let text = 0; text < near.length; text += 1) {
    const at = text * width;
    let cosine = 0;
    for (let byte = 0; byte < width; byte += 1) cosine += sums[(byte << 8) | (signs[at + byte] as number)] as number;
    near[text] = cosine;
    if (cosine > nearest) nearest = cosine;
  }
  const shares = new Float32Array(count);
  let all = 0;
  for (let text = 0; text < near.length; text += 1) {
    const behind = (nearest - (near[text] as number)) / REACH;
    if (behind > FAR) continue;
    const share = Math.exp(-behind);
    const label = labels[text] as number;
    shares[label] = (shares[label] as number) + share;
    all += share;
  }
  return shares.map((share) => Math.log(share / all + DOUBT));
}

/** sumsOfSigns has, for every byte of signs and every value that it may have, what it adds to the cosine. */
function sumsOfSigns(vector: Float32Array, center: Float32Array): Float32Array {
  const from = vector.map((value, i) => value - (center[i] as number));
  const length = Math.sqrt(from.reduce((sum, value) => sum + value * value, 0) * from.length) || 1;
  const sums = new Float32Array(from.length * 32);
  for (let byte = 0; byte < from.length / 8; byte += 1) {
    let none = 0;
    for (let bit = 0; bit < 8; bit += 1) none -= (from[byte * 8 + bit] as number) / length;
    sums[byte << 8] = none;
    for (let value = 1; value < 256; value += 1) {
      const lowest = 31 - Math.clz32(value & -value);
      sums[(byte << 8) | value] =
        (sums[(byte << 8) | (value & (value - 1))] as number) + (2 * (from[byte * 8 + lowest] as number)) / length;
    }
  }
  return sums;
}
