/**
 * Whole traces, from what a gateway says over real ext_proc to what a collector receives: which spans there are for which request, whose
 * parents they have, what the upstream and the classifier service are told, and that nothing a client says is in any of it.
 */
import { createClassifierPool } from "@turnout/classifier-pool";
import { createClassifierServer } from "@turnout/classifier-pool/server";
import { createLogger, createMetrics, silentLogger, systemClock } from "@turnout/shared";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { startKitchen, type Kitchen } from "../../packages/extproc/src/testing/kitchen.ts";
import { openTracing } from "../../packages/extproc/src/tracing/index.ts";
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "../../packages/extproc/src/tracing/testing/otlp-receiver.ts";
import { spanTree } from "../../packages/extproc/src/tracing/testing/span-tree.ts";
import { completionOf } from "../e2e/response-cache-rig.ts";
import { GatewaySimulator, type Header, type Outcome, type Profile } from "./gateway-simulator.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const metadataTrace = { traceparent: `00-${traceId}-1111111111111111-01`, tracestate: "from=metadata" };
const headerTrace = { traceparent: `00-${traceId}-2222222222222222-01`, tracestate: "from=header" };
const unsampled = { traceparent: `00-${traceId}-3333333333333333-00` };

/** What no span may ever carry: what clients say, and who they are. */
const SECRET = "marzipan";
const KEY = "sk-quince-0123456789";
const USER = "damson@example.org";

const env = (receiver: OtlpReceiver, changes: Record<string, string> = {}) => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: receiver.grpc,
  OTEL_EXPORTER_OTLP_PROTOCOL: "grpc",
  OTEL_BSP_SCHEDULE_DELAY: "5",
  ...changes,
});

function config(classifier: string): string {
  return `
version: v0.3
listeners: [{ name: http, address: 127.0.0.1, port: 0 }]
providers:
  defaults: { default_model: base }
  models: [{ name: base, provider_model_id: served-base, backend_refs: [{ endpoint: "127.0.0.1:9" }] }]
routing:
  modelCards: [{ name: base, loras: [{ name: pan-expert }, { name: law-expert }] }]
  signals:
    keywords:
      - { name: hello, operator: OR, keywords: [hello] }
      - { name: again, operator: OR, keywords: [again] }
    embeddings: [{ name: pans, threshold: 0.9, candidates: ["which pan is best"] }]
    domains: [{ name: law }, { name: other }]
  decisions:
    - name: greeting
      priority: 40
      rules: { type: keyword, name: hello }
      modelRefs: [{ model: base }]
      plugins: [{ type: fast_response, configuration: { message: "Good day." } }]
    - name: repeated
      priority: 30
      rules: { type: keyword, name: again }
      modelRefs: [{ model: base }]
      plugins: [{ type: response_cache, configuration: { enabled: true, scope: global } }]
    - name: pans
      priority: 20
      rules: { operator: AND, conditions: [{ type: embedding, name: pans }, { operator: NOT, conditions: [{ type: domain, name: law }] }] }
      modelRefs: [{ model: base, lora_name: pan-expert }]
      plugins: [{ type: system_prompt, configuration: { system_prompt: "You know pans." } }]
global:
  services: { management_api: { port: 0 } }
turnout:
  deadline_ms: 5000
  classifier: { ${classifier}, domain: { cascade: embedded } }
`;
}

let receiver: OtlpReceiver;
let kitchen: Kitchen;
const logged: string[] = [];
const simulators = new Map<Profile, GatewaySimulator>();

beforeAll(async () => {
  receiver = await startOtlpReceiver();
  kitchen = await startKitchen(config("backend: deterministic, workers: 1"), {
    env: env(receiver),
    logger: createLogger("trace", { write: (line) => void logged.push(line) }),
  });
  await kitchen.turnout.ready();
  for (const profile of ["envoy", "agentgateway"] as const)
    simulators.set(profile, new GatewaySimulator(kitchen.address("ExtProc"), profile));
});
afterAll(async () => {
  for (const each of simulators.values()) each.close();
  await kitchen.close();
  await receiver.close();
});
afterEach(() => {
  receiver.spans.length = 0;
});

