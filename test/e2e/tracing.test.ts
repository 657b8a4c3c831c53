/**
 * One trace over four processes: a real Envoy, `turnout serve`, `turnout classifier` and a model server that sees what it is told. With
 * Envoy's own tracing on and off; every span's parent must have arrived, the gateway's being the root.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startOtlpReceiver, type OtlpReceiver, type ReceivedSpan } from "../../packages/extproc/src/tracing/testing/otlp-receiver.ts";
import { spanTree } from "../../packages/extproc/src/tracing/testing/span-tree.ts";
import { chat, send } from "./client.ts";
import { envoyConfig } from "./envoy-config.ts";
import { runEnvoy, skipReason, withoutEnvoy, type Envoy } from "./envoy.ts";
import { startNode, type NodeProcess } from "./node-process.ts";
import { startTurnout, type RunningTurnout } from "./turnout.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

const config = (receiver: OtlpReceiver, classifier: string) => `
version: v0.3
providers:
  defaults: { default_model: base-model }
  models: [{ name: base-model, backend_refs: [{ endpoint: "127.0.0.1:8000" }] }]
routing:
  modelCards: [{ name: base-model, loras: [{ name: math-expert }] }]
  signals:
    embeddings: [{ name: levers, threshold: 0.2, candidates: ["why does a lever lift"] }]
  decisions:
    - { name: levers, rules: { type: embedding, name: levers }, modelRefs: [{ model: base-model, lora_name: math-expert }] }
global:
  services:
    observability:
      tracing:
        enabled: true
        provider: opentelemetry
        exporter: { type: otlp, endpoint: "${new URL(receiver.grpc).host}", insecure: true }
        sampling: { type: always_on, rate: 1.0 }
        resource: { service_name: router, service_version: v1, deployment_environment: test }
turnout:
  deadline_ms: 5000
  ${classifier}
`;

/** traced switches Envoy's tracing on, towards the same collector. */
function traced(bootstrap: ReturnType<typeof envoyConfig>, receiver: OtlpReceiver): string {
  const tracing = {
    random_sampling: { value: 100 },
    spawn_upstream_span: true,
    provider: {
      name: "envoy.tracers.opentelemetry",
      typed_config: {
        "@type": "type.googleapis.com/envoy.config.trace.v3.OpenTelemetryConfig",
        grpc_service: { envoy_grpc: { cluster_name: "collector" } },
        service_name: "envoy",
      },
    },
  };
  // What envoyConfig writes for each listener, and for the processor, with these beside.
  const text = JSON.stringify(bootstrap).replaceAll('"stat_prefix":', `"tracing":${JSON.stringify(tracing)},"stat_prefix":`);
  const collector = JSON.stringify({
    name: "collector",
    type: "STATIC",
    connect_timeout: "1s",
    load_assignment: {
      cluster_name: "collector",
      endpoints: [
        {
          lb_endpoints: [
            { endpoint: { address: { socket_address: { address: "127.0.0.1", port_value: Number(new URL(receiver.grpc).port) } } } },
          ],
        },
      ],
    },
    typed_extension_protocol_options: {
      "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        explicit_http_config: { http2_protocol_options: {} },
      },
    },
  });
  return text.replace('"clusters":[', `"clusters":[${collector},`);
}

const REQUEST = "semantic_router.request.received";
const named = (name: string) => (span: ReceivedSpan) => span.name === name;

