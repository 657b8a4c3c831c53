import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { loadProtocol, type ProcessingRequestInput } from "@turnout/extproc/envoy";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { GatewaySimulator, type Conversation } from "./gateway-simulator.ts";
import { constants, frame, RawClient } from "./raw-client.ts";
import { limits, unchanged } from "./scripted-exchange.ts";
import { startServer, type ServerUnderTest } from "./server-under-test.ts";

let under: ServerUnderTest;
let gateway: GatewaySimulator;

beforeAll(async () => {
  under = await startServer();
  gateway = new GatewaySimulator(under.address, "envoy");
});
afterAll(async () => {
  gateway.close();
  await under.server.drain(1000);
});
beforeEach(() => {
  under.exchanges.script = {};
  under.exchanges.limits_ = limits;
  under.exchanges.recording = true;
  under.exchanges.walks.length = 0;
  under.metrics.registry.resetMetrics();
});

const body = Buffer.from('{"model":"auto"}');
const headers = {
  headers: [
    { key: ":method", rawValue: Buffer.from("POST") },
    { key: ":path", rawValue: Buffer.from("/v1/chat/completions") },
  ],
};
const modes = { requestBodyMode: "BUFFERED", responseBodyMode: "BUFFERED" } as const;
const duplex = { requestBodyMode: "FULL_DUPLEX_STREAMED", responseBodyMode: "FULL_DUPLEX_STREAMED" } as const;
const { requestSerialize } = loadProtocol().ExternalProcessor.service.Process;
const message = (request: ProcessingRequestInput): Buffer => frame(requestSerialize(request));
const gone = (signal: AbortSignal | undefined) =>
  new Promise<never>((_, reject) => signal?.addEventListener("abort", () => reject(new Error("gone"))));
const settled = async (): Promise<void> => {
  await expect.poll(() => under.server.openStreams, { interval: 1 }).toBe(0);
};

/** Walks to the point where the server still owes an answer. */
const owing: Record<string, (conversation: Conversation) => Promise<void>> = {
  "while the body is being decided": async (conversation) => {
    under.exchanges.script = { body: (_body, { signal }) => gone(signal) };
    conversation.write({ requestHeaders: { headers }, protocolConfig: modes });
    await conversation.next();
    conversation.write({ requestBody: { body, endOfStream: true } });
    await expect.poll(() => under.exchanges.walks[0]?.body, { interval: 1 }).toBeTypeOf("string");
  },
  "while a full-duplex head is held": async (conversation) => {
    conversation.write({ requestHeaders: { headers }, protocolConfig: duplex });
    conversation.write({ requestBody: { body: body.subarray(0, 5) } });
    await expect.poll(() => under.reading("extproc_held_bytes"), { interval: 1 }).toBe(5);
  },
  "in the middle of a full-duplex response": async (conversation) => {
    conversation.write({ requestHeaders: { headers, endOfStream: true }, protocolConfig: duplex });
    await conversation.next();
    conversation.write({ responseHeaders: { headers } });
    await conversation.next();
    conversation.write({ responseBody: { body } });
    await conversation.next();
  },
};

describe.each(Object.entries(owing))("a gateway that leaves %s", (_name, walk) => {
  it.each(["reset", "halfClose"] as const)("by %s cancels the work and leaves nothing", async (leave) => {
    const conversation = gateway.converse();
    await walk(conversation);
    conversation[leave]();
    const status = await conversation.ended();
    if (leave === "halfClose") expect(status.code).toBe(0);
    await settled();
    expect(under.exchanges.last).toMatchObject({ closed: 1, aborted: under.exchanges.last.body !== null });
    expect(await under.reading("extproc_held_bytes")).toBe(0);
    expect(await under.reading("extproc_cancelled_streams_total")).toBe(1);
    expect(conversation.pending).toBe(0);
  });
});

it("drops the answer of a decision that ignores its cancellation", async () => {
  let decide: (() => void) | undefined;
  under.exchanges.script = {
    body: async () => {
      await new Promise<void>((resolve) => {
        decide = resolve;
      });
      return unchanged;
    },
  };
  const conversation = gateway.converse();
  conversation.write({ requestHeaders: { headers }, protocolConfig: modes });
  await conversation.next();
  conversation.write({ requestBody: { body, endOfStream: true } });
  await expect.poll(() => decide, { interval: 1 }).toBeDefined();
  conversation.halfClose();
  await conversation.ended();
  decide?.();
  await settled();
  expect(conversation.pending).toBe(0);
  expect(await under.reading("extproc_held_bytes")).toBe(0);
});

it("serves 200 streams on one connection without one slow decision holding up the rest", async () => {
  const release: (() => void)[] = [];
  under.exchanges.script = {
    body: async (bytes) => {
      if (Buffer.from(bytes).includes("slow")) await new Promise<void>((resolve) => release.push(resolve));
      return unchanged;
    },
  };
  const send = (text: string) => gateway.send({ chunks: [Buffer.from(text)] }, () => ({}));
  const slow = Array.from({ length: 100 }, () => send("slow"));
  await expect.poll(() => release.length, { interval: 1 }).toBe(100);
  const quick = await Promise.all(Array.from({ length: 100 }, () => send("quick")));
  expect(quick.every(({ upstream }) => upstream?.body.toString() === "quick")).toBe(true);
  expect(under.server.openStreams).toBeGreaterThanOrEqual(100);
  for (const resolve of release) resolve();
  await Promise.all(slow);
  await settled();
  expect(await under.reading("extproc_connections_total")).toBeLessThanOrEqual(1);
});

