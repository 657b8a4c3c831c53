import { gzipSync } from "node:zlib";
import { createLogger, silentLogger, type BodyVerdict, type Exchange, type HeaderEntry, type HttpHead } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { createExchangeFactory } from "./exchange.ts";
import { createFixture, providers, stillClock } from "./testing/fixtures.ts";

const JSON_HEADER: HeaderEntry = ["content-type", "application/json"];
const head = (changes: Partial<HttpHead> = {}): HttpHead => ({
  method: "POST",
  path: "/v1/chat/completions",
  headers: [JSON_HEADER],
  endOfStream: false,
  ...changes,
});
const chat = (text: string, extra: object = {}) => JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }], ...extra });

type Fixture = Awaited<ReturnType<typeof createFixture>>;

async function send(
  body: string | Uint8Array,
  options: { fixture?: Fixture; head?: Partial<HttpHead> } = {},
): Promise<{ verdict: BodyVerdict; exchange: Exchange; fixture: Fixture; text: string }> {
  const fixture = options.fixture ?? (await createFixture());
  const exchange = fixture.factory.open();
  const verdict = exchange.onRequestHead(head(options.head));
  expect(verdict.kind).toBe("wantsBody");
  const bodyVerdict = await exchange.onRequestBody(typeof body === "string" ? Buffer.from(body) : body, {});
  const text = bodyVerdict.kind === "forward" ? Buffer.from(bodyVerdict.body ?? body).toString() : bodyVerdict.reply.body;
  return { verdict: bodyVerdict, exchange, fixture, text };
}

const counted = async (metric: { get(): Promise<{ values: readonly { labels: object; value: number }[] }> }) =>
  (await metric.get()).values.map(({ labels, value }) => [...Object.values(labels), value]);

