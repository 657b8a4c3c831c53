/**
 * response_cache answers a question from what a model has answered before. The plugin says how its decision's answers are cached; the
 * exchange looks them up once the model is chosen, and where it can, before the request is routed at all.
 */
import { definePlugin, type CacheDirective, type CachePolicy } from "@turnout/shared";
import { z } from "zod";

const DIRECTIVES = ["no-cache", "no-store", "bypass", "max-age", "ttl"] as const satisfies readonly CacheDirective[];

const threshold = z.number().min(0).max(1);

const configuration = z.strictObject({
  enabled: z.boolean().default(true).describe("false: answers of this decision are neither served nor kept."),
  mode: z
    .enum(["exact", "semantic", "exact_then_semantic"])
    .default("semantic")
    .describe(
      "exact: only the very same request is answered. semantic and exact_then_semantic: a question that asks the same in other words, too.",
    ),
  scope: z
    .enum(["user", "team", "tenant", "global"])
    .default("user")
    .describe("With whom an answer may be shared. Without a trusted identity of that kind nothing is cached; global needs none."),
  similarity_threshold: threshold.optional().describe("Old spelling of semantic.similarity_threshold, which wins."),
  semantic: z
    .strictObject({
      similarity_threshold: threshold
        .optional()
        .describe("Cosine from which a stored question is looked at; guards and the pair verifier then judge whether it asks the same."),
    })
    .optional(),
  ttl_seconds: z.int().min(0).optional().describe("How long an answer is kept; 0: not at all. Default: the store's."),
  request_controls: z
    .strictObject({
      enabled: z.boolean().default(false).describe("Clients may say how caching treats their request."),
      header: z.string().min(1).toLowerCase().default("x-vsr-cache-control").describe("Request header that says it."),
      allowed: z
        .array(z.enum(DIRECTIVES))
        .default([...DIRECTIVES])
        .describe("What they may say."),
      max_ttl_seconds: z.int().min(0).optional().describe("Longest `ttl` that a client may ask for."),
    })
    .optional(),
  personalized: z
    .strictObject({ mode: z.literal("disabled").default("disabled").describe("Answers made of a user's own data are not cached.") })
    .optional(),
  revision: z
    .strictObject({
      cache_epoch: z.string().optional().describe("Change it, and nothing kept before is found."),
      model_revision: z.string().optional().describe("The same, for a new version of the models."),
    })
    .optional(),
});

/** policyOf is the configuration in the cache's words. */
function policyOf({ mode, scope, semantic, ...rest }: z.output<typeof configuration>): CachePolicy {
  const { enabled = false, header = "x-vsr-cache-control", allowed = [], max_ttl_seconds } = rest.request_controls ?? {};
  return {
    semantic: mode !== "exact",
    scope,
    similarityThreshold: semantic?.similarity_threshold ?? rest.similarity_threshold ?? null,
    ttlSeconds: rest.ttl_seconds ?? null,
    requestControls: { header, allowed: enabled ? allowed : [], maxTtlSeconds: max_ttl_seconds ?? null },
    revision: { cacheEpoch: rest.revision?.cache_epoch ?? null, modelRevision: rest.revision?.model_revision ?? null },
  };
}

export const responseCache = definePlugin({
  type: "response_cache",
  aliases: ["semantic-cache", "semantic_cache", "response-cache"],
  summary: "Answers a repeated question, in the same words or others, with what a model has answered before.",
  when: "afterSelection",
  configuration,
  create: (settings) => ({ ...(settings.enabled ? { cachePolicy: policyOf(settings) } : {}), onRequest: () => [] }),
});
