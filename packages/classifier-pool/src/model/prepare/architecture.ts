/**
 * What we understand of a checkpoint's config.json: BERT encoders with absolute positions and exact GELU. Others are refused
 * by name, because a graph built from wrong assumptions would run and give wrong vectors.
 */
import { RouterError } from "@turnout/shared";
import { z } from "zod";
import type { EncoderArchitecture } from "../manifest.ts";
import { architectureSchema } from "../manifest.ts";
import { parseDocument } from "./json-file.ts";

const configSchema = z.looseObject({
  model_type: z.string(),
  hidden_act: z.string().default("gelu"),
  position_embedding_type: z.string().default("absolute"),
  is_decoder: z.boolean().default(false),
  num_hidden_layers: z.number(),
  num_attention_heads: z.number(),
  hidden_size: z.number(),
  intermediate_size: z.number(),
  vocab_size: z.number(),
  max_position_embeddings: z.number(),
  layer_norm_eps: z.number().default(1e-12),
});

/** parseArchitecture reads config.json's text. Throws RouterError("model_unsupported") for encoders we cannot build, "model_corrupt" for broken documents. */
export function parseArchitecture(text: string): EncoderArchitecture {
  const config = parseDocument("config.json", configSchema, text);
  const refuse = (key: string, found: unknown, expected: string) => {
    throw new RouterError("model_unsupported", `config.json: ${key} is ${JSON.stringify(found)}, only ${expected} can be prepared`);
  };
  if (config.model_type !== "bert") refuse("model_type", config.model_type, '"bert"');
  if (config.hidden_act !== "gelu") refuse("hidden_act", config.hidden_act, '"gelu"');
  if (config.position_embedding_type !== "absolute") refuse("position_embedding_type", config.position_embedding_type, '"absolute"');
  if (config.is_decoder) refuse("is_decoder", true, "encoders (false)");
  if (config.hidden_size % config.num_attention_heads !== 0) {
    refuse("num_attention_heads", config.num_attention_heads, `a divisor of hidden_size (${config.hidden_size})`);
  }
  const architecture = architectureSchema.safeParse({
    type: "bert",
    layers: config.num_hidden_layers,
    heads: config.num_attention_heads,
    hiddenSize: config.hidden_size,
    intermediateSize: config.intermediate_size,
    vocabularySize: config.vocab_size,
    positions: config.max_position_embeddings,
    layerNormEpsilon: config.layer_norm_eps,
  });
  if (!architecture.success) throw new RouterError("model_corrupt", `config.json: ${z.prettifyError(architecture.error)}`);
  return architecture.data;
}

const poolingSchema = z.looseObject({ pooling_mode_mean_tokens: z.boolean() });

/** requireMeanPooling checks sentence-transformers' 1_Pooling/config.json; other poolings are refused. */
export function requireMeanPooling(text: string): void {
  const pooling = parseDocument("1_Pooling/config.json", poolingSchema, text);
  const modes = Object.entries(pooling).filter(([key, value]) => key.startsWith("pooling_mode_") && value === true);
  if (modes.length === 1 && pooling.pooling_mode_mean_tokens) return;
  const found = modes.map(([key]) => key).join(", ") || "none";
  throw new RouterError("model_unsupported", `1_Pooling/config.json: pooling is ${found}, only pooling_mode_mean_tokens can be prepared`);
}
