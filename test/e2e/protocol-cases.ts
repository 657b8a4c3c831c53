/**
 * The cases a compatible ExtProc server must pass behind Envoy, as data: what the client sends through which listener, what reaches the
 * upstream, what comes back. Numbers are those of the project's list of gateway cases (E: real Envoy, B: both gateways); protocol.test.ts
 * runs them.
 */
import type { ClientRequest } from "./client.ts";
import type { AccessLogEntry, ListenerName } from "./envoy-config.ts";
import { CHOSEN_MODEL } from "./scripted-exchange.ts";
import { completionFor, sseEvents } from "./upstream.ts";

export interface ProtocolCase {
  readonly number: number;
  readonly name: string;
  readonly listener: ListenerName;
  readonly request: ClientRequest;
  readonly status: number;
  /** null: nothing reached an upstream. */
  readonly upstream: null | {
    readonly name: "general" | "math";
    /** Exact bytes; left out: the request's own. */
    readonly body?: string;
    readonly method?: string;
    readonly path?: string;
    /** undefined as a value: the header must be absent. */
    readonly headers?: Readonly<Record<string, string | undefined>>;
    readonly trailers?: Readonly<Record<string, string>>;
  };
  readonly responseHeaders?: Readonly<Record<string, string | undefined>>;
  readonly responseBody?: string;
  /** What the exchange observed of the response. */
  readonly observed?: string;
  /** Envoy's own words for what happened, from its access log. */
  readonly access?: Partial<AccessLogEntry>;
}

/** JSON that no parser would write back as it came: a 64-bit integer, spaces, an escape, key order, a nested model. */
const bodyFor = (model: string, text: string, stream = false): string =>
  `{ "seed":9007199254740993, "model":"${model}","temperature":1.0,${stream ? '"stream":true,' : ""}\n` +
  `"messages":[{"role":"user","content":"${text}"}],"metadata":{"model":"inner","z":1,"a":[ ]},"user":"caf\\u00e9 ü" }`;

const question = "Which equation describes a pendulum?";
const auto = bodyFor("auto", question);
const routed = bodyFor(CHOSEN_MODEL, question);
const explicit = bodyFor("base-model", question);
const streamed = bodyFor("auto", question, true);
const streamedRouted = bodyFor(CHOSEN_MODEL, question, true);
const length = (text: string): string => String(Buffer.byteLength(text));

/** Three bytes per character, so that a cut every 64 KiB falls inside one. */
const longText = "equation ".concat("€".repeat(100_000));
const longAuto = bodyFor("auto", longText);
const longRouted = bodyFor(CHOSEN_MODEL, longText);
const hugeAuto = bodyFor("auto", "x".repeat(5 << 20));
const hugeRouted = bodyFor(CHOSEN_MODEL, "x".repeat(5 << 20));
const overLimit = bodyFor("auto", "x".repeat(9 << 20));

const sse = sseEvents.join("");
const selected = { "x-vsr-selected-model": CHOSEN_MODEL };
const script = (name: string) => ({ "x-script": name });

