import { connect } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { credentials, Metadata, status, type ServiceError } from "@grpc/grpc-js";
import { createMetrics, silentLogger, systemClock } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { createChannels } from "./remote/channel.ts";
import { loadProtocol, PROTOCOL_VERSION, type EvaluateRequest, type EvaluateResponse } from "./remote/protocol.ts";
import { ScriptedClassifier } from "./remote/testing/scripted-classifier.ts";
import { createClassifierServer, type ClassifierServerOptions } from "./server.ts";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

const { Classifier } = loadProtocol();
const window = { maxTokens: 64, sampling: "HEAD" } as const;

async function start(options: Partial<ClassifierServerOptions> = {}) {
  const pool = new ScriptedClassifier();
  const server = createClassifierServer({ classifier: pool, logger: silentLogger, metrics: createMetrics(), ...options });
  const port = await server.listen("127.0.0.1", 0);
  const client = new Classifier(`127.0.0.1:${port}`, credentials.createInsecure());
  cleanUp.push(() => server.drain(0));
  cleanUp.push(() => client.close());
  return { pool, server, client, port };
}
type Started = Awaited<ReturnType<typeof start>>;

function evaluate({ client }: Started, request: EvaluateRequest, deadline = Date.now() + 5_000) {
  const { promise, resolve, reject } = Promise.withResolvers<EvaluateResponse>();
  const call = client.evaluate(request, new Metadata(), { deadline }, (error, response) =>
    error === null ? resolve(response ?? {}) : reject(error),
  );
  return { call, reply: promise };
}

describe("Evaluate", () => {
  it("answers every item with bytes of its vector, its heads, its timings and its trace context", async () => {
    const started = await start();
    const trace = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "a=1" };
    const items = [
      { text: "four", window, trace },
      { text: "sixsix", window, heads: ["tone"] },
    ];
    const { replica, outcomes = [] } = await evaluate(started, { protocolVersion: PROTOCOL_VERSION, items }).reply;
    expect(replica).toEqual({ protocolVersion: PROTOCOL_VERSION, model: "scripted", revision: "r1", queueDepth: 0 });
    expect(outcomes.map(({ embedding }) => embedding?.vector?.readFloatLE(0))).toEqual([4, 6]);
    expect(outcomes[0]?.embedding?.vector).toHaveLength(32);
    expect(outcomes[0]?.trace).toEqual(trace);
    expect(outcomes[1]?.trace).toBeUndefined();
    expect(outcomes[1]?.embedding?.heads?.map(({ name, logits }) => [name, logits?.readFloatLE(8)])).toEqual([["tone", 0.5]]);
    expect(outcomes[0]?.embedding?.timings).toEqual({ queueMs: 1.5, tokenizeMs: 0.25, computeMs: 2, batchSize: 1 });
  });

  it("gives each item its own outcome", async () => {
    const started = await start();
    const { outcomes = [] } = await evaluate(started, {
      protocolVersion: PROTOCOL_VERSION,
      items: [{ text: "no window" }, { text: "good", window }],
    }).reply;
    expect(outcomes.map(({ failure }) => failure?.code)).toEqual(["request_invalid", undefined]);
    started.pool.failWith("overloaded");
    const full = await evaluate(started, { protocolVersion: PROTOCOL_VERSION, items: [{ text: "late", window }] }).reply;
    expect(full.outcomes?.[0]?.failure).toEqual({ code: "overloaded", message: "told to fail: overloaded" });
  });

  it("hands deadline and cancellation on to the pool", async () => {
    const started = await start();
    const release = started.pool.hold();
    const { call, reply } = evaluate(started, { protocolVersion: PROTOCOL_VERSION, items: [{ text: "wait", window }] });
    await started.pool.whenAsked(1);
    expect((started.pool.deadlines[0] ?? 0) - systemClock.now()).toBeGreaterThan(4_000);
    expect((started.pool.deadlines[0] ?? 0) - systemClock.now()).toBeLessThan(5_100);
    expect(started.server.openCalls).toBe(1);
    call.cancel();
    await expect(reply).rejects.toMatchObject({ code: status.CANCELLED });
    await expect.poll(() => started.pool.cancelled).toBe(1);
    release();
  });

  it("reports the texts that wait when it answers", async () => {
    const started = await start();
    const release = started.pool.hold();
    const waiting = evaluate(started, {
      protocolVersion: PROTOCOL_VERSION,
      items: Array.from({ length: 3 }, () => ({ text: "w", window })),
    });
    await started.pool.whenAsked(3);
    const models = await createChannel(started).models(1_000);
    expect(models.replica?.queueDepth).toBe(3);
    expect(models.models).toEqual([{ name: "scripted", revision: "r1", dimension: 8 }]);
    release();
    expect((await waiting.reply).replica?.queueDepth).toBe(0);
  });

  it.each([
    ["a version two ahead", { protocolVersion: PROTOCOL_VERSION + 2, items: [{ text: "x", window }] }, status.FAILED_PRECONDITION],
    ["no version", { items: [{ text: "x", window }] }, status.FAILED_PRECONDITION],
    ["no items", { protocolVersion: PROTOCOL_VERSION }, status.INVALID_ARGUMENT],
    [
      "too many items",
      { protocolVersion: PROTOCOL_VERSION, items: Array.from({ length: 5 }, () => ({ text: "x", window })) },
      status.INVALID_ARGUMENT,
    ],
    [
      "a message over the limit",
      { protocolVersion: PROTOCOL_VERSION, items: [{ text: "x".repeat(5_000), window }] },
      status.RESOURCE_EXHAUSTED,
    ],
  ])("refuses %s", async (_what, request, code) => {
    const started = await start({ maxItems: 4, maxMessageBytes: 4_096 });
    await expect(evaluate(started, request).reply).rejects.toMatchObject({ code });
    expect(started.pool.asked).toHaveLength(0);
  });

  it("is understood by a neighbouring version", async () => {
    const started = await start();
    const { outcomes } = await evaluate(started, { protocolVersion: PROTOCOL_VERSION + 1, items: [{ text: "x", window }] }).reply;
    expect(outcomes).toHaveLength(1);
  });
});

