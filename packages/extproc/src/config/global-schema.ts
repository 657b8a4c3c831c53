import { z } from "zod";
import { acceptedBlock } from "./accepted.ts";
import { modelCatalogSchema } from "./model-catalog.ts";
import { responseCacheStore } from "./response-cache-schema.ts";
import { tracingBlock } from "./tracing-schema.ts";

/**
 * The `global:` block of v0.3, as far as Turnout honours it. Keys that vLLM Semantic Router has beside these are listed in
 * accepted.ts (read, no effect yet) and unsupported.ts (refused by name).
 */

const modelName = z.string().min(1);

const router = z.strictObject({
  config_source: z.literal("file").default("file").describe("Where the configuration comes from; only file is supported."),
  strategy: z
    .enum(["priority", "confidence"])
    .optional()
    .describe("How a decision is chosen among those that match; routing.strategy wins over it."),
  auto_model_name: modelName.default("MoM").describe("A model name that asks for routing, beside vllm-sr/auto and auto."),
  auto_model_names: z.array(modelName).min(1).optional().describe("The only model names that ask for routing; replaces all defaults."),
  include_config_models_in_list: z.boolean().default(false).describe("GET /v1/models also lists the configured models."),
  clear_route_cache: z.boolean().default(true).describe("Ask Envoy to choose the route again after the request was changed."),
  streamed_body: z
    .strictObject({
      enabled: z.boolean().default(false).describe("Collect and route request bodies that arrive as a stream."),
      max_bytes: z.int().min(0).optional().describe("Largest such body; 0 or absent: turnout.limits.max_body_bytes."),
      timeout_sec: z.int().min(0).optional().describe("Longest time for it to arrive; 0 or absent: turnout.limits.body_timeout_ms."),
    })
    .prefault({}),
  skip_processing: z
    .strictObject({ enabled: z.boolean().default(false).describe("Honour the request header x-vsr-skip-processing: true.") })
    .prefault({}),
});

const authz = z.strictObject({
  identity: z
    .strictObject({
      user_id_header: z.string().min(1).toLowerCase().default("x-authz-user-id").describe("Names the user, for the response cache."),
      user_groups_header: z
        .string()
        .min(1)
        .toLowerCase()
        .default("x-authz-user-groups")
        .describe("Names the user's groups; the first stands for the team where x-authz-team-id is absent."),
    })
    .optional()
    .describe("Present when a trusted gateway sets x-authz-* headers; without it, those headers are removed from what clients send."),
});

const managementApi = z.strictObject({
  bind_address: z
    .string()
    .min(1)
    .default("127.0.0.1")
    .describe("Address of the management API. It has no authentication: keep it private."),
  port: z.int().min(0).max(65_535).default(8080).describe("Port of the management API (health, readiness, evaluation)."),
});

const observability = z.strictObject({
  metrics: z
    .strictObject({
      enabled: z.boolean().default(true).describe("Serve Prometheus metrics."),
      windowed_metrics: acceptedBlock("global.services.observability.metrics.windowed_metrics"),
    })
    .prefault({}),
  tracing: tracingBlock.prefault({}),
});

const services = z.strictObject({
  api: z.strictObject({ batch_classification: acceptedBlock("global.services.api.batch_classification") }).optional(),
  authz: authz.prefault({}),
  management_api: managementApi.prefault({}),
  observability: observability.prefault({}),
  response_api: acceptedBlock("global.services.response_api"),
  router_replay: acceptedBlock("global.services.router_replay"),
});

const stores = z.strictObject({
  response_cache: responseCacheStore
    .prefault({})
    .describe("Where answers are kept, for decisions with the plugin response_cache. Also read as semantic_cache."),
  memory: acceptedBlock("global.stores.memory"),
  vector_store: acceptedBlock("global.stores.vector_store"),
});

export const globalSchema = z.strictObject({
  router: router.prefault({}).describe("The router as a whole."),
  services: services.prefault({}).describe("What runs beside routing."),
  model_catalog: modelCatalogSchema
    .prefault({})
    .describe("Models, as vLLM Semantic Router names them. Which encoder runs is turnout.classifier's to say; the catalog tunes it."),
  stores: stores.prefault({}).describe("Stores."),
  integrations: z
    .strictObject({ tools: acceptedBlock("global.integrations.tools") })
    .optional()
    .describe("Integrations; accepted without effect."),
});
