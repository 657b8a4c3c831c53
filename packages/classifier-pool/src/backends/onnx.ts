/**
 * Runs the model's ONNX graph: int64 `input_ids` and `attention_mask` in, L2-normalised `embedding` out. `run` blocks its
 * thread for as long as the inference takes, which is why it lives in a worker.
 */
import { join } from "node:path";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { RouterError } from "@turnout/shared";
import type { WorkerSettings } from "../messages.ts";
import { createTokenizer, loadVocabulary } from "../tokens/tokenizer.ts";
import type { Encoder, TokenBatch } from "./index.ts";

/**
 * One thread per worker, and no spinning: on few cores spinning doubles the CPU per text. The weights are external data, opened
 * by path, so that all workers share one mapping of them.
 */
const sessionOptions: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  logSeverityLevel: 3,
  extra: { session: { intra_op: { allow_spinning: "0" } } },
};

export async function load(settings: WorkerSettings): Promise<Encoder> {
  const { dimension, maxTokens } = settings;
  const vocabulary = await loadVocabulary(join(settings.modelDirectory, settings.tokenizerFile));
  const session = await openSession(join(settings.modelDirectory, settings.graphFile));
  return {
    dimension,
    tokenizer: createTokenizer(vocabulary, maxTokens),
    async run(batch) {
      const { embedding } = await session.run(inputs(batch));
      if (!(embedding?.data instanceof Float32Array) || embedding.data.length !== batch.rows * dimension) {
        throw new RouterError(
          "model_corrupt",
          `expected an output "embedding" of [${batch.rows},${dimension}] floats, got [${String(embedding?.dims)}]`,
        );
      }
      return embedding.data;
    },
  };
}

async function openSession(path: string): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, sessionOptions);
  } catch (error) {
    throw new RouterError("model_corrupt", `${path} is not a usable ONNX graph: ${String(error)}. Prepare the model again.`, {
      cause: error,
    });
  }
}

/** inputs writes ids and mask as the low words of little-endian int64, which spares a BigInt per token. */
function inputs({ rows, width, ids, lengths }: TokenBatch): Record<string, Tensor> {
  const dims = [rows, width];
  const inputIds = new BigInt64Array(rows * width);
  const attentionMask = new BigInt64Array(rows * width);
  const idWords = new Int32Array(inputIds.buffer);
  const maskWords = new Int32Array(attentionMask.buffer);
  for (let row = 0; row < rows; row += 1) {
    const start = row * width;
    const end = start + (lengths[row] ?? 0);
    for (let at = start; at < end; at += 1) {
      idWords[2 * at] = ids[at] ?? 0;
      maskWords[2 * at] = 1;
    }
  }
  return { input_ids: new Tensor("int64", inputIds, dims), attention_mask: new Tensor("int64", attentionMask, dims) };
}
