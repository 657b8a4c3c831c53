/** The suite of every backend, on each real server that is to be had here. */
import { afterAll, beforeAll, describe, vi } from "vitest";
import { redisBlock, redisSettings, redisTuning } from "../redis/settings.ts";
import { PATIENT } from "../redis/testing/entries.ts";
import { serverChoice, startRedis, type RedisServer } from "../redis/testing/redis-server.ts";
import { testCacheBackend } from "../testing/conformance.ts";
import { RedisBackend } from "./redis.ts";

const WAIT = { timeout: 10_000, interval: 5 };

describe.each((["redis", "redis-8", "valkey-8"] as const).map(serverChoice))("on $server$reason", ({ server: name, skipped }) => {
  describe.skipIf(skipped)("a RedisBackend", () => {
    let server: RedisServer;
    beforeAll(async () => {
      server = await startRedis({ server: name });
    });
    afterAll(() => server.stop());

    testCacheBackend(`RedisBackend on ${name}`, async (clock) => {
      await server.client.flushall();
      const settings = redisSettings(redisBlock.parse({ connection: { port: server.port } }), redisTuning.parse(PATIENT));
      const backend = new RedisBackend({ settings, maxEntries: 1_000, secret: null, clock, onEvent: () => undefined });
      return {
        backend,
        ready: () => vi.waitUntil(() => backend.state().state === "ready", WAIT).then(() => undefined),
        close: () => backend.close(),
      };
    });
  });
});
