/**
 * The weights of a BERT encoder under our names, with every shape checked against the architecture. The one place that knows
 * the checkpoint's tensor names.
 */
import { RouterError } from "@turnout/shared";
import type { EncoderArchitecture } from "../manifest.ts";
import type { StoredTensor } from "./safetensors.ts";
import { toFloat32 } from "./safetensors.ts";

/** Linear is y = x·weightᵀ + bias; `weight` is row-major [outputs, inputs]. */
export interface Linear {
  readonly name: string;
  readonly outputs: number;
  readonly inputs: number;
  readonly weight: Float32Array;
  readonly bias: Float32Array;
}

/** LayerNorm holds the scale and shift of a layer normalisation. */
export interface LayerNorm {
  readonly name: string;
  readonly scale: Float32Array;
  readonly shift: Float32Array;
}

/** EncoderLayer is one transformer block: attention, then up projection, GELU, down projection; a norm after each residual. */
export interface EncoderLayer {
  readonly query: Linear;
  readonly key: Linear;
  readonly value: Linear;
  readonly attentionOutput: Linear;
  readonly attentionNorm: LayerNorm;
  readonly up: Linear;
  readonly down: Linear;
  readonly outputNorm: LayerNorm;
}

/** EncoderWeights is a whole encoder. The token type is always 0, so its row is folded into `positions`. */
export interface EncoderWeights {
  /** [vocabularySize, hiddenSize] */
  readonly words: Float32Array;
  /** [positions, hiddenSize] */
  readonly positions: Float32Array;
  readonly embeddingNorm: LayerNorm;
  readonly layers: readonly EncoderLayer[];
}

/** readEncoderWeights collects the encoder from a checkpoint. Throws RouterError("model_corrupt") that names the tensor which is missing or misshapen. */
export function readEncoderWeights(tensors: ReadonlyMap<string, StoredTensor>, architecture: EncoderArchitecture): EncoderWeights {
  const { hiddenSize, intermediateSize, vocabularySize, positions } = architecture;
  const prefix = tensors.has("bert.embeddings.word_embeddings.weight") ? "bert." : "";

  const read = (name: string, shape: readonly number[]): Float32Array => {
    const tensor = tensors.get(prefix + name);
    if (tensor === undefined) throw new RouterError("model_corrupt", `the checkpoint lacks tensor "${prefix}${name}"`);
    if (tensor.shape.join() !== shape.join()) {
      throw new RouterError("model_corrupt", `tensor "${prefix}${name}" is [${tensor.shape.join()}], config.json says [${shape.join()}]`);
    }
    return toFloat32(name, tensor);
  };
  const norm = (name: string): LayerNorm => ({
    name,
    scale: read(`${name}.weight`, [hiddenSize]),
    shift: read(`${name}.bias`, [hiddenSize]),
  });
  const linear = (name: string, outputs: number, inputs: number): Linear => ({
    name,
    outputs,
    inputs,
    weight: read(`${name}.weight`, [outputs, inputs]),
    bias: read(`${name}.bias`, [outputs]),
  });
  const layer = (index: number): EncoderLayer => {
    const at = `encoder.layer.${index}`;
    return {
      query: linear(`${at}.attention.self.query`, hiddenSize, hiddenSize),
      key: linear(`${at}.attention.self.key`, hiddenSize, hiddenSize),
      value: linear(`${at}.attention.self.value`, hiddenSize, hiddenSize),
      attentionOutput: linear(`${at}.attention.output.dense`, hiddenSize, hiddenSize),
      attentionNorm: norm(`${at}.attention.output.LayerNorm`),
      up: linear(`${at}.intermediate.dense`, intermediateSize, hiddenSize),
      down: linear(`${at}.output.dense`, hiddenSize, intermediateSize),
      outputNorm: norm(`${at}.output.LayerNorm`),
    };
  };

  const typeTable = tensors.get(`${prefix}embeddings.token_type_embeddings.weight`);
  const types = read("embeddings.token_type_embeddings.weight", [typeTable?.shape[0] ?? 1, hiddenSize]);
  return {
    words: read("embeddings.word_embeddings.weight", [vocabularySize, hiddenSize]),
    positions: read("embeddings.position_embeddings.weight", [positions, hiddenSize]).map((value, i) => value + types[i % hiddenSize]!),
    embeddingNorm: norm("embeddings.LayerNorm"),
    layers: Array.from({ length: architecture.layers }, (_, index) => layer(index)),
  };
}
