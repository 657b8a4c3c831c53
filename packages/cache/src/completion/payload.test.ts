import { crc32, zstdCompressSync } from "node:zlib";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAccumulator, type Accumulated } from "./accumulate.ts";
import { decodePayload, encodePayload, type StoredAnswer } from "./payload.ts";

const limits = { maxBytes: 1_000_000 };

function answerOf(content: string, more: Partial<StoredAnswer> = {}): StoredAnswer {
  return {
    id: "entry",
    scope: "scope",
    decision: "math",
    model: "expert",
    exact: "hash",
    partition: new Uint8Array(32).map((_, at) => at * 8),
    userText: "What is «this»? 你好",
    meta: { "x-vsr-selected-decision": "math", __proto: "1" },
    createdMs: 1_750_000_000_123,
    expiresMs: 1_750_003_600_123.5,
    completion: {
      model: "big-model",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content, tool_calls: [{ id: "a", type: "function", function: { name: "f", arguments: "{}" } }] },
          logprobs: { content: [{ token: "x", logprob: -0.1 }] },
          finish_reason: "stop",
          members: { stop_reason: 2 },
        },
      ],
      usage: { total_tokens: 3 },
      members: { system_fingerprint: "fp" },
    },
    ...more,
  };
}

function accumulated(body: string): Accumulated {
  const accumulator = createAccumulator({ contentType: "application/json", protocol: "chat" });
  accumulator.push(Buffer.from(body));
  return accumulator.end();
}

const short = encodePayload(answerOf("Seven."));
const long = encodePayload(answerOf("Seven or eight. ".repeat(200)));
const broken = (reason: string) => ({ kind: "broken", reason });

/** forged makes bytes whose checksum is right. */
function forged(body: Uint8Array, { coding = 0, plainBytes = body.length, version = 1 } = {}): Uint8Array {
  const bytes = Buffer.concat([Buffer.from("TOAN"), Buffer.alloc(16), body]);
  bytes.writeUInt8(version, 4);
  bytes.writeUInt8(coding, 5);
  bytes.writeUInt32BE(body.length, 8);
  bytes.writeUInt32BE(plainBytes, 12);
  bytes.writeUInt32BE(crc32(bytes.subarray(20), crc32(bytes.subarray(0, 16))), 16);
  return bytes;
}

/** frameOf is a zstd frame with one raw block, which asks for a window of any size. */
function frameOf(block: Uint8Array, windowLog: number): Uint8Array {
  const header = Buffer.from([0x28, 0xb5, 0x2f, 0xfd, 0, (windowLog - 10) << 3, 0, 0, 0]);
  header.writeUIntLE((block.length << 3) | 1, 6, 3);
  return Buffer.concat([header, block]);
}

const plainOf = (answer: object) => Buffer.from(JSON.stringify(answer));
const readable = { ...answerOf("x"), partition: Buffer.alloc(32).toString("base64url") };

