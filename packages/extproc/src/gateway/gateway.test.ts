import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { Agent } from "node:http";
import { connect } from "node:net";
import { createMetrics, RouterError, silentLogger, type BodyVerdict } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { createBackendDirectory, type BackendRefSettings } from "./backends.ts";
import { createGateway, type Gateway, type GatewayLimits } from "./server.ts";
import { call, open, rawCall } from "./testing/http-client.ts";
import {
  createScriptedExchanges,
  NO_CHANGES,
  textReply,
  type ExchangeScript,
  type ScriptedExchanges,
} from "./testing/scripted-exchange.ts";
import { createScriptedUpstream, deadEndpoint, type ScriptedUpstream } from "./testing/scripted-upstream.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Rig {
  readonly url: string;
  readonly gateway: Gateway;
  readonly backend: ScriptedUpstream;
  readonly exchanges: ScriptedExchanges;
  readonly metrics: ReturnType<typeof createMetrics>;
}

interface RigOptions {
  readonly script?: ExchangeScript;
  readonly limits?: Partial<GatewayLimits>;
  readonly refs?: (alive: string) => BackendRefSettings[];
  readonly timeoutMs?: number;
}

async function rig(options: RigOptions = {}): Promise<Rig> {
  const backend = await createScriptedUpstream();
  closers.push(backend.close);
  const refs = options.refs?.(backend.endpoint) ?? [{ endpoint: backend.endpoint }];
  const exchanges = createScriptedExchanges(options.script);
  const metrics = createMetrics();
  const gateway = createGateway({
    listeners: [{ name: "test", address: "127.0.0.1", port: 0, timeoutMs: options.timeoutMs }],
    exchanges,
    backends: createBackendDirectory([{ name: "base", backend_refs: refs }]),
    logger: silentLogger,
    metrics,
    limits: options.limits ?? {},
    random: () => 0,
  });
  const [bound] = await gateway.listen();
  closers.push(() => gateway.close(0));
  return { url: bound?.url as string, gateway, backend, exchanges, metrics };
}

const forward = (verdict: Partial<Extract<BodyVerdict, { kind: "forward" }>> = {}): BodyVerdict => ({
  kind: "forward",
  changes: NO_CHANGES,
  body: null,
  backendModel: null,
  ...verdict,
});

const json = { "content-type": "application/json" };

function errorOf(body: Buffer): { message: string; type: string; code: string } {
  return (JSON.parse(body.toString()) as { error: { message: string; type: string; code: string } }).error;
}

