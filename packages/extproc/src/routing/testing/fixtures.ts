/** What tests of routing share: a small configuration, settings, a clock that stands still, requests. */
import { createMetrics, silentLogger, type Clock, type Embedder } from "@turnout/shared";
import { promptRequest } from "../chat-request.ts";
import { createExchangeFactory } from "../exchange.ts";
import { providersSchema, routingSchema } from "../schema.ts";
import { createRoutingSnapshot, type RoutingSettings } from "../snapshot.ts";
import { WordEmbedder } from "./word-embedder.ts";

const settings: RoutingSettings = {
  strategy: "priority",
  deadlineMs: 5_000,
  window: { maxTokens: 128, sampling: "head_middle_tail" },
  softMatchThreshold: 0.5,
  domainCascade: "auto",
  autoModelNames: ["vllm-sr/auto", "auto", "MoM"],
  includeConfigModels: false,
  unknownModel: "refuse",
  observeUsage: true,
  trustIdentityHeaders: false,
  identityHeaders: [],
  skipProcessingEnabled: false,
  limits: {
    maxBodyBytes: 100_000,
    bodyTimeoutMs: 1_000,
    maxHeldBytes: 1_000_000,
    streamedBody: true,
    clearRouteCache: true,
    gateway: "auto",
  },
};

/** A garden shop's router: two subjects, a keyword, a greeting that nobody needs a model for. */
export const routing = {
  modelCards: [{ name: "base", loras: [{ name: "roses-expert" }, { name: "soil-expert" }] }],
  signals: {
    keywords: [
      { name: "hurry", operator: "OR", keywords: ["at once", "hurry"] },
      { name: "greeting", operator: "OR", method: "regex", keywords: ["^hello[.!]?$"] },
    ],
    domains: [
      { name: "roses", description: "pruning roses, rose varieties, thorns" },
      { name: "soil", description: "soil, compost, fertiliser, acidity" },
      { name: "other", description: "anything else" },
    ],
  },
  decisions: [
    {
      name: "roses",
      priority: 10,
      rules: { operator: "OR", conditions: [{ type: "domain", name: "roses" }] },
      modelRefs: [{ model: "base", lora_name: "roses-expert", use_reasoning: true }],
      plugins: [{ type: "system_prompt", configuration: { mode: "replace", system_prompt: "You know roses." } }],
    },
    {
      name: "soil",
      priority: 10,
      rules: { operator: "OR", conditions: [{ type: "domain", name: "soil" }] },
      modelRefs: [{ model: "base", lora_name: "soil-expert" }],
      plugins: [
        { type: "system_prompt", configuration: { system_prompt: "You know soil." } },
        { type: "header_mutation", configuration: { add: [{ name: "X-Team", value: "soil" }], delete: ["X-Trace-Me"] } },
      ],
    },
    {
      name: "hurry",
      priority: 20,
      rules: { operator: "OR", conditions: [{ type: "keyword", name: "hurry" }] },
      modelRefs: [{ model: "base" }],
    },
    {
      name: "greeting",
      priority: 30,
      rules: { type: "keyword", name: "greeting" },
      modelRefs: [{ model: "base" }],
      plugins: [{ type: "fast_response", configuration: { message: "Good day. \u{1F331}" } }],
    },
  ],
};

export const providers = {
  defaults: {
    default_model: "base",
    default_reasoning_effort: "high",
    reasoning_families: { qwen3: { type: "chat_template_kwargs", parameter: "enable_thinking" } },
  },
  models: [{ name: "base", reasoning_family: "qwen3", backend_refs: [{ endpoint: "127.0.0.1:8000" }] }],
};

export const stillClock: Clock = { now: () => 1_000, wallMs: () => 1_700_000_000_000 };

/** createFixture builds a snapshot of the garden shop, or of variations of it, with warm anchors. */
export async function createFixture(
  options: { routing?: unknown; providers?: unknown; settings?: Partial<RoutingSettings>; embedder?: Embedder; cold?: boolean } = {},
) {
  const embedder = new WordEmbedder();
  const snapshot = createRoutingSnapshot({
    config: routingSchema.parse(options.routing ?? routing),
    providers: providersSchema.parse(options.providers ?? providers),
    settings: { ...settings, ...options.settings },
    embedder: options.embedder ?? embedder,
    clock: stillClock,
  });
  if (options.cold !== true) await snapshot.router.warm({});
  embedder.submissions.length = 0;
  const metrics = createMetrics();
  const factory = createExchangeFactory({ current: () => snapshot, logger: silentLogger, metrics, clock: stillClock });
  return { snapshot, embedder, metrics, factory };
}

export const request = promptRequest;
