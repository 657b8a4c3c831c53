/**
 * The two ways to multiply in the encoder's graph. Both have the same form, so that graph.ts is written once.
 *
 * "int8" quantises each token's activations with that token's own scale. (One scale per tensor, as stock dynamic quantisation
 * has it, makes an embedding depend on its neighbours in the batch: cosine 0.967 between a prompt alone and in a batch.)
 */
import type { EncoderWeights, Linear } from "./encoder-weights.ts";
import type { OnnxGraph } from "./onnx-model.ts";
import { quantizeRows, scaleColumns, transpose } from "./quantize.ts";
import type { Smoothing } from "./smooth.ts";

/** MICROSOFT is the operator domain of ONNX Runtime's fused operators. */
export const MICROSOFT = "com.microsoft";

/** Activations are a [tokens, inputs] value made ready to be multiplied. */
interface Activations {
  readonly values: string;
  /** Name of the [tokens, 1] scale, where the values are quantised. */
  readonly scale: string | null;
  readonly range: ActivationRange;
}

/** ActivationRange says where activations lie: around zero, or from GELU's minimum upward. */
type ActivationRange = "symmetric" | "gelu";

/** Arithmetic writes the parts of the graph that depend on the number format. */
export interface Arithmetic {
  /** Looks up word rows for the ids: [batch, sequence, hidden]. */
  words(ids: string): string;
  /** Makes activations ready for linears that share them (query, key, value). */
  prepare(input: string, first: Linear, range: ActivationRange): Activations;
  /** Multiplies without bias; the bias to add later comes back beside the product. */
  multiply(activations: Activations, linear: Linear): { readonly product: string; readonly bias: Float32Array };
}

/** floatArithmetic is the exact variant. */
export function floatArithmetic(graph: OnnxGraph, weights: EncoderWeights, hiddenSize: number): Arithmetic {
  return {
    words: (ids) => graph.node("Gather", [graph.weight("words", [weights.words.length / hiddenSize, hiddenSize], weights.words), ids]),
    prepare: (input, _first, range) => ({ values: input, scale: null, range }),
    multiply({ values }, { name, weight, bias, inputs, outputs }) {
      const turned = graph.weight(`${name}.weight`, [inputs, outputs], transpose(weight, outputs, inputs));
      return { product: graph.node("MatMul", [values, turned]), bias };
    },
  };
}

/** GELU's minimum is -0.1700; shifted by this, its output is never negative and uses the whole unsigned range. */
const GELU_SHIFT = 0.17;

/** Int8Options are the choices of the int8 variant. */
export interface Int8Options {
  readonly smoothing: Smoothing;
  /** Largest magnitude of a weight: 127, or 64 on processors whose 8-bit products saturate. */
  readonly weightLimit: 64 | 127;
}

/** int8Arithmetic multiplies unsigned 8-bit activations (a scale per token) by signed 8-bit weights (a scale per output). */
export function int8Arithmetic(graph: OnnxGraph, weights: EncoderWeights, hiddenSize: number, options: Int8Options): Arithmetic {
  const tiny = graph.scalar(1e-8);
  const lastAxis = graph.int64s(-1);

  function quantize(input: string, peak: string, steps: number, zeroPoint: number): { values: string; scale: string } {
    const scale = graph.node("Max", [graph.node("Mul", [peak, graph.scalar(1 / steps)]), tiny]);
    const scales = graph.node("Squeeze", [scale, lastAxis]);
    const zero = graph.weight(`zero:${zeroPoint}`, [1], Uint8Array.of(zeroPoint));
    const zeros = graph.node("Expand", [zero, graph.node("Shape", [scales])]);
    return { values: graph.node("QuantizeLinear", [input, scales, zeros], { attributes: { axis: { int: 0 } } }), scale };
  }
  const rowPeak = (input: string) => graph.node("ReduceMax", [input, lastAxis], { attributes: { keepdims: { int: 1 } } });

  return {
    words(ids) {
      const rows = weights.words.length / hiddenSize;
      // The table is never multiplied in 8 bits, so its range is not limited.
      const table = quantizeRows(weights.words, rows, hiddenSize, 127);
      const values = graph.node("Gather", [graph.weight("words.int8", [rows, hiddenSize], table.values), ids]);
      const scales = graph.node("Gather", [graph.weight("words.scale", [rows, 1], table.scales), ids]);
      return graph.node("Mul", [graph.node("Cast", [values], { attributes: { to: { int: 1 } } }), scales]);
    },
    prepare(input, first, range) {
      if (range === "gelu") {
        const shifted = graph.node("Add", [input, graph.scalar(GELU_SHIFT)]);
        return { ...quantize(shifted, rowPeak(shifted), 255, 0), range };
      }
      const factors = options.smoothing.get(first.name);
      const smooth =
        factors === undefined
          ? input
          : graph.node("Mul", [
              input,
              graph.weight(
                `${first.name}.smoothing`,
                [first.inputs],
                factors.map((factor) => 1 / factor),
              ),
            ]);
      return { ...quantize(smooth, rowPeak(graph.node("Abs", [smooth])), 127, 128), range };
    },
    multiply({ values, scale, range }, { name, weight, bias, inputs, outputs }) {
      const factors = options.smoothing.get(name);
      const smoothed = factors === undefined ? weight : scaleColumns(weight, factors);
      const { values: quantized, scales } = quantizeRows(smoothed, outputs, inputs, options.weightLimit);
      const turned = graph.weight(`${name}.int8`, [inputs, outputs], transpose(quantized, outputs, inputs));
      const operands = [values, turned, graph.scalar(1), graph.weight(`${name}.scale`, [outputs], scales)];
      if (range === "symmetric") operands.push(graph.weight("zero:scalar128", [], Uint8Array.of(128)));
      const product = graph.node("Mul", [graph.node("MatMulIntegerToFloat", operands, { domain: MICROSOFT }), scale!]);
      return { product, bias: range === "gelu" ? withoutShift(bias, quantized, scales, inputs) : bias };
    },
  };
}

/** withoutShift undoes GELU_SHIFT in the bias, with the very weights that the shifted activations meet. */
function withoutShift(bias: Float32Array, weight: Int8Array, scales: Float32Array, inputs: number): Float32Array {
  return bias.map((value, output) => {
    let sum = 0;
    for (let i = output * inputs; i < (output + 1) * inputs; i++) sum += weight[i]!;
    return value - GELU_SHIFT * sum * scales[output]!;
  });
}
