// oxlint-disable vitest/no-standalone-expect -- the checks in the table run inside it.each

import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import {
  GatewaySimulator,
  type ClientRequest,
  type GatewaySettings,
  type Outcome,
  type Profile,
  type UpstreamRequest,
} from "./gateway-simulator.ts";
import { jsonReply, limits, type Script, type Walk } from "./scripted-exchange.ts";
import { startServer, type ServerUnderTest } from "./server-under-test.ts";

const json = (model: string, extra = ""): Buffer =>
  Buffer.from(`{"n":12345678901234567890,"model":"${model}","z":1.0,"a":"caf\u00e9 \u2713 \\u0041"${extra},"z":2}`);
const auto = json("auto");
const routed = json("expert").toString();
const sse = ['data: {"a":1}\n\n', 'data: {"usage":{"total_tokens":7}}\n\n', "data: [DONE]\n\n"].map((text) => Buffer.from(text));
const sseUpstream = { headers: [["content-type", "text/event-stream"]] as const, chunks: sse };

const cut = (body: Buffer, size: number): Buffer[] =>
  Array.from({ length: Math.ceil(body.length / size) }, (_, index) => body.subarray(index * size, (index + 1) * size));

const envoy = { profiles: ["envoy"] } as const;
const agentgateway = { profiles: ["agentgateway"] } as const;
const duplex = { requestBodyMode: "FULL_DUPLEX_STREAMED" } as const;

interface Case {
  readonly name: string;
  readonly profiles?: readonly Profile[];
  readonly settings?: Partial<GatewaySettings>;
  readonly limits?: Partial<typeof limits>;
  readonly request?: ClientRequest;
  readonly upstream?: (
    request: UpstreamRequest,
  ) => Parameters<GatewaySimulator["send"]>[1] extends (r: UpstreamRequest) => infer R ? R : never;
  readonly script?: Script;
  check(seen: { outcome: Outcome; walk: Walk; profile: Profile; reading: ServerUnderTest["reading"] }): void | Promise<void>;
}

const body = { chunks: [auto] };
const routedRight: Case["check"] = ({ outcome }) => {
  expect(outcome.upstream?.body.toString()).toBe(routed);
  expect(outcome.upstream?.headers.get("x-selected-model")).toBe("expert");
  expect(outcome.upstream?.rerouted).toBe(true);
};

