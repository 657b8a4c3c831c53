/**
 * The manifest of a prepared model: what the encoder expects and gives, and which files it consists of. Written once by
 * `prepare`, read by the pool at start and by `models list`. Reading never touches the network and never changes a file.
 */
import { readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { RouterError } from "@turnout/shared";
import { z } from "zod";
import { sha256OfFile } from "./checksum.ts";

/** manifestFile is the manifest's name inside a prepared model's directory. */
export const manifestFile = "manifest.json";

/** ModelVariant says whose graph it is: ours with fast ("int8") or exact ("fp32") arithmetic, or the model's own ("as-is"). */
export type ModelVariant = z.output<typeof variantSchema>;

/** variantSchema is shared with the command line. */
export const variantSchema = z.enum(["int8", "fp32", "as-is"]);

/** architectureSchema is the part of a BERT encoder's config.json that decides the graph. */
export const architectureSchema = z.strictObject({
  type: z.literal("bert"),
  layers: z.int().min(1).max(256),
  heads: z.int().min(1).max(256),
  hiddenSize: z.int().min(1).max(16_384),
  intermediateSize: z.int().min(1).max(65_536),
  vocabularySize: z.int().min(1).max(4_000_000),
  positions: z.int().min(1).max(65_536),
  layerNormEpsilon: z.number().positive(),
});

/** EncoderArchitecture is the shape of a BERT-like encoder. */
export type EncoderArchitecture = z.output<typeof architectureSchema>;

const plainFileName = z.string().refine((path) => path !== "" && path !== ".." && basename(path) === path, "must be a plain file name");

const headSchema = z.strictObject({
  name: z.string().min(1),
  labels: z.array(z.string().min(1)).min(1),
  weights: plainFileName,
});

/** Pooling makes one vector of a text's token vectors; "none": the graph has done so. */
export type Pooling = z.output<typeof poolingSchema>;

/** poolingSchema is shared with the command line. */
export const poolingSchema = z.enum(["mean", "cls", "last_token", "none"]);

/** graphInputs are the inputs that we can feed, and what they get: ids, 1 per real token, segment 0, place in the text. */
export const graphInputs = ["input_ids", "attention_mask", "token_type_ids", "position_ids"] as const;

const graphInputSchema = z.object({ name: z.enum(graphInputs), type: z.enum(["int64", "int32"]) });

/** GraphInput is an input of the graph, [batch, sequence]. */
export type GraphInput = z.output<typeof graphInputSchema>;

const commonFields = {
  /** Layout of this document. */
  format: z.literal(1),
  name: z.string().min(1),
  /** Names the vector space: the hub's commit, or a SHA-256 of all that decides the vectors where there is none. */
  revision: z.string().min(1),
  /** Version of our graph recipe; a model of another recipe is prepared anew. */
  recipe: z.int().positive(),
  /** Length of the vectors; 0: there are none, only `classification`. */
  dimension: z.int().nonnegative(),
  /** Longest sequence the encoder reads, special tokens included. */
  maxTokens: z.int().positive(),
  graph: plainFileName,
  tokenizer: plainFileName,
  /** Linear classification heads on the vector: file of float32 weights [labels, dimension], then biases [labels], little-endian. */
  heads: z.array(headSchema).optional(),
  files: z.array(z.object({ path: plainFileName, bytes: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })).min(1),
  /** Where the weights came from, for people. */
  source: z.string(),
  createdBy: z.string(),
};

/** A graph of our own: int64 `input_ids`, `attention_mask` [batch, sequence] in, unit vectors `embedding` [batch, dimension] out. */
const convertedSchema = z.object({
  ...commonFields,
  variant: z.enum(["int8", "fp32"]),
  architecture: architectureSchema,
  /** The checkpoint's layers, where the graph leaves off after fewer of them (`architecture.layers`). */
  layersOf: z.int().positive().optional(),
  pooling: z.literal("mean"),
  normalize: z.literal(true),
  /** int8 only: weights lie in -weightLimit..weightLimit; 64 where the processor's 8-bit products saturate, else 127. */
  weightLimit: z.union([z.literal(64), z.literal(127)]).nullable(),
});

/** A graph that somebody else made, untouched. */
const asIsSchema = z.object({
  ...commonFields,
  variant: z.literal("as-is"),
  inputs: z.array(graphInputSchema).min(1),
  output: z.string().min(1),
  /** What the worker does with the output. */
  pooling: poolingSchema,
  /** False only where the graph gives unit vectors itself, which each worker checks when it warms up. */
  normalize: z.boolean(),
  /** Put before every text, e.g. "query: ". */
  prompt: z.string(),
  /** Length of the graph's vectors, where only their first `dimension` numbers are served (Matryoshka). */
  graphDimension: z.int().positive().optional(),
  /** What fills a row behind its tokens. */
  padId: z.int().nonnegative(),
  /** Set for sequence classifiers: the output is one logit per label, served as the head `name`. */
  classification: z.object({ name: z.string().min(1), labels: z.array(z.string().min(1)).min(1) }).optional(),
  /** Set for token classifiers: the output is one logit per token and label. */
  tokenLabels: z.array(z.string().min(1)).min(1).optional(),
  /** Largest magnitude of the graph's int8 weights, null without any; absent where nobody has looked. */
  weightLimit: z.int().min(0).max(128).nullable().optional(),
});

const manifestSchema = z.discriminatedUnion("variant", [convertedSchema, asIsSchema]);

/** ModelManifest describes one prepared model. */
export type ModelManifest = z.output<typeof manifestSchema>;

/** AsIsManifest describes a model that runs as it was published. */
export type AsIsManifest = z.output<typeof asIsSchema>;

/**
 * loadManifest reads and checks a prepared model's manifest: every file must be there with its size (cheap, every start);
 * `verify` also compares checksums. Throws RouterError("model_corrupt") that says what is wrong and what to run.
 */
export async function loadManifest(
  directory: string,
  options: { readonly verify?: boolean; readonly signal?: AbortSignal } = {},
): Promise<ModelManifest> {
  const path = join(directory, manifestFile);
  let text: string;
  try {
    text = await readFile(path, "utf8");
  } catch (cause) {
    throw corrupt(`${directory} holds no prepared model (cannot read ${manifestFile})`, cause);
  }
  const manifest = parseManifest(path, text);
  for (const named of [manifest.graph, manifest.tokenizer, ...(manifest.heads ?? []).map(({ weights }) => weights)]) {
    if (!manifest.files.some((file) => file.path === named)) throw corrupt(`${path}: "${named}" is not in its list of files`);
  }
  for (const file of manifest.files) {
    const filePath = join(directory, file.path);
    const found = await stat(filePath).catch(() => null);
    if (found === null) throw corrupt(`${filePath} is missing`);
    if (found.size !== file.bytes) throw corrupt(`${filePath} has ${found.size} bytes, expected ${file.bytes}`);
    if (options.verify !== true) continue;
    const sha256 = await sha256OfFile(filePath, options.signal);
    if (sha256 !== file.sha256) throw corrupt(`${filePath} has SHA-256 ${sha256}, expected ${file.sha256}`);
  }
  return manifest;
}

function parseManifest(path: string, text: string): ModelManifest {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw corrupt(`${path} is not JSON`, cause);
  }
  const parsed = manifestSchema.safeParse(document);
  if (!parsed.success) throw corrupt(`${path}: ${z.prettifyError(parsed.error)}`, parsed.error);
  return parsed.data;
}

function corrupt(problem: string, cause?: unknown): RouterError {
  return new RouterError("model_corrupt", `${problem}. Run "turnout models prepare" to build the model again.`, { cause });
}
