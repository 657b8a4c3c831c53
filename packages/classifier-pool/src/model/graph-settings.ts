/**
 * What a worker must know of a model's graph, whoever made it: the manifest's two kinds of graph in one shape. Plain data, because
 * it crosses to the worker thread. Called by pool.ts and, to try a model out, by prepare.
 */
import type { GraphInput, ModelManifest, Pooling } from "./manifest.ts";

/** GraphSettings says how to feed a graph and what to make of its output. */
export interface GraphSettings {
  /** Name of the file in the model's directory. */
  readonly file: string;
  readonly inputs: readonly GraphInput[];
  readonly output: string;
  /** Numbers per vector that the graph gives, or logits where it classifies texts or tokens. */
  readonly width: number;
  readonly pooling: Pooling;
  /** False: the graph's vectors have length 1 already, or are logits. */
  readonly normalize: boolean;
  /** Put before every text. */
  readonly prompt: string;
  readonly padId: number;
}

const convertedInputs: readonly GraphInput[] = [
  { name: "input_ids", type: "int64" },
  { name: "attention_mask", type: "int64" },
];

/** graphSettings reads a manifest. Our own graphs pool and normalise inside, which is what their `pooling` and `normalize` tell. */
export function graphSettings(manifest: ModelManifest): GraphSettings {
  const { graph: file, dimension } = manifest;
  if (manifest.variant !== "as-is") {
    return {
      file,
      inputs: convertedInputs,
      output: "embedding",
      width: dimension,
      pooling: "none",
      normalize: false,
      prompt: "",
      padId: 0,
    };
  }
  const { inputs, output, pooling, normalize, prompt, padId, classification, tokenLabels, graphDimension } = manifest;
  const width = (classification?.labels ?? tokenLabels)?.length ?? graphDimension ?? dimension;
  return { file, inputs, output, width, pooling, normalize: normalize && dimension > 0, prompt, padId };
}

/** noGraph stands in for backends that have none. */
export const noGraph: GraphSettings = {
  file: "",
  inputs: [],
  output: "",
  width: 0,
  pooling: "none",
  normalize: false,
  prompt: "",
  padId: 0,
};
