/**
 * The recorded run: which messages a real Envoy sends in each mode, in which order and encoding. The record is made anew on each run and
 * compared with recorded/envoy-1.40.0.json (TURNOUT_RECORD=true writes that file), and the gateway simulator's envoy profile has to send the same.
 */
import { readFile, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatewaySimulator } from "../wire/gateway-simulator.ts";
import { send } from "./client.ts";
import { skipReason, startEnvoy, withoutEnvoy, type Envoy } from "./envoy.ts";
import { listeners, type ListenerName, type ListenerSetup } from "./envoy-config.ts";
import { startProcessor, type Processor } from "./processor.ts";
import { record, requestBody, scenarios, type RecordedConversation, type Scenario } from "./recorded-conversations.ts";
import { scriptedExchanges } from "./scripted-exchange.ts";
import { startTap, type Tap } from "./tap.ts";
import { completionFor, sseEvents, startUpstream, type Responder, type Upstream } from "./upstream.ts";

const RECORD = new URL("recorded/envoy-1.40.0.json", import.meta.url);

type RecordedRun = Readonly<Record<string, RecordedConversation>>;

const readRecord = async () => JSON.parse(await readFile(RECORD, "utf8")) as RecordedRun;

const sse = sseEvents.join("");

const headersOf = (scenario: Scenario): Record<string, string> => ({
  "content-type": "application/json",
  ...(scenario.script !== undefined && { "x-script": scenario.script }),
});

describe.skipIf(withoutEnvoy)(`Envoy's message sequences${skipReason}`, () => {
  let processor: Processor;
  let tap: Tap;
  let upstream: Upstream;
  let envoy: Envoy;
  let clientHasChunk = () => {};

  /** One write per answer; the end of a stream once the client has that write. How Envoy cuts what comes together is the network's doing. */
  const piecewise: Responder = async (request, response) => {
    if (request.body.includes('"stream":true')) {
      const arrived = new Promise<void>((resolve) => (clientHasChunk = resolve));
      response.writeHead(200, { "content-type": "text/event-stream" });
      response.write(sse);
      await arrived;
      response.end();
      return;
    }
    const body = completionFor("any");
    response.writeHead(200, { "content-type": "application/json", "content-length": Buffer.byteLength(body) });
    response.end(body);
  };

  beforeAll(async () => {
    processor = await startProcessor({ exchanges: scriptedExchanges() });
    [tap, upstream] = await Promise.all([startTap(processor.port), startUpstream("any", piecewise)]);
    envoy = await startEnvoy({
      ports: { processor: tap.port, general: upstream.port, math: upstream.port },
      listeners: Object.keys(listeners) as ListenerName[],
      gracefulClose: false,
    });
  });

  afterAll(async () => {
    await Promise.all([envoy?.stop(), tap?.close(), processor?.close(), upstream?.close()]);
  });

  /** The end is sent once the router holds the body, so that both cannot have come together. */
  async function* endLater(body: string) {
    yield body;
    const held = async () => (await processor.metrics.extprocHeldBytes.get()).values[0]?.value;
    await expect.poll(held, { timeout: 5_000 }).toBe(body.length);
  }

  it("are as recorded", async () => {
    const run: Record<string, RecordedConversation> = {};
    for (const scenario of scenarios) {
      const conversation = tap.next();
      const body = requestBody(scenario.stream === true);
      const parts = scenario.trailers === true ? [body] : endLater(body);
      const content = scenario.method === "GET" ? {} : scenario.chunked === true ? { parts } : { body };
      await send(envoy.port(scenario.listener), {
        method: scenario.method ?? "POST",
        path: scenario.path ?? "/v1/chat/completions",
        headers: { ...headersOf(scenario), ...(scenario.trailers === true && { te: "trailers" }) },
        ...content,
        onChunk: () => clientHasChunk(),
        ...(scenario.trailers === true && { trailers: { "x-trail": "1" } }),
      });
      run[scenario.name] = record(await conversation);
    }
    if (process.env["TURNOUT_RECORD"] === "true")
      await writeFile(
        RECORD,
        `${JSON.stringify(run, null, 2)}
`,
      );
    expect(run).toEqual(await readRecord());
  });
});

describe("The gateway simulator's envoy profile", () => {
  let recorded: RecordedRun;
  let processor: Processor;
  let tap: Tap;
  let simulator: GatewaySimulator;

  beforeAll(async () => {
    recorded = await readRecord();
    processor = await startProcessor({ exchanges: scriptedExchanges() });
    tap = await startTap(processor.port);
    simulator = new GatewaySimulator(`127.0.0.1:${tap.port}`, "envoy");
  });

  afterAll(async () => {
    simulator?.close();
    await Promise.all([tap?.close(), processor?.close()]);
  });

  it.each(scenarios.filter(({ simulated }) => simulated !== false))("sends what Envoy sends: $name", async (scenario) => {
    const setup: ListenerSetup = listeners[scenario.listener];
    const { mode } = setup;
    if (mode === null) throw new Error(`${scenario.listener} has no ext_proc`);
    const conversation = tap.next();
    const body = requestBody(scenario.stream === true);
    const answer = scenario.stream === true ? sse : completionFor("any");
    await simulator.send(
      {
        method: scenario.method ?? "POST",
        path: scenario.path ?? "/v1/chat/completions",
        headers: Object.entries(headersOf(scenario)),
        chunks: scenario.method === "GET" ? null : [Buffer.from(body)],
        announceLength: scenario.chunked !== true,
        ...(scenario.trailers === true && { trailers: [["x-trail", "1"] as const] }),
      },
      () => ({
        headers: [["content-type", scenario.stream === true ? "text/event-stream" : "application/json"]],
        chunks: [Buffer.from(answer)],
      }),
      {
        requestBodyMode: mode.request_body_mode,
        responseBodyMode: mode.response_body_mode,
        sendRequestHeaders: mode.request_header_mode === "SEND",
        sendTrailers: mode.request_trailer_mode === "SEND",
        allowModeOverride: setup.allowModeOverride ?? true,
        observabilityMode: setup.observabilityMode ?? false,
        attributes: { "request.path": scenario.path ?? "/v1/chat/completions", "source.address": "127.0.0.1:40000" },
      },
    );
    expect(record(await conversation)).toEqual(recorded[scenario.name]);
  });
});
