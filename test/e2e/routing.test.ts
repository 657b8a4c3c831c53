/**
 * The whole thread: client, real Envoy, `turnout serve` with a configuration in vSR's words, a simulated vLLM that refuses model names it
 * does not serve. What the simulator got is compared byte for byte.
 */
import { randomBytes } from "node:crypto";
import { gunzipSync, gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chat, send } from "./client.ts";
import { skipReason, startEnvoy, withoutEnvoy, type Envoy } from "./envoy.ts";
import { routingConfig } from "./routing-config.ts";
import { startSimulator, startTurnout, type RunningSimulator, type RunningTurnout } from "./turnout.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

/** Text that a JSON parser would not write back as it came. */
const asked = (model: string, text: string, more = ""): string =>
  `{"seed": 9007199254740993,${more} "model":"${model}", "messages":[{"content":"${text}","role":"user"}],"user":"caf\\u00e9" }`;

describe.skipIf(withoutEnvoy)(`A routed request${skipReason}`, () => {
  let turnout: RunningTurnout;
  let simulator: RunningSimulator;
  let upstream: Upstream;
  let envoy: Envoy;

  beforeAll(async () => {
    [turnout, simulator] = await Promise.all([startTurnout(routingConfig), startSimulator("base-model", ["math-expert", "garden-expert"])]);
    upstream = await startUpstream("models", simulator.forward);
    envoy = await startEnvoy({
      ports: { processor: turnout.extprocPort, general: upstream.port, math: upstream.port },
      listeners: ["buffered", "bufferedPartial", "fullDuplex", "streamed", "headersOnly", "headersSkipped", "direct"],
      gracefulClose: true,
    });
  });

  afterAll(async () => {
    await Promise.all([envoy?.stop(), upstream?.close(), simulator?.stop(), turnout?.stop()]);
  });

  const upstreamBody = (id: string) => upstream.requestsOf(id).map((request) => request.body.toString("utf8"));
  const model = (body: string) => (JSON.parse(body) as { model: string }).model;

  it("without the router the model server refuses the name auto", async () => {
    const response = await chat(envoy.port("direct"), "unrouted", asked("auto", "Why does a pendulum slow down?"));
    expect(response.status).toBe(404);
  });

  it.each(["buffered", "fullDuplex", "streamed", "headersOnly"] as const)(
    "a keyword decides: LoRA, system prompt and reasoning switch reach the model server, %s",
    async (listener) => {
      const id = `mechanics-${listener}`;
      const response = await chat(envoy.port(listener), id, asked("auto", "Why does a pendulum slow down?"));
      expect({ status: response.status, model: model(response.body) }).toEqual({ status: 200, model: "math-expert" });
      expect(response.headers).toMatchObject({ "x-vsr-selected-decision": "mechanics", "x-vsr-selected-model": "math-expert" });

      const [body = "", ...more] = upstreamBody(id);
      expect(more).toEqual([]);
      expect(JSON.parse(body)).toMatchObject({
        model: "math-expert",
        messages: [
          { role: "system", content: "Show every step." },
          { role: "user", content: "Why does a pendulum slow down?" },
        ],
        chat_template_kwargs: { enable_thinking: true },
        user: "café",
      });
      // What was not to be changed has the client's bytes.
      for (const untouched of [
        '"seed": 9007199254740993,',
        '{"content":"Why does a pendulum slow down?","role":"user"}',
        '"user":"caf\\u00e9"',
      ]) {
        expect(body).toContain(untouched);
      }
    },
  );

  it.each(
    (["buffered", "bufferedPartial", "fullDuplex", "streamed", "headersOnly", "headersSkipped"] as const).flatMap((listener) => [
      { listener, size: "small", padding: "" },
      { listener, size: "in many chunks", padding: randomBytes(200_000).toString("base64") },
    ]),
  )("a compressed body reaches the model server as its headers say: routed and plain, or untouched, $listener, $size", async (each) => {
    const { listener, size, padding } = each;
    const id = `gzip-${listener}-${size}`;
    const body = asked("auto", "Why does a pendulum slow down?", `"padding":"${padding}",`);
    const headers = { "content-type": "application/json", "content-encoding": "gzip", "x-case": id };
    await send(envoy.port(listener), { method: "POST", path: "/v1/chat/completions", headers, body: gzipSync(body) });
    const [request] = upstream.requestsOf(id);
    const bytes = request?.body ?? Buffer.alloc(0);
    const plain = (request?.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString();
    expect(["auto", "math-expert"]).toContain(model(plain));
    if (model(plain) === "auto") expect(plain).toBe(body);
  });

  it("another decision, another LoRA, reasoning off, a header of its own", async () => {
    const response = await chat(envoy.port("buffered"), "garden", asked("auto", "Which soil does a tulip like?"), {
      headers: { "x-vsr-debug": "true" },
    });
    expect({ status: response.status, model: model(response.body) }).toEqual({ status: 200, model: "garden-expert" });
    expect(response.headers).toMatchObject({ "x-vsr-selected-decision": "garden", "x-vsr-matched-keywords": "plants" });
    const [request] = upstream.requestsOf("garden");
    expect(request?.headers).toMatchObject({ "x-garden": "yes", "x-selected-model": "garden-expert" });
    expect(JSON.parse(request?.body.toString() ?? "")).toMatchObject({
      model: "garden-expert",
      chat_template_kwargs: { enable_thinking: false },
    });
  });

  it("nothing matches: the default model", async () => {
    const response = await chat(envoy.port("buffered"), "default", asked("auto", "Good morning!"));
    expect({ status: response.status, model: model(response.body) }).toEqual({ status: 200, model: "base-model" });
    expect(response.headers["x-vsr-selected-decision"]).toBeUndefined();
  });

  it.each(["buffered", "fullDuplex"] as const)("a model named by the client is forwarded byte for byte, %s", async (listener) => {
    const body = asked("garden-expert", "Why does a pendulum slow down?");
    const response = await chat(envoy.port(listener), `named-${listener}`, body);
    expect({ status: response.status, model: model(response.body) }).toEqual({ status: 200, model: "garden-expert" });
    expect(upstreamBody(`named-${listener}`)).toEqual([body]);
  });

  it("an unknown model is refused by the router", async () => {
    const response = await chat(envoy.port("buffered"), "unknown", asked("no-such-model", "Good morning!"));
    expect(response.status).toBe(400);
    expect(response.body).toContain("no-such-model");
    expect(upstreamBody("unknown")).toEqual([]);
  });

  it.each(["buffered", "fullDuplex"] as const)("a decision may answer by itself, as JSON and as SSE, %s", async (listener) => {
    const json = await chat(envoy.port(listener), `fast-${listener}`, asked("auto", "Tell me the password of Ann"));
    expect(json.status).toBe(200);
    expect(JSON.parse(json.body)).toMatchObject({ choices: [{ message: { role: "assistant", content: "That stays private." } }] });
    const sse = await chat(envoy.port(listener), `fast-sse-${listener}`, asked("auto", "Tell me the password of Ann", ' "stream": true,'));
    expect(sse.headers["content-type"]).toContain("text/event-stream");
    expect(sse.body.trimEnd().endsWith("data: [DONE]")).toBe(true);
    expect([...upstreamBody(`fast-${listener}`), ...upstreamBody(`fast-sse-${listener}`)]).toEqual([]);
  });

  it.each(["buffered", "fullDuplex"] as const)("a streamed answer comes from the LoRA, %s", async (listener) => {
    const response = await chat(envoy.port(listener), `sse-${listener}`, asked("auto", "Where do I push a lever?", ' "stream": true,'));
    expect(response.status).toBe(200);
    expect(response.headers["content-type"]).toContain("text/event-stream");
    const events = response.body.split("\n\n").filter((event) => event.startsWith("data: {"));
    expect(new Set(events.map((event) => model(event.slice("data: ".length))))).toEqual(new Set(["math-expert"]));
    expect(response.body.trimEnd().endsWith("data: [DONE]")).toBe(true);
  });

  it("GET /v1/models lists the names that mean: choose for me", async () => {
    const response = await send(envoy.port("buffered"), { method: "GET", path: "/v1/models", headers: { "x-case": "models" } });
    expect(response.status).toBe(200);
    expect((JSON.parse(response.body) as { data: { id: string }[] }).data.map(({ id }) => id)).toContain("auto");
    expect(upstream.requestsOf("models")).toEqual([]);
  });

  it.each([
    ["malformed JSON", '{"model":"auto","messages":['],
    ["not an object", '"auto"'],
    ["empty object", "{}"],
    ["not UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d])],
  ])("a body that cannot be routed is never a broken stream: %s", async (name, body) => {
    const id = `odd-${name}`;
    const response = await send(envoy.port("buffered"), { body, headers: { "content-type": "application/json", "x-case": id } });
    const [request] = upstream.requestsOf(id);
    // Either we or the model server refuse it, by name; Envoy's own 500 or 504 would mean a broken stream.
    expect([400, 404, 422]).toContain(response.status);
    expect((await envoy.accessLogOf(id)).details).not.toContain("ext_proc_error");
    if (request !== undefined) expect(request.body.equals(Buffer.from(body))).toBe(true);
  });

  it("messages made of parts are read too", async () => {
    const body = '{"model":"auto","messages":[{"role":"user","content":[{"type":"text","text":"Why does a pendulum slow down?"}]}]}';
    const response = await chat(envoy.port("buffered"), "parts", body);
    expect({ status: response.status, model: model(response.body) }).toEqual({ status: 200, model: "math-expert" });
  });

  it("headers that only a router may write are taken from clients", async () => {
    await chat(envoy.port("buffered"), "forged", asked("garden-expert", "Good morning!"), {
      headers: { "x-selected-model": "math-expert", "x-vsr-selected-model": "math-expert", "x-authz-user-id": "root" },
    });
    const [request] = upstream.requestsOf("forged");
    expect(request?.headers["x-vsr-selected-model"]).toBeUndefined();
    expect(request?.headers["x-authz-user-id"]).toBeUndefined();
    expect(request?.headers["x-selected-model"]).not.toBe("math-expert");
  });

  it("SIGTERM stops it cleanly", async () => {
    turnout.kill("SIGTERM");
    expect(await turnout.exited).toBe(0);
  });
});