interface Sent {
  readonly profile?: Profile;
  readonly headers?: readonly Header[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly model?: string;
  readonly path?: string;
}

const headersOf = (trace: Readonly<Record<string, string>>): Header[] => Object.entries(trace);
let serial = 0;

/** send sends one question that nobody has asked before, and answers it. */
function send(words: string, { profile = "envoy", headers = [], metadata = {}, model = "auto", path = "/v1/chat/completions" }: Sent = {}) {
  const text = `${words} ${SECRET}${(serial += 1)}`;
  const credentials: Header[] = [
    ["authorization", `Bearer ${KEY}`],
    ["x-authz-user-id", USER],
  ];
  return (simulators.get(profile) as GatewaySimulator).send(
    {
      path: `${path}?q=${SECRET}`,
      headers: [["content-type", "application/json"], ...credentials, ...headers],
      chunks: [Buffer.from(JSON.stringify({ model, user: USER, messages: [{ role: "user", content: text }] }))],
      announceLength: true,
    },
    () => ({
      headers: [["content-type", "application/json"]],
      chunks: [
        Buffer.from(
          JSON.stringify({
            model: "served-base-1",
            choices: [{ index: 0, message: { role: "assistant", content: SECRET }, finish_reason: "stop" }],
            usage: { prompt_tokens: 12, completion_tokens: 3, prompt_tokens_details: { cached_tokens: 8 } },
          }),
        ),
      ],
    }),
    { streamMetadata: metadata },
  );
}

const named = (name: string) => (span: ReceivedSpan) => span.name === name;
const REQUEST = "semantic_router.request.received";
const UPSTREAM = "semantic_router.upstream.request";

/** spansOf waits for a request's trace: its own span is the last to end. */
async function spansOf(sent: Promise<Outcome>) {
  const outcome = await sent;
  const spans = await receiver.until((all) => all.some(named(REQUEST)));
  const request = spans.find(named(REQUEST)) as ReceivedSpan;
  return { outcome, request, spans, tree: spanTree(spans, request.traceId), find: (name: string) => spans.find(named(name)) };
}

const signals = `  semantic_router.cache.lookup
  semantic_router.signal.evaluation
    semantic_router.signal.domain
      classifier.embedded
    semantic_router.signal.embedding
    semantic_router.signal.keyword
    classifier.queue
    classifier.tokenize
    classifier.compute`;
const decided = "  semantic_router.decision.evaluation";
const plugin = "  semantic_router.plugin.execution";
const forwarded = `  semantic_router.upstream.request
  semantic_router.response.processing`;

describe("the spans of a request", () => {
  it.each<[why: string, words: string, sent: Sent, tree: string]>([
    ["a decision, its plugin and its model", "which pan is best for", {}, [REQUEST, signals, decided, plugin, forwarded].join("\n")],
    ["no decision", "something else about", {}, [REQUEST, signals, decided, forwarded].join("\n")],
    ["an answer of our own", "hello", {}, [REQUEST, signals, decided, plugin].join("\n")],
    ["a model that the client named", "anything", { model: "law-expert" }, [REQUEST, forwarded].join("\n")],
    ["a model that nobody knows", "anything", { model: `no-${SECRET}` }, `${REQUEST} !`],
  ])("%s", async (_, words, sent, expected) => {
    const { tree } = await spansOf(send(words, sent));
    expect(tree).toBe(expected);
  });

  it("tell of the route and of the answer", async () => {
    const { request, find, spans } = await spansOf(send("something else about"));
    expect(request).toMatchObject({
      kind: "server",
      scope: "semantic-router",
      parentSpanId: "",
      resource: { "service.name": "turnout" },
      attributes: {
        "http.method": "POST",
        "http.path": "/v1/chat/completions",
        "http.response.status_code": 200,
        "routing.original_model": "auto",
        "decision.name": "",
      },
    });
    expect(find(UPSTREAM)).toMatchObject({
      kind: "client",
      attributes: {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "served-base",
        "gen_ai.response.model": "served-base-1",
        "gen_ai.response.finish_reasons": ["stop"],
        "gen_ai.response.time_to_first_chunk": expect.any(Number) as number,
        "gen_ai.usage.input_tokens": 12,
        "gen_ai.usage.output_tokens": 3,
        "gen_ai.usage.cache_read.input_tokens": 8,
        "gen_ai.usage.reasoning.output_tokens": 0,
        "model.name": "base",
        "routing.original_model": "auto",
      },
    });
    expect(find("semantic_router.signal.domain")?.attributes).toMatchObject({ "signal.type": "domain", "signal.tier": "embedded" });
    for (const span of spans) expect(span.events).toEqual([]);
    expect(spans.filter(({ start, end }) => end < start)).toEqual([]);
  });

  it("stand within the request's", async () => {
    const { request, spans } = await spansOf(send("which pan is best for"));
    for (const { name, start, end } of spans.filter((span) => span.traceId === request.traceId)) {
      expect([name, start >= request.start, end <= request.end]).toEqual([name, true, true]);
    }
  });

  it("share the batch's by link", async () => {
    const { request, find } = await spansOf(send("anything"));
    await receiver.until((all) => all.some(named("classifier.batch")));
    const batch = find("classifier.batch");
    expect(batch).toMatchObject({ parentSpanId: "", attributes: { "batch.size": 1, "model.name": "deterministic" } });
    expect(batch?.traceId).not.toBe(request.traceId);
    expect(batch?.links).toEqual([{ traceId: request.traceId, spanId: find("semantic_router.signal.evaluation")?.spanId }]);
    expect(find("classifier.compute")?.links).toEqual([{ traceId: batch?.traceId, spanId: batch?.spanId }]);
  });

  it("tell of the cache", async () => {
    const ask = () =>
      (simulators.get("envoy") as GatewaySimulator).send(
        { chunks: [Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content: `again ${SECRET}` }] }))] },
        () => ({ headers: [["content-type", "application/json"]], chunks: [Buffer.from(completionOf(SECRET))] }),
      );
    const { tree, spans } = await spansOf(ask());
    expect(tree.match(/cache\.lookup/g)).toHaveLength(2);
    expect(
      spans.filter(named("semantic_router.cache.lookup")).map(({ attributes }) => [attributes["cache.tier"], attributes["cache.hit"]]),
    ).toEqual(
      expect.arrayContaining([
        ["request", false],
        ["question", false],
      ]),
    );
    receiver.spans.length = 0;
    const again = await spansOf(ask());
    expect(again.outcome.upstream).toBeNull();
    expect(again.tree).toBe(`${REQUEST}\n  semantic_router.cache.lookup`);
    expect(again.find("semantic_router.cache.lookup")?.attributes).toMatchObject({
      "cache.tier": "request",
      "cache.hit": true,
      "cache.kind": "exact",
    });
    expect(again.request.attributes).toMatchObject({ "routing.answered_by": "cache", "http.response.status_code": 200 });
  });
});