it("answers several submissions in one call", async () => {
  const { client } = await start();
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const submissions = [
    { items: [{ text: "a", window }] },
    {
      items: [
        { text: "bb", window },
        { text: "ccc", window },
      ],
    },
  ];
  client.evaluateBatch({ protocolVersion: PROTOCOL_VERSION, submissions }, (error: ServiceError | null, response) =>
    error === null
      ? resolve(response?.submissions?.map(({ outcomes = [] }) => outcomes.map(({ embedding }) => embedding?.vector?.readFloatLE(0))))
      : reject(error),
  );
  expect(await promise).toEqual([[1], [2, 3]]);
});

describe("health", () => {
  it("is SERVING only while the encoder is ready, and says so when that changes", async () => {
    const started = await start();
    const words: boolean[] = [];
    const stop = new AbortController();
    const ended = createChannel(started).watch(stop.signal, (serving) => words.push(serving));
    await expect.poll(() => words.at(-1)).toBe(true);
    started.pool.breakDown("all workers died");
    await expect.poll(() => words.at(-1), { timeout: 3_000 }).toBe(false);
    await expect(evaluate(started, { protocolVersion: PROTOCOL_VERSION, items: [{ text: "x", window }] }).reply).rejects.toMatchObject({
      code: status.UNAVAILABLE,
      details: "all workers died",
    });
    started.pool.breakDown(null);
    await expect.poll(() => words.at(-1), { timeout: 3_000 }).toBe(true);
    stop.abort();
    await ended;
  });
});

describe("drain", () => {
  it("says NOT_SERVING, finishes what is open, and takes no new connection", async () => {
    const started = await start();
    const words: boolean[] = [];
    const watching = createChannel(started).watch(new AbortController().signal, (serving) => words.push(serving));
    await expect.poll(() => words.at(-1)).toBe(true);
    const release = started.pool.hold();
    const open = evaluate(started, { protocolVersion: PROTOCOL_VERSION, items: [{ text: "open", window }] });
    await started.pool.whenAsked(1);
    const drained = started.server.drain(5_000);
    await expect.poll(() => words.at(-1)).toBe(false);
    await expect(
      new Promise((resolve, reject) => void connect(started.port, "127.0.0.1").once("connect", resolve).once("error", reject)),
    ).rejects.toMatchObject({ code: "ECONNREFUSED" });
    // Longer than the notice that clients get: it is the open call that keeps it.
    expect(await Promise.race([drained.then(() => "drained"), wait(500, "waits")])).toBe("waits");
    release();
    expect((await open.reply).outcomes).toHaveLength(1);
    await drained;
    await watching;
  });
});

it("names the flag when its port is taken", async () => {
  const { port } = await start();
  const second = createClassifierServer({ classifier: new ScriptedClassifier(), logger: silentLogger, metrics: createMetrics() });
  await expect(second.listen("127.0.0.1", port)).rejects.toMatchObject({
    code: "port_in_use",
    message: expect.stringContaining("--port") as string,
  });
  await second.drain(0);
});

function createChannel({ port }: Started) {
  const channel = createChannels({ credentials: credentials.createInsecure(), serverName: null, maxMessageBytes: 4_194_304 })(
    `127.0.0.1:${port}`,
  );
  cleanUp.push(() => channel.close());
  return channel;
}