it("stops reading from a gateway that does not read its answers", async () => {
  // 32 MiB towards a client that reads nothing: without back-pressure the server would take, and queue, all of it.
  const total = 64;
  let taken = 0;
  under.exchanges.script = { responseBody: "observe", wantsResponseHead: true, onResponseChunk: () => (taken += 1) };
  const client = new RawClient(under.address);
  const stream = client.open({ reading: false });
  stream.write(message({ requestHeaders: { headers, endOfStream: true }, protocolConfig: duplex }));
  stream.write(message({ responseHeaders: { headers } }));
  for (let sent = 0; sent < total; sent += 1) stream.write(message({ responseBody: { body: Buffer.alloc(512 * 1024) } }));
  // Quiet: the server has answered many pings since it last took a message.
  for (let quiet = 0, before = -1; quiet < 1000; quiet = taken > 0 && taken === before ? quiet + 1 : 0) {
    before = taken;
    await client.pong();
  }
  expect(taken).toBeLessThan(total / 2);
  stream.resume();
  await expect.poll(() => taken, { interval: 1, timeout: 10_000 }).toBe(total);
  stream.close(constants.NGHTTP2_CANCEL);
  await settled();
  client.close();
});

it("answers the next message only after the one before, even when that takes time", async () => {
  let decide: (() => void) | undefined;
  under.exchanges.script = {
    body: async () => {
      await new Promise<void>((resolve) => {
        decide = resolve;
      });
      return unchanged;
    },
  };
  const conversation = gateway.converse();
  conversation.write({ requestHeaders: { headers }, protocolConfig: modes });
  conversation.write({ requestBody: { body } });
  conversation.write({ requestTrailers: {} });
  await expect.poll(() => decide, { interval: 1 }).toBeDefined();
  expect(await under.reading("extproc_held_bytes")).toBe(body.length);
  decide?.();
  const answers = [await conversation.next(), await conversation.next(), await conversation.next()];
  expect(answers.map(({ response }) => response)).toEqual(["requestHeaders", "requestBody", "requestTrailers"]);
  // Nothing is held once the decision is given, however long the response takes.
  expect(await under.reading("extproc_held_bytes")).toBe(0);
  conversation.reset();
  await settled();
});

it("takes 4000 resets on one connection, faster than Node's flood guard allows by default", async () => {
  const client = new RawClient(under.address);
  under.exchanges.recording = false;
  const head = message({ requestHeaders: { headers, endOfStream: true } });
  for (let round = 0; round < 40; round += 1) {
    const answered = Array.from({ length: 100 }, () => {
      const stream = client.open();
      stream.write(head);
      return new Promise<void>((resolve) => {
        stream.once("data", () => {
          stream.close(constants.NGHTTP2_CANCEL);
          resolve();
        });
        stream.once("close", resolve);
      });
    });
    await Promise.all(answered);
  }
  expect(await client.pong()).toBe(true);
  expect(client).toMatchObject({ closed: false, goaways: 0 });
  expect(await under.reading("extproc_streams_total")).toBe(4000);
  expect(await under.reading("extproc_connections_total")).toBe(1);
  await settled();
  // Every answer was given before the reset: nothing was cancelled.
  expect(await under.reading("extproc_cancelled_streams_total")).toBe(0);
  client.close();
});

it("keeps nothing of 10,000 streams cancelled in the middle of a decision", async () => {
  under.exchanges.recording = false;
  let deciding = 0;
  under.exchanges.script = {
    body: (_body, { signal }) => {
      deciding += 1;
      return gone(signal);
    },
  };
  const client = new RawClient(under.address);
  const messages = Buffer.concat([
    message({ requestHeaders: { headers }, protocolConfig: modes }),
    message({ requestBody: { body: Buffer.alloc(10_000), endOfStream: true } }),
  ]);
  const cancel = async (count: number): Promise<void> => {
    for (let done = 0; done < count; done += 100) {
      const streams = Array.from({ length: 100 }, () => client.open());
      for (const stream of streams) stream.write(messages);
      const expected = deciding + 100;
      await expect.poll(() => deciding, { interval: 1, timeout: 5000 }).toBe(expected);
      const closed = streams.map((stream) => new Promise((resolve) => stream.once("close", resolve)));
      for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL);
      await Promise.all(closed);
    }
    await settled();
  };
  await cancel(1000);
  const before = heapUsed();
  await cancel(10_000);
  expect(await under.reading("extproc_held_bytes")).toBe(0);
  expect(await under.reading("extproc_open_streams")).toBe(0);
  expect(await under.reading("extproc_cancelled_streams_total")).toBe(11_000);
  // 10,000 leaked bodies alone would be 100 MB.
  expect(heapUsed() - before).toBeLessThan(8 * 1024 * 1024);
  client.close();
});

function heapUsed(): number {
  setFlagsFromString("--expose-gc");
  runInNewContext("gc")();
  const { heapUsed: heap, external } = process.memoryUsage();
  return heap + external;
}
