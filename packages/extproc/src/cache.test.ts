import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { defaultCacheSettings, redisBlock, redisSettings, redisTuning } from "@turnout/cache/settings";
import { createLogger, createMetrics, systemClock } from "@turnout/shared";
import { describe, expect, it, vi } from "vitest";
import { openCache } from "./cache.ts";

/** Loads compose.ts and prints which modules that brought, one a line. */
const LOADER = `
import { registerHooks } from "node:module";
const loaded = [];
registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
await import(${JSON.stringify(new URL("compose.ts", import.meta.url).href)});
console.log(loaded.join("\\n"));
`;

describe("the response cache", () => {
  it("is not loaded before a configuration asks for it", { timeout: 30_000 }, async () => {
    const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", "--input-type=module", "--eval", LOADER], {
      maxBuffer: 16 * 1_024 * 1_024,
    });
    const loaded = stdout.split("\n");
    expect(loaded.filter((url) => url.endsWith("/extproc/src/cache.ts"))).toHaveLength(1);
    expect(loaded.filter((url) => /\/cache\/src\/(index|response-cache)\.ts$|\/ioredis\//.test(url))).toEqual([]);
  });

  it("says once, and without the address, why its Redis cannot be reached from the first moment on", async () => {
    const lines: string[] = [];
    const logger = createLogger("info", { write: (line) => void lines.push(line) });
    const metrics = createMetrics();
    const redis = redisSettings(redisBlock.parse({ connection: { host: "127.0.0.1", port: 1 } }), redisTuning.parse({}));
    const settings = { ...defaultCacheSettings, secret: "secret" };
    const cache = await openCache(
      { settings, storage: { kind: "redis", maxBytes: 1_024, redis, seal: null } },
      { metrics, logger, clock: systemClock },
    );
    try {
      const failures = async () => {
        const { values } = await metrics.cacheStoreEvents.get();
        return values.find(({ labels }) => labels.event === "failed" && labels.reason === "connection")?.value ?? 0;
      };
      await vi.waitFor(async () => expect(await failures()).toBeGreaterThan(5), { timeout: 10_000 });
      expect(lines.filter((line) => line.includes('"reason":"connection"'))).toHaveLength(1);
      expect(lines.join()).not.toContain("127.0.0.1");
    } finally {
      await cache.close();
    }
  });
});
