/**
 * Asks the processor one question before weights are rounded: do its 8-bit products saturate? Without VNNI (or ARM's dot
 * product), x86 adds two products in 16 bits; full-range weights would then silently give wrong vectors.
 */
import { encodeOnnxModel, OnnxGraph } from "./onnx-model.ts";
import { MICROSOFT } from "./arithmetic.ts";

const ROWS = 8;
const INNER = 64;
const COLUMNS = 16;

/** safeWeightLimit gives the largest int8 weight whose products with uint8 are exact here: 127, or 64 (255·64·2 fits 16 bits). Takes about 50 ms; the session is too small to block the thread for longer. */
export async function safeWeightLimit(): Promise<64 | 127> {
  // Loaded here only: an already prepared model must not cost the runtime's start.
  const { InferenceSession, Tensor } = await import("onnxruntime-node");
  const session = await InferenceSession.create(await encodeOnnxModel(productGraph()), { intraOpNumThreads: 1 });
  try {
    const activations = new Tensor("uint8", new Uint8Array(ROWS * INNER).fill(255), [ROWS, INNER]);
    const { product } = await session.run({ activations });
    const expected = 255 * 127 * INNER;
    return (product!.data as Float32Array).every((value) => value === expected) ? 127 : 64;
  } finally {
    await session.release();
  }
}

function productGraph(): OnnxGraph {
  const graph = new OnnxGraph(
    [{ name: "activations", type: "uint8", dims: [ROWS, INNER] }],
    [{ name: "product", type: "float", dims: [ROWS, COLUMNS] }],
  );
  const weight = graph.weight("weight", [INNER, COLUMNS], new Int8Array(INNER * COLUMNS).fill(127));
  const scales = graph.weight("scales", [COLUMNS], new Float32Array(COLUMNS).fill(1));
  graph.node("MatMulIntegerToFloat", ["activations", weight, graph.scalar(1), scales], { domain: MICROSOFT, output: "product" });
  return graph;
}