describe("forwarding", () => {
  it("sends the body on byte for byte", async () => {
    const { url, backend, exchanges } = await rig();
    const body = Buffer.concat([Buffer.from('{ "model" : "x",\r\n "seed": 18446744073709551615, "bytes": "'), randomBytes(300_000)]);
    const answered = call(url, { headers: json, body });
    const arrived = await backend.next();
    arrived.response.end("fine");
    expect((await answered).body.toString()).toBe("fine");
    expect(arrived.body.equals(body)).toBe(true);
    expect(exchanges.seen[0]?.body?.equals(body)).toBe(true);
    expect(arrived.request.headers["content-length"]).toBe(String(body.length));
    expect(arrived.request.headers["transfer-encoding"]).toBeUndefined();
  });

  it("sends the exchange's body and headers instead, to the chosen model's backend", async () => {
    const script: ExchangeScript = {
      onRequestHead: () => ({ kind: "wantsBody", changes: { set: [["x-first", "1"]], remove: ["x-drop"] } }),
      onRequestBody: async () =>
        forward({ body: Buffer.from("new"), backendModel: "base", changes: { set: [["x-selected-model", "ünï"]], remove: [] } }),
    };
    const { url, backend } = await rig({ script });
    const answered = call(url, { headers: { "x-drop": "1" }, body: "a longer old body" });
    const arrived = await backend.next();
    arrived.response.end();
    await answered;
    expect(arrived.body.toString()).toBe("new");
    expect(arrived.request.headers).toMatchObject({ "content-length": "3", "x-first": "1" });
    expect(arrived.request.headers["x-drop"]).toBeUndefined();
    expect(arrived.request.headers["x-selected-model"]).toBe("ünï");
  });

  it("takes chunked bodies", async () => {
    const { url, backend } = await rig();
    const { request, response } = open(url);
    request.write("part one, ");
    request.end("part two");
    const arrived = await backend.next();
    arrived.response.end();
    expect((await response).statusCode).toBe(200);
    expect(arrived.body.toString()).toBe("part one, part two");
  });

  it("streams a passed-through body without reading it", async () => {
    const script: ExchangeScript = { onRequestHead: () => ({ kind: "passThrough", changes: { set: [["x-seen", "1"]], remove: [] } }) };
    const { url, backend, exchanges } = await rig({ script });
    const body = randomBytes(3_000_000);
    const answered = call(url, { body });
    const arrived = await backend.next();
    arrived.response.end("fine");
    expect((await answered).status).toBe(200);
    expect(arrived.body.equals(body)).toBe(true);
    expect(arrived.request.headers["x-seen"]).toBe("1");
    expect(exchanges.seen[0]?.body).toBeNull();
  });

  it("answers a passed-through body whose backend is dead", async () => {
    const dead = await deadEndpoint();
    const script: ExchangeScript = { onRequestHead: () => ({ kind: "passThrough", changes: NO_CHANGES }) };
    const { url } = await rig({ script, refs: () => [{ endpoint: dead }] });
    const answer = await call(url, { body: Buffer.alloc(20_000_000) });
    expect([answer.status, errorOf(answer.body).code]).toEqual([502, "upstream_unreachable"]);
  });

  it("tells the exchange of a request without a body, and gives it none", async () => {
    const { url, backend, exchanges } = await rig();
    const answered = call(url, { body: "" });
    (await backend.next()).response.end();
    await answered;
    expect(exchanges.seen[0]?.head?.endOfStream).toBe(true);
    expect(exchanges.seen[0]?.body).toHaveLength(0);
  });

  it("passes status, repeated headers and the exchange's changes back", async () => {
    const onResponseHead = () => ({ set: [["x-vsr-selected-model", "m"]] as const, remove: ["server"] });
    const { url, backend } = await rig({ script: { onResponseHead } });
    const answered = call(url);
    (await backend.next()).response
      .writeHead(429, ["Set-Cookie", "a=1", "Set-Cookie", "b=2", "Server", "x", "Retry-After", "3"])
      .end("slow down");
    const answer = await answered;
    expect(answer.status).toBe(429);
    expect(answer.headers).toMatchObject({ "set-cookie": ["a=1", "b=2"], "retry-after": "3", "x-vsr-selected-model": "m" });
    expect(answer.headers["server"]).toBeUndefined();
    expect(answer.body.toString()).toBe("slow down");
  });

  it("does not offer the response's head to an exchange that does not want it", async () => {
    const { url, backend, exchanges } = await rig();
    const answered = call(url);
    (await backend.next()).response.end();
    await answered;
    expect(exchanges.seen[0]?.responseHead).toBeNull();
  });

  it("tries another backend while one refuses connections", async () => {
    const dead = await deadEndpoint();
    const { url, backend, metrics } = await rig({ refs: (alive) => [{ name: "dead", endpoint: dead }, { endpoint: alive }] });
    const answered = call(url, { body: "{}" });
    (await backend.next()).response.end();
    expect((await answered).status).toBe(200);
    expect(await metrics.registry.getSingleMetricAsString("turnout_gateway_connect_failures_total")).toContain('backend="base_dead"} 1');
  });

  it("answers 502 when no backend can be reached", async () => {
    const dead = await deadEndpoint();
    const { url } = await rig({ refs: () => [{ endpoint: dead }] });
    const answer = await call(url, { body: "{}" });
    expect(answer.status).toBe(502);
    expect(errorOf(answer.body)).toMatchObject({ type: "server_error", code: "upstream_unreachable" });
  });

  it("serves many requests over one client connection and one backend connection", async () => {
    const { url, backend } = await rig();
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const ports = new Set<number>();
    for (let i = 0; i < 5; i++) {
      const answered = call(url, { agent, body: "{}" });
      (await backend.next()).response.end("ok");
      ports.add((await answered).localPort);
    }
    agent.destroy();
    expect(ports.size).toBe(1);
    expect(backend.sockets.size).toBe(1);
  });
});