describe("request head", () => {
  it.each<[string, Partial<HttpHead>]>([
    ["another path", { path: "/v1/embeddings" }],
    ["a longer path", { path: "/v1/chat/completions/x" }],
    ["another method", { method: "GET" }],
    ["no body", { endOfStream: true }],
    ["a form", { headers: [["content-type", "multipart/form-data; boundary=x"]] }],
    ["an unknown coding", { headers: [JSON_HEADER, ["content-encoding", "compress"]] }],
    ["stacked codings", { headers: [JSON_HEADER, ["content-encoding", "gzip, gzip"]] }],
  ])("passes %s through, untouched and unwatched", async (_, changes) => {
    const exchange = (await createFixture()).factory.open();
    expect(exchange.onRequestHead(head(changes))).toEqual({ kind: "passThrough", changes: { set: [], remove: [] } });
    expect([exchange.wantsResponseHead, exchange.responseBody]).toEqual([false, "none"]);
    expect(exchange.onResponseHead({ status: 200, headers: [] })).toEqual({ set: [], remove: [] });
  });

  it.each<[string, Partial<HttpHead>]>([
    ["a query", { path: "/v1/chat/completions?api-version=1" }],
    ["completions", { path: "/v1/completions" }],
    ["no content type", { headers: [] }],
    ["a charset", { headers: [["content-type", "application/json; charset=utf-8"]] }],
    ["a suffix type", { headers: [["content-type", "application/vnd.acme+json"]] }],
    ["gzip", { headers: [JSON_HEADER, ["content-encoding", "gzip"]] }],
  ])("wants the body with %s", async (_, changes) => {
    const exchange = (await createFixture()).factory.open();
    expect(exchange.onRequestHead(head(changes)).kind).toBe("wantsBody");
    expect([exchange.wantsResponseHead, exchange.responseBody]).toEqual([true, "observe"]);
  });

  it("asks for a response it can read only when it is going to read it", async () => {
    const watching = await createFixture();
    const blind = await createFixture({ settings: { observeUsage: false } });
    expect(watching.factory.open().onRequestHead(head())).toMatchObject({ changes: { set: [["accept-encoding", "identity"]] } });
    const exchange = blind.factory.open();
    expect(exchange.onRequestHead(head())).toMatchObject({ changes: { set: [] } });
    expect(exchange.responseBody).toBe("none");
  });

  const forged: readonly HeaderEntry[] = [
    JSON_HEADER,
    ["x-authz-user-id", "root"],
    ["x-vsr-internal-auth", "k"],
    ["x-vsr-looper-depth", "1"],
    ["x-vsr-selected-model", "m"],
    ["x-selected-model", "m"],
    ["x-vsr-debug", "true"],
  ];

  it("removes headers that only a router or a trusted gateway may set, whatever the path", async () => {
    const remove = ["x-authz-user-id", "x-vsr-internal-auth", "x-vsr-looper-depth", "x-vsr-selected-model", "x-selected-model"];
    const { factory } = await createFixture();
    for (const path of ["/v1/chat/completions", "/v1/files"]) {
      expect(factory.open().onRequestHead(head({ path, headers: forged }))).toMatchObject({ changes: { remove } });
    }
    const trusting = await createFixture({ settings: { trustIdentityHeaders: true } });
    expect(trusting.factory.open().onRequestHead(head({ headers: forged }))).toMatchObject({ changes: { remove: remove.slice(1) } });
  });

  it("honours x-vsr-skip-processing only where the configuration allows it", async () => {
    const skip = head({ headers: [JSON_HEADER, ["x-vsr-skip-processing", "true"]] });
    const kind = async (skipProcessingEnabled: boolean) =>
      (await createFixture({ settings: { skipProcessingEnabled } })).factory.open().onRequestHead(skip).kind;
    expect([await kind(true), await kind(false)]).toEqual(["passThrough", "wantsBody"]);
  });

  it("takes the client's request id, or makes one and keeps it", async () => {
    const { factory } = await createFixture();
    const named = factory.open();
    named.onRequestHead(head({ headers: [["x-request-id", "r-1"]] }));
    expect(named.requestId).toBe("r-1");
    const unnamed = factory.open();
    unnamed.onRequestHead(head());
    expect(unnamed.requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(unnamed.requestId).toBe(unnamed.requestId);
  });

  it("lists the auto names at GET /v1/models, and the models behind where told to", async () => {
    const list = async (includeConfigModels: boolean) => {
      const { factory } = await createFixture({ settings: { includeConfigModels } });
      const verdict = factory.open().onRequestHead(head({ method: "GET", path: "/v1/models", endOfStream: true }));
      return verdict.kind === "reply" ? JSON.parse(verdict.reply.body) : verdict;
    };
    const plain = await list(false);
    expect(plain).toMatchObject({
      object: "list",
      data: [{ id: "vllm-sr/auto", object: "model", created: 1_700_000_000, owned_by: "vllm-semantic-router" }, {}, {}],
    });
    expect((await list(true)).data.map(({ id }: { id: string }) => id)).toEqual([
      "vllm-sr/auto",
      "auto",
      "MoM",
      "base",
      "roses-expert",
      "soil-expert",
    ]);
  });
});

describe("request body", () => {
  it.each(["auto", "MoM", "vllm-sr/auto"])("routes %s: model, system prompt, reasoning and header", async (model) => {
    const { verdict, text } = await send(chat("pruning roses", { model, seed: 1 }));
    expect(JSON.parse(text)).toEqual({
      model: "roses-expert",
      messages: [
        { role: "system", content: "You know roses." },
        { role: "user", content: "pruning roses" },
      ],
      seed: 1,
      chat_template_kwargs: { enable_thinking: true },
    });
    expect(verdict).toMatchObject({
      kind: "forward",
      changes: { set: [["x-selected-model", "roses-expert"]], remove: [] },
      backendModel: "base",
    });
  });

  it("applies header effects", async () => {
    const { verdict } = await send(chat("compost acidity"));
    expect(verdict).toMatchObject({
      changes: {
        set: [
          ["x-selected-model", "soil-expert"],
          ["x-team", "soil"],
        ],
        remove: ["x-trace-me"],
      },
    });
  });

  it("routes completions by their prompt and leaves everything but the model", async () => {
    const { text } = await send('{"prompt":"pruning roses" , "model":"auto"}', { head: { path: "/v1/completions" } });
    expect(text).toBe('{"prompt":"pruning roses" , "model":"roses-expert"}');
  });

  it("takes the default model where no decision holds, and touches nothing else", async () => {
    const { text } = await send('{ "model" : "auto", "messages":[{"role":"user","content":"knock knock"}], "seed":9007199254740993 }');
    expect(text).toBe('{ "model" : "base", "messages":[{"role":"user","content":"knock knock"}], "seed":9007199254740993 }');
  });

  it.each(['{"model":"auto"}', '{"model":"auto","messages":"hi"}', '{"model":"auto","messages":[3]}'])(
    "takes the default model for %s",
    async (body) => {
      expect(JSON.parse((await send(body)).text)).toMatchObject({ model: "base" });
    },
  );

  it("leaves the bytes of a request that names a model, and tells which", async () => {
    const { verdict, exchange } = await send(chat("pruning roses", { model: "soil-expert" }));
    expect(verdict).toMatchObject({
      kind: "forward",
      body: null,
      backendModel: "base",
      changes: { set: [["x-selected-model", "soil-expert"]] },
    });
    expect(exchange.onResponseHead({ status: 200, headers: [] }).set).toEqual([
      ["x-vsr-schema-version", "2"],
      ["x-vsr-response-path", "upstream"],
      ["x-vsr-selected-model", "soil-expert"],
    ]);
  });

  it("writes the provider's id on the wire, for a chosen and for a named model", async () => {
    const models = [{ ...providers.models[0], provider_model_id: "org/base-8b" }];
    const fixture = await createFixture({ providers: { ...providers, models } });
    for (const model of ["auto", "base", "org/base-8b"]) {
      const { text, verdict } = await send(chat("knock knock", { model }), { fixture });
      expect(JSON.parse(text)).toMatchObject({ model: "org/base-8b" });
      expect(verdict).toMatchObject({ changes: { set: [["x-selected-model", "base"]] } });
    }
  });

  it.each([["gpt-9"], [""], [7]])("refuses the unknown model %j with vSR's 400", async (model) => {
    const { verdict, exchange } = await send(chat("x", { model }));
    const message = `model "${typeof model === "string" ? model : ""}" is not available`;
    expect(verdict).toMatchObject({ kind: "reply", reply: { status: 400, details: "turnout_model_unknown" } });
    expect(verdict.kind === "reply" && JSON.parse(verdict.reply.body)).toEqual({
      error: { message, type: "invalid_request_error", code: 400 },
    });
    expect(exchange.responseBody).toBe("none");
  });

  it("forwards an unknown model untouched where told to", async () => {
    const fixture = await createFixture({ settings: { unknownModel: "pass_through" } });
    const { verdict } = await send(chat("x", { model: "gpt-9" }), { fixture });
    expect(verdict).toEqual({ kind: "forward", changes: { set: [], remove: [] }, body: null, backendModel: null });
    expect(await counted(fixture.metrics.unroutedBodies)).toEqual([["unknown_model", 1]]);
  });

  it.each([
    ["{", "malformed_json"],
    ["[]", "not_an_object"],
    [Uint8Array.of(0x7b, 0xff, 0x7d), "invalid_utf8"],
  ])("forwards %j untouched and counts it as %s", async (body, reason) => {
    const { verdict, fixture, exchange } = await send(body);
    expect(verdict).toEqual({ kind: "forward", changes: { set: [], remove: [] }, body: null, backendModel: null });
    expect(await counted(fixture.metrics.unroutedBodies)).toEqual([[reason, 1]]);
    expect(exchange.responseBody).toBe("none");
    expect(exchange.onResponseHead({ status: 200, headers: [] }).set).toEqual([]);
  });
});

describe("compressed request bodies", () => {
  const gzip = { headers: [JSON_HEADER, ["content-encoding", "gzip"]] } satisfies Partial<HttpHead>;

  it("are routed and sent on plain", async () => {
    const { verdict, text } = await send(gzipSync(chat("pruning roses")), { head: gzip });
    expect(JSON.parse(text)).toMatchObject({ model: "roses-expert" });
    expect(verdict).toMatchObject({ changes: { remove: ["content-encoding"] } });
  });

  it("stay as they came when nothing changes", async () => {
    const { verdict } = await send(gzipSync(chat("x", { model: "base" })), { head: gzip });
    expect(verdict).toMatchObject({ body: null, changes: { remove: [] } });
  });

  it.each([
    ["a bomb", gzipSync(Buffer.alloc(10_000_000)), 413],
    ["a broken one", Buffer.from("no gzip"), 415],
  ])("are refused when %s", async (_, body, status) => {
    expect((await send(body, { head: gzip })).verdict).toMatchObject({ kind: "reply", reply: { status } });
  });
});

describe("fast response", () => {
  it("answers with a completion that names its path and decision", async () => {
    const { verdict } = await send(chat("Hello!"), { head: { headers: [JSON_HEADER, ["x-request-id", "r-1"]] } });
    expect(verdict).toMatchObject({
      reply: {
        status: 200,
        headers: [
          ["content-type", "application/json"],
          ["x-vsr-schema-version", "2"],
          ["x-vsr-response-path", "fast_response"],
          ["x-vsr-selected-decision", "greeting"],
          ["x-vsr-selected-confidence", "1.0000"],
        ],
      },
    });
    expect(verdict.kind === "reply" && JSON.parse(verdict.reply.body)).toMatchObject({
      id: "chatcmpl-r-1",
      object: "chat.completion",
      choices: [{ message: { role: "assistant", content: "Good day. \u{1F331}" }, finish_reason: "stop" }],
    });
  });

  it("streams server-sent events to a client that asked for them", async () => {
    const { verdict, text } = await send(chat("hello", { stream: true }));
    expect(verdict.kind === "reply" && verdict.reply.headers[0]).toEqual(["content-type", "text/event-stream"]);
    const events = text.split("\n\n").filter((event) => event !== "");
    expect(events.at(-1)).toBe("data: [DONE]");
    const chunks = events.slice(0, -1).map((event) => JSON.parse(event.replace("data: ", "")));
    expect(chunks.map(({ choices }) => choices[0].delta.content ?? "").join("")).toBe("Good day. \u{1F331}");
    expect(chunks.at(-1)).toMatchObject({ object: "chat.completion.chunk", choices: [{ finish_reason: "stop" }] });
  });

  it("answers completions in their own shape", async () => {
    const { text } = await send('{"model":"auto","prompt":"hello"}', { head: { path: "/v1/completions" } });
    expect(JSON.parse(text)).toMatchObject({ object: "text_completion", choices: [{ text: "Good day. \u{1F331}" }] });
  });
});

describe("response head", () => {
  it("tells decision, confidence, algorithm and model", async () => {
    const { exchange } = await send(chat("hurry"));
    expect(exchange.onResponseHead({ status: 200, headers: [] })).toEqual({
      set: [
        ["x-vsr-schema-version", "2"],
        ["x-vsr-response-path", "upstream"],
        ["x-vsr-selected-decision", "hurry"],
        ["x-vsr-selected-confidence", "1.0000"],
        ["x-vsr-selected-algorithm", "static"],
        ["x-vsr-selected-model", "base"],
      ],
      remove: [],
    });
  });

  it("tells more with x-vsr-debug: true", async () => {
    const { exchange } = await send(chat("pruning roses"), { head: { headers: [JSON_HEADER, ["x-vsr-debug", "true"]] } });
    const headers = new Map(exchange.onResponseHead({ status: 200, headers: [] }).set);
    expect(Object.fromEntries([...headers].slice(6))).toEqual({
      "x-vsr-matched-domains": "roses",
      "x-vsr-selected-category": "roses",
      "x-vsr-selected-reasoning": "on",
      "x-vsr-context-token-count": "4",
      "x-vsr-injected-system-prompt": "true",
    });
  });

  it("warns when the route is less than it could be", async () => {
    const { exchange } = await send(chat("pruning roses"), { fixture: await createFixture({ cold: true }) });
    expect(exchange.onResponseHead({ status: 200, headers: [] }).set).toContainEqual(["x-vsr-response-warnings", "classifier_unavailable"]);
  });
});

describe("degraded requests", () => {
  it.each([
    ["overloaded", "classifier_overloaded"],
    ["encoder_unavailable", "classifier_unavailable"],
  ] as const)("are routed on what is known, counted and named when the encoder is %s", async (code, step) => {
    const fixture = await createFixture();
    fixture.embedder.failWith(code);
    const { text, exchange } = await send(chat("pruning roses"), { fixture });
    expect(JSON.parse(text)).toMatchObject({ model: "base" });
    expect(exchange.onResponseHead({ status: 200, headers: [] }).set).toContainEqual(["x-vsr-response-warnings", step]);
    expect(await counted(fixture.metrics.degradedRequests)).toEqual([[step, 1]]);
  });
});

it("tells once why a signal fails, and nothing of the request", async () => {
  const fixture = await createFixture();
  fixture.embedder.before = () => Promise.reject(new TypeError("cannot read pruning roses"));
  const lines: string[] = [];
  const logger = createLogger("warn", { write: (text) => void lines.push(text) });
  const parts = { current: () => fixture.snapshot, logger, metrics: fixture.metrics, clock: stillClock };
  const loud = { ...fixture, factory: createExchangeFactory(parts) };
  await send(chat("pruning roses"), { fixture: loud });
  await send(chat("pruning hedges"), { fixture: loud });
  expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
    { level: "warn", signal: "domain", code: "internal", error: "TypeError" },
  ]);
  expect(lines.join("")).not.toContain("pruning");
});