export const protocolCases: readonly ProtocolCase[] = [
  {
    number: 1,
    name: "BUFFERED: only the model's bytes change, content-length is the new length",
    listener: "buffered",
    request: { body: auto },
    status: 200,
    upstream: { name: "math", body: routed, headers: { "content-length": length(routed), "transfer-encoding": undefined } },
    responseHeaders: selected,
  },
  {
    number: 1,
    name: "BUFFERED: a body sent without content-length gets one",
    listener: "buffered",
    request: { parts: [auto.slice(0, 40), auto.slice(40)] },
    status: 200,
    upstream: { name: "math", body: routed, headers: { "content-length": length(routed) } },
  },
  {
    number: 1,
    name: "BUFFERED without mode override: the same",
    listener: "bufferedNoOverride",
    request: { body: auto },
    status: 200,
    upstream: { name: "math", body: routed, headers: { "content-length": length(routed) } },
    responseHeaders: selected,
  },
  {
    number: 1,
    name: "BUFFERED_PARTIAL: a complete body is routed",
    listener: "bufferedPartial",
    request: { body: auto },
    status: 200,
    upstream: { name: "math", body: routed },
  },
  {
    number: 2,
    name: "BUFFERED: a concrete model is forwarded byte for byte",
    listener: "buffered",
    request: { body: explicit },
    status: 200,
    upstream: { name: "general", headers: { "content-length": length(explicit), "x-selected-model": undefined } },
  },
  {
    number: 3,
    name: "the route is chosen again by x-selected-model, whatever the client sent in it",
    listener: "buffered",
    request: { body: auto, headers: { "x-selected-model": "forged" } },
    status: 200,
    upstream: { name: "math", body: routed, headers: { "x-selected-model": CHOSEN_MODEL } },
  },
  {
    number: 3,
    name: "NONE with an override to BUFFERED: body rewritten and rerouted",
    listener: "headersOnly",
    request: { body: auto },
    status: 200,
    upstream: { name: "math", body: routed, headers: { "content-length": length(routed) } },
    responseHeaders: selected,
  },
  {
    number: 4,
    name: "FULL_DUPLEX: rewritten and rerouted, because the headers' answer is held",
    listener: "fullDuplex",
    request: { body: auto },
    status: 200,
    upstream: { name: "math", body: routed, headers: { "x-selected-model": CHOSEN_MODEL } },
    responseHeaders: selected,
  },
  {
    number: 4,
    name: "FULL_DUPLEX: 300 KB, cut inside UTF-8 sequences",
    listener: "fullDuplex",
    request: { body: longAuto },
    status: 200,
    upstream: { name: "math", body: longRouted },
  },
  {
    number: 4,
    name: "FULL_DUPLEX: 5 MB, more than Envoy would buffer",
    listener: "fullDuplex",
    request: { body: hugeAuto },
    status: 200,
    upstream: { name: "math", body: hugeRouted },
  },
  {
    number: 4,
    name: "FULL_DUPLEX: trailers instead of end_of_stream reach the upstream",
    listener: "fullDuplexWithTrailers",
    request: { parts: [auto], headers: { te: "trailers" }, trailers: { "x-trail": "1" } },
    status: 200,
    upstream: { name: "math", body: routed, trailers: { "x-trail": "1" } },
  },
  {
    number: 5,
    name: "FULL_DUPLEX: a body that is not changed is echoed",
    listener: "fullDuplex",
    request: { body: explicit },
    status: 200,
    upstream: { name: "general" },
  },
  {
    number: 5,
    name: "FULL_DUPLEX: a path that is not ours is echoed",
    listener: "fullDuplex",
    request: { path: "/v1/embeddings", body: longAuto },
    status: 200,
    upstream: { name: "general", path: "/v1/embeddings" },
  },
  {
    number: 6,
    name: "STREAMED: a body that comes in one chunk is rewritten and rerouted",
    listener: "streamed",
    request: { body: auto },
    status: 200,
    upstream: { name: "math", body: routed },
  },
  {
    number: 6,
    name: "STREAMED: 300 KB",
    listener: "streamed",
    request: { body: longAuto },
    status: 200,
    upstream: { name: "math", body: longRouted },
  },
  {
    number: 7,
    name: "GET /v1/models is answered from the headers",
    listener: "buffered",
    request: { method: "GET", path: "/v1/models" },
    status: 200,
    upstream: null,
    responseBody: '{"object":"list","data":[]}',
  },
  {
    number: 7,
    name: "FULL_DUPLEX: GET /v1/models is answered from the headers",
    listener: "fullDuplex",
    request: { method: "GET", path: "/v1/models" },
    status: 200,
    upstream: null,
    responseBody: '{"object":"list","data":[]}',
  },
  {
    number: 7,
    name: "a POST without a body does not wait for one",
    listener: "buffered",
    request: { headers: { "content-length": "0" } },
    status: 200,
    upstream: { name: "general", body: "" },
  },
  {
    number: 7,
    name: "FULL_DUPLEX: a POST without a body does not wait for one",
    listener: "fullDuplex",
    request: { headers: { "content-length": "0" } },
    status: 200,
    upstream: { name: "general", body: "" },
  },
  {
    number: 8,
    name: "headers skipped: the first message is the body, and is routed",
    listener: "headersSkipped",
    request: { body: auto },
    status: 200,
    upstream: { name: "general", body: routed },
  },
  {
    number: 10,
    name: "host, method and x-envoy-* stay as they are even where Envoy would let them change",
    listener: "bufferedAllRouting",
    request: { body: auto, headers: { host: "models.example" } },
    status: 200,
    upstream: { name: "math", body: routed, method: "POST", headers: { host: "models.example", "x-envoy-evil": undefined } },
  },
  {
    number: 11,
    name: "an immediate response to the headers",
    listener: "buffered",
    request: { body: auto, headers: script("reply on head") },
    status: 429,
    upstream: null,
    responseHeaders: { "content-type": "application/json", "x-why": "script" },
    responseBody: '{"error":"budget"}',
    access: { details: "scripted" },
  },
  ...(["buffered", "fullDuplex", "streamed", "headersOnly", "bufferedPartial"] as const).map((listener): ProtocolCase => ({
    number: 11,
    name: `an immediate response to the body, ${listener}`,
    listener,
    request: { body: auto, headers: script("reply on body") },
    status: 403,
    upstream: null,
    responseHeaders: { "content-type": "application/json", "x-why": "script" },
    responseBody: '{"error":"blocked by a rule: größer"}',
  })),
  ...(["buffered", "fullDuplex"] as const).map((listener): ProtocolCase => ({
    number: 12,
    name: `a cached stream comes as SSE text, ${listener}`,
    listener,
    request: { body: streamed, headers: script("cached stream") },
    status: 200,
    upstream: null,
    responseHeaders: { "content-type": "text/event-stream" },
    responseBody: 'data: {"cached":true}\n\ndata: [DONE]\n\n',
  })),
  ...(["buffered", "bufferedNoOverride", "responseStreamed", "streamed", "fullDuplex", "headersOnly"] as const).map(
    (listener): ProtocolCase => ({
      number: 13,
      name: `a streamed answer arrives whole, ${listener}`,
      listener,
      request: { body: streamed },
      status: 200,
      upstream: { name: "math", body: streamedRouted },
      responseHeaders: { ...selected, "content-type": "text/event-stream" },
      responseBody: sse,
    }),
  ),
  ...(["buffered", "bufferedNoOverride", "responseStreamed", "streamed", "fullDuplex"] as const).map((listener): ProtocolCase => ({
    number: 14,
    name: `a streamed answer that is observed passes unchanged, ${listener}`,
    listener,
    request: { body: streamed, headers: script("observe") },
    status: 200,
    upstream: { name: "math", body: streamedRouted },
    responseHeaders: { ...selected, "content-type": "text/event-stream" },
    responseBody: sse,
    observed: sse,
  })),
  ...(["buffered", "bufferedNoOverride", "bufferedWithTrailers", "responseStreamed", "streamed", "fullDuplex"] as const).map(
    (listener): ProtocolCase => ({
      number: 14,
      name: `a JSON answer that is observed passes unchanged, ${listener}`,
      listener,
      request: { body: explicit, headers: script("observe") },
      status: 200,
      upstream: { name: "general" },
      responseHeaders: selected,
      responseBody: completionFor("base-model"),
      observed: completionFor("base-model"),
    }),
  ),
  {
    number: 15,
    name: "nothing of the response is asked for when nobody needs it",
    listener: "buffered",
    request: { body: auto, headers: script("request only") },
    status: 200,
    upstream: { name: "math", body: routed },
    responseHeaders: { "x-vsr-selected-model": undefined },
  },
  {
    number: 20,
    name: "FULL_DUPLEX: a body over the limit is refused by name",
    listener: "fullDuplex",
    request: { body: overLimit },
    status: 413,
    upstream: null,
    responseHeaders: { "content-type": "application/json" },
    responseBody: '{"error":"too_large"}',
  },
  {
    number: 20,
    name: "STREAMED: a body over the limit is refused by name",
    listener: "streamed",
    request: { body: overLimit },
    status: 413,
    upstream: null,
    responseBody: '{"error":"too_large"}',
  },
  {
    number: 20,
    name: "BUFFERED_PARTIAL: a body of which only a prefix comes passes unrouted and whole",
    listener: "bufferedPartial",
    request: { body: hugeAuto },
    status: 200,
    upstream: { name: "general" },
  },
  {
    number: 20,
    name: "BUFFERED: a body over Envoy's own buffer is refused by Envoy",
    listener: "buffered",
    request: { body: hugeAuto },
    status: 413,
    upstream: null,
  },
  ...(["buffered", "fullDuplex"] as const).map((listener): ProtocolCase => ({
    number: 22,
    name: `the chosen model is Envoy's dynamic metadata, ${listener}`,
    listener,
    request: { body: auto },
    status: 200,
    upstream: { name: "math", body: routed },
    access: { model: CHOSEN_MODEL, cluster: "math" },
  })),
  {
    number: 23,
    name: "observability mode: nothing is answered, the request passes as it is",
    listener: "observability",
    request: { body: auto },
    status: 200,
    upstream: { name: "general", headers: { "x-selected-model": undefined } },
  },
  {
    number: 26,
    name: "BUFFERED with trailers: the body is taken without end_of_stream, and the trailers are answered",
    listener: "bufferedWithTrailers",
    request: { parts: [auto], headers: { te: "trailers" }, trailers: { "x-trail": "1" } },
    status: 200,
    // No trailers: a request with content-length cannot carry them over HTTP/1.
    upstream: { name: "math", body: routed, headers: { "content-length": length(routed) }, trailers: {} },
  },
  {
    number: 19,
    name: "a dead router with failure_mode_allow: the request passes as it is",
    listener: "deadAllow",
    request: { body: auto },
    status: 200,
    upstream: { name: "general" },
  },
  {
    number: 19,
    name: "a dead router without failure_mode_allow: 500",
    listener: "deadDeny",
    request: { body: auto },
    status: 500,
    upstream: null,
  },
];

/** Cases of the list that the table above does not hold, and where they are. */
export const casesElsewhere: ReadonlyMap<number, string> = new Map([
  [9, "sequences.test.ts: raw_value both ways in the recorded run"],
  [16, "protocol.test.ts: clients that leave"],
  [17, "load.test.ts"],
  [18, "routing.test.ts: a stalled classifier"],
  [21, "arrives with tracing"],
  [24, "protocol.test.ts: health; faults.test.ts: drain"],
  [25, "protocol.test.ts: a stalled request holds nobody up"],
  [27, "agentgateway only: test/wire"],
  [28, "agentgateway only: test/wire"],
]);