describe("headers", () => {
  it("removes hop-by-hop headers both ways and gives the backend its own host", async () => {
    const { url, backend } = await rig();
    const sent = {
      connection: "keep-alive, x-private",
      "x-private": "1",
      te: "trailers",
      "keep-alive": "timeout=1",
      "proxy-authorization": "Basic eA==",
      "x-public": "1",
      host: "client.example",
    };
    const answered = call(url, { headers: sent, body: "{}" });
    const arrived = await backend.next();
    arrived.response
      .writeHead(200, { connection: "close, x-internal", "x-internal": "1", "x-open": "1", "proxy-authenticate": "Basic" })
      .end("ok");
    const answer = await answered;
    for (const name of ["x-private", "te", "keep-alive", "proxy-authorization"]) expect(arrived.request.headers).not.toHaveProperty(name);
    expect(arrived.request.headers).toMatchObject({ "x-public": "1", host: backend.endpoint });
    for (const name of ["x-internal", "proxy-authenticate"]) expect(answer.headers).not.toHaveProperty(name);
    expect(answer.headers["x-open"]).toBe("1");
  });

  it("lets no client remove what the router sets, by naming it in Connection", async () => {
    const set = [["x-selected-model", "m"]] as const;
    const script: ExchangeScript = { onRequestHead: () => ({ kind: "wantsBody", changes: { set, remove: [] } }) };
    const { url, backend, exchanges } = await rig({ script });
    const answered = call(url, { headers: { connection: "x-selected-model, x-request-id, authorization" }, body: "{}" });
    const arrived = await backend.next();
    arrived.response.end();
    await answered;
    expect(arrived.request.headers).toMatchObject({ "x-selected-model": "m", "x-request-id": expect.any(String) });
    expect(exchanges.seen[0]?.head?.headers.map(([name]) => name)).not.toContain("connection");
  });

  it.each([
    ["keeps the client's key from a backend that has its own", { api_key: "ours" }, "Bearer ours"],
    ["passes the client's key to a backend without one", {}, "Bearer client"],
  ])("%s", async (_, ref, expected) => {
    const { url, backend } = await rig({ refs: (endpoint) => [{ endpoint, ...ref }] });
    const answered = call(url, { headers: { authorization: "Bearer client" }, body: "{}" });
    const arrived = await backend.next();
    arrived.response.end();
    await answered;
    expect(arrived.request.headers.authorization).toBe(expected);
  });

  it("passes a request id on and back, and makes one where none or a bad one came", async () => {
    const { url, backend, exchanges } = await rig();
    for (const [given, kept] of [
      ["abc-1", true],
      ["bad id", false],
      [undefined, false],
    ] as const) {
      const answered = call(url, { headers: given === undefined ? {} : { "x-request-id": given } });
      const arrived = await backend.next();
      arrived.response.end();
      const back = (await answered).headers["x-request-id"];
      expect(back === given).toBe(kept);
      expect(back).toMatch(/^[\w-]{5,36}$/);
      expect(arrived.request.headers["x-request-id"]).toBe(back);
      expect(exchanges.seen.at(-1)?.head?.headers).toContainEqual(["x-request-id", back]);
    }
  });

  it("passes one request id on where several came", async () => {
    const { url, backend } = await rig();
    const answered = call(url, { headers: { "x-request-id": ["abc-1", "bad id"] } });
    const arrived = await backend.next();
    arrived.response.end();
    await answered;
    const { rawHeaders } = arrived.request;
    expect(rawHeaders.filter((_, index) => rawHeaders[index - 1] === "x-request-id")).toEqual(["abc-1"]);
  });

  it("asks for the body of a client that expects 100-continue", async () => {
    const { url, backend } = await rig();
    const { request, response } = open(url, { headers: { expect: "100-continue", "content-length": "4" } });
    request.flushHeaders();
    await once(request, "continue");
    request.end("body");
    const arrived = await backend.next();
    arrived.response.end();
    expect((await response).statusCode).toBe(200);
    expect(arrived.request.headers["expect"]).toBeUndefined();
  });

  it("refuses without asking for the body when the head decides", async () => {
    const { url } = await rig({ script: { onRequestHead: () => ({ kind: "reply", reply: textReply(403, "no") }) } });
    const { request, response } = open(url, { headers: { expect: "100-continue", "content-length": "4" } });
    let continued = false;
    request.on("continue", () => (continued = true)).flushHeaders();
    expect((await response).statusCode).toBe(403);
    expect(continued).toBe(false);
    request.destroy();
  });
});

