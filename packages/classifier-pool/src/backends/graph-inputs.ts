/** Token batches as the tensors that a graph asks for. Pure; called by onnx.ts for every batch. */
import { Tensor } from "onnxruntime-node";
import type { GraphInput } from "../model/manifest.ts";
import type { TokenBatch } from "./index.ts";

/**
 * graphFeeds makes one [rows, width] tensor per input. Padding has `padId`, mask 0, segment 0, and goes on counting positions as
 * published graphs do. Values are written as the low words of little-endian int64, which spares a BigInt per token.
 */
export function graphFeeds(inputs: readonly GraphInput[], batch: TokenBatch, padId: number): Record<string, Tensor> {
  const dims = [batch.rows, batch.width];
  const feeds: Record<string, Tensor> = {};
  for (const { name, type } of inputs) {
    if (type === "int64") {
      const values = new BigInt64Array(batch.rows * batch.width);
      fill(name, new Int32Array(values.buffer), 2, batch, padId);
      feeds[name] = new Tensor("int64", values, dims);
    } else {
      const values = new Int32Array(batch.rows * batch.width);
      fill(name, values, 1, batch, padId);
      feeds[name] = new Tensor("int32", values, dims);
    }
  }
  return feeds;
}

/** fill writes every `stride`-th word of zeroed memory. */
function fill(name: GraphInput["name"], words: Int32Array, stride: 1 | 2, { rows, width, ids, lengths }: TokenBatch, padId: number): void {
  if (name === "token_type_ids") return;
  for (let row = 0; row < rows; row += 1) {
    const start = row * width;
    const length = lengths[row] ?? 0;
    for (let place = 0; place < width; place += 1) {
      const at = start + place;
      const real = place < length;
      switch (name) {
        case "input_ids":
          words[stride * at] = real ? (ids[at] ?? 0) : padId;
          break;
        case "attention_mask":
          words[stride * at] = real ? 1 : 0;
          break;
        case "position_ids":
          words[stride * at] = place;
          break;
        default:
          name satisfies never;
      }
    }
  }
}
