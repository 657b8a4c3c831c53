import { setImmediate } from "node:timers/promises";
import { createMetrics, RouterError } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { createRandom } from "../simulator/random.ts";
import { createBackendDirectory, type Backend } from "./backends.ts";
import { createScriptedUpstream, deadEndpoint, type ScriptedUpstream } from "./testing/scripted-upstream.ts";
import { createUpstream, inTurn, type Upstream, type UpstreamLimits } from "./upstream.ts";

const LIMITS: UpstreamLimits = { connectTimeoutMs: 2000, headersTimeoutMs: 10_000, idleTimeoutMs: 10_000, maxAttempts: 3 };
const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

async function scripted(): Promise<ScriptedUpstream> {
  const made = await createScriptedUpstream();
  closers.push(made.close);
  return made;
}

function client(limits: Partial<UpstreamLimits> = {}, random = () => 0): Upstream {
  const made = createUpstream({ ...LIMITS, ...limits }, createMetrics(), random);
  closers.push(made.close);
  return made;
}

function backends(...endpoints: string[]): readonly Backend[] {
  const refs = endpoints.map((endpoint) => ({ endpoint, api_key: "hunter2" }));
  return createBackendDirectory([{ name: "m", backend_refs: refs }]).resolve("m");
}

const post = { method: "POST", path: "/v1/chat/completions", headers: [], body: Buffer.from("{}") } as const;
const never = new AbortController().signal;

async function failureOf(promise: Promise<unknown>): Promise<RouterError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  );
  expect(error).toBeInstanceOf(RouterError);
  return error as RouterError;
}

describe("inTurn", () => {
  it("gives each backend its share", () => {
    const weighted = createBackendDirectory([
      {
        name: "m",
        backend_refs: [
          { endpoint: "a:1", weight: 1 },
          { endpoint: "b:1", weight: 3 },
          { endpoint: "c:1", weight: 6 },
        ],
      },
    ]).resolve("m");
    const random = createRandom(7);
    const first: Record<string, number> = {};
    for (let i = 0; i < 10_000; i++) {
      const origin = inTurn(weighted, 1, random).next().value?.origin as string;
      first[origin] = (first[origin] ?? 0) + 1;
    }
    expect((first["http://a:1"] ?? 0) / 10_000).toBeCloseTo(0.1, 1);
    expect((first["http://b:1"] ?? 0) / 10_000).toBeCloseTo(0.3, 1);
    expect((first["http://c:1"] ?? 0) / 10_000).toBeCloseTo(0.6, 1);
  });

  it("tries every backend before one again, and no more often than allowed", () => {
    const random = createRandom(1);
    const order = [...inTurn(backends("a:1", "b:1"), 3, random)].map((backend) => backend.origin);
    expect(new Set(order.slice(0, 2)).size).toBe(2);
    expect(order).toHaveLength(3);
    expect([...inTurn([], 3, random)]).toEqual([]);
  });
});

describe("send", () => {
  it("goes to another backend when one refuses connections", async () => {
    const alive = await scripted();
    const sent = client().send(backends(await deadEndpoint(), alive.endpoint), post, never);
    const call = await alive.next();
    call.response.end("ok");
    const answer = await sent;
    expect(answer.backend.id).toBe("m_backend-2");
    expect(call.body.toString()).toBe("{}");
    answer.body.destroy();
  });

  it("gives up after its attempts, naming backends and causes but no key and no address", async () => {
    const dead = await deadEndpoint();
    const error = await failureOf(client().send(backends(dead), post, never));
    expect(error.code).toBe("upstream_unreachable");
    expect(error.message).toContain("m_primary: ECONNREFUSED, m_primary: ECONNREFUSED, m_primary: ECONNREFUSED");
    expect(error.message).not.toMatch(/hunter2|127\.0\.0\.1/);
  });

  it("says so when a model has no backend", async () => {
    const error = await failureOf(client().send([], post, never));
    expect(error.message).toContain("no backend_refs");
  });

  it("does not send again what a backend may have begun to work on", async () => {
    const first = await scripted();
    const second = await scripted();
    const sent = client().send(backends(first.endpoint, second.endpoint), post, never);
    (await first.next()).response.destroy();
    const error = await failureOf(sent);
    expect(error.code).toBe("upstream_failed");
    expect(error.httpStatus).toBe(502);
    expect([first.count, second.count]).toEqual([1, 0]);
  });

  it("stops waiting for a head", async () => {
    const silent = await scripted();
    const sent = client({ headersTimeoutMs: 100 }).send(backends(silent.endpoint), post, never);
    const call = await silent.next();
    expect((await failureOf(sent)).code).toBe("upstream_timeout");
    await call.closed;
    expect(silent.count).toBe(1);
  });

  it("errors the body when the backend falls silent", async () => {
    const silent = await scripted();
    const sent = client({ idleTimeoutMs: 100 }).send(backends(silent.endpoint), post, never);
    (await silent.next()).response.write("part");
    const { body } = await sent;
    await expect(body.toArray()).rejects.toThrow(/timeout/i);
  });

  it("hangs up when the caller leaves before the head", async () => {
    const silent = await scripted();
    const abort = new AbortController();
    const sent = client().send(backends(silent.endpoint), post, abort.signal);
    const call = await silent.next();
    abort.abort(new RouterError("cancelled", "left"));
    expect((await failureOf(sent)).code).toBe("cancelled");
    await call.closed;
  });

  it("uses a connection again", async () => {
    const alive = await scripted();
    const upstream = client();
    for (let i = 0; i < 5; i++) {
      const sent = upstream.send(backends(alive.endpoint), post, never);
      (await alive.next()).response.end("ok");
      await (await sent).body.toArray();
      // undici gives a connection back one turn of the event loop after the response's end.
      await setImmediate();
    }
    expect(alive.sockets.size).toBe(1);
  });

  it("keeps repeated response headers apart", async () => {
    const alive = await scripted();
    const sent = client().send(backends(alive.endpoint), post, never);
    (await alive.next()).response.writeHead(200, ["Set-Cookie", "a=1", "Set-Cookie", "b=2"]).end();
    const { headers, body } = await sent;
    expect(headers.filter(([name]) => name === "set-cookie")).toEqual([
      ["set-cookie", "a=1"],
      ["set-cookie", "b=2"],
    ]);
    body.destroy();
  });
});