describe.skipIf(withoutEnvoy)(`A trace through Envoy${skipReason}`, () => {
  const cleanUp: (() => unknown)[] = [];
  let receiver: OtlpReceiver;
  let turnout: RunningTurnout;
  let classifier: NodeProcess;
  let upstream: Upstream;
  let tracing: Pick<Envoy, "stop"> & { readonly listening: ReadonlyMap<string, number> };
  let silent: typeof tracing;

  beforeAll(async () => {
    receiver = await startOtlpReceiver();
    const folder = await mkdtemp(join(tmpdir(), "turnout-tracing-"));
    cleanUp.push(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, "classifier.yaml");
    await writeFile(file, config(receiver, "classifier: { backend: deterministic, workers: 1 }"));
    let port = "";
    classifier = await startNode(
      "packages/extproc/src/main.ts",
      ["classifier", "--config", file, "--address", "127.0.0.1", "--port", "0", "--metrics-port", "0"],
      (line) => {
        const { msg, part, address } = (line.startsWith("{") ? JSON.parse(line) : {}) as Record<string, string>;
        if (part === "classifier" && msg === "listening") port = address?.split(":").at(-1) ?? "";
        return msg === "settled";
      },
    );
    turnout = await startTurnout(config(receiver, `classifier: { endpoint: "127.0.0.1:${port}" }`));
    upstream = await startUpstream("models");
    const bootstrap = envoyConfig({
      ports: { processor: turnout.extprocPort, general: upstream.port, math: upstream.port },
      listeners: ["buffered", "fullDuplex"],
      gracefulClose: true,
    });
    [tracing, silent] = await Promise.all([runEnvoy(traced(bootstrap, receiver)), runEnvoy(JSON.stringify(bootstrap))]);
  });
  afterAll(async () => {
    await Promise.all([tracing?.stop(), silent?.stop()]);
    await Promise.all([turnout?.stop(), classifier?.stop(), upstream?.close()]);
    for (const undo of cleanUp) await undo();
    await receiver.close();
  });
  beforeEach(() => {
    receiver.spans.length = 0;
  });

  const asked = (text: string) => JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }] });
  /** The trace of the one request that was sent, once the gateway, the router and the classifier have told theirs. */
  async function traceOf(gateway: boolean) {
    const spans = await receiver.until(
      (all) =>
        all.some(named(REQUEST)) &&
        all.some(({ resource }) => resource["service.name"] === "router-classifier") &&
        (!gateway || all.filter(({ resource }) => resource["service.name"] === "envoy").length >= 3),
      20_000,
    );
    const request = spans.find(named(REQUEST)) as ReceivedSpan;
    return { spans: spans.filter(({ traceId }) => traceId === request.traceId), request, tree: spanTree(spans, request.traceId) };
  }

  it.each(["buffered", "fullDuplex"] as const)("goes from the gateway to the classifier's threads, %s", async (listener) => {
    const id = `traced-${listener}`;
    const text = `why does a lever lift so much, asks ${listener}`;
    expect((await chat(tracing.listening.get(listener) ?? 0, id, asked(text))).status).toBe(200);
    const { spans, request, tree } = await traceOf(true);
    // Unbroken: no parent is missing, and the only root is the gateway's.
    expect(tree).not.toMatch(/^\?/m);
    expect(spans.filter(({ parentSpanId }) => parentSpanId === "").map(({ resource }) => resource["service.name"])).toEqual(["envoy"]);
    const parent = spans.find(({ spanId }) => spanId === request.parentSpanId);
    expect(parent?.resource["service.name"]).toBe("envoy");
    expect(parent?.name).toContain("ext_proc");
    expect(tree).toMatch(
      /semantic_router\.signal\.evaluation\n(.*\n)* +classifier\.v1\.Classifier\/Evaluate\n +classifier\.v1\.Classifier\/Evaluate\n +classifier\.queue\n +classifier\.tokenize\n +classifier\.compute/,
    );
    expect(request).toMatchObject({
      resource: { "service.name": "router", "service.version": "v1", "deployment.environment.name": "test" },
      attributes: { "decision.name": "levers", "routing.selected_model": "math-expert" },
    });
    // The model server goes on with this trace, whoever of the two has the last word.
    const [received] = upstream.requestsOf(id);
    const told = String(received?.headers["traceparent"]).split("-");
    expect(told[1]).toBe(request.traceId);
    expect(spans.map(({ spanId }) => spanId)).toContain(told[2]);
    for (const bytes of receiver.bytes) expect(bytes.includes("lever lift")).toBe(false);
  });

  it("without Envoy's tracing begins with the client's span, or with ours", async () => {
    const client = { traceId: "4bf92f3577b34da6a3ce929d0e0e4736", spanId: "00f067aa0ba902b7" };
    const id = "untraced";
    const headers = {
      "content-type": "application/json",
      "x-case": id,
      traceparent: `00-${client.traceId}-${client.spanId}-01`,
      tracestate: "vendor=1",
    };
    const port = silent.listening.get("buffered") ?? 0;
    expect((await send(port, { headers, body: asked("why does a lever lift when the client traces") })).status).toBe(200);
    const { spans, request, tree } = await traceOf(false);
    expect([request.traceId, request.parentSpanId]).toEqual([client.traceId, client.spanId]);
    expect(tree.match(/^\?.*$/gm)).toEqual([`? ${client.spanId}`]);
    const [received] = upstream.requestsOf(id);
    const upstreamSpan = spans.find(named("semantic_router.upstream.request"));
    // Exactly ours: overwritten, not appended.
    expect(received?.headers["traceparent"]).toBe(`00-${client.traceId}-${upstreamSpan?.spanId}-01`);
    expect(received?.headers["tracestate"]).toBe("vendor=1");

    receiver.spans.length = 0;
    expect((await chat(port, "alone", asked("why does a lever lift when nobody traces"))).status).toBe(200);
    expect((await traceOf(false)).request.parentSpanId).toBe("");
  });
});
