/**
 * Opens the response cache that a configuration asks for. The cache is only loaded where it is used (10 MB), and so is Redis' client.
 * Redis is never waited for: until it answers, every request is a miss. Called by compose.ts.
 */
import type { AdministeredCache, CacheBackend } from "@turnout/cache";
import type { RedisEvent } from "@turnout/cache/redis";
import type { Clock, Logger, Metrics } from "@turnout/shared";
import type { CacheOptions, CacheStorage } from "./config/index.ts";

export interface CacheParts {
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
}

/** openCache makes the cache; it is of use from the first moment on, and finds what Redis holds as its log is read. */
export async function openCache({ settings, storage }: CacheOptions, { metrics, logger, clock }: CacheParts): Promise<AdministeredCache> {
  const { createPairVerifier, createResponseCache } = await import("@turnout/cache");
  const backend = await openBackend(storage, settings.maxEntries, { metrics, logger, clock });
  return createResponseCache({ backend, verifier: createPairVerifier(), settings, metrics, logger, clock });
}

async function openBackend(storage: CacheStorage, maxEntries: number, { metrics, logger, clock }: CacheParts): Promise<CacheBackend> {
  const { LocalCopies, MemoryBackend } = await import("@turnout/cache");
  if (storage.kind === "memory") return new MemoryBackend({ ...storage, maxEntries, clock });
  const { RedisBackend } = await import("@turnout/cache/redis");
  const backend = new RedisBackend({
    settings: storage.redis,
    maxEntries,
    secret: storage.seal === null ? null : Buffer.from(storage.seal),
    clock,
    onEvent: redisEvents(metrics, logger),
  });
  return new LocalCopies(backend, storage.maxBytes);
}

/**
 * redisEvents counts everything, and logs what an operator should know of: that Redis is away, is back, or holds other data. That it cannot
 * be followed is said once for each reason until it is back: before the log has been read nobody is served, and no breaker opens.
 */
function redisEvents(metrics: Metrics, logger: Logger): (event: RedisEvent) => void {
  const said = new Set<string>();
  return (event) => {
    if (event.kind === "synced" || (event.kind === "breaker" && event.state === "closed")) said.clear();
    if (event.kind === "failed" && event.operation === "follow" && !said.has(event.reason)) {
      said.add(event.reason);
      logger.warn({ shard: event.shard, reason: event.reason }, "the cache's Redis cannot be followed; it is tried again");
    }
    tellRedisEvent(event, metrics, logger);
  };
}

function tellRedisEvent(event: RedisEvent, metrics: Metrics, logger: Logger): void {
  const reason = "reason" in event ? event.reason : "state" in event ? event.state : "";
  metrics.cacheStoreEvents.inc({ event: event.kind, reason });
  switch (event.kind) {
    case "breaker":
      if (event.state === "open")
        logger.warn({ shard: event.shard }, "the cache's Redis does not answer: requests go to the models until it does");
      else logger.info({ shard: event.shard }, "the cache's Redis answers again");
      break;
    case "reset":
      logger.warn({ shard: event.shard, reason }, "the cache's Redis holds other data than before; its log is read anew");
      break;
    case "synced":
      logger.info({ shard: event.shard, rows: event.rows, ms: Math.round(event.ms) }, "the cache's log has been read");
      break;
    case "purges_restored":
      logger.warn({ shard: event.shard, count: event.count }, "the cache's Redis had lost purges; they were written again");
      break;
    case "dropped":
    case "failed":
    case "refused":
      break;
    default:
      event satisfies never;
  }
}
