/** response_cache is read and checked, and has no effect until the semantic cache is built; the configuration loader warns about it. */
import { definePlugin } from "@turnout/shared";
import { z } from "zod";

const threshold = z.number().min(0).max(1);

export const responseCache = definePlugin({
  type: "response_cache",
  aliases: ["semantic-cache", "semantic_cache", "response-cache"],
  summary: "Accepted without effect: answers are not cached yet.",
  when: "beforeSelection",
  configuration: z.strictObject({
    enabled: z.boolean().default(true),
    mode: z.enum(["exact", "semantic", "exact_then_semantic"]).optional(),
    scope: z.enum(["user", "team", "tenant", "global"]).optional(),
    similarity_threshold: threshold.optional(),
    semantic: z.strictObject({ similarity_threshold: threshold.optional() }).optional(),
    ttl_seconds: z.int().min(0).optional(),
    request_controls: z
      .strictObject({
        enabled: z.boolean().optional(),
        header: z.string().optional(),
        allowed: z.array(z.string()).optional(),
        max_ttl_seconds: z.int().min(0).optional(),
      })
      .optional(),
    personalized: z.strictObject({ mode: z.string().optional() }).optional(),
    revision: z.strictObject({ cache_epoch: z.string().optional(), model_revision: z.string().optional() }).optional(),
  }),
  create: () => ({ onRequest: () => [] }),
});