describe("the parent", () => {
  it.each<[why: string, sent: Sent, parent: string, link: string | null, state: string | undefined]>([
    ["is Envoy's metadata", { metadata: metadataTrace, headers: headersOf(headerTrace) }, "1", "2", "from=metadata"],
    [
      "is agentgateway's header",
      { profile: "agentgateway", metadata: metadataTrace, headers: headersOf(headerTrace) },
      "2",
      "1",
      "from=header",
    ],
    ["is the client where Envoy does not trace", { headers: headersOf(headerTrace) }, "2", null, "from=header"],
    [
      "has no tracestate where Envoy's is empty, whatever the client's",
      { metadata: { ...metadataTrace, tracestate: "" }, headers: headersOf(headerTrace) },
      "1",
      "2",
      undefined,
    ],
  ])("%s", async (_, sent, parent, link, state) => {
    const { outcome, request, find } = await spansOf(send("anything", sent));
    expect([request.traceId, request.parentSpanId]).toEqual([traceId, parent.repeat(16)]);
    expect(request.links.map(({ spanId }) => spanId)).toEqual(link === null ? [] : [link.repeat(16)]);
    // The upstream is told of our own span, and of nobody else's.
    expect(outcome.upstream?.headers.get("traceparent")).toBe(`00-${traceId}-${find(UPSTREAM)?.spanId}-01`);
    expect(outcome.upstream?.headers.get("tracestate")).toBe(state);
  });

  it("begins a trace where nobody traces", async () => {
    const { outcome, request, find } = await spansOf(send("anything"));
    expect([request.parentSpanId, request.links]).toEqual(["", []]);
    expect(outcome.upstream?.headers.get("traceparent")).toBe(`00-${request.traceId}-${find(UPSTREAM)?.spanId}-01`);
  });

  it("that is not recorded is honoured, and the upstream told so", async () => {
    const { upstream } = await send("anything", { metadata: unsampled });
    expect(upstream?.headers.get("traceparent")).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`));
    const { spans } = await spansOf(send("anything"));
    expect(spans.filter((span) => span.traceId === traceId)).toEqual([]);
  });

  it("is the client's at Turnout's own HTTP gateway", async () => {
    const body = JSON.stringify({ model: "auto", messages: [{ role: "user", content: SECRET }] });
    const headers = { "content-type": "application/json", ...headerTrace };
    await fetch(`http://${kitchen.address("HTTP gateway")}/v1/chat/completions`, { method: "POST", headers, body });
    const spans = await receiver.until((all) => all.some(named(REQUEST)));
    expect(spans.find(named(REQUEST))).toMatchObject({ traceId, parentSpanId: "2".repeat(16) });
  });
});