describe("replies of the router", () => {
  it("sends them and does not call a backend", async () => {
    const { url, backend, exchanges } = await rig({
      script: { onRequestBody: async () => ({ kind: "reply", reply: textReply(200, "héllo") }) },
    });
    const answer = await call(url, { body: "{}" });
    expect(answer.body.toString()).toBe("héllo");
    expect(answer.headers).toMatchObject({ "content-type": "text/plain", "content-length": "6" });
    expect(answer.headers["x-request-id"]).toBeDefined();
    expect(backend.count).toBe(0);
    expect(exchanges.seen[0]?.closes).toBe(1);
  });

  it("lets the exchange answer /v1/models", async () => {
    const { url } = await rig({ script: { onRequestHead: ({ path }) => ({ kind: "reply", reply: textReply(200, path) }) } });
    expect((await call(url, { method: "GET", path: "/v1/models?x=1" })).body.toString()).toBe("/v1/models?x=1");
  });

  it.each([
    ["GET", "/health", 200],
    ["GET", "/", 404],
    ["GET", "/v1/chat/completions", 404],
    ["POST", "/v1/embeddings", 404],
    ["POST", "/v1/chat/completions/", 404],
    ["POST", "/health", 404],
  ])("answers %s %s with %i itself", async (method, path, status) => {
    const { url, exchanges } = await rig();
    const answer = await call(url, { method, path, body: method === "POST" ? "{}" : "" });
    expect(answer.status).toBe(status);
    if (status === 404) expect(errorOf(answer.body)).toMatchObject({ type: "invalid_request_error", code: "route_unknown" });
    expect(exchanges.seen).toHaveLength(0);
  });

  it("turns a thrown exchange into a 500 in OpenAI's shape, which says nothing of the bug", async () => {
    const { url, exchanges } = await rig({ script: { onRequestBody: async () => Promise.reject(new Error("broken")) } });
    const answer = await call(url, { body: "{}" });
    expect(answer.body.toString()).not.toContain("broken");
    expect([answer.status, errorOf(answer.body).code]).toEqual([500, "internal"]);
    expect(exchanges.seen[0]?.closes).toBe(1);
  });
});

