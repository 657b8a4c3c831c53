/**
 * What the pool must know of a prepared model to serve it, read from its manifest: what callers may ask of it, and what its workers need
 * to load it. Called by the pool, and by prepare to try a model out.
 */
import { RouterError, type ClassifierHead } from "@turnout/shared";
import type { ModelSettings } from "../messages.ts";
import { entityTypes, labelScheme } from "./entities.ts";
import { graphSettings } from "./graph-settings.ts";
import type { ModelManifest } from "./manifest.ts";

/** ModelDescription is a model as the pool sees it. */
export interface ModelDescription {
  readonly name: string;
  readonly revision: string;
  readonly heads: readonly ClassifierHead[];
  /** Empty unless it is a token classifier. */
  readonly entityTypes: readonly string[];
  readonly settings: ModelSettings;
  /** Bytes of the files that all workers share, because they are mapped, and of those that each holds for itself. */
  readonly bytes: { readonly shared: number; readonly perWorker: number };
}

/** describeModel reads a manifest. Throws RouterError "model_unsupported" for a `dimension` that the model cannot serve. */
export function describeModel(
  manifest: ModelManifest,
  modelDirectory: string,
  options: { readonly backend?: string; readonly dimension?: number } = {},
): ModelDescription {
  const { backend = "onnx", dimension = manifest.dimension } = options;
  const { name, heads = [] } = manifest;
  if (dimension > manifest.dimension) {
    throw new RouterError("model_unsupported", `${name} has ${manifest.dimension} dimensions, ${dimension} were asked for`);
  }
  if (dimension < manifest.dimension && heads.length > 0) {
    throw new RouterError(
      "model_unsupported",
      `the heads of ${name} were trained on ${manifest.dimension} dimensions, ${dimension} were asked for`,
    );
  }
  const classification = (manifest.variant === "as-is" ? manifest.classification : undefined) ?? null;
  const tokenLabels = (manifest.variant === "as-is" ? manifest.tokenLabels : undefined) ?? null;
  // Shorter vectors are another space: whoever keeps vectors by revision must not mix them.
  const revision = dimension === manifest.dimension ? manifest.revision : `${manifest.revision}+dimension=${dimension}`;
  return {
    name,
    revision,
    heads: classification === null ? heads.map((head) => ({ name: head.name, labels: head.labels })) : [classification],
    entityTypes: tokenLabels === null ? [] : entityTypes(labelScheme(tokenLabels) ?? []),
    settings: {
      key: `${modelDirectory}\n${revision}`,
      backend,
      modelDirectory,
      graph: graphSettings(manifest),
      tokenizerFile: manifest.tokenizer,
      dimension,
      maxTokens: manifest.maxTokens,
      heads: heads.map(({ name: head, labels, weights }) => ({ name: head, labels: labels.length, file: weights })),
      classification: classification === null ? null : { name: classification.name, labels: classification.labels.length },
      tokenLabels,
      weightLimit: manifest.weightLimit ?? null,
    },
    bytes: bytesOf(manifest),
  };
}

/** Weights beside the graph are mapped; the graph itself, the tokenizer and the heads are read by every worker. */
function bytesOf({ files, graph, tokenizer, heads = [] }: ModelManifest): ModelDescription["bytes"] {
  const own = new Set([graph, tokenizer, ...heads.map(({ weights }) => weights)]);
  let shared = 0;
  let perWorker = 0;
  for (const { path, bytes } of files) {
    if (own.has(path)) perWorker += bytes;
    else shared += bytes;
  }
  return { shared, perWorker };
}