describe("a classifier service", () => {
  it("goes on with the trace: from the front's call to what its threads did", async () => {
    const pool = createClassifierPool({ backend: "deterministic", workers: 1, onBatch: (batch) => tracing.onBatch(batch) });
    const tracing = await openTracing(
      {
        sink: { kind: "otlp_grpc", url: receiver.grpc },
        sampling: { kind: "always_on", ratio: 1, parentBased: true },
        resource: { "service.name": "turnout-classifier" },
        queue: { maxSpans: 1_000, maxBatchSpans: 512, delayMs: 5, timeoutMs: 1_000 },
        warnings: [],
      },
      { clock: systemClock, logger: silentLogger, onDropped: () => undefined },
    );
    const service = createClassifierServer({ classifier: tracing.served(pool), logger: silentLogger, metrics: createMetrics() });
    await pool.whenSettled();
    const port = await service.listen("127.0.0.1", 0);
    const front = await startKitchen(config(`endpoint: "127.0.0.1:${port}"`), { env: env(receiver) });
    await front.turnout.ready();
    const simulator = new GatewaySimulator(front.address("ExtProc"), "envoy");
    try {
      receiver.spans.length = 0;
      const chunks = [Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content: `remote ${SECRET}` }] }))];
      await simulator.send({ chunks }, () => ({ chunks: [Buffer.from("{}")] }), { streamMetadata: metadataTrace });
      const call = "classifier.v1.Classifier/Evaluate";
      const spans = await receiver.until((all) => all.some(named(REQUEST)) && all.filter(named(call)).length === 2);
      const tree = spanTree(spans, traceId);
      expect(tree).toContain(
        [call, `  ${call}`, "    classifier.queue", "    classifier.tokenize", "    classifier.compute"]
          .map((line) => `      ${line}`)
          .join("\n"),
      );
      // One parent is the gateway's; all others have arrived.
      expect(tree.match(/^\?.*$/gm)).toEqual([`? ${"1".repeat(16)}`]);
      const calls = spans.filter(named(call)).toSorted((a, b) => a.start - b.start);
      expect(calls.map(({ kind, resource }) => [kind, resource["service.name"]])).toEqual([
        ["client", "turnout"],
        ["server", "turnout-classifier"],
      ]);
    } finally {
      simulator.close();
      await front.close();
      await service.drain(0);
      await pool.close();
      await tracing.close(1_000);
    }
  });
});

describe("where nothing is traced", () => {
  it.each<[why: string, env: Record<string, string>]>([
    ["nothing asks for it", {}],
    ["the SDK is disabled", { OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9", OTEL_SDK_DISABLED: "true" }],
  ])("trace contexts pass as they came: %s", async (_, variables) => {
    const plain = await startKitchen(config("backend: deterministic, workers: 1"), { env: variables });
    const simulator = new GatewaySimulator(plain.address("ExtProc"), "envoy");
    try {
      const chunks = [Buffer.from(JSON.stringify({ model: "law-expert", messages: [{ role: "user", content: "hello" }] }))];
      const { upstream } = await simulator.send({ headers: headersOf(headerTrace), chunks }, () => ({ chunks: [Buffer.from("{}")] }));
      expect(upstream?.headers.get("traceparent")).toBe(headerTrace.traceparent);
      expect(upstream?.headers.get("tracestate")).toBe(headerTrace.tracestate);
    } finally {
      simulator.close();
      await plain.close();
    }
  });
});

describe("a collector that is not there", () => {
  it("changes nothing for clients, and is counted", async () => {
    const alone = await startKitchen(config("backend: deterministic, workers: 1"), {
      env: {
        OTEL_EXPORTER_OTLP_ENDPOINT: "http://127.0.0.1:9",
        OTEL_BSP_SCHEDULE_DELAY: "5",
        OTEL_BSP_EXPORT_TIMEOUT: "100",
      },
    });
    const simulator = new GatewaySimulator(alone.address("ExtProc"), "envoy");
    try {
      const chunks = [Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content: "anything" }] }))];
      for (let count = 0; count < 5; count += 1) {
        const { status, upstream } = await simulator.send({ chunks }, () => ({ chunks: [Buffer.from("{}")] }));
        expect([status, upstream?.headers.get("x-selected-model")]).toEqual([200, "base"]);
      }
      const dropped = async () => (await alone.metrics.traceSpansDropped.get()).values.reduce((sum, { value }) => sum + value, 0);
      await expect.poll(dropped, { timeout: 10_000 }).toBeGreaterThan(0);
    } finally {
      simulator.close();
      await alone.close();
    }
  });
});

it("Nothing that clients say, nor who they are, is in any span, metric or log line of all this", async () => {
  const told = [...receiver.bytes.map((bytes) => bytes.toString("latin1")), ...logged, await kitchen.metrics.registry.metrics()];
  expect(receiver.bytes.length).toBeGreaterThan(10);
  expect(logged.length).toBeGreaterThan(10);
  for (const secret of [SECRET, KEY, USER]) expect(told.filter((text) => text.includes(secret))).toEqual([]);
});
