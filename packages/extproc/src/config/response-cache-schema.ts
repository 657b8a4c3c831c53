import { defaultCacheSettings, redisBlock, redisTuning } from "@turnout/cache/settings";
import { z } from "zod";

/** The response cache in the file: vSR's block `global.stores.response_cache`, and ours, `turnout.response_cache`. */

/** responseCacheStore is vSR's block. */
export const responseCacheStore = z.strictObject({
  enabled: z.boolean().default(true).describe("false: no answer is cached, whatever decisions say."),
  backend_type: z
    .enum(["memory", "redis", "valkey"])
    .default("memory")
    .describe("Where answers are kept: in this process, or in Redis or Valkey (no module needed), shared by all replicas."),
  similarity_threshold: z
    .number()
    .min(0)
    .max(1)
    .default(defaultCacheSettings.similarityThreshold)
    .describe("Cosine from which a stored question is looked at, for decisions that do not say; guards and the pair verifier judge then."),
  max_entries: z
    .int()
    .min(1)
    .max(1_000_000)
    .default(10_000)
    .describe("Answers that a replica keeps (memory) or can find by meaning (Redis)."),
  ttl_seconds: z
    .int()
    .min(1)
    .default(defaultCacheSettings.ttlSeconds)
    .describe("How long an answer is kept, for decisions that do not say."),
  eviction_policy: z
    .enum(["fifo", "lru"])
    .default("fifo")
    .describe("What gives way in memory when it is full: what came first, or what was served longest ago."),
  redis: redisBlock.prefault({}).describe("Where Redis is, for backend_type redis."),
  valkey: redisBlock.optional().describe("Where Valkey is, for backend_type valkey; without it, the block redis is read."),
  embedding_model: z.string().optional().describe("Kept, not read: questions are compared by the encoder that the signals use."),
});

/** responseCacheTuning is `turnout.response_cache`. */
export const responseCacheTuning = z.strictObject({
  secret_env: z
    .string()
    .min(1)
    .default("USER_SCOPE_NAMESPACE_SECRET")
    .describe(
      "Environment variable with the key of the hashes that say whose an answer is. All replicas need the same. Without it, a memory cache makes one up.",
    ),
  max_bytes: z
    .int()
    .min(1024)
    .default(128 * 1024 * 1024)
    .describe("Memory for answers in this process: all of them (memory), or copies of those served lately (Redis)."),
  max_answer_bytes: z
    .int()
    .min(1024)
    .max(1024 * 1024)
    .default(defaultCacheSettings.maxAnswerBytes)
    .describe("A longer answer is not kept."),
  max_temperature: z
    .number()
    .min(0)
    .default(defaultCacheSettings.maxTemperature)
    .describe("A request that asks for a higher temperature wants variety, and is not cached. One that names none may be."),
  lookup_budget_ms: z
    .int()
    .min(1)
    .default(defaultCacheSettings.lookupBudgetMs)
    .describe("Time that a request may spend with the cache, its vector included, in milliseconds; then it goes on."),
  single_flight_ms: z
    .int()
    .min(0)
    .default(defaultCacheSettings.singleFlightMs)
    .describe(
      "How long a request waits for the answer of an identical one that is already with the model, in milliseconds; 0: it does not. The gateway's message timeout must be longer.",
    ),
  writes_per_minute: z
    .int()
    .min(1)
    .default(defaultCacheSettings.writesPerMinute)
    .describe("Answers that one user (team or tenant, as the scope says) may have kept in a minute; scope global has no such bound."),
  redis: redisTuning.prefault({}).describe("What vLLM Semantic Router's block redis lacks."),
  shadow: z
    .strictObject({
      share: z
        .number()
        .min(0)
        .max(1)
        .default(defaultCacheSettings.shadowShare)
        .describe("Share of semantic hits that go to the model all the same; its answer is compared with the one at hand."),
      max_error: z
        .number()
        .min(0)
        .max(1)
        .optional()
        .describe(
          "Serve semantic hits of a decision only while at most this share is wrong by that count, with 95 % confidence; until then every one is compared.",
        ),
    })
    .prefault({})
    .describe("Measures how often semantic hits would be wrong."),
});
