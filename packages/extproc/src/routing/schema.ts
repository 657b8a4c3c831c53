/**
 * The `routing` and `providers` blocks of the v0.3 document, assembled from the registries. Names stay in snake_case, as users
 * write them. Objects are strict; what vSR knows and this schema lacks is told apart from a mistake by surface.ts.
 */
import type { SignalDefinition } from "@turnout/shared";
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
  Object.fromEntries(signals.map((signal) => [signal.configKey, z.array(ruleSchema(signal)).default([])])) as unknown as SignalsShape,
);

/** ruleSchema is a rule as written: with its gate, which a definition only names, because conditions are made of all definitions. */
function ruleSchema({ rule, gate }: SignalDefinition): z.ZodType {
  if (gate === undefined) return rule;
  const condition = conditionSchema.optional().describe("Condition on other signals; the rule matches only where it holds.");
  return (rule as z.ZodObject).safeExtend({ [gate]: condition });
}

const pluginSchema = z.discriminatedUnion(
  "type",
  plugins.map(({ type, configuration }) =>
    z.strictObject({ type: z.literal(type), configuration: (configuration as z.ZodType).prefault({}) }),
  ) as unknown as [PluginOption, ...PluginOption[]],
);

const algorithmSchema = z.discriminatedUnion(
  "type",
  algorithms.map(({ type, options }) =>
    z.strictObject({
      type: z.literal(type),
      on_error: z.string().optional().describe("Kept, not read: an algorithm that fails gives way to the first candidate."),
      [type]: (options as z.ZodType).optional(),
    }),
  ) as unknown as [AlgorithmOption, ...AlgorithmOption[]],
);

const modelCardSchema = z.strictObject({
  name: name.describe("Logical model; decisions and `default_model` refer to it."),
  description: z.string().optional().describe("Shown by GET /v1/models."),
  param_size: z.string().optional().describe("Kept, not read."),
  context_window_size: z.int().min(1).optional().describe("Kept, not read."),
  capabilities: z.array(z.string()).default([]).describe("Kept, not read."),
  loras: z
    .array(z.strictObject({ name: name.describe("What goes on the wire as `model`."), description: z.string().optional() }))
    .default([])
    .describe("LoRA adapters that the model's servers have loaded."),
  quality_score: z.number().optional().describe("Kept, not read."),
  modality: z.enum(["ar", "omni", "diffusion"]).optional().describe("Kept, not read."),
  tags: z.array(z.string()).default([]).describe("Kept, not read."),
});

const modelRefSchema = z.strictObject({
  model: name.describe("Name of a model card."),
  lora_name: name.optional().describe("One of that card's adapters; then its name is the `model` of the request that leaves."),
  use_reasoning: z.boolean().default(false).describe("Whether the model is told to think, in the words of its reasoning family."),
  reasoning_effort: reasoningEffort.optional().describe("Default: providers.defaults.default_reasoning_effort."),
  reasoning_description: z.string().optional().describe("For people; not read."),
  weight: z.number().min(0).default(1).describe("Share among the candidates, for algorithms that weigh."),
});

const decisionSchema = z.strictObject({
  name: name.describe("Shown in headers, metrics and logs."),
  description: z.string().default("").describe("For people; not read."),
  priority: z.int().default(0).describe("Larger wins, under the strategy `priority`."),
  tier: z
    .int()
    .min(0)
    .default(0)
    .describe("As soon as one matching decision has a tier, the lowest tier wins before anything else is compared."),
  rules: conditionSchema.optional().describe("Omitted: matches every request, with confidence 0."),
  modelRefs: z.array(modelRefSchema).default([]).describe("Candidates; none means the default model."),
  algorithm: algorithmSchema.optional().describe("How one of several candidates is selected; static when omitted. See signals.md."),
  plugins: z.array(pluginSchema).default([]).describe("Run in this order. See signals.md."),
  annotations: z.record(z.string(), z.unknown()).optional().describe("Opaque; kept, not read."),
});