describe("deadline and cancellation", () => {
  it("goes on with what is known when its own deadline passes, counts and says it", async () => {
    const fixture = await createFixture({ settings: { deadlineMs: 5 } });
    fixture.embedder.before = () => new Promise(() => undefined);
    const { text, exchange } = await send(chat("pruning roses"), { fixture });
    expect(JSON.parse(text)).toMatchObject({ model: "base" });
    expect(exchange.onResponseHead({ status: 200, headers: [] }).set).toContainEqual(["x-vsr-response-warnings", "deadline_exceeded"]);
    expect(await counted(fixture.metrics.deadlineExpired)).toEqual([[1]]);
    expect(await counted(fixture.metrics.signalErrors)).toEqual([["domain", "deadline_exceeded", 1]]);
  });

  it("rejects when the caller leaves, and only then", async () => {
    const fixture = await createFixture();
    fixture.embedder.before = () => new Promise(() => undefined);
    const exchange = fixture.factory.open();
    exchange.onRequestHead(head());
    const controller = new AbortController();
    const verdict = exchange.onRequestBody(Buffer.from(chat("pruning roses")), { signal: controller.signal });
    controller.abort();
    await expect(verdict).rejects.toBe(controller.signal.reason);
    exchange.close();
  });

  it.each([
    ["too_large", 413],
    ["too_slow", 408],
  ] as const)("refuses a body that is %s with %d", async (reason, status) => {
    const exchange = (await createFixture()).factory.open();
    exchange.onRequestHead(head());
    expect(exchange.onBodyRefused(reason)).toMatchObject({
      status,
      headers: [JSON_HEADER, ["x-vsr-schema-version", "2"], ["x-vsr-response-path", "error"]],
    });
  });
});