describe("streams", () => {
  it("passes each chunk on before the next one exists, and the head before the first", async () => {
    const { url, backend, exchanges } = await rig();
    const { response } = open(url, { body: "{}" });
    const arrived = await backend.next();
    arrived.response.writeHead(200, { "content-type": "text/event-stream" });
    arrived.response.flushHeaders();
    const message = await response;
    for (const text of ["data: 1\n\n", "data: 2\n\n", "data: [DONE]\n\n"]) {
      const received = once(message, "data");
      arrived.response.write(text);
      expect(String((await received)[0])).toBe(text);
    }
    const ended = once(message, "end");
    arrived.response.end();
    message.resume();
    await ended;
    await exchanges.seen[0]?.closed;
    expect(Buffer.concat(exchanges.seen[0]?.chunks ?? []).toString()).toBe("data: 1\n\ndata: 2\n\ndata: [DONE]\n\n");
    expect(exchanges.seen[0]?.ended).toBe(true);
  });

  it("keeps the answer whole when looking at it fails", async () => {
    const onResponseChunk = () => {
      throw new Error("observer broke");
    };
    const { url, backend } = await rig({ script: { onResponseChunk } });
    const answered = call(url, { body: "{}" });
    (await backend.next()).response.end("whole");
    expect((await answered).body.toString()).toBe("whole");
  });

  it("shows an exchange that observes nothing no chunk", async () => {
    const { url, backend, exchanges } = await rig({ script: { responseBody: "none" } });
    const answered = call(url, { body: "{}" });
    (await backend.next()).response.end("whole");
    await answered;
    expect(exchanges.seen[0]?.chunks).toHaveLength(0);
  });

  it("gives a client that pauses everything in the end", async () => {
    const { url, backend } = await rig();
    const { response } = open(url, { body: "{}" });
    const arrived = await backend.next();
    const data = randomBytes(8_000_000);
    arrived.response.end(data);
    const message = await response;
    const hash = createHash("sha256");
    for await (const chunk of message) {
      hash.update(chunk as Buffer);
      await new Promise(setImmediate);
    }
    expect(hash.digest("hex")).toBe(createHash("sha256").update(data).digest("hex"));
  });

  it("reads no further from the backend than a stalled client allows, and cuts the client off in the end", async () => {
    const { url, backend, exchanges } = await rig({ limits: { stallTimeoutMs: 300 } });
    const { request } = open(url, { body: "{}" });
    request.on("response", (message) => message.pause());
    request.on("error", () => {});
    const arrived = await backend.next();
    const total = 1024;
    const chunk = Buffer.alloc(256 * 1024);
    let written = 0;
    const gone = arrived.closed.then(() => true);
    while (written < total) {
      written++;
      if (!arrived.response.write(chunk) && (await Promise.race([once(arrived.response, "drain").then(() => false), gone]))) break;
    }
    await exchanges.seen[0]?.closed;
    expect(written).toBeLessThan(total / 4);
  });
});

describe("hanging up: the client", () => {
  it("while sending its body", async () => {
    const { url, backend, exchanges, metrics } = await rig();
    const { request } = open(url, { headers: { "content-length": "1000" } });
    request.on("error", () => {}).write("part");
    while (exchanges.seen.length === 0) await new Promise(setImmediate);
    request.destroy();
    await exchanges.seen[0]?.closed;
    expect(backend.count).toBe(0);
    expect(await metrics.registry.getSingleMetricAsString("turnout_gateway_held_bytes")).toContain("turnout_gateway_held_bytes 0");
  });

  it("while the exchange thinks", async () => {
    const thinking = Promise.withResolvers<AbortSignal>();
    const onRequestBody = (_: Uint8Array, signal: AbortSignal) =>
      new Promise<BodyVerdict>((_resolve, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason));
        thinking.resolve(signal);
      });
    const { url, backend, exchanges } = await rig({ script: { onRequestBody } });
    const { request } = open(url, { body: "{}" });
    const signal = await thinking.promise;
    request.on("error", () => {}).destroy();
    await exchanges.seen[0]?.closed;
    expect(signal.reason).toMatchObject({ code: "cancelled" });
    expect(backend.count).toBe(0);
  });

  it("while the backend has not answered", async () => {
    const { url, backend, exchanges } = await rig();
    const { request } = open(url, { body: "{}" });
    const arrived = await backend.next();
    request.on("error", () => {}).destroy();
    await arrived.closed;
    await exchanges.seen[0]?.closed;
    expect(exchanges.seen[0]?.closes).toBe(1);
  });

  it("in the middle of the stream", async () => {
    const { url, backend, exchanges } = await rig();
    const { request, response } = open(url, { body: "{}" });
    const arrived = await backend.next();
    arrived.response.write("data: 1\n\n");
    const message = await response;
    await once(message, "data");
    request.destroy();
    await arrived.closed;
    await exchanges.seen[0]?.closed;
    expect(arrived.response.writableFinished).toBe(false);
    expect(exchanges.seen[0]?.ended).toBe(false);
  });
});

