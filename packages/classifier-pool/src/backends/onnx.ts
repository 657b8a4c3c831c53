/**
 * Runs a model's ONNX graph: ours, which gives unit vectors, or a published one, whose token vectors are pooled here. `run` blocks
 * its thread for as long as the inference takes, which is why it lives in a worker.
 */
import { join } from "node:path";
import { InferenceSession, type Tensor } from "onnxruntime-node";
import { RouterError } from "@turnout/shared/errors";
import type { ModelSettings } from "../messages.ts";
import type { GraphSettings } from "../model/graph-settings.ts";
import { fitVectors, poolTokens } from "../model/pooling.ts";
import { createScanner } from "../tokens/scanner.ts";
import { createTokenizer, loadVocabulary, withPrompt } from "../tokens/tokenizer.ts";
import { graphFeeds } from "./graph-inputs.ts";
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

export async function load(settings: ModelSettings): Promise<Encoder> {
  const { dimension, maxTokens, graph, classification, tokenLabels } = settings;
  const vocabulary = await loadVocabulary(join(settings.modelDirectory, settings.tokenizerFile));
  const session = await openSession(join(settings.modelDirectory, graph.file));
  const width = classification === null && tokenLabels === null ? dimension : graph.width;
  // What is cut off a vector of length 1 leaves a shorter one.
  const normalize = graph.normalize || width < graph.width;
  return {
    dimension: width,
    tokenizer: withPrompt(createTokenizer(vocabulary, maxTokens), graph.prompt),
    ...(tokenLabels === null ? {} : { scanner: createScanner({ ...vocabulary, maxTokens }) }),
    async run(batch) {
      const output = (await session.run(graphFeeds(graph.inputs, batch, graph.padId), [graph.output]))[graph.output];
      if (tokenLabels !== null) return floatsOf(output, [batch.rows, batch.width, width], graph.output);
      return fitVectors(textVectors(output, batch, graph), batch.rows, graph.width, width, normalize);
    },
    close: () => session.release(),
  };
}

/** openSession opens a graph on one thread. Throws RouterError "model_corrupt". */
export async function openSession(path: string): Promise<InferenceSession> {
  try {
    return await InferenceSession.create(path, sessionOptions);
  } catch (error) {
    throw new RouterError("model_corrupt", `${path} is not a usable ONNX graph: ${String(error)}. Prepare the model again.`, {
      cause: error,
    });
  }
}

/** textVectors is one vector (or row of logits) of `graph.width` numbers per text. */
function textVectors(output: Tensor | undefined, batch: TokenBatch, { output: name, pooling, width }: GraphSettings): Float32Array {
  const { rows, width: sequence } = batch;
  if (pooling === "none") return floatsOf(output, [rows, width], name);
  return poolTokens(floatsOf(output, [rows, sequence, width], name), batch, width, pooling);
}

/** floatsOf throws RouterError "model_corrupt" when an output is not of the expected shape. */
function floatsOf(output: Tensor | undefined, expected: readonly number[], name: string): Float32Array {
  if (output?.data instanceof Float32Array && output.dims.join() === expected.join()) return output.data;
  const found = output === undefined ? "none" : `[${output.dims.join()}] of ${output.type}`;
  throw new RouterError("model_corrupt", `expected an output "${name}" of [${expected.join()}] floats, got ${found}`);
}