/** routingSchema reads `routing`. */
export const routingSchema = z.strictObject({
  strategy: z.enum(["priority", "confidence"]).optional().describe("Overrides global.router.strategy."),
  modelCards: z.array(modelCardSchema).default([]).describe("Logical models and their adapters."),
  signals: signalsSchema.prefault({}).describe("What is looked for in a request, by signal type. See signals.md."),
  decisions: z.array(decisionSchema).default([]).describe("What is done when signals match; the best match wins."),
});

const familySchema = z.strictObject({
  type: z
    .enum(["chat_template_kwargs", "reasoning_effort", "top_level_reasoning_effort"])
    .describe(
      "Where the request says it: a switch in chat_template_kwargs, an effort there (at the top level for OpenAI backends), or an effort at the top level.",
    ),
  parameter: name.describe("Name of that switch or effort, for example `enable_thinking`."),
});

const backendRefSchema = z
  .strictObject({
    name: name.optional().describe("For logs and metrics. Default: primary, or backend-1, backend-2 …"),
    endpoint: name.optional().describe("`host:port`. One of endpoint and base_url is needed."),
    base_url: z.url().optional().describe("Address with a path that stands for the client's leading /v1."),
    protocol: z.enum(["http", "https"]).optional().describe("Default: base_url's scheme, or http."),
    weight: z.int().min(0).default(1).describe("Share of the model's requests; 0 counts as 1."),
    type: name.optional().describe("Kind of server: openai and azure-openai read reasoning_effort at the top level. Default: vllm."),
    provider: name.optional().describe("Same as type, which wins."),
    api_key: name.optional().describe("The key itself; api_key_env keeps it out of the file."),
    api_key_env: name
      .optional()
      .describe("Environment variable that holds the key. With a key of the backend's own, the client's is not forwarded."),
    auth_header: name.optional().describe("Default: authorization."),
    auth_prefix: z.string().optional().describe("Before the key. Default: Bearer for authorization, nothing for other headers."),
    extra_headers: z.record(z.string(), z.string()).default({}).describe("Set on every request to this backend."),
    api_version: name.optional().describe("Sent as the query parameter api-version."),
    chat_path: z.string().startsWith("/").optional().describe("Path of chat completions there, below base_url."),
  })
  .refine((ref) => ref.endpoint !== undefined || ref.base_url !== undefined, "a backend needs `endpoint` (host:port) or `base_url`");

const duration = z.string().regex(/^(\d+(\.\d+)?(ms|s|m|h))+$/, 'expected a duration such as "10s"');
const price = z.number().min(0).optional();

const providerModelSchema = z.strictObject({
  name: name.describe("Name of a model card."),
  reasoning_family: name
    .optional()
    .describe("How this model is told to think; without it, reasoning settings of the client are left alone."),
  provider_model_id: name.optional().describe("What goes on the wire instead of the name."),
  external_model_ids: z.record(z.string(), name).default({}).describe("The same by backend type; wins over provider_model_id."),
  api_format: z.enum(["openai"]).default("openai").describe("Protocol of its servers."),
  pricing: z
    .strictObject({
      currency: z.string().default("USD"),
      prompt_per_1m: price,
      cached_input_per_1m: price,
      cache_write_per_1m: price,
      completion_per_1m: price,
    })
    .optional()
    .describe("Prices per million tokens; kept, not read."),
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
    .optional()
    .describe("What vLLM Semantic Router writes into a generated Envoy configuration; kept, not read."),
  backend_refs: z
    .array(backendRefSchema)
    .default([])
    .describe("Where it runs. Read by Turnout's own HTTP gateway; behind Envoy or agentgateway the gateway knows."),
});

/** providersSchema reads `providers`. */
export const providersSchema = z.strictObject({
  defaults: z
    .strictObject({
      default_model: name.describe("Takes what no decision takes."),
      default_reasoning_effort: reasoningEffort.default("medium").describe("Effort where a decision asks for reasoning and names none."),
      reasoning_families: z
        .record(z.string(), familySchema)
        .default({})
        .describe("Ways of telling a model to think, by a name of your choice."),
    })
    .describe("What holds where nothing else is said."),
  models: z.array(providerModelSchema).default([]).describe("Models that are served, with their backends."),
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
