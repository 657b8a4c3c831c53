/**
 * The `routing` and `providers` blocks of the v0.3 document, assembled from the registries. Names stay in snake_case, as users
 * write them. Objects are strict; what vSR knows and this schema lacks is told apart from a mistake by surface.ts.
 */
import { z } from "zod";
import { conditionSchema } from "./decision/condition.ts";
import { plugins } from "./plugins/index.ts";
import { algorithms } from "./selection/index.ts";
import { signals } from "./signals/index.ts";

const name = z.string().min(1);
const reasoningEffort = z.enum(["minimal", "low", "medium", "high"]);

type SignalsShape = { [D in (typeof signals)[number] as D["configKey"]]: z.ZodDefault<z.ZodArray<D["rule"]>> };
type PluginOption = {
  [D in (typeof plugins)[number] as D["type"]]: z.ZodObject<
    { type: z.ZodLiteral<D["type"]>; configuration: z.ZodPrefault<D["configuration"]> },
    z.core.$strict
  >;
}[(typeof plugins)[number]["type"]];
type AlgorithmOption = {
  [D in (typeof algorithms)[number] as D["type"]]: z.ZodObject<
    { type: z.ZodLiteral<D["type"]>; on_error: z.ZodOptional<z.ZodString> } & { [K in D["type"]]: z.ZodOptional<D["options"]> },
    z.core.$strict
  >;
}[(typeof algorithms)[number]["type"]];

// The three casts restore what Object.fromEntries and map cannot carry: which key of a registry has which schema.
const signalsSchema = z.strictObject(
  Object.fromEntries(signals.map(({ configKey, rule }) => [configKey, z.array(rule as z.ZodType).default([])])) as unknown as SignalsShape,
);

const pluginSchema = z.discriminatedUnion(
  "type",
  plugins.map(({ type, configuration }) =>
    z.strictObject({ type: z.literal(type), configuration: (configuration as z.ZodType).prefault({}) }),
  ) as unknown as [PluginOption, ...PluginOption[]],
);

const algorithmSchema = z.discriminatedUnion(
  "type",
  algorithms.map(({ type, options }) =>
    z.strictObject({ type: z.literal(type), on_error: z.string().optional(), [type]: (options as z.ZodType).optional() }),
  ) as unknown as [AlgorithmOption, ...AlgorithmOption[]],
);

const modelCardSchema = z.strictObject({
  name,
  description: z.string().optional(),
  param_size: z.string().optional(),
  context_window_size: z.int().min(1).optional(),
  capabilities: z.array(z.string()).default([]),
  loras: z.array(z.strictObject({ name, description: z.string().optional() })).default([]),
  quality_score: z.number().optional(),
  modality: z.enum(["ar", "omni", "diffusion"]).optional(),
  tags: z.array(z.string()).default([]),
});

const modelRefSchema = z.strictObject({
  model: name,
  lora_name: name.optional(),
  use_reasoning: z.boolean().default(false),
  reasoning_effort: reasoningEffort.optional(),
  reasoning_description: z.string().optional(),
  weight: z.number().min(0).default(1),
});

const decisionSchema = z.strictObject({
  name,
  description: z.string().default(""),
  priority: z.int().default(0),
  tier: z.int().min(0).default(0),
  rules: conditionSchema.optional().describe("Omitted: matches every request, with confidence 0."),
  modelRefs: z.array(modelRefSchema).default([]),
  algorithm: algorithmSchema.optional(),
  plugins: z.array(pluginSchema).default([]),
  annotations: z.record(z.string(), z.unknown()).optional().describe("Opaque; kept, not read."),
});

/** routingSchema reads `routing`. */
export const routingSchema = z.strictObject({
  strategy: z.enum(["priority", "confidence"]).optional().describe("Overrides global.router.strategy."),
  modelCards: z.array(modelCardSchema).default([]),
  signals: signalsSchema.prefault({}),
  decisions: z.array(decisionSchema).default([]),
});

const familySchema = z.strictObject({
  type: z.enum(["chat_template_kwargs", "reasoning_effort", "top_level_reasoning_effort"]),
  parameter: name,
});

const backendRefSchema = z
  .strictObject({
    name: name.optional(),
    endpoint: name.optional(),
    base_url: z.url().optional(),
    protocol: z.enum(["http", "https"]).optional(),
    weight: z.int().min(0).default(1),
    type: name.optional(),
    provider: name.optional(),
    api_key: name.optional(),
    api_key_env: name.optional(),
    auth_header: name.optional(),
    auth_prefix: z.string().optional(),
    extra_headers: z.record(z.string(), z.string()).default({}),
    api_version: name.optional(),
    chat_path: z.string().startsWith("/").optional(),
  })
  .refine((ref) => ref.endpoint !== undefined || ref.base_url !== undefined, "a backend needs `endpoint` (host:port) or `base_url`");

const duration = z.string().regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, 'expected a duration such as "10s"');
const price = z.number().min(0).optional();

const providerModelSchema = z.strictObject({
  name,
  reasoning_family: name.optional(),
  provider_model_id: name.optional(),
  external_model_ids: z.record(z.string(), name).default({}),
  api_format: z.enum(["openai"]).default("openai"),
  pricing: z
    .strictObject({
      currency: z.string().default("USD"),
      prompt_per_1m: price,
      cached_input_per_1m: price,
      cache_write_per_1m: price,
      completion_per_1m: price,
    })
    .optional(),
  reliability: z
    .strictObject({
      lb_policy: z.string().optional(),
      retry_count: z.int().min(0).optional(),
      retry_on: z.string().optional(),
      consecutive_5xx: z.int().min(1).optional(),
      base_ejection_time: duration.optional(),
      max_ejection_percent: z.number().min(0).max(100).optional(),
      health_check_path: z.string().startsWith("/").optional(),
      health_check_interval: duration.optional(),
      health_check_timeout: duration.optional(),
    })
    .optional(),
  backend_refs: z.array(backendRefSchema).default([]),
});

/** providersSchema reads `providers`. */
export const providersSchema = z.strictObject({
  defaults: z.strictObject({
    default_model: name,
    default_reasoning_effort: reasoningEffort.default("medium"),
    reasoning_families: z.record(z.string(), familySchema).default({}),
  }),
  models: z.array(providerModelSchema).default([]),
});

/** RoutingConfig is a valid `routing` block, defaults filled in. */
export type RoutingConfig = z.output<typeof routingSchema>;
/** DecisionConfig is one of its decisions. */
export type DecisionConfig = RoutingConfig["decisions"][number];
/** PluginConfig is one plugin of a decision. */
export type PluginConfig = DecisionConfig["plugins"][number];
/** ProvidersConfig is a valid `providers` block, defaults filled in. */
export type ProvidersConfig = z.output<typeof providersSchema>;
/** ProviderModel is one of its models. */
export type ProviderModel = ProvidersConfig["models"][number];
/** ReasoningFamily says how a family of models is told to think. */
export type ReasoningFamily = z.output<typeof familySchema>;
