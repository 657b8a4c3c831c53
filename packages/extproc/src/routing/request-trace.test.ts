import { createMetrics, silentLogger, type CallOptions, type Embedder, type Exchange } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { createExchangeFactory } from "./exchange.ts";
import { spanNames } from "./spans.ts";
import { createFixture, stillClock } from "./testing/fixtures.ts";
import { RecordingTracer } from "./testing/recording-tracer.ts";

const chat = (text: string) => Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }] }));
const json = [["content-type", "application/json"]] as const;

async function begin(options: { embedder?: Embedder; headers?: readonly (readonly [string, string])[]; sampled?: boolean } = {}) {
  const { snapshot, embedder } = await createFixture();
  const told: (CallOptions | undefined)[] = [];
  const asked = options.embedder ?? embedder;
  const embed = asked.embed.bind(asked);
  embedder.embed = (items, callOptions) => {
    told.push(callOptions);
    return embed(items, callOptions);
  };
  const tracer = new RecordingTracer();
  tracer.sampled = options.sampled ?? true;
  const parts = { current: () => snapshot, logger: silentLogger, metrics: createMetrics(), clock: stillClock };
  const exchange = createExchangeFactory({ ...parts, tracer }).open();
  const headers = [...json, ...(options.headers ?? [])];
  exchange.onRequestHead({ method: "POST", path: "/v1/chat/completions?key=secret", headers, endOfStream: false });
  return { exchange, tracer, told };
}

const respond = (exchange: Exchange, status = 200) => exchange.onResponseHead({ status, headers: json });

describe("a request's spans", () => {
  it("stand side by side under its own, whose path has no query", async () => {
    const { exchange, tracer } = await begin();
    await exchange.onRequestBody(chat("pruning roses"), {});
    respond(exchange);
    exchange.onResponseChunk(Buffer.from("{}"), true);
    exchange.close();
    const request = tracer.named(spanNames.request);
    expect(request.attributes).toMatchObject({ "http.path": "/v1/chat/completions", "decision.name": "roses" });
    const { parent } = tracer.named(spanNames.signals);
    for (const name of [spanNames.decision, spanNames.plugin, spanNames.upstream, spanNames.response])
      expect([name, tracer.named(name).parent]).toEqual([name, parent]);
    expect(tracer.named(spanNames.decision).attributes["decision.matched_rules"]).toEqual(["domain:roses"]);
    expect(tracer.named(spanNames.plugin).attributes).toMatchObject({ "plugin.type": "system_prompt", "plugin.status": "success" });
    expect(tracer.spans.filter(({ endedAt }) => endedAt === null)).toEqual([]);
  });

  it("are the parents of what is asked for it", async () => {
    const { exchange, tracer, told } = await begin();
    await exchange.onRequestBody(chat("pruning roses"), {});
    const signal = tracer.named(spanNames.signal("domain"));
    expect(told.map((options) => options?.trace?.traceparent)).toEqual([signal.parent]);
  });

  it("of which none is recorded still hand on their context", async () => {
    const { exchange, tracer, told } = await begin({ sampled: false });
    const verdict = await exchange.onRequestBody(chat("pruning roses"), {});
    expect(tracer.spans).toEqual([]);
    expect(told[0]?.trace?.traceparent).toMatch(/-00$/);
    expect(verdict).toMatchObject({
      changes: { set: expect.arrayContaining([["traceparent", expect.stringMatching(/-00$/)]]) as unknown },
    });
  });

  it.each<[why: string, headers: readonly (readonly [string, string])[], removed: boolean]>([
    ["a tracestate of another parent is taken away", [["tracestate", "vendor=1"]], true],
    ["where there is none, nothing is", [], false],
  ])("%s", async (_, headers, removed) => {
    const { exchange } = await begin({ headers });
    const verdict = await exchange.onRequestBody(chat("pruning roses"), {});
    expect(verdict.kind === "forward" && verdict.changes.remove.includes("tracestate")).toBe(removed);
  });

  it("end when the client leaves before its request is routed", async () => {
    const gone = new AbortController();
    const { exchange, tracer } = await begin({ embedder: { embed: () => new Promise(() => undefined) } });
    const routing = exchange.onRequestBody(chat("pruning roses"), { signal: gone.signal });
    gone.abort();
    await expect(routing).rejects.toThrow("aborted");
    exchange.close();
    expect(tracer.spans.map(({ name, failure, endedAt }) => [name, failure, endedAt])).toEqual([
      [spanNames.request, null, 1_000],
      [spanNames.signals, "cancelled", 1_000],
    ]);
  });

  it("tell of a response that broke off, and of one that is an error", async () => {
    const { exchange, tracer } = await begin();
    await exchange.onRequestBody(chat("pruning roses"), {});
    respond(exchange);
    exchange.onResponseChunk(Buffer.from("{"), false);
    exchange.close();
    expect([tracer.named(spanNames.response).failure, tracer.named(spanNames.upstream).failure]).toEqual(["incomplete", null]);

    const second = await begin();
    await second.exchange.onRequestBody(chat("pruning roses"), {});
    respond(second.exchange, 503);
    second.exchange.close();
    expect(second.tracer.named(spanNames.upstream)).toMatchObject({ failure: "503", attributes: { "http.response.status_code": 503 } });
  });

  it("tell why a request was refused, by its code alone", async () => {
    const { exchange, tracer } = await begin();
    exchange.onBodyRefused("too_large");
    exchange.close();
    expect(tracer.spans).toMatchObject([
      { failure: "body_too_large", attributes: { "http.response.status_code": 413, "routing.answered_by": "error" } },
    ]);
  });

  it("are none where the request is none of ours", async () => {
    const tracer = new RecordingTracer();
    const { snapshot } = await createFixture();
    const parts = { current: () => snapshot, logger: silentLogger, metrics: createMetrics(), clock: stillClock };
    const exchange = createExchangeFactory({ ...parts, tracer }).open();
    exchange.onRequestHead({ method: "POST", path: "/v1/embeddings", headers: json, endOfStream: false });
    exchange.close();
    expect(tracer.spans).toEqual([]);
  });
});
