/**
 * What a published model says of itself, in config.json and in the files of sentence-transformers: pooling, prompt, length, labels.
 * Absent files leave their settings open; what we cannot do is refused by name, never replaced by a guess. Called by as-is.ts.
 */
import { RouterError } from "@turnout/shared";
import { z } from "zod";
import type { Pooling } from "../manifest.ts";
import { readDocument } from "./json-file.ts";

/** PublishedSettings are the defaults that a user can overrule. */
export interface PublishedSettings {
  /** Null: no file says. */
  readonly pooling: Exclude<Pooling, "none"> | null;
  /** Steps behind the pooling that token vectors do not go through (Dense); only the graph's own pooled output has them. */
  readonly laterSteps: readonly string[];
  readonly prompt: string;
  /** Null: no file says. */
  readonly maxTokens: number | null;
  readonly padId: number;
  /** Null: unknown. */
  readonly vocabularySize: number | null;
  readonly task: "features" | "sequence-classification" | "token-classification";
  /** In the order of the logits; empty where there are none. */
  readonly labels: readonly string[];
}

/** AsIsSettings overrule what the model's own files say; what neither says and cannot be seen in the graph is refused. */
export interface AsIsSettings {
  /** The graph's path in the directory; default model.onnx or onnx/model.onnx. */
  readonly graph?: string;
  readonly output?: string;
  readonly pooling?: Pooling;
  /** False: the graph's vectors have length 1 already, which is checked. */
  readonly normalize?: boolean;
  readonly prompt?: string;
  readonly maxTokens?: number;
  /** Matryoshka: serve only the first numbers of the vectors. */
  readonly dimension?: number;
}

const configSchema = z.looseObject({
  model_type: z.string().default(""),
  architectures: z.array(z.string()).nullish(),
  max_position_embeddings: z.int().positive().nullish(),
  vocab_size: z.int().positive().nullish(),
  pad_token_id: z.int().nullish(),
  id2label: z.record(z.string(), z.string()).nullish(),
});
const modulesSchema = z.array(z.looseObject({ type: z.string(), path: z.string().default("") }));
const poolingSchema = z.looseObject({ include_prompt: z.boolean().default(true) });
const transformerSchema = z.looseObject({ max_seq_length: z.int().positive().nullish() });
const promptsSchema = z.looseObject({
  prompts: z.record(z.string(), z.string()).default({}),
  default_prompt_name: z.string().nullish(),
});

const poolingModes: Readonly<Record<string, Exclude<Pooling, "none">>> = {
  pooling_mode_mean_tokens: "mean",
  pooling_mode_cls_token: "cls",
  pooling_mode_lasttoken: "last_token",
};
/** Their position tables begin behind the padding id: the first places are never used. */
const offsetPositions: ReadonlySet<string> = new Set(["roberta", "xlm-roberta", "camembert", "mpnet", "longformer"]);

/** readPublishedSettings reads what there is. Throws RouterError("model_unsupported") for what we cannot do, "model_corrupt" for broken files. */
export async function readPublishedSettings(directory: string): Promise<PublishedSettings> {
  const config = (await readDocument(directory, "config.json", configSchema)) ?? configSchema.parse({});
  const modules = (await readDocument(directory, "modules.json", modulesSchema)) ?? [];
  const transformer = await readDocument(directory, "sentence_bert_config.json", transformerSchema);
  const prompts = await readDocument(directory, "config_sentence_transformers.json", promptsSchema);
  const kinds = modules.map(({ type, path }) => ({ kind: type.slice(type.lastIndexOf(".") + 1), path }));
  const poolingPath = kinds.find(({ kind }) => kind === "Pooling")?.path ?? "1_Pooling";
  const pooling = await readDocument(directory, `${poolingPath}/config.json`, poolingSchema);
  const prompt = prompts?.prompts[prompts.default_prompt_name ?? ""] ?? "";
  if (prompt !== "" && pooling?.include_prompt === false) {
    throw new RouterError(
      "model_unsupported",
      `${poolingPath}/config.json: include_prompt is false, only pooling over the prompt too can be served`,
    );
  }
  return {
    pooling: pooling === null ? null : poolingOf(`${poolingPath}/config.json`, pooling),
    laterSteps: kinds.map(({ kind }) => kind).filter((kind) => !["Transformer", "Pooling", "Normalize"].includes(kind)),
    prompt,
    maxTokens: shortest(transformer?.max_seq_length, positionsOf(config)),
    padId: Math.max(0, config.pad_token_id ?? 0),
    vocabularySize: config.vocab_size ?? null,
    task: taskOf(config.architectures ?? []),
    labels: labelsOf(config.id2label ?? {}),
  };
}

function poolingOf(file: string, document: Readonly<Record<string, unknown>>): Exclude<Pooling, "none"> {
  const modes = Object.keys(document).filter((key) => key.startsWith("pooling_mode_") && document[key] === true);
  const [mode = "none"] = modes;
  const pooling = poolingModes[mode];
  if (modes.length === 1 && pooling !== undefined) return pooling;
  throw new RouterError(
    "model_unsupported",
    `${file}: pooling is ${modes.join(", ") || "none"}, only one of ${Object.keys(poolingModes).join(", ")} can be served`,
  );
}

function positionsOf({
  model_type: type,
  max_position_embeddings: positions,
  pad_token_id: padId,
}: z.output<typeof configSchema>): number | null {
  if (positions === null || positions === undefined) return null;
  return offsetPositions.has(type) ? positions - (padId ?? 1) - 1 : positions;
}

function shortest(...lengths: readonly (number | null | undefined)[]): number | null {
  const known = lengths.filter((length) => typeof length === "number");
  return known.length === 0 ? null : Math.min(...known);
}

function taskOf(architectures: readonly string[]): PublishedSettings["task"] {
  if (architectures.some((name) => name.endsWith("ForTokenClassification"))) return "token-classification";
  return architectures.some((name) => name.endsWith("ForSequenceClassification")) ? "sequence-classification" : "features";
}

function labelsOf(id2label: Readonly<Record<string, string>>): string[] {
  const labels = Object.keys(id2label).map((_, id) => id2label[String(id)]);
  if (labels.some((label) => label === undefined))
    throw new RouterError("model_corrupt", "config.json: id2label is not numbered from 0 on");
  return labels as string[];
}
