/** Turns a checkpoint (config.json, tokenizer.json, model.safetensors) into a prepared model: graph, weights, tokenizer, manifest. */
import { copyFile, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setImmediate as nextTurn } from "node:timers/promises";
import { Tokenizer } from "@huggingface/tokenizers";
import { RouterError } from "@turnout/shared";
import { sha256OfFile } from "../checksum.ts";
import type { EncoderArchitecture, ModelManifest, ModelVariant } from "../manifest.ts";
import { manifestFile } from "../manifest.ts";
import { parseArchitecture, requireMeanPooling } from "./architecture.ts";
import { calibrationTexts } from "./calibration-texts.ts";
import type { EncoderWeights } from "./encoder-weights.ts";
import { readEncoderWeights } from "./encoder-weights.ts";
import type { Precision } from "./graph.ts";
import { buildEncoderGraph, GRAPH_RECIPE } from "./graph.ts";
import type { ModelDescriptor } from "./known-models.ts";
import { checkpointFiles } from "./known-models.ts";
import { writeOnnxModel } from "./onnx-model.ts";
import { describeFile } from "./prepared-file.ts";
import { parseSafetensors } from "./safetensors.ts";
import { safeWeightLimit } from "./saturation.ts";
import { calibrateSmoothing } from "./smooth.ts";
import type { Checkpoint, PrepareProgress } from "./source.ts";

const graphFile = "model.onnx";
const dataFile = "model.data";
const tokenizerFile = "tokenizer.json";
const MAX_CHECKPOINT_BYTES = 2 ** 31 - 1;
const MAX_CALIBRATION_TOKENS = 128;

/** Conversion is one checkpoint to convert. */
export interface Conversion {
  readonly model: ModelDescriptor;
  readonly variant: Exclude<ModelVariant, "as-is">;
  /** Leave off after this many of the encoder's layers; null: keep all. */
  readonly layers: number | null;
  readonly checkpoint: Checkpoint;
  /** Empty directory that receives the prepared model. */
  readonly directory: string;
  readonly onProgress: (progress: PrepareProgress) => void;
  readonly signal: AbortSignal;
}

/** convertCheckpoint writes the prepared model and gives its manifest, which is written last. Throws RouterError("model_corrupt" | "model_unsupported"). */
export async function convertCheckpoint(conversion: Conversion): Promise<ModelManifest> {
  const { model, variant, layers, checkpoint, directory, onProgress, signal } = conversion;
  const published = await readArchitecture(checkpoint.directory);
  const architecture = cutLayers(published, layers);
  const weightsPath = join(checkpoint.directory, checkpointFiles.weights);
  const { size } = await stat(weightsPath);
  if (size > MAX_CHECKPOINT_BYTES)
    throw new RouterError("model_unsupported", `${weightsPath} has ${size} bytes, at most ${MAX_CHECKPOINT_BYTES} can be prepared`);
  const weights = readEncoderWeights(parseSafetensors(await readFile(weightsPath)), architecture);
  const tokenizerPath = join(checkpoint.directory, checkpointFiles.tokenizer);

  const steps = variant === "int8" ? calibrationTexts.length + 1 : 1;
  const step = (done: number) => onProgress({ stage: "convert", done, total: steps });
  step(0);
  const precision = variant === "int8" ? await calibrate(weights, architecture, tokenizerPath, step, signal) : ({ variant } as const);
  const graph = buildEncoderGraph(weights, architecture, precision);
  step(steps);
  await nextTurn(undefined, { signal });
  const writing = (done: number, total: number) => onProgress({ stage: "write", done, total });
  await writeOnnxModel(graph, { directory, graph: graphFile, data: dataFile }, writing, signal);
  await copyFile(tokenizerPath, join(directory, tokenizerFile));

  const manifest: ModelManifest = {
    format: 1,
    name: model.name,
    revision: revisionOf(model.revision ?? `sha256:${await sha256OfFile(weightsPath, signal)}`, layers),
    variant,
    recipe: GRAPH_RECIPE,
    architecture,
    ...(layers === null ? {} : { layersOf: published.layers }),
    dimension: architecture.hiddenSize,
    maxTokens: architecture.positions,
    pooling: "mean",
    normalize: true,
    weightLimit: precision.variant === "int8" ? precision.weightLimit : null,
    graph: graphFile,
    tokenizer: tokenizerFile,
    files: await Promise.all([graphFile, dataFile, tokenizerFile].map((path) => describeFile(directory, path, signal))),
    source: checkpoint.origin,
    createdBy: `turnout graph recipe ${GRAPH_RECIPE}`,
  };
  await writeFile(join(directory, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
  return manifest;
}

/** revisionOf names the vectors: those after fewer layers are others. */
export function revisionOf(revision: string, layers: number | null): string {
  return layers === null ? revision : `${revision}+layers=${layers}`;
}

function cutLayers(architecture: EncoderArchitecture, layers: number | null): EncoderArchitecture {
  if (layers === null) return architecture;
  if (layers < 1 || layers > architecture.layers) {
    throw new RouterError("model_unsupported", `the encoder has ${architecture.layers} layers, ${layers} were asked for`);
  }
  return { ...architecture, layers };
}

async function readArchitecture(directory: string): Promise<EncoderArchitecture> {
  const architecture = parseArchitecture(await readFile(join(directory, checkpointFiles.config), "utf8"));
  const pooling = await readFile(join(directory, "1_Pooling", "config.json"), "utf8").catch(() => null);
  if (pooling !== null) requireMeanPooling(pooling);
  return architecture;
}

async function calibrate(
  weights: EncoderWeights,
  architecture: EncoderArchitecture,
  tokenizerPath: string,
  progress: (done: number) => void,
  signal: AbortSignal,
): Promise<Precision & { variant: "int8" }> {
  const document: unknown = JSON.parse(await readFile(tokenizerPath, "utf8"));
  if (typeof document !== "object" || document === null) throw new RouterError("model_corrupt", `${tokenizerPath} is not an object`);
  const tokenizer = new Tokenizer(document, {});
  const limit = Math.min(MAX_CALIBRATION_TOKENS, architecture.positions);
  const sequences = calibrationTexts.map((text) => {
    const ids = tokenizer.encode(text).ids.slice(0, limit);
    const foreign = ids.find((id: number) => id >= architecture.vocabularySize);
    if (foreign !== undefined) {
      throw new RouterError(
        "model_corrupt",
        `the tokenizer gives id ${foreign}, the encoder has ${architecture.vocabularySize} words: they do not belong together`,
      );
    }
    return ids;
  });
  return {
    variant: "int8",
    smoothing: await calibrateSmoothing(weights, architecture, sequences, progress, signal),
    weightLimit: await safeWeightLimit(),
  };
}
