/**
 * Adopts a published ONNX model: the graph and its tokenizer are copied untouched, and the manifest says how to run them. What it says
 * is tried out before it is written: the graph is run, and loaded once as a worker would load it. Called by prepareModel.
 */
import { constants } from "node:fs";
import { access, copyFile, open, readFile, writeFile } from "node:fs/promises";
import { createHash } from "node:crypto";
import { basename, dirname, join } from "node:path";
import { RouterError } from "@turnout/shared";
import type { Encoder } from "../../backends/index.ts";
import { manifestFile, type AsIsManifest } from "../manifest.ts";
import { describeModel } from "../model-description.ts";
import { GRAPH_RECIPE } from "./graph.ts";
import { readWeights, type PublishedWeights } from "./onnx-model.ts";
import { describeFile } from "./prepared-file.ts";
import { readGraph } from "./published-graph.ts";
import { readPublishedSettings, type AsIsSettings, type PublishedSettings } from "./published-settings.ts";
import type { PrepareProgress } from "./source.ts";

/** Adoption is one model to adopt. */
export interface Adoption {
  readonly name: string;
  /** The published model's directory; nothing in it is changed. */
  readonly source: string;
  readonly settings: AsIsSettings;
  /** Empty directory that receives the prepared model. */
  readonly directory: string;
  readonly onProgress: (progress: PrepareProgress) => void;
  readonly signal: AbortSignal;
}

const graphPaths = ["model.onnx", "onnx/model.onnx"];
const tokenizerFile = "tokenizer.json";
/** Longest text by default: a graph's time and memory grow with the square of it, and signals read no more than this. */
const DEFAULT_MAX_TOKENS = 512;
const STEPS = 3;

/** isOnnxDirectory says whether a directory holds a graph to adopt, and no checkpoint to convert. */
export async function isOnnxDirectory(directory: string): Promise<boolean> {
  return (await firstReadable(directory, graphPaths)) !== null && (await firstReadable(directory, ["model.safetensors"])) === null;
}

/** adoptModel writes the prepared model and gives its manifest. Throws RouterError("model_unsupported") when something is not known or cannot be served, "model_corrupt" when files are broken. */
export async function adoptModel(adoption: Adoption): Promise<AsIsManifest> {
  const { name, source, settings, directory, onProgress, signal } = adoption;
  const step = (done: number) => onProgress({ stage: "verify", source: "directory", done, total: STEPS });
  step(0);
  const published = await readPublishedSettings(source);
  const { files, weights } = await copyModel(source, settings.graph, directory);
  const graph = files[0];
  signal.throwIfAborted();
  step(1);
  const shape = await readGraph(join(directory, graph), published, settings);
  signal.throwIfAborted();
  step(2);

  const { classification, tokenLabels, width, ...run } = shape;
  const labels = classification !== null || tokenLabels !== null;
  const dimension = labels ? 0 : (settings.dimension ?? width);
  if (dimension > width)
    throw new RouterError("model_unsupported", `the graph's vectors have ${width} numbers, ${dimension} were asked for`);
  const facts = {
    format: 1,
    variant: "as-is",
    recipe: GRAPH_RECIPE,
    dimension,
    ...(labels || dimension === width ? {} : { graphDimension: width }),
    maxTokens: settings.maxTokens ?? Math.min(DEFAULT_MAX_TOKENS, published.maxTokens ?? DEFAULT_MAX_TOKENS),
    ...run,
    normalize: settings.normalize ?? true,
    prompt: settings.prompt ?? published.prompt,
    padId: published.padId,
    ...(classification === null ? {} : { classification }),
    ...(tokenLabels === null ? {} : { tokenLabels }),
    weightLimit: await largestWeight(weights, directory),
    graph,
    tokenizer: tokenizerFile,
    files: await Promise.all(files.map((path) => describeFile(directory, path, signal))),
  } as const;
  const revision = `sha256:${createHash("sha256").update(JSON.stringify(facts)).digest("hex")}`;
  const manifest: AsIsManifest = {
    ...facts,
    files: [...facts.files],
    name,
    revision,
    source: `directory ${source}`,
    createdBy: "turnout, as published",
  };
  await tryOut(manifest, directory, published);
  await writeFile(join(directory, manifestFile), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
  step(STEPS);
  return manifest;
}

/** copyModel copies graph, weights beside it, and tokenizer; the graph's name comes first. Where the file system can, a copy shares the original's blocks. */
async function copyModel(
  source: string,
  chosen: string | undefined,
  directory: string,
): Promise<{ readonly files: readonly [string, ...string[]]; readonly weights: PublishedWeights }> {
  const graph = await firstReadable(source, chosen === undefined ? graphPaths : [chosen]);
  if (graph === null) throw new RouterError("model_source_unreachable", `${source} holds no ${chosen ?? graphPaths.join(" or ")}`);
  const graphFile = basename(graph);
  const weights = readWeights(await readFile(join(source, graph)), graph);
  for (const file of weights.externalFiles) {
    if (basename(file) !== file)
      throw new RouterError("model_unsupported", `${graph} keeps weights in "${file}", only files beside the graph can be served`);
  }
  const paths = [graph, ...weights.externalFiles.map((file) => join(dirname(graph), file)), tokenizerFile];
  for (const path of paths) {
    await copyFile(join(source, path), join(directory, basename(path)), constants.COPYFILE_FICLONE).catch((cause: unknown) => {
      throw new RouterError("model_source_unreachable", `${join(source, path)} cannot be read`, { cause });
    });
  }
  return { files: [graphFile, ...weights.externalFiles, tokenizerFile], weights };
}

/** largestWeight is the largest magnitude of the int8 matrices, null when there are none. What cannot be read counts as full range. */
async function largestWeight({ int8 }: PublishedWeights, directory: string): Promise<number | null> {
  let largest: number | null = null;
  for (const place of int8) {
    const bytes = place instanceof Uint8Array ? place : await readPart(join(directory, place.file), place.offset, place.length);
    largest ??= 0;
    if (bytes.byteLength === 0) largest = 128;
    for (const weight of new Int8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)) largest = Math.max(largest, Math.abs(weight));
  }
  return largest;
}

