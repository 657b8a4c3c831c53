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

/** ModelVariant is the arithmetic of the graph: "int8" is the fast one, "fp32" the exact one. */
export type ModelVariant = z.output<typeof variantSchema>;

/** variantSchema is shared with the command line. */
export const variantSchema = z.enum(["int8", "fp32"]);

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

const manifestSchema = z.object({
  /** Layout of this document. */
  format: z.literal(1),
  name: z.string().min(1),
  /** Revision of the weights: the hub's commit, or the weights' SHA-256 where there is none. */
  revision: z.string().min(1),
  variant: variantSchema,
  /** Version of our graph recipe; a model of another recipe is prepared anew. */
  recipe: z.int().positive(),
  architecture: architectureSchema,
  /** Length of the vectors. */
  dimension: z.int().positive(),
  /** Longest sequence the position table has, special tokens included. */
  maxTokens: z.int().positive(),
  pooling: z.literal("mean"),
  normalize: z.literal(true),
  /** int8 only: weights lie in -weightLimit..weightLimit; 64 where the processor's 8-bit products saturate, else 127. */
  weightLimit: z.union([z.literal(64), z.literal(127)]).nullable(),
  graph: plainFileName,
  tokenizer: plainFileName,
  files: z.array(z.object({ path: plainFileName, bytes: z.int().nonnegative(), sha256: z.string().regex(/^[0-9a-f]{64}$/) })).min(1),
  /** Where the weights came from, for people. */
  source: z.string(),
  createdBy: z.string(),
});

/** ModelManifest describes one prepared model. Graph inputs: int64 [batch, sequence] `input_ids`, `attention_mask`; output: float `embedding` [batch, dimension]. */
export type ModelManifest = z.output<typeof manifestSchema>;

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
  for (const named of [manifest.graph, manifest.tokenizer]) {
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