describe("usage", () => {
  const usage = Buffer.from('{"usage":{"prompt_tokens":5,"completion_tokens":2}}');

  it("is counted once, for the model that was chosen", async () => {
    const { exchange, fixture } = await send(chat("pruning roses"));
    exchange.onResponseHead({ status: 200, headers: [JSON_HEADER] });
    expect(exchange.responseBody).toBe("observe");
    exchange.onResponseChunk(usage.subarray(0, 20), false);
    exchange.onResponseChunk(usage.subarray(20), true);
    exchange.close();
    expect(await counted(fixture.metrics.promptTokens)).toEqual([["roses-expert", 5]]);
    expect(await counted(fixture.metrics.completionTokens)).toEqual([["roses-expert", 2]]);
    expect(await counted(fixture.metrics.tokens)).toEqual([["roses-expert", 7]]);
  });

  it("of a whole stream is counted once, at its end and not again when it closes", async () => {
    const { exchange, fixture } = await send(chat("pruning roses", { stream: true }));
    exchange.onResponseHead({ status: 200, headers: [["content-type", "text/event-stream"]] });
    exchange.onResponseChunk(Buffer.from(`data: ${usage.toString()}\n\ndata: [DONE]\n\n`), true);
    exchange.close();
    expect(await counted(fixture.metrics.tokens)).toEqual([["roses-expert", 7]]);
  });

  it("of a stream that was cut short is counted when it closes", async () => {
    const { exchange, fixture } = await send(chat("pruning roses", { stream: true }));
    exchange.onResponseHead({ status: 200, headers: [["content-type", "text/event-stream"]] });
    exchange.onResponseChunk(Buffer.from(`data: ${usage.toString()}\n\ndata: {"cho`), false);
    exchange.close();
    expect(await counted(fixture.metrics.tokens)).toEqual([["roses-expert", 7]]);
  });

  it.each<[string, number, readonly HeaderEntry[]]>([
    ["an error", 500, [JSON_HEADER]],
    ["a compressed response", 200, [JSON_HEADER, ["content-encoding", "gzip"]]],
    ["another type", 200, [["content-type", "audio/mpeg"]]],
  ])("of %s is not looked for", async (_, status, headers) => {
    const { exchange } = await send(chat("pruning roses"));
    exchange.onResponseHead({ status, headers });
    expect(exchange.responseBody).toBe("none");
  });
});