describe("a payload", () => {
  it.each([
    ["short", answerOf("Seven.")],
    ["long", answerOf("Seven or eight. ".repeat(5_000))],
    ["without the user's words", answerOf("x", { userText: null, meta: {} })],
    ["with half a surrogate pair", answerOf("\ud83d", { userText: "\ude00\u0000\u2028" })],
  ])("gives the answer back: %s", (_, answer) => {
    const decoded = decodePayload(encodePayload(answer), limits);
    expect(decoded).toEqual({ kind: "answer", answer: { ...answer, partition: Buffer.from(answer.partition) } });
  });

  it("keeps members of any name", () => {
    const odd = JSON.parse('{"__proto__":{"x":1},"constructor":2}') as Record<string, unknown>;
    const completion = { ...answerOf("x").completion, members: odd };
    const decoded = decodePayload(encodePayload(answerOf("x", { completion })), limits);
    expect(decoded.kind === "answer" && JSON.stringify(decoded.answer.completion.members)).toBe(JSON.stringify(odd));
  });

  it("gives back what is nested as deep as an answer may be", () => {
    const body = (depth: number) =>
      `{"object":"chat.completion","choices":[{"message":{"content":"x","deep":${"[".repeat(depth)}${"]".repeat(depth)}},"finish_reason":"stop"}]}`;
    const deepest = [...Array(100).keys()].map((depth) => accumulated(body(depth))).findLast(({ kind }) => kind === "complete");
    const completion = deepest?.kind === "complete" ? deepest.completion : expect.fail("nothing was kept");
    expect(JSON.stringify(completion)).toContain("[".repeat(50));
    expect(decodePayload(encodePayload(answerOf("x", { completion })), limits)).toMatchObject({ answer: { completion } });
  });

  it("is compressed where that pays, and read from the middle of other bytes", () => {
    expect(long.length).toBeLessThan(1_000);
    const around = Buffer.concat([Buffer.alloc(7, 1), long, Buffer.alloc(9, 2)]);
    expect(decodePayload(around.subarray(7, 7 + long.length), limits)).toEqual(decodePayload(long, limits));
    expect(decodePayload(new Uint8Array(long), limits).kind).toBe("answer");
  });

  it.each([
    ["plain", short],
    ["compressed", long],
  ])("that lost or gained bytes is no answer: %s", (_, payload) => {
    for (let length = 0; length < payload.length; length += 1)
      expect(decodePayload(payload.subarray(0, length), limits)).toEqual(broken("length"));
    for (let from = 1; from < payload.length; from += 1) expect(decodePayload(payload.subarray(from), limits).kind).toBe("broken");
    expect(decodePayload(Buffer.concat([payload, Buffer.alloc(1)]), limits)).toEqual(broken("length"));
  });

  it.each([
    ["plain", short],
    ["compressed", long],
  ])("with any byte changed is no answer: %s", (_, payload) => {
    for (let at = 0; at < payload.length; at += 1) {
      for (const mask of [1, 2, 4, 8, 16, 32, 64, 128, 255]) {
        const changed = Uint8Array.from(payload);
        changed[at] = (changed[at] ?? 0) ^ mask;
        if (decodePayload(changed, limits).kind !== "broken") expect.fail(`byte ${at} changed by ${mask} was not noticed`);
      }
    }
  });

  it("with any run of bytes changed is no answer", () => {
    const damage = fc.record({
      payload: fc.constantFrom(short, long),
      at: fc.nat(Math.min(short.length, long.length) - 1),
      bytes: fc.uint8Array({ minLength: 1, maxLength: 64 }),
    });
    fc.assert(
      fc.property(damage, ({ payload, at, bytes }) => {
        const changed = Uint8Array.from(payload);
        changed.set(bytes.subarray(0, changed.length - at), at);
        const decoded = decodePayload(changed, limits);
        expect(decoded.kind === "broken" || Buffer.compare(changed, payload) === 0).toBe(true);
      }),
      { seed: 6, numRuns: 2_000 },
    );
  });

  it("is not made of any bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(3), fc.nat(2), (bytes, coding, version) => {
        expect(decodePayload(bytes, limits).kind).toBe("broken");
        expect(decodePayload(forged(bytes, { coding, version }), limits).kind).toBe("broken");
        expect(decodePayload(forged(bytes, { coding, version, plainBytes: 2 ** 32 - 1 }), { maxBytes: 2 ** 32 }).kind).toBe("broken");
      }),
      { seed: 7, numRuns: 2_000 },
    );
  });

  const bomb = zstdCompressSync(Buffer.alloc(10_000_000));
  const wide = frameOf(plainOf(readable), 27);
  it.each([
    ["says it is longer than the limit", "too_large", forged(bomb, { coding: 1, plainBytes: 10_000_000 })],
    ["swells beyond what it says", "coding", forged(bomb, { coding: 1, plainBytes: 1_000 })],
    ["wants more memory than it can need", "coding", forged(wide, { coding: 1, plainBytes: plainOf(readable).length })],
    ["is shorter than it says", "coding", forged(zstdCompressSync(plainOf(readable)), { coding: 1, plainBytes: 100_000 })],
    ["is plain and shorter than it says", "coding", forged(plainOf(readable), { plainBytes: 100_000 })],
    ["is empty", "content", forged(new Uint8Array())],
    ["is compressed and empty", "coding", forged(new Uint8Array(), { coding: 1 })],
    ["is of an unknown coding", "coding", forged(plainOf(readable), { coding: 2 })],
    ["is of another version", "version", forged(plainOf(readable), { version: 2 })],
    ["is of another program", "magic", Buffer.from('{"id":"entry","and":"so on and so on"}')],
  ])("that %s is no answer", (_, reason, payload) => {
    expect(decodePayload(payload, limits)).toEqual(broken(reason));
  });

  const { completion } = readable;
  const choice = completion.choices[0] as object;
  it.each([
    ["no members", {}],
    ["no id", { ...readable, id: "" }],
    ["a short partition", { ...readable, partition: "AAAA" }],
    ["meta that is no text", { ...readable, meta: { a: 1 } }],
    ["no time of expiry", { ...readable, expiresMs: null }],
    ["no completion", { ...readable, completion: null }],
    ["no choices", { ...readable, completion: { ...completion, choices: [] } }],
    [
      "text that is none",
      { ...readable, completion: { ...completion, choices: [{ ...choice, message: { role: "assistant", content: 1 } }] } },
    ],
    [
      "half a call",
      {
        ...readable,
        completion: { ...completion, choices: [{ ...choice, message: { role: "assistant", content: null, tool_calls: [{}] } }] },
      },
    ],
    ["an unknown end", { ...readable, completion: { ...completion, choices: [{ ...choice, finish_reason: "length" }] } }],
  ])("with %s is no answer, though whole", (_, answer) => {
    expect(decodePayload(forged(plainOf(readable)), limits).kind).toBe("answer");
    expect(decodePayload(forged(plainOf(answer)), limits)).toEqual(broken("content"));
  });

  it("may be compressed with any window up to the limit", () => {
    const frame = frameOf(plainOf(readable), 22);
    expect(decodePayload(forged(frame, { coding: 1, plainBytes: plainOf(readable).length }), limits).kind).toBe("answer");
  });

  it("holds one that is as long as the limit, and none that is longer", () => {
    const bytes = Buffer.from(long).readUInt32BE(12);
    expect(decodePayload(long, { maxBytes: bytes }).kind).toBe("answer");
    expect(decodePayload(long, { maxBytes: bytes - 1 })).toEqual(broken("too_large"));
  });
});
