/**
 * A plain forward pass of the encoder in double precision, written from the paper's formulas and not from the graph. It
 * calibrates the int8 graph and is the yardstick in tests; at about 1 s per 100 tokens it never serves a request.
 */
import type { EncoderArchitecture } from "../manifest.ts";
import type { EncoderWeights, LayerNorm, Linear } from "./encoder-weights.ts";

/** ActivationObserver sees the input [tokens, linear.inputs] of each linear before it is applied. */
export type ActivationObserver = (linear: Linear, input: Float64Array) => void;

/** referenceForward gives the L2-normalised mean-pooled embedding of one unpadded sequence. */
export function referenceForward(
  weights: EncoderWeights,
  architecture: EncoderArchitecture,
  ids: ArrayLike<number>,
  observe?: ActivationObserver,
): Float64Array {
  const { hiddenSize, layerNormEpsilon: epsilon, heads } = architecture;
  const tokens = ids.length;
  const apply = (linear: Linear, input: Float64Array): Float64Array => {
    observe?.(linear, input);
    return applyLinear(linear, input, tokens);
  };

  let x = new Float64Array(tokens * hiddenSize);
  for (let t = 0; t < tokens; t++) {
    const word = ids[t]! * hiddenSize;
    for (let c = 0; c < hiddenSize; c++) x[t * hiddenSize + c] = weights.words[word + c]! + weights.positions[t * hiddenSize + c]!;
  }
  x = normalise(x, weights.embeddingNorm, epsilon);
  for (const layer of weights.layers) {
    const context = attend(apply(layer.query, x), apply(layer.key, x), apply(layer.value, x), tokens, hiddenSize, heads);
    x = normalise(add(apply(layer.attentionOutput, context), x), layer.attentionNorm, epsilon);
    x = normalise(add(apply(layer.down, gelu(apply(layer.up, x))), x), layer.outputNorm, epsilon);
  }
  return meanAndUnit(x, tokens, hiddenSize);
}

function applyLinear({ weight, bias, inputs, outputs }: Linear, input: Float64Array, tokens: number): Float64Array {
  const output = new Float64Array(tokens * outputs);
  for (let o = 0; o < outputs; o++) {
    const row = Float64Array.from(weight.subarray(o * inputs, (o + 1) * inputs));
    for (let t = 0; t < tokens; t++) {
      const at = t * inputs;
      let a = 0;
      let b = 0;
      let i = 0;
      for (; i + 1 < inputs; i += 2) {
        a += row[i]! * input[at + i]!;
        b += row[i + 1]! * input[at + i + 1]!;
      }
      if (i < inputs) a += row[i]! * input[at + i]!;
      output[t * outputs + o] = a + b + bias[o]!;
    }
  }
  return output;
}

function attend(q: Float64Array, k: Float64Array, v: Float64Array, tokens: number, hiddenSize: number, heads: number): Float64Array {
  const width = hiddenSize / heads;
  const output = new Float64Array(tokens * hiddenSize);
  const scores = new Float64Array(tokens);
  for (let start = 0; start < hiddenSize; start += width) {
    for (let t = 0; t < tokens; t++) {
      let highest = -Infinity;
      for (let s = 0; s < tokens; s++) {
        let dot = 0;
        for (let c = start; c < start + width; c++) dot += q[t * hiddenSize + c]! * k[s * hiddenSize + c]!;
        scores[s] = dot / Math.sqrt(width);
        highest = Math.max(highest, scores[s]!);
      }
      let total = 0;
      for (let s = 0; s < tokens; s++) total += scores[s] = Math.exp(scores[s]! - highest);
      for (let s = 0; s < tokens; s++) {
        const share = scores[s]! / total;
        for (let c = start; c < start + width; c++) output[t * hiddenSize + c]! += share * v[s * hiddenSize + c]!;
      }
    }
  }
  return output;
}

function normalise(x: Float64Array, { scale, shift }: LayerNorm, epsilon: number): Float64Array<ArrayBuffer> {
  const width = scale.length;
  const output = new Float64Array(x.length);
  for (let start = 0; start < x.length; start += width) {
    const row = x.subarray(start, start + width);
    const mean = row.reduce((sum, value) => sum + value, 0) / width;
    const variance = row.reduce((sum, value) => sum + (value - mean) ** 2, 0) / width;
    const factor = 1 / Math.sqrt(variance + epsilon);
    for (let c = 0; c < width; c++) output[start + c] = (row[c]! - mean) * factor * scale[c]! + shift[c]!;
  }
  return output;
}

function add(a: Float64Array, b: Float64Array): Float64Array {
  return a.map((value, i) => value + b[i]!);
}

function gelu(x: Float64Array): Float64Array {
  return x.map((value) => 0.5 * value * (1 + erf(value * Math.SQRT1_2)));
}

/** erf by its all-positive series e^(-x²)·Σ 2ⁿx²ⁿ⁺¹/(2n+1)!!, exact to rounding; beyond 6 it is 1 in double precision. */
function erf(x: number): number {
  const magnitude = Math.abs(x);
  if (magnitude > 6) return Math.sign(x);
  let term = magnitude;
  let sum = magnitude;
  for (let n = 1; term > sum * 1e-17; n++) sum += term *= (2 * magnitude * magnitude) / (2 * n + 1);
  return Math.sign(x) * (2 / Math.sqrt(Math.PI)) * Math.exp(-magnitude * magnitude) * sum;
}

function meanAndUnit(x: Float64Array, tokens: number, hiddenSize: number): Float64Array {
  const mean = new Float64Array(hiddenSize);
  for (let i = 0; i < x.length; i++) mean[i % hiddenSize]! += x[i]! / tokens;
  const length = Math.hypot(...mean);
  return mean.map((value) => value / Math.max(length, 1e-12));
}