describe("a bug of ours", () => {
  const bug = new TypeError("x is undefined");

  it.each([
    ["in routing", { route: () => Promise.reject(bug) }],
    ["in what became of the route", { route: () => Promise.resolve(null as never) }],
  ])("%s costs the decision, not the request", async (_, broken) => {
    const fixture = await createFixture();
    const snapshot = { ...fixture.snapshot, router: { ...fixture.snapshot.router, ...broken } };
    const factory = createExchangeFactory({ current: () => snapshot, logger: silentLogger, metrics: fixture.metrics, clock: stillClock });
    const { verdict, exchange, text } = await send(chat("pruning roses"), { fixture: { ...fixture, factory } });
    expect(verdict).toMatchObject({ kind: "forward", backendModel: "base" });
    expect(JSON.parse(text)).toMatchObject({ model: "base", messages: [{ role: "user", content: "pruning roses" }] });
    const { set } = exchange.onResponseHead({ status: 200, headers: [JSON_HEADER] });
    expect(new Map(set).get("x-vsr-response-warnings")).toBe("routing_failed");
    expect(await counted(fixture.metrics.degradedRequests)).toEqual([["routing_failed", 1]]);
    expect(await counted(fixture.metrics.modelRequests)).toEqual([["base", 1]]);
  });
});

it("counts the way of a routed request in metrics", async () => {
  const { fixture } = await send(chat("hurry, pruning roses"));
  const { metrics } = fixture;
  expect(await counted(metrics.modelRequests)).toEqual([["base", 1]]);
  expect(await counted(metrics.routingModifications)).toEqual([["auto", "base", 1]]);
  expect(await counted(metrics.decisionMatches)).toEqual([["hurry", 1]]);
  expect(await counted(metrics.signalExtractions)).toEqual([
    ["keyword", 1],
    ["domain", 1],
  ]);
  expect(await counted(metrics.signalMatches)).toEqual([
    ["keyword", "hurry", 1],
    ["domain", "roses", 1],
  ]);
});