describe("hanging up: the backend", () => {
  it("before its answer: 502, and no second backend is asked", async () => {
    const { url, backend } = await rig({ refs: (endpoint) => [{ endpoint }, { endpoint }] });
    const answered = call(url, { body: "{}" });
    (await backend.next()).response.destroy();
    const answer = await answered;
    expect([answer.status, errorOf(answer.body).code]).toEqual([502, "upstream_failed"]);
    expect(backend.count).toBe(1);
  });

  it.each([
    ["a chunked answer", {}],
    ["an answer of known length", { "content-length": "100" }],
  ])("in the middle of %s: the client sees a break, not an end", async (_, headers) => {
    const { url, backend, exchanges } = await rig();
    const { response } = open(url, { body: "{}" });
    const arrived = await backend.next();
    arrived.response.writeHead(200, headers).write("data: 1\n\n");
    const message = await response;
    await once(message, "data");
    const broken = once(message, "error");
    arrived.response.destroy();
    expect((await broken)[0]).toMatchObject({ code: "ECONNRESET" });
    await exchanges.seen[0]?.closed;
    expect(message.complete).toBe(false);
    expect(exchanges.seen[0]?.ended).toBe(false);
  });

  it("in the middle of an answer to HTTP/1.0, where only a reset tells", async () => {
    const { url, backend } = await rig();
    const answered = rawCall(url, "POST /v1/chat/completions HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}");
    const arrived = await backend.next();
    arrived.response.write("part");
    await new Promise(setImmediate);
    arrived.response.destroy();
    expect((await answered).error).toBe("ECONNRESET");
  });

  it("keeps silent longer than allowed: 504", async () => {
    const { url, backend } = await rig({ limits: { upstreamHeadersTimeoutMs: 100 } });
    const answered = call(url, { body: "{}" });
    const arrived = await backend.next();
    const answer = await answered;
    expect([answer.status, errorOf(answer.body).code]).toEqual([504, "upstream_timeout"]);
    await arrived.closed;
  });
});

