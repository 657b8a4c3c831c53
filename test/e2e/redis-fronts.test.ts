/**
 * Two fronts that share one Redis, as replicas of a deployment do: what one keeps the other serves, what one forgets the other forgets, and
 * when Redis fails no client sees it.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { createScriptedUpstream, type ScriptedUpstream } from "../../packages/extproc/src/gateway/testing/scripted-upstream.ts";
import { startKitchen, type Kitchen } from "../../packages/extproc/src/testing/kitchen.ts";
import { skipReason, startRedis, withoutRedis, type RedisServer } from "../../packages/cache/src/redis/testing/redis-server.ts";

const WAIT = { timeout: 10_000, interval: 5 };

const completion = (content: string) =>
  JSON.stringify({
    object: "chat.completion",
    model: "base",
    choices: [{ index: 0, message: { role: "assistant", content }, logprobs: null, finish_reason: "stop" }],
  });

describe.skipIf(withoutRedis)(`fronts that share a Redis${skipReason}`, () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  let upstream: ScriptedUpstream;
  let asked = 0;
  afterEach(async () => {
    for (const close of cleanUp.splice(0).toReversed()) await close();
  });

  async function answerAll({ next }: ScriptedUpstream): Promise<never> {
    for (;;) {
      const { response } = await next();
      asked += 1;
      response.setHeader("content-type", "application/json");
      response.end(completion(`answer ${asked}`));
    }
  }

  async function start(fronts = 2, patient = true): Promise<{ readonly redis: RedisServer; readonly fronts: readonly Kitchen[] }> {
    asked = 0;
    upstream = await createScriptedUpstream();
    cleanUp.push(() => upstream.close());
    void answerAll(upstream);
    const redis = await startRedis();
    cleanUp.push(redis.stop);
    const started: Kitchen[] = [];
    for (let i = 0; i < fronts; i += 1) {
      const kitchen = await startKitchen(config(redis.port, patient), { env: { USER_SCOPE_NAMESPACE_SECRET: "shared by all" } });
      cleanUp.push(() => kitchen.close());
      started.push(kitchen);
      await kitchen.turnout.ready(); // what is kept before has no vector
      await vi.waitFor(async () => expect(await health(kitchen)).toBe("ready"), WAIT);
    }
    return { redis, fronts: started };
  }

  /** `patient`: what Redis holds is asked about, not how long is waited for it. */
  const config = (port: number, patient = true) => `
version: v0.3
listeners: [{ name: http, address: 127.0.0.1, port: 0 }]
providers:
  defaults: { default_model: base }
  models: [{ name: base, backend_refs: [{ endpoint: "${upstream.endpoint}" }] }]
routing:
  modelCards: [{ name: base }]
  signals: { keywords: [{ name: oven, operator: OR, keywords: [oven] }] }
  decisions:
    - name: oven
      rules: { type: keyword, name: oven }
      modelRefs: [{ model: base }]
      plugins: [{ type: response_cache, configuration: { scope: global } }]
global:
  services: { management_api: { port: 0 } }
  stores: { response_cache: { backend_type: redis, redis: { connection: { host: 127.0.0.1, port: ${port} } } } }
turnout: { classifier: { backend: deterministic, workers: 1 }${patient ? ", response_cache: { lookup_budget_ms: 5000, redis: { command_timeout_ms: 5000 } }" : ""} }
`;

  async function ask(kitchen: Kitchen, text: string): Promise<{ content: string; hit: boolean; ms: number }> {
    const started = performance.now();
    const response = await fetch(`http://${kitchen.address("HTTP gateway")}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }] }),
    });
    expect(response.status).toBe(200);
    const { choices } = (await response.json()) as { choices: { message: { content: string } }[] };
    const hit = response.headers.get("x-vsr-cache-hit") === "true";
    return { content: choices[0]?.message.content ?? "", hit, ms: performance.now() - started };
  }

  async function manage(kitchen: Kitchen, method: string, operation: string, body?: object): Promise<Record<string, unknown>> {
    const init = body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
    const response = await fetch(`http://${kitchen.address("management API")}/api/v1/response-cache/${operation}`, { method, ...init });
    return (await response.json()) as Record<string, unknown>;
  }
  const health = async (kitchen: Kitchen) => (await manage(kitchen, "GET", "health"))["status"];
  const entries = async (kitchen: Kitchen) => (await manage(kitchen, "GET", "stats"))["entries"];

  it("serve what the other has kept, exactly and by meaning", async () => {
    const { fronts } = await start();
    const [a, b] = fronts as [Kitchen, Kitchen];
    expect(await ask(a, "is the oven hot")).toMatchObject({ content: "answer 1", hit: false });
    await vi.waitFor(async () => expect(await entries(b)).toBe(1), WAIT);
    expect(await ask(b, "is the oven hot")).toMatchObject({ content: "answer 1", hit: true });
    expect(await ask(b, "Is the oven hot?")).toMatchObject({ content: "answer 1", hit: true });
    expect(asked).toBe(1);
  });

  it("forget what the other forgets, copies and all, and a restart does not bring it back", async () => {
    const { fronts } = await start();
    const [a, b] = fronts as [Kitchen, Kitchen];
    await ask(a, "is the oven hot");
    await vi.waitFor(async () => expect((await ask(b, "is the oven hot")).hit).toBe(true), WAIT);
    expect(await manage(a, "POST", "invalidate", { decision: "oven", dry_run: false })).toMatchObject({ invalidated: 1 });
    await vi.waitFor(async () => expect(await entries(b)).toBe(0), { timeout: 1_000, interval: 5 });
    expect((await ask(b, "is the oven hot")).content).not.toBe("answer 1");
    await manage(a, "POST", "invalidate", { decision: "oven", dry_run: false });
    const late = await startKitchen(config((await redisPort(a))!), { env: { USER_SCOPE_NAMESPACE_SECRET: "shared by all" } });
    cleanUp.push(() => late.close());
    await vi.waitFor(async () => expect(await health(late)).toBe("ready"), WAIT);
    expect((await ask(late, "is the oven hot")).hit).toBe(false);
  });

  /** redisPort of a front's configuration file. */
  async function redisPort({ file }: Kitchen): Promise<number | null> {
    const { readFile } = await import("node:fs/promises");
    const found = /port: (\d+) \} \} \} \}/.exec(await readFile(file, "utf8"))?.[1];
    return found === undefined ? null : Number(found);
  }

  it.each<[what: string, fail: (redis: RedisServer) => void | Promise<void>, mend: (redis: RedisServer) => void | Promise<void>]>([
    ["stops", (redis) => redis.signal("SIGSTOP"), (redis) => redis.signal("SIGCONT")],
    ["dies", (redis) => redis.kill(), (redis) => redis.restart()],
  ])("answer every client while Redis %s, and cache again afterwards", async (_, fail, mend) => {
    const { redis, fronts } = await start(1, false);
    const [front] = fronts as [Kitchen];
    await ask(front, "is the oven hot");
    await fail(redis);
    const during = [];
    for (let i = 0; i < 60; i += 1) during.push(await ask(front, `is the oven hot at ${i}`));
    expect(during.every(({ hit }) => !hit)).toBe(true);
    await mend(redis);
    await vi.waitFor(async () => {
      await ask(front, "is the oven cold");
      expect((await ask(front, "is the oven cold")).hit).toBe(true);
    }, WAIT);
  });
});
