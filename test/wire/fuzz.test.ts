// oxlint-disable vitest/no-standalone-expect -- what must hold after every property is checked in afterEach

/** Whatever bytes come, in whatever order: no crash, no stream left open, no byte left held. Seeded, so a failure can be repeated. */
import * as fc from "fast-check";
import { loadProtocol, type ProcessingRequestInput } from "@turnout/extproc/envoy";
import { afterAll, afterEach, beforeAll, expect, it } from "vitest";
import { GatewaySimulator } from "./gateway-simulator.ts";
import { frame, RawClient } from "./raw-client.ts";
import { limits } from "./scripted-exchange.ts";
import { startServer, type ServerUnderTest } from "./server-under-test.ts";

const seed = 20_240_229;
let under: ServerUnderTest;
let client: RawClient;
const rejections: unknown[] = [];
const onRejection = (reason: unknown): void => {
  rejections.push(reason);
};

beforeAll(async () => {
  process.on("unhandledRejection", onRejection);
  process.on("uncaughtException", onRejection);
  under = await startServer();
  under.exchanges.limits_ = { ...limits, maxBodyBytes: 4096, maxHeldBytes: 16_384 };
  under.exchanges.script = { responseBody: "observe", wantsResponseHead: true };
  client = new RawClient(under.address);
});
afterAll(async () => {
  client.close();
  await under.server.drain(500);
  process.off("unhandledRejection", onRejection);
  process.off("uncaughtException", onRejection);
});
afterEach(async () => {
  await expect.poll(() => under.server.openStreams, { interval: 1 }).toBe(0);
  expect(await under.reading("extproc_held_bytes")).toBe(0);
  expect(await under.reading("extproc_stream_errors_total", { reason: "internal" })).toBe(0);
  expect(rejections).toEqual([]);
  expect(under.exchanges.walks.every(({ closed }) => closed === 1)).toBe(true);
  under.exchanges.walks.length = 0;
  // The server still serves, on the same connection's server and on others.
  const gateway = new GatewaySimulator(under.address, "agentgateway");
  const outcome = await gateway.send({ chunks: [Buffer.from('{"model":"auto"}')] }, () => ({}));
  expect(outcome.upstream?.body.toString()).toBe('{"model":"expert"}');
  gateway.close();
  await expect.poll(() => under.server.openStreams, { interval: 1 }).toBe(0);
  under.exchanges.walks.length = 0;
});

const serialize = (message: ProcessingRequestInput): Buffer => loaded.ExternalProcessor.service.Process.requestSerialize(message);
const loaded = loadProtocol();

/** Sends frames on a stream of its own, ends it, and waits until it is over. */
function play(frames: readonly Buffer[], ending: "halfClose" | "reset"): Promise<void> {
  return new Promise((resolve) => {
    const stream = client.open();
    stream.once("close", resolve);
    for (const one of frames) stream.write(one);
    if (ending === "reset") stream.close(8);
    else stream.end();
  });
}

const endings = fc.constantFrom("halfClose" as const, "reset" as const);

const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
const header = fc.record({
  key: fc.constantFrom(":path", ":method", ":status", "content-type", "content-length", "x", "", ":"),
  value: fc.option(fc.constantFrom("/v1/chat/completions", "text/event-stream", "3", "999999999999", "\u0000"), { nil: undefined }),
  rawValue: fc.option(bytes, { nil: undefined }),
});
const headers = fc.record({ headers: fc.record({ headers: fc.array(header, { maxLength: 6 }) }), endOfStream: fc.boolean() });
const goodHead = fc.constant<NonNullable<ProcessingRequestInput["requestHeaders"]>>({
  headers: { headers: [{ key: ":path", value: "/v1/chat/completions" }] },
});
const body = fc.record({ body: fc.oneof(bytes, fc.constant(Buffer.alloc(3000, "a"))), endOfStream: fc.boolean() });
const mode = fc.constantFrom("NONE", "STREAMED", "BUFFERED", "BUFFERED_PARTIAL", "FULL_DUPLEX_STREAMED", "GRPC");
const phase = fc.oneof(
  { weight: 3, arbitrary: goodHead.map((requestHeaders): ProcessingRequestInput => ({ requestHeaders })) },
  headers.map((requestHeaders): ProcessingRequestInput => ({ requestHeaders })),
  { weight: 4, arbitrary: body.map((requestBody): ProcessingRequestInput => ({ requestBody })) },
  fc.constant<ProcessingRequestInput>({ requestTrailers: {} }),
  headers.map((responseHeaders): ProcessingRequestInput => ({ responseHeaders })),
  { weight: 2, arbitrary: body.map((responseBody): ProcessingRequestInput => ({ responseBody })) },
  fc.constant<ProcessingRequestInput>({ responseTrailers: {} }),
  fc.constant<ProcessingRequestInput>({}),
);
const conversation = fc
  .record({
    messages: fc.array(phase, { minLength: 1, maxLength: 8 }),
    requestBodyMode: mode,
    responseBodyMode: mode,
    observabilityMode: fc.boolean(),
  })
  .map(({ messages: [first, ...rest], requestBodyMode, responseBodyMode, observabilityMode }) => [
    { ...first, protocolConfig: { requestBodyMode, responseBodyMode }, observabilityMode } as ProcessingRequestInput,
    ...rest,
  ]);

it("survives random bytes in place of messages", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 4 }), endings, async (messages, ending) => {
      await play(messages.map(frame), ending);
    }),
    { seed, numRuns: 400 },
  );
  expect(await under.reading("extproc_stream_errors_total", { reason: "undecodable" })).toBeGreaterThan(100);
});

it("survives frames that are no gRPC frames", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(bytes, { maxLength: 4 }), endings, async (frames, ending) => {
      await play(frames, ending);
    }),
    { seed, numRuns: 300 },
  );
});

it("survives valid messages in any order, mode and number", async () => {
  await fc.assert(
    fc.asyncProperty(conversation, endings, async (messages, ending) => {
      await play(
        messages.map((message) => frame(serialize(message))),
        ending,
      );
    }),
    { seed, numRuns: 600 },
  );
});

it("survives valid conversations with bytes changed", async () => {
  const mutation = fc.record({ at: fc.nat(), to: fc.integer({ min: 0, max: 255 }), drop: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(conversation, fc.array(mutation, { minLength: 1, maxLength: 5 }), endings, async (messages, mutations, ending) => {
      const encoded = messages.map((message) => Buffer.from(serialize(message)));
      for (const { at, to, drop } of mutations) {
        const index = at % encoded.length;
        const target = encoded[index];
        if (target === undefined || target.length === 0) continue;
        if (drop) encoded[index] = target.subarray(0, at % target.length);
        else target[at % target.length] = to;
      }
      await play(encoded.map(frame), ending);
    }),
    { seed, numRuns: 600 },
  );
});