/** Numbers are those of the case list the server is built to; see docs of the gateways' behaviour. */
const cases: Case[] = [
  {
    name: "1: BUFFERED, only the model changes and content-length is the new body's",
    request: body,
    check(seen) {
      routedRight(seen);
      expect(seen.outcome.upstream?.headers.get("content-length")).toBe(String(routed.length + 3));
      expect(seen.outcome.upstream?.headers.get("accept-encoding")).toBe("identity");
    },
  },
  {
    name: "1: BUFFERED, a chunked request is given a content-length",
    request: { chunks: cut(auto, 20), announceLength: false },
    check: routedRight,
  },
  {
    name: "2: an explicit model goes on untouched, no mutation in its body's answer",
    request: { chunks: [json("other")] },
    check({ outcome }) {
      expect(outcome.upstream?.body).toEqual(json("other"));
      expect(outcome.upstream?.headers.get("content-length")).toBe(String(json("other").length));
      expect(outcome.upstream?.headers.has("x-selected-model")).toBe(false);
    },
  },
  {
    name: "3: clear_route_cache is left unset when the configuration says so",
    limits: { clearRouteCache: false },
    request: body,
    check: ({ outcome }) => expect(outcome.upstream?.rerouted).toBe(false),
  },
  {
    name: "3: client headers are removed and overwritten",
    request: {
      chunks: [auto],
      headers: [
        ["x-vsr-selected-model", "spoofed"],
        ["x-selected-model", "spoofed"],
      ],
    },
    check({ outcome }) {
      expect(outcome.upstream?.headers.has("x-vsr-selected-model")).toBe(false);
      expect(outcome.upstream?.headers.get("x-selected-model")).toBe("expert");
    },
  },
  { name: "4: full duplex, the head's answer waits for the body", settings: duplex, request: body, check: routedRight },
  {
    name: "4: full duplex, a large body is answered in chunks of at most 64 KiB",
    settings: duplex,
    request: { chunks: cut(json("auto", `,"p":"${"x".repeat(300_000)}"`), 50_000) },
    check({ outcome }) {
      expect(outcome.upstream?.body).toEqual(json("expert", `,"p":"${"x".repeat(300_000)}"`));
      expect(outcome.wire.filter((entry) => entry === "<requestBody")).toHaveLength(5);
    },
  },
  {
    name: "4: full duplex, trailers instead of end_of_stream",
    settings: duplex,
    request: { chunks: cut(auto, 10), trailers: [["x-checksum", "1"]] },
    check(seen) {
      routedRight(seen);
      expect(seen.outcome.wire).toContain("<requestTrailers");
    },
  },
  {
    name: "4: full duplex, nothing but trailers",
    settings: duplex,
    request: { chunks: [], trailers: [["x-checksum", "1"]] },
    check({ outcome, walk }) {
      expect(walk.body).toBe("");
      expect(outcome.upstream?.body).toHaveLength(0);
    },
  },
  {
    name: "4: full duplex, an empty body",
    settings: duplex,
    request: { chunks: [] },
    check: ({ outcome }) => expect(outcome.upstream?.body).toHaveLength(0),
  },
  {
    name: "5: full duplex without need to mutate echoes the body",
    settings: duplex,
    request: { chunks: cut(json("other"), 7) },
    check: ({ outcome }) => expect(outcome.upstream?.body).toEqual(json("other")),
  },
  {
    name: "5: full duplex pass-through echoes chunk by chunk, and its head is answered at once",
    settings: duplex,
    request: { path: "/v1/files", chunks: cut(auto, 30), trailers: [["x-t", "1"]] },
    check({ outcome, walk }) {
      expect(outcome.upstream?.body).toEqual(auto);
      expect(walk.body).toBeNull();
    },
  },
  {
    ...envoy,
    name: "6: STREAMED, chunks are swallowed and the last answer brings the result",
    settings: { requestBodyMode: "STREAMED" },
    request: { chunks: cut(auto, 10), announceLength: false },
    check: ({ outcome }) => expect(outcome.upstream?.body.toString()).toBe(routed),
  },
  {
    ...envoy,
    name: "6: STREAMED without need to mutate gives the swallowed chunks back",
    settings: { requestBodyMode: "STREAMED" },
    request: { chunks: cut(json("other"), 10), announceLength: false },
    check: ({ outcome }) => expect(outcome.upstream?.body).toEqual(json("other")),
  },
  {
    ...envoy,
    name: "6: STREAMED routes although streamed_body is off",
    settings: { requestBodyMode: "STREAMED" },
    limits: { streamedBody: false },
    request: { chunks: cut(auto, 10) },
    check: ({ outcome }) => expect(outcome.upstream?.body.toString()).toBe(routed),
  },
  {
    name: "6: STREAMED, a compressed body in several chunks keeps the bytes that its head speaks of",
    ...envoy,
    settings: { requestBodyMode: "STREAMED" },
    request: { chunks: cut(auto, 15), headers: [["content-encoding", "gzip"]] },
    async check({ outcome, walk, reading }) {
      expect(outcome.upstream?.body).toEqual(auto);
      expect(outcome.upstream?.headers.get("content-encoding")).toBe("gzip");
      expect(walk.body).toBeNull();
      expect(await reading("turnout_unrouted_bodies_total", { reason: "streamed_encoding" })).toBe(1);
    },
  },
  {
    ...envoy,
    name: "6: STREAMED with content-length is complete without end_of_stream, so trailers do no harm",
    settings: { requestBodyMode: "STREAMED" },
    request: { chunks: cut(auto, 10), headers: [["content-length", String(auto.length)]], trailers: [["x-t", "1"]] },
    check: ({ outcome }) => expect(outcome.upstream?.body.toString()).toBe(routed),
  },
  {
    ...envoy,
    name: "6: STREAMED without content-length but with trailers is refused instead of losing the body",
    settings: { requestBodyMode: "STREAMED" },
    request: { chunks: cut(auto, 10), trailers: [["x-t", "1"]] },
    check: ({ outcome }) => expect(outcome.status).toBe(400),
  },
  {
    name: "7: GET is answered without waiting for a body",
    request: { method: "GET", path: "/v1/models" },
    check({ outcome, walk }) {
      expect(outcome.upstream?.method).toBe("GET");
      expect(walk.head?.endOfStream).toBe(true);
    },
  },
  {
    name: "7: GET in full duplex",
    settings: duplex,
    request: { method: "GET", path: "/v1/models" },
    check: ({ outcome }) => expect(outcome.status).toBe(200),
  },
  {
    name: "7: POST without body",
    settings: duplex,
    request: {},
    check({ outcome, walk }) {
      expect(outcome.status).toBe(200);
      expect(walk.body).toBeNull();
    },
  },
  {
    name: "8: headers skipped, BUFFERED",
    settings: { sendRequestHeaders: false, attributes: { "request.method": "POST", "request.path": "/v1/chat/completions?x=1" } },
    request: body,
    check({ outcome, walk }) {
      expect(outcome.upstream?.body.toString()).toBe(routed);
      expect(walk.head).toMatchObject({ method: "POST", path: "/v1/chat/completions?x=1" });
    },
  },
  {
    name: "8: headers skipped, full duplex, no attributes",
    settings: { ...duplex, sendRequestHeaders: false },
    request: { chunks: cut(auto, 25) },
    check: ({ outcome }) => expect(outcome.upstream?.body.toString()).toBe(routed),
  },
  {
    name: "8: headers skipped, and attributes name a path that is not ours",
    settings: { sendRequestHeaders: false, attributes: { "request.path": "/upload" } },
    request: body,
    check: ({ outcome }) => expect(outcome.upstream?.body).toEqual(auto),
  },
  {
    name: "9: pseudo headers are found wherever they stand",
    request: { chunks: [auto], headers: [["x-one", "1"]] },
    check: ({ walk }) =>
      expect(walk.head).toMatchObject({
        method: "POST",
        path: "/v1/chat/completions",
        headers: [
          ["x-one", "1"],
          ["content-length", expect.anything()],
        ],
      }),
  },
  {
    name: "10: forbidden headers are never written, :path may be",
    script: {
      body: () => ({
        kind: "forward",
        changes: {
          set: [
            ["host", "evil"],
            [":authority", "evil"],
            [":method", "DELETE"],
            [":scheme", "x"],
            ["x-envoy-retry-on", "5xx"],
            ["content-length", "3"],
            [":path", "/v2/chat"],
            ["x-ok", "a\r\nb"],
          ],
          remove: ["host", ":path"],
        },
        body: null,
        backendModel: null,
      }),
    },
    request: body,
    check({ outcome }) {
      expect(outcome.upstream?.path).toBe("/v2/chat");
      expect(outcome.upstream?.method).toBe("POST");
      expect(outcome.upstream?.headers.get("x-ok")).toBe("a b");
    },
  },
  ...(["BUFFERED", "FULL_DUPLEX_STREAMED"] as const).flatMap((requestBodyMode): Case[] => [
    {
      name: `11: ${requestBodyMode}, our own response to the head`,
      settings: { requestBodyMode },
      script: { head: () => ({ kind: "reply", reply: jsonReply(429, "budget") }) },
      request: body,
      check({ outcome }) {
        expect(outcome).toMatchObject({ status: 429, upstream: null, body: '{"error":{"message":"budget","code":429}}' });
        expect(outcome.headers.get("content-type")).toBe("application/json");
      },
    },
    {
      name: `11: ${requestBodyMode}, our own response to the body, with a status Envoy has no name for`,
      settings: { requestBodyMode },
      script: { body: () => ({ kind: "reply", reply: jsonReply(499, "gone") }) },
      request: body,
      check: ({ outcome }) => expect(outcome).toMatchObject({ status: 499, upstream: null }),
    },
    {
      name: `12: ${requestBodyMode}, a cached event stream`,
      settings: { requestBodyMode },
      script: {
        body: () => ({
          kind: "reply",
          reply: {
            status: 200,
            headers: [["content-type", "text/event-stream"]],
            body: 'data: {"c":"\ud800"}\n\ndata: [DONE]\n\n',
            details: "cache",
          },
        }),
      },
      request: body,
      check({ outcome }) {
        expect(outcome.body.endsWith("data: [DONE]\n\n")).toBe(true);
        expect(outcome.headers.get("content-type")).toBe("text/event-stream");
      },
    },
    {
      name: `20: ${requestBodyMode}, a body over the limit is 413`,
      settings: { requestBodyMode },
      limits: { maxBodyBytes: 100_000 },
      request: { chunks: cut(json("auto", `,"p":"${"x".repeat(200_000)}"`), 30_000) },
      check: ({ outcome, walk }) => {
        expect(outcome).toMatchObject({ status: 413, upstream: null });
        expect(walk.body).toBeNull();
      },
    },
    {
      name: `20: ${requestBodyMode}, 10 MB and malformed`,
      settings: { requestBodyMode },
      limits: { maxBodyBytes: 20_000_000 },
      request: { chunks: cut(Buffer.alloc(10_000_000, "{"), 400_000) },
      check: ({ outcome }) => expect(outcome.upstream?.body.length).toBe(10_000_000),
    },
    {
      name: `20: ${requestBodyMode}, no room for held bytes: the body passes unrouted and is counted`,
      settings: { requestBodyMode },
      limits: { maxHeldBytes: 40 },
      request: { chunks: cut(auto, 15) },
      async check({ outcome, reading }) {
        expect(outcome.upstream?.body).toEqual(auto);
        expect(await reading("turnout_unrouted_bodies_total", { reason: "held_bytes" })).toBe(1);
      },
    },
    {
      name: `19: ${requestBodyMode}, a router that throws everywhere lets the request through`,
      settings: { requestBodyMode },
      script: {
        wantsResponseHead: true,
        responseBody: "observe",
        body: () => Promise.reject(new Error("broken")),
        responseHead: () => {
          throw new Error("broken");
        },
        onResponseChunk: () => {
          throw new Error("broken");
        },
      },
      request: { chunks: cut(auto, 40) },
      async check({ outcome, reading }) {
        expect(outcome.upstream?.body).toEqual(auto);
        expect(outcome.body).toBe("{}");
        expect(await reading("extproc_stream_errors_total", { reason: "internal" })).toBeGreaterThan(1);
      },
    },
    {
      name: `28: ${requestBodyMode}, our own output seen again passes`,
      settings: { requestBodyMode },
      request: { chunks: [Buffer.from(routed)], headers: [["x-selected-model", "expert"]] },
      check: ({ outcome }) => expect(outcome.upstream?.body.toString()).toBe(routed),
    },
    {
      name: `22: ${requestBodyMode}, the model is published as dynamic metadata under a namespace`,
      settings: { requestBodyMode },
      request: body,
      check: ({ outcome }) => expect(outcome.metadata.get("turnout.model")).toBe("expert"),
    },
  ]),
  {
    ...envoy,
    name: "20: STREAMED, no room for held bytes: the swallowed chunks come back",
    settings: { requestBodyMode: "STREAMED" },
    limits: { maxHeldBytes: 40 },
    request: { chunks: cut(auto, 15), announceLength: false },
    check: ({ outcome }) => expect(outcome.upstream?.body).toEqual(auto),
  },
  {
    name: "19: a router that throws at the head lets the request through",
    script: {
      head: () => {
        throw new Error("broken");
      },
    },
    request: body,
    check: ({ outcome }) => expect(outcome.upstream?.body).toEqual(auto),
  },
  {
    ...envoy,
    name: "13: an observed event stream is switched to STREAMED",
    script: { responseBody: "observe", responseHead: () => ({ set: [["x-vsr-selected-model", "m"]], remove: [] }) },
    request: body,
    upstream: () => ({ ...sseUpstream, headers: [...sseUpstream.headers, ["content-length", "70"]] }),
    check({ outcome, walk }) {
      expect(outcome.chunks.filter((chunk) => chunk.length > 0)).toEqual(sse);
      expect(outcome.headers.has("content-length")).toBe(false);
      expect(outcome.headers.get("x-vsr-selected-model")).toBe("m");
      expect(walk).toMatchObject({ responseBody: Buffer.concat(sse).toString(), responseEnded: true });
    },
  },
  {
    ...agentgateway,
    name: "13: an observed event stream is switched to FULL_DUPLEX_STREAMED",
    script: { responseBody: "observe", wantsResponseHead: true },
    request: body,
    upstream: () => ({ ...sseUpstream, headers: [...sseUpstream.headers, ["content-length", "70"]] }),
    check({ outcome, walk }) {
      expect(outcome.chunks.filter((chunk) => chunk.length > 0)).toEqual(sse);
      expect(outcome.headers.has("content-length")).toBe(false);
      expect(walk).toMatchObject({ responseBody: Buffer.concat(sse).toString(), responseEnded: true });
    },
  },
  {
    name: "13: overrides refused by the gateway: the event stream passes all the same",
    settings: { allowModeOverride: false },
    script: { responseBody: "observe", wantsResponseHead: true },
    request: body,
    upstream: () => sseUpstream,
    check({ outcome, walk }) {
      expect(outcome.body).toBe(Buffer.concat(sse).toString());
      expect(walk.responseBody).toBe(outcome.body);
    },
  },
  {
    name: "13: the configured gateway beats the guess",
    limits: { gateway: "agentgateway" },
    ...agentgateway,
    script: { responseBody: "observe" },
    request: body,
    upstream: () => sseUpstream,
    check: ({ outcome }) => expect(outcome.chunks.length).toBeGreaterThan(2),
  },
  {
    name: "13: full duplex both ways",
    settings: { ...duplex, responseBodyMode: "FULL_DUPLEX_STREAMED" },
    script: { responseBody: "observe" },
    request: body,
    upstream: () => ({ ...sseUpstream, trailers: [["x-t", "1"]] }),
    check({ outcome, walk }) {
      expect(outcome.chunks.filter((chunk) => chunk.length > 0)).toEqual(sse);
      expect(walk).toMatchObject({ responseBody: outcome.body, responseEnded: true });
    },
  },
  {
    name: "13: a full-duplex request with a buffered event stream",
    settings: duplex,
    script: { responseBody: "observe" },
    request: body,
    upstream: () => sseUpstream,
    check({ outcome, walk }) {
      expect(outcome.body).toBe(Buffer.concat(sse).toString());
      expect(walk.responseBody).toBe(outcome.body);
    },
  },
  {
    name: "14: a buffered JSON response is observed and unchanged",
    script: { responseBody: "observe" },
    request: body,
    upstream: () => ({ chunks: [Buffer.from('{"usage":{"total_tokens":3}}')] }),
    check({ outcome, walk }) {
      expect(outcome.body).toBe('{"usage":{"total_tokens":3}}');
      expect(outcome.headers.get("content-length")).toBe("28");
      expect(walk).toMatchObject({ responseBody: outcome.body, responseEnded: true });
    },
  },
  {
    name: "14: a large response in full duplex",
    settings: { responseBodyMode: "FULL_DUPLEX_STREAMED" },
    script: { responseBody: "observe" },
    request: body,
    upstream: () => ({ chunks: cut(Buffer.alloc(3_000_000, "y"), 417_792) }),
    check({ outcome, walk }) {
      expect(outcome.body.length).toBe(3_000_000);
      expect(walk.responseBody.length).toBe(3_000_000);
    },
  },
  {
    name: "14: response trailers are answered as trailers",
    script: { responseBody: "observe" },
    request: body,
    upstream: () => ({ chunks: [Buffer.from("{}")], trailers: [["grpc-status", "0"]] }),
    check({ outcome, walk }) {
      expect(outcome.wire.at(-1)).toBe("<responseTrailers");
      expect(walk).toMatchObject({ responseBody: "{}", responseEnded: true });
    },
  },
  {
    name: "14: a response without body ends the observation",
    script: { responseBody: "observe" },
    request: body,
    upstream: () => ({ status: 204, headers: [], chunks: [] }),
    check: ({ outcome, walk }) => {
      expect(outcome.status).toBe(204);
      expect(walk.responseEnded).toBe(true);
    },
  },
  {
    name: "phases nobody needs are skipped: a pass-through costs one message each way",
    request: { path: "/v1/files", chunks: [auto] },
    check({ outcome }) {
      expect(outcome.wire).toEqual([">requestHeaders", "<requestHeaders"]);
      expect(outcome.upstream?.body).toEqual(auto);
    },
  },
  {
    name: "phases nobody needs are skipped: a routed request costs two",
    request: body,
    check: ({ outcome }) =>
      expect(outcome.wire).toEqual([">requestHeaders", "<requestHeaders", `>requestBody(${auto.length})$`, "<requestBody"]),
  },
  {
    name: "phases nobody needs are skipped: the response's body, when only its head is wanted",
    script: { responseHead: () => ({ set: [["x-vsr-selected-model", "m"]], remove: [] }) },
    request: body,
    check({ outcome }) {
      expect(outcome.wire.slice(4)).toEqual([">responseHeaders", "<responseHeaders"]);
      expect(outcome.headers.get("x-vsr-selected-model")).toBe("m");
    },
  },
  {
    name: "overrides refused: every message is answered",
    settings: { allowModeOverride: false },
    request: { path: "/v1/files", chunks: [auto] },
    check: ({ outcome }) => expect(outcome.wire.filter((entry) => entry.startsWith("<"))).toHaveLength(4),
  },
  {
    name: "NONE is overridden to BUFFERED when the body is wanted",
    settings: { requestBodyMode: "NONE" },
    request: body,
    check: routedRight,
  },
  {
    name: "NONE that stays NONE is counted as unrouted",
    settings: { requestBodyMode: "NONE", allowModeOverride: false },
    request: body,
    async check({ outcome, reading }) {
      expect(outcome.upstream?.body).toEqual(auto);
      expect(await reading("turnout_unrouted_bodies_total", { reason: "no_body" })).toBe(1);
    },
  },
  {
    name: "26: BUFFERED with trailers, the body's answer does not wait for end_of_stream",
    request: { chunks: [auto], trailers: [["x-t", "1"]] },
    check(seen) {
      routedRight(seen);
      expect(seen.outcome.wire).toContain("<requestTrailers");
    },
  },
  {
    name: "26: BUFFERED_PARTIAL, a whole body is routed",
    settings: { requestBodyMode: "BUFFERED_PARTIAL" },
    request: body,
    check: routedRight,
  },
  {
    name: "26: BUFFERED_PARTIAL, a whole body before trailers is known by its content-length",
    settings: { requestBodyMode: "BUFFERED_PARTIAL" },
    request: { chunks: [auto], headers: [["content-length", String(auto.length)]], trailers: [["x-t", "1"]] },
    check: routedRight,
  },
  {
    name: "26: BUFFERED_PARTIAL, a prefix is not routed, and counted",
    settings: { requestBodyMode: "BUFFERED_PARTIAL", bufferLimit: 50 },
    request: body,
    async check({ outcome, walk, reading }) {
      expect(outcome.upstream?.body).toEqual(auto);
      expect(walk.body).toBeNull();
      expect(await reading("turnout_unrouted_bodies_total", { reason: "partial_body" })).toBe(1);
    },
  },
  {
    ...envoy,
    name: "an old gateway that tells no modes, BUFFERED",
    settings: { tellsModes: false },
    script: { responseBody: "observe" },
    request: body,
    check({ outcome }) {
      expect(outcome.upstream?.body.toString()).toBe(routed);
      expect(outcome.upstream?.headers.get("content-length")).toBe(String(outcome.upstream?.body.length));
    },
  },
  {
    ...envoy,
    name: "an old gateway that tells no modes, STREAMED",
    settings: { tellsModes: false, requestBodyMode: "STREAMED", responseBodyMode: "STREAMED" },
    request: { chunks: cut(auto, 10), announceLength: false },
    check: ({ outcome }) => expect(outcome.upstream?.body.toString()).toBe(routed),
  },
];