describe("limits", () => {
  it.each([
    ["declared", { "content-length": "2000" }],
    ["chunked", { "transfer-encoding": "chunked" }],
  ])("refuses a %s body over the limit with the exchange's reply", async (_, headers) => {
    const { url, backend, exchanges } = await rig({ script: { limits: { maxBodyBytes: 1000 } } });
    const answer = await call(url, { headers, body: Buffer.alloc(2000) });
    expect([answer.status, answer.body.toString()]).toEqual([413, "too_large"]);
    expect(exchanges.seen[0]?.refused).toBe("too_large");
    expect(answer.headers.connection).toBe("close");
    expect(backend.count).toBe(0);
  });

  it("takes a body of exactly the limit", async () => {
    const { url, backend } = await rig({ script: { limits: { maxBodyBytes: 1000 } } });
    const answered = call(url, { body: Buffer.alloc(1000) });
    (await backend.next()).response.end();
    expect((await answered).status).toBe(200);
  });

  it("lets a client that sends everything before it reads learn why it was refused", async () => {
    const { url } = await rig({ script: { limits: { maxBodyBytes: 1000 } } });
    const socket = connect(Number(new URL(url).port), "127.0.0.1")
      .setEncoding("latin1")
      .pause();
    const size = 20_000_000;
    socket.write(`POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: ${size}\r\n\r\n`);
    await new Promise<void>((resolve, reject) => socket.write(Buffer.alloc(size), (error) => (error ? reject(error) : resolve())));
    socket.resume();
    expect(String((await once(socket, "data"))[0])).toMatch(/^HTTP\/1\.1 413 /);
    socket.destroy();
  });

  it("refuses a body that does not arrive in time", async () => {
    const { url, exchanges } = await rig({ script: { limits: { bodyTimeoutMs: 50 } } });
    const { request, response } = open(url, { headers: { "content-length": "100" } });
    request.on("error", () => {}).write("slow");
    expect((await response).statusCode).toBe(408);
    expect(exchanges.seen[0]?.refused).toBe("too_slow");
    request.destroy();
  });

  it("refuses bodies that would hold too much together, and forgets those that are gone", async () => {
    const { url, backend, metrics } = await rig({ script: { limits: { maxHeldBytes: 1500 } } });
    const first = call(url, { body: Buffer.alloc(1000) });
    const arrived = await backend.next();
    const refused = await call(url, { body: Buffer.alloc(1000) });
    expect([refused.status, errorOf(refused.body).code, refused.headers["retry-after"]]).toEqual([503, "overloaded", "1"]);
    arrived.response.end();
    await first;
    const second = call(url, { body: Buffer.alloc(1000) });
    (await backend.next()).response.end();
    expect((await second).status).toBe(200);
    expect(await metrics.registry.getSingleMetricAsString("turnout_gateway_held_bytes")).toContain("turnout_gateway_held_bytes 0");
  });

  it("ends a request that takes longer than its listener allows", async () => {
    const { url, backend } = await rig({ timeoutMs: 100 });
    const answered = call(url, { body: "{}" });
    const arrived = await backend.next();
    const answer = await answered;
    expect([answer.status, errorOf(answer.body).code]).toEqual([504, "deadline_exceeded"]);
    await arrived.closed;
  });

  it("breaks a stream off that takes longer than its listener allows", async () => {
    const { url, backend } = await rig({ timeoutMs: 200 });
    const { response } = open(url, { body: "{}" });
    const arrived = await backend.next();
    arrived.response.write("part");
    const message = await response;
    message.resume();
    expect((await once(message, "error"))[0]).toMatchObject({ code: "ECONNRESET" });
    await arrived.closed;
  });

  it("closes connections whose head does not come, with or without a first byte", async () => {
    const { url } = await rig({ limits: { headersTimeoutMs: 100 } });
    const begun = await rawCall(url, "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nx-slow: ");
    expect(begun.text).toMatch(/^HTTP\/1\.1 408 [\s\S]*"code":"body_too_slow"/);
    expect((await rawCall(url, "")).text).toMatch(/^(HTTP\/1\.1 408|$)/);
  });

  it("refuses large heads with 431", async () => {
    const { url } = await rig({ limits: { maxHeaderBytes: 2048 } });
    const answer = await call(url, { headers: { "x-large": "a".repeat(4000) } });
    expect([answer.status, errorOf(answer.body).code]).toEqual([431, "headers_too_large"]);
  });

  it("turns away connections over the limit", async () => {
    const { url } = await rig({ limits: { maxConnections: 1 } });
    const first = connect(Number(new URL(url).port), "127.0.0.1");
    await once(first, "connect");
    expect((await rawCall(url, "GET /health HTTP/1.1\r\nhost: x\r\n\r\n")).text).toBe("");
    first.destroy();
  });
});