async function readPart(path: string, offset: number, length: number): Promise<Uint8Array> {
  await using file = await open(path);
  const { buffer, bytesRead } = await file.read(new Uint8Array(length), 0, length, offset);
  return buffer.subarray(0, bytesRead);
}

/** tryOut loads the model as a worker would, and lets it read some texts and one of the greatest length. */
async function tryOut(manifest: AsIsManifest, directory: string, { vocabularySize }: PublishedSettings): Promise<void> {
  const [{ load }, { batchOf, inspectEncoder }] = await Promise.all([
    import("../../backends/onnx.ts"),
    import("../../backends/warm-up.ts"),
  ]);
  const { maxTokens, dimension } = manifest;
  const encoder: Encoder = await load(describeModel(manifest, directory).settings);
  try {
    const text = "the longest text that it says it reads, ".repeat(maxTokens);
    const { ids } = encoder.tokenizer.tokenize({ parts: [text], window: { maxTokens, sampling: "head" } });
    const foreign = vocabularySize === null ? undefined : ids.find((id) => id >= vocabularySize);
    if (foreign !== undefined) {
      throw new RouterError(
        "model_corrupt",
        `the tokenizer gives id ${foreign}, the encoder has ${vocabularySize} words: they do not belong together`,
      );
    }
    await inspectEncoder(encoder, dimension > 0);
    // Throws when the tokenizer hides where its tokens stand.
    encoder.scanner?.("Some words, with a mark; and 12 numbers.", maxTokens);
    await encoder.run(batchOf([ids])).catch((cause: unknown) => {
      throw new RouterError("model_unsupported", `the graph cannot read ${ids.length} tokens; give --max-tokens (${String(cause)})`, {
        cause,
      });
    });
  } finally {
    await encoder.close?.();
  }
}

async function firstReadable(directory: string, paths: readonly string[]): Promise<string | null> {
  for (const path of paths) {
    const readable = await access(join(directory, path)).then(
      () => true,
      () => false,
    );
    if (readable) return path;
  }
  return null;
}
