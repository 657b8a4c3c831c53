/**
 * The trace of a request from the gateway to the classifier service, over the wire on both sides: what a pool is told is whose work it
 * does. Which of the gateway's two contexts is the parent differs by gateway.
 */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createClassifierPool } from "@turnout/classifier-pool";
import { createClassifierServer } from "@turnout/classifier-pool/server";
import { loadConfig, startTurnout } from "@turnout/extproc";
import { createMetrics, silentLogger, type Classifier, type TraceContext } from "@turnout/shared";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { GatewaySimulator, type Header, type Profile } from "./gateway-simulator.ts";

const metadataTrace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-1111111111111111-01", tracestate: "from=metadata" };
const headerTrace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-2222222222222222-01", tracestate: "from=header" };

/** What the pool was told of each text. */
const told = new Map<string, TraceContext | undefined>();
const cleanUp: (() => unknown)[] = [];
let address = "";
let httpAddress = "";
let serial = 0;

function config(endpoint: string): string {
  return `
version: v0.3
listeners: [{ name: http, address: 127.0.0.1, port: 0 }]
providers:
  defaults: { default_model: base }
  models: [{ name: base, backend_refs: [{ endpoint: "127.0.0.1:9" }] }]
routing:
  modelCards: [{ name: base, loras: [{ name: pan-expert }] }]
  signals:
    embeddings: [{ name: pans, threshold: 0.9, candidates: ["which pan is best"] }]
  decisions:
    - { name: pans, rules: { type: embedding, name: pans }, modelRefs: [{ model: base, lora_name: pan-expert }] }
global:
  services: { management_api: { port: 0 } }
turnout:
  deadline_ms: 5000
  classifier: { endpoint: "${endpoint}" }
`;
}

beforeAll(async () => {
  const pool = createClassifierPool({ backend: "deterministic", workers: 1 });
  await pool.whenSettled();
  const recording: Classifier = {
    status: () => pool.status(),
    whenSettled: () => pool.whenSettled(),
    close: () => pool.close(),
    evaluate: (items, options) => pool.evaluate(items, options),
    embed(items, options) {
      for (const { text } of items) told.set(text, options.trace);
      return pool.embed(items, options);
    },
  };
  const service = createClassifierServer({ classifier: recording, logger: silentLogger, metrics: createMetrics() });
  const servicePort = await service.listen("127.0.0.1", 0);
  cleanUp.push(async () => {
    await service.drain(0);
    await pool.close();
  });
  const folder = await mkdtemp(join(tmpdir(), "turnout-trace-"));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "config.yaml");
  await writeFile(file, config(`127.0.0.1:${servicePort}`));
  const turnout = await startTurnout({
    config: await loadConfig(file, {}),
    env: {},
    logger: silentLogger,
    metrics: createMetrics(),
    model: { sources: [] },
    address: "127.0.0.1",
    extprocPort: 0,
    metricsPort: 0,
  });
  cleanUp.push(() => turnout.close(100));
  await turnout.ready();
  const addressOf = (name: string) => turnout.addresses.find(({ part }) => part === name)?.address ?? "";
  address = addressOf("ExtProc");
  httpAddress = addressOf("HTTP gateway");
});
afterAll(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});
beforeEach(() => told.clear());

/** newPrompt is one that no cache has seen. */
function newPrompt() {
  const text = `a question about pans, number ${(serial += 1)}`;
  return { text, body: Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }] })) };
}

/** ask sends one prompt past the router and gives what the pool was told of its text. */
async function ask(profile: Profile, headers: readonly Header[], streamMetadata: Readonly<Record<string, string>>) {
  const gateway = new GatewaySimulator(address, profile);
  const { text, body } = newPrompt();
  try {
    await gateway.send(
      { path: "/v1/chat/completions", headers: [["content-type", "application/json"], ...headers], chunks: [body], announceLength: true },
      () => ({ headers: [["content-type", "application/json"]], chunks: [Buffer.from("{}")] }),
      { streamMetadata },
    );
  } finally {
    gateway.close();
  }
  expect([...told.keys()]).toEqual([text]);
  return told.get(text);
}

const headersOf = ({ traceparent, tracestate }: typeof headerTrace): Header[] => [
  ["traceparent", traceparent],
  ["tracestate", tracestate],
];

describe("the classifier service is told the parent span", () => {
  it.each<[why: string, profile: Profile, header: boolean, metadata: object, expected: TraceContext | undefined]>([
    ["Envoy's metadata before the client's header", "envoy", true, metadataTrace, metadataTrace],
    ["agentgateway's header before its metadata", "agentgateway", true, metadataTrace, headerTrace],
    ["the header where Envoy does not trace", "envoy", true, {}, headerTrace],
    ["the metadata where agentgateway sends no header", "agentgateway", false, metadataTrace, metadataTrace],
    [
      "no tracestate where Envoy's is empty",
      "envoy",
      false,
      { ...metadataTrace, tracestate: "" },
      { traceparent: metadataTrace.traceparent },
    ],
    ["the header where the metadata is broken", "envoy", true, { traceparent: "00-nonsense" }, headerTrace],
    ["nothing where nobody traces", "envoy", false, {}, undefined],
  ])("%s", async (_, profile, header, metadata, expected) => {
    expect(await ask(profile, header ? headersOf(headerTrace) : [], metadata as Readonly<Record<string, string>>)).toEqual(expected);
  });

  it("the client's header at Turnout's own HTTP gateway", async () => {
    const { text, body } = newPrompt();
    await fetch(`http://${httpAddress}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headerTrace },
      body,
    });
    expect(told.get(text)).toEqual(headerTrace);
  });
});
