/**
 * A BERT encoder as an ONNX graph: token ids in, L2-normalised mean-pooled embeddings out. Tokens are flattened to
 * [tokens, hidden] between attentions: ONNX Runtime would otherwise fuse Add and LayerNormalization into a kernel that is six
 * times slower. Whatever the batch, a text's embedding is the same.
 */
import type { EncoderArchitecture } from "../manifest.ts";
import type { Arithmetic, Int8Options } from "./arithmetic.ts";
import { floatArithmetic, int8Arithmetic, MICROSOFT } from "./arithmetic.ts";
import type { EncoderLayer, EncoderWeights, LayerNorm } from "./encoder-weights.ts";
import { OnnxGraph } from "./onnx-model.ts";

/** GRAPH_RECIPE numbers what this file and its neighbours write; raise it when a prepared model should be rebuilt. */
export const GRAPH_RECIPE = 1;

/** Precision selects the arithmetic. */
export type Precision = { readonly variant: "fp32" } | ({ readonly variant: "int8" } & Int8Options);

/** buildEncoderGraph writes the graph; inputs `input_ids` and `attention_mask` int64 [batch, sequence], output `embedding` [batch, hidden]. */
export function buildEncoderGraph(weights: EncoderWeights, architecture: EncoderArchitecture, precision: Precision): OnnxGraph {
  const { hiddenSize, heads, positions, layerNormEpsilon } = architecture;
  const graph = new OnnxGraph(
    ["input_ids", "attention_mask"].map((name) => ({ name, type: "int64", dims: ["batch", "sequence"] })),
    [{ name: "embedding", type: "float", dims: ["batch", hiddenSize] }],
  );
  const arithmetic =
    precision.variant === "fp32" ? floatArithmetic(graph, weights, hiddenSize) : int8Arithmetic(graph, weights, hiddenSize, precision);
  const normalise = (input: string, norm: LayerNorm): string =>
    graph.node(
      "LayerNormalization",
      [input, graph.weight(`${norm.name}.scale`, [hiddenSize], norm.scale), graph.weight(`${norm.name}.shift`, [hiddenSize], norm.shift)],
      { attributes: { axis: { int: -1 }, epsilon: { float: layerNormEpsilon } } },
    );

  const sequence = graph.node("Slice", [graph.node("Shape", ["input_ids"]), graph.int64s(1), graph.int64s(2)]);
  const table = graph.weight("positions", [positions, hiddenSize], weights.positions);
  const position = graph.node("Slice", [table, graph.int64s(0), sequence, graph.int64s(0)]);
  const embedded = normalise(graph.node("Add", [arithmetic.words("input_ids"), position]), weights.embeddingNorm);

  const batched = graph.node("Shape", [embedded]);
  const flat = graph.int64s(-1, hiddenSize);
  const mask = graph.node("Cast", ["attention_mask"], { attributes: { to: { int: 6 } } });
  const attend = (query: string, key: string, value: string, bias: string): string => {
    const inputs = [query, key, value].map((input) => graph.node("Reshape", [input, batched]));
    const context = graph.node("MultiHeadAttention", [...inputs, bias, mask], {
      domain: MICROSOFT,
      attributes: { num_heads: { int: heads } },
    });
    return graph.node("Reshape", [context, flat]);
  };

  let x = graph.node("Reshape", [embedded, flat]);
  for (const layer of weights.layers) x = encoderLayer(graph, arithmetic, layer, { attend, normalise }, x);
  poolMean(graph, graph.node("Reshape", [x, batched]));
  return graph;
}

interface LayerParts {
  readonly attend: (query: string, key: string, value: string, bias: string) => string;
  readonly normalise: (input: string, norm: LayerNorm) => string;
}

function encoderLayer(graph: OnnxGraph, arithmetic: Arithmetic, layer: EncoderLayer, parts: LayerParts, x: string): string {
  const { query, key, value, attentionOutput, attentionNorm, up, down, outputNorm } = layer;
  const biasOf = (name: string, bias: Float32Array) => graph.weight(`${name}.bias`, [bias.length], bias);

  const shared = arithmetic.prepare(x, query, "symmetric");
  const [q, k, v] = [query, key, value].map((linear) => arithmetic.multiply(shared, linear));
  const joined = Float32Array.from([...q!.bias, ...k!.bias, ...v!.bias]);
  const context = parts.attend(q!.product, k!.product, v!.product, biasOf(`${query.name}+key+value`, joined));

  const residual = (input: string, linear: typeof down, range: "symmetric" | "gelu", beside: string, norm: LayerNorm) => {
    const { product, bias } = arithmetic.multiply(arithmetic.prepare(input, linear, range), linear);
    return parts.normalise(graph.node("Add", [graph.node("Add", [product, biasOf(linear.name, bias)]), beside]), norm);
  };
  const attended = residual(context, attentionOutput, "symmetric", x, attentionNorm);
  const raised = arithmetic.multiply(arithmetic.prepare(attended, up, "symmetric"), up);
  const activated = graph.node("BiasGelu", [raised.product, biasOf(up.name, raised.bias)], { domain: MICROSOFT });
  return residual(activated, down, "gelu", attended, outputNorm);
}

/** poolMean writes the masked mean as a product (mask [1, sequence] · x [sequence, hidden]), then the L2 norm. A row without any token becomes zeros, not NaN. */
function poolMean(graph: OnnxGraph, x: string): void {
  const axis = graph.int64s(1);
  const keep = { attributes: { keepdims: { int: 1 } } };
  const weights = graph.node("Cast", ["attention_mask"], { attributes: { to: { int: 1 } } });
  const sum = graph.node("Squeeze", [graph.node("MatMul", [graph.node("Unsqueeze", [weights, axis]), x]), axis]);
  const count = graph.node("Max", [graph.node("ReduceSum", [weights, axis], keep), graph.scalar(1)]);
  const mean = graph.node("Div", [sum, count]);
  const norm = graph.node("Max", [graph.node("ReduceL2", [mean, axis], keep), graph.scalar(1e-12)]);
  graph.node("Div", [mean, norm], { output: "embedding" });
}