describe("requests that two parsers could read differently", () => {
  const line = "POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\n";
  it.each([
    ["content-length and transfer-encoding", `${line}content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ["transfer-encoding and content-length", `${line}transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n`],
    ["two content-lengths", `${line}content-length: 4\r\ncontent-length: 5\r\n\r\nabcd`],
    ["a signed content-length", `${line}content-length: +4\r\n\r\nabcd`],
    ["an unknown transfer coding", `${line}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ["a transfer coding that nobody undoes", `${line}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ["a blank before the colon", `${line}transfer-encoding : chunked\r\n\r\n0\r\n\r\n`],
    ["a folded header", `${line}x-a: 1\r\n transfer-encoding: chunked\r\n\r\n`],
    ["a bare line feed in a chunk size", `${line}transfer-encoding: chunked\r\n\r\n1\nA\r\n0\r\n\r\n`],
    ["a null byte in a value", `${line}x-a: 1\u00002\r\n\r\n`],
    ["no host", "POST /v1/chat/completions HTTP/1.1\r\ncontent-length: 0\r\n\r\n"],
  ])("are refused: %s", async (_, bytes) => {
    const { url, backend } = await rig();
    const { text } = await rawCall(url, bytes.replace("\r\nhost: x", "\r\nhost: x\r\nconnection: close"));
    expect(text).toMatch(/^HTTP\/1\.1 400 /);
    expect(text.match(/HTTP\/1\.1 \d/g)).toHaveLength(1);
    expect(backend.count).toBe(0);
  });

  it("are answered once per request when pipelined", async () => {
    const { url } = await rig();
    const { text } = await rawCall(
      url,
      "GET /health HTTP/1.1\r\nhost: x\r\n\r\nGET /health HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n",
    );
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
  });

  it("do not write a refusal into an answer that has begun", async () => {
    const { url, backend } = await rig();
    const socket = connect(Number(new URL(url).port), "127.0.0.1");
    socket.setEncoding("latin1").write(`${line}content-length: 2\r\n\r\n{}`);
    const arrived = await backend.next();
    arrived.response.write("data: 1\n\n");
    let text = "";
    while (!text.includes("data: 1")) text += String((await once(socket, "data"))[0]);
    socket.on("data", (more: string) => (text += more));
    socket.write("\u0000 this is no request\r\n\r\n");
    await once(socket, "close");
    expect(text).toMatch(/^HTTP\/1\.1 200/);
    expect(text).not.toContain("400");
    await arrived.closed;
  });
});

describe("closing", () => {
  it("lets an open request finish and takes no new one", async () => {
    const { url, gateway, backend } = await rig();
    const answered = call(url, { body: "{}", agent: new Agent({ keepAlive: true }) });
    const arrived = await backend.next();
    const closed = gateway.close(10_000);
    await expect(call(url, { body: "{}" })).rejects.toMatchObject({ code: "ECONNREFUSED" });
    arrived.response.end("late");
    const answer = await answered;
    expect([answer.body.toString(), answer.headers.connection]).toEqual(["late", "close"]);
    await closed;
  });

  it("cuts what is still open when its grace is over", async () => {
    const { url, gateway, backend, exchanges } = await rig();
    const { response } = open(url, { body: "{}" });
    const arrived = await backend.next();
    arrived.response.write("part");
    const message = await response;
    message.resume();
    const broken = once(message, "error");
    await gateway.close(50);
    await broken;
    await arrived.closed;
    expect(exchanges.seen[0]?.closes).toBe(1);
  });

  it("names the listener whose port is taken, and opens none of the others", async () => {
    const { url } = await rig();
    const port = Number(new URL(url).port);
    const second = createGateway({
      listeners: [
        { name: "free", address: "127.0.0.1", port: 0 },
        { name: "taken", address: "127.0.0.1", port },
      ],
      exchanges: createScriptedExchanges(),
      backends: createBackendDirectory([]),
      logger: silentLogger,
      metrics: createMetrics(),
    });
    const error = await second.listen().then(
      () => null,
      (thrown: unknown) => thrown,
    );
    expect(error).toBeInstanceOf(RouterError);
    expect(error).toMatchObject({ code: "port_in_use", message: expect.stringMatching(/127\.0\.0\.1:\d+ is taken.*"taken"/) });
  });
});