describe.each(["envoy", "agentgateway"] as const)("as %s", (profile) => {
  let under: ServerUnderTest;
  let gateway: GatewaySimulator;

  beforeAll(async () => {
    under = await startServer();
    gateway = new GatewaySimulator(under.address, profile);
  });
  afterAll(async () => {
    gateway.close();
    await under.server.drain(1000);
  });
  afterEach(() => under.metrics.registry.resetMetrics());

  it.each(cases.filter((one) => one.profiles?.includes(profile) ?? true))("$name", async (one) => {
    under.exchanges.script = one.script ?? {};
    under.exchanges.limits_ = { ...limits, ...one.limits };
    const upstream = one.upstream ?? (() => ({}));
    const outcome = await gateway.send(one.request ?? {}, upstream, one.settings);
    await one.check({ outcome, walk: under.exchanges.last, profile, reading: under.reading });
    // Nothing may stay behind, whatever the case did.
    await expect.poll(() => under.server.openStreams, { interval: 1 }).toBe(0);
    expect(await under.reading("extproc_held_bytes")).toBe(0);
    expect(under.exchanges.last.closed).toBe(1);
    expect(await under.reading("extproc_cancelled_streams_total")).toBe(0);
  });

  it("routes the same whatever byte a body is split at", async () => {
    under.exchanges.script = {};
    under.exchanges.limits_ = limits;
    const modes = profile === "envoy" ? (["FULL_DUPLEX_STREAMED", "STREAMED"] as const) : (["FULL_DUPLEX_STREAMED"] as const);
    for (const requestBodyMode of modes) {
      for (let at = 0; at <= auto.length; at += 1) {
        const chunks = [auto.subarray(0, at), auto.subarray(at)];
        const outcome = await gateway.send({ chunks, announceLength: at % 2 === 0 }, () => ({}), { requestBodyMode });
        expect(outcome.upstream?.body.toString()).toBe(routed);
      }
    }
  });

  it("refuses a body that never ends with 408", async () => {
    under.exchanges.script = {};
    under.exchanges.limits_ = { ...limits, bodyTimeoutMs: 30 };
    const conversation = gateway.converse();
    const headers = { headers: [{ key: ":path", rawValue: Buffer.from("/v1/chat/completions") }] };
    conversation.write({ requestHeaders: { headers }, protocolConfig: { requestBodyMode: "FULL_DUPLEX_STREAMED" } });
    conversation.write({ requestBody: { body: auto.subarray(0, 10) } });
    const answer = await conversation.next();
    expect(answer.immediateResponse?.status?.code).toBe(408);
    // Nothing follows an immediate response.
    conversation.write({ requestBody: { body: auto.subarray(10), endOfStream: true } });
    conversation.write({ requestTrailers: {} });
    conversation.halfClose();
    await conversation.ended();
    expect(conversation.pending).toBe(0);
  });

  it("answers nothing in observability mode, but looks at everything", async () => {
    under.exchanges.script = { responseBody: "observe", wantsResponseHead: true };
    under.exchanges.limits_ = limits;
    const conversation = gateway.converse();
    const headers = { headers: [{ key: ":path", rawValue: Buffer.from("/v1/chat/completions") }] };
    conversation.write({ requestHeaders: { headers }, observabilityMode: true, protocolConfig: { requestBodyMode: "STREAMED" } });
    conversation.write({ requestBody: { body: auto, endOfStream: true }, observabilityMode: true });
    conversation.write({ responseHeaders: { headers: { headers: [] } }, observabilityMode: true });
    conversation.write({ responseBody: { body: Buffer.from("{}"), endOfStream: true }, observabilityMode: true });
    await expect.poll(() => under.exchanges.last.responseEnded).toBe(true);
    conversation.halfClose();
    expect((await conversation.ended()).code).toBe(0);
    expect(conversation.pending).toBe(0);
    expect(under.exchanges.last.body).toBe(auto.toString());
  });

  it("ignores and counts messages it does not know, and stays usable", async () => {
    under.exchanges.script = {};
    under.exchanges.limits_ = limits;
    const conversation = gateway.converse();
    conversation.write({});
    conversation.write({ requestHeaders: { headers: { headers: [] }, endOfStream: true } });
    expect((await conversation.next()).response).toBe("requestHeaders");
    conversation.halfClose();
    expect((await conversation.ended()).code).toBe(0);
    expect(await under.reading("extproc_stream_errors_total", { reason: "unknown_message" })).toBe(1);
  });

  it("hands GRPC bodies on message by message, with their flags", async () => {
    under.exchanges.script = {};
    under.exchanges.limits_ = limits;
    const conversation = gateway.converse();
    const headers = { headers: [{ key: ":path", rawValue: Buffer.from("/v1/chat/completions") }] };
    conversation.write({ requestHeaders: { headers }, protocolConfig: { requestBodyMode: "GRPC", responseBodyMode: "GRPC" } });
    expect((await conversation.next()).response).toBe("requestHeaders");
    conversation.write({ requestBody: { body: auto, grpcMessageCompressed: true } });
    const answer = await conversation.next();
    expect(answer.requestBody?.response?.bodyMutation?.streamedResponse).toMatchObject({ body: auto, grpcMessageCompressed: true });
    conversation.write({ responseBody: { endOfStream: true, endOfStreamWithoutMessage: true } });
    const end = await conversation.next();
    expect(end.responseBody?.response?.bodyMutation?.streamedResponse).toMatchObject({
      endOfStream: true,
      endOfStreamWithoutMessage: true,
    });
    conversation.reset();
  });

  it("keeps answers in order and streams apart when decisions finish out of order", async () => {
    under.exchanges.limits_ = limits;
    const gates = new Map<string, () => void>();
    under.exchanges.script = {
      body: async (bytes, _options, head) => {
        const name = head.headers.find(([key]) => key === "x-name")?.[1] ?? "";
        await new Promise<void>((resolve) => gates.set(name, resolve));
        return { kind: "forward", changes: { set: [["x-who", name]], remove: [] }, body: bytes, backendModel: null };
      },
    };
    const names = ["a", "b", "c", "d"];
    const pending = names.map((name) => gateway.send({ chunks: [Buffer.from(name)], headers: [["x-name", name]] }, () => ({})));
    await expect.poll(() => gates.size, { interval: 1 }).toBe(4);
    for (const name of names.toReversed()) gates.get(name)?.();
    const outcomes = await Promise.all(pending);
    expect(outcomes.map(({ upstream }) => [upstream?.headers.get("x-who"), upstream?.body.toString()])).toEqual(
      names.map((name) => [name, name]),
    );
  });
});

describe("a router that cannot even be opened", () => {
  it("lets requests through", async () => {
    const under = await startServer({
      exchanges: {
        open: () => {
          throw new Error("broken");
        },
        limits: () => limits,
      },
    });
    const gateway = new GatewaySimulator(under.address, "agentgateway");
    const outcome = await gateway.send({ chunks: [auto] }, () => ({}), { allowModeOverride: false });
    expect(outcome.upstream?.body).toEqual(auto);
    gateway.close();
    await under.server.drain(1000);
  });
});
