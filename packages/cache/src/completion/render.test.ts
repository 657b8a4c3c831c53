import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAccumulator } from "./accumulate.ts";
import { textOf, type StoredChoice, type StoredCompletion, type StoredMessage, type ToolCall } from "./completion.ts";
import { alignedPieces, pieces, type Logprobs } from "./pieces.ts";
import { renderEventStream, renderJson } from "./render.ts";
import { eventStream, recorded } from "./testing/answers.ts";
import type { Protocol } from "../identity/index.ts";

const identity = { id: "chatcmpl-new", created: 1_760_000_000, model: "expert" };

function read(body: string, contentType: string, protocol: Protocol): StoredCompletion {
  const accumulator = createAccumulator({ contentType, protocol, maxBytes: 10_000_000 });
  accumulator.push(Buffer.from(body));
  const result = accumulator.end();
  if (result.kind === "refused") throw new Error(`refused: ${result.reason}`);
  return { ...result.completion, model: "big-model" };
}

const readStream = (body: string, protocol: Protocol) => read(body, "text/event-stream", protocol);
const throughStream = (completion: StoredCompletion, protocol: Protocol) =>
  readStream(renderEventStream(completion, { ...identity, protocol, includeUsage: true }), protocol);
const throughJson = (completion: StoredCompletion, protocol: Protocol) =>
  read(renderJson(completion, { ...identity, protocol }), "application/json", protocol);

function chunksOf(stream: string): readonly ChunkLike[] {
  const events = stream.split("\n\n").map((event) => event.replace("data: ", ""));
  expect(events.slice(-2)).toEqual(["[DONE]", ""]);
  return events.slice(0, -2).map((event) => JSON.parse(event) as ChunkLike);
}

interface ChunkLike {
  readonly id: string;
  readonly usage?: object | null;
  readonly choices: readonly {
    readonly index: number;
    readonly delta?: Record<string, unknown>;
    readonly logprobs: object | null;
    readonly finish_reason: string | null;
  }[];
  readonly [member: string]: unknown;
}

const stored = recorded.map(({ name, chunks, protocol }) => ({ name, protocol, completion: readStream(eventStream(chunks), protocol) }));

const text = fc.string({ unit: "binary", minLength: 1, maxLength: 60 }).filter((value) => value.trim() !== "");
const longText = fc.oneof(
  text,
  fc.tuple(text, fc.integer({ min: 1, max: 200 })).map(([unit, times]) => unit.repeat(times)),
);
const toolCall: fc.Arbitrary<ToolCall> = fc.oneof(
  fc.record({
    id: text,
    type: fc.constant("function"),
    function: fc.record({ name: text, arguments: fc.oneof(longText, fc.constant("")) }),
  }),
  fc.record({ id: text, type: fc.constant("custom"), custom: fc.record({ name: text, input: longText }) }),
);
/** Tokens that make up the text, or do not. */
const tokensOf = (content: string) => {
  const tokens = content.match(/[^]{1,7}/gu) ?? [];
  return fc.constantFrom<readonly string[] | null>(null, tokens, ["other", ...tokens], []);
};
const messageOf = (protocol: Protocol, content: string): fc.Arbitrary<StoredMessage> =>
  protocol === "completions"
    ? fc.constant({ role: "assistant", content })
    : fc
        .record(
          {
            role: fc.constant("assistant"),
            content: fc.constantFrom(content, content, null),
            reasoning_content: longText,
            reasoning: longText,
            tool_calls: fc.array(toolCall, { minLength: 1, maxLength: 4 }),
            function_call: fc.record({ name: text, arguments: longText }),
            annotations: fc.array(fc.dictionary(text, text), { minLength: 1, maxLength: 3 }),
          },
          { requiredKeys: ["role", "content"] },
        )
        .filter((message) => message.content !== null || "tool_calls" in message || "function_call" in message);
const logprobsOf = (protocol: Protocol, tokens: readonly string[]): Logprobs =>
  protocol === "chat"
    ? { content: tokens.map((token, at) => ({ token, logprob: -at - 1, bytes: null, top_logprobs: [] })) }
    : { tokens, token_logprobs: tokens.map((_, at) => -at - 1) };
const choiceOf = (protocol: Protocol): fc.Arbitrary<Omit<StoredChoice, "index">> =>
  longText.chain((content) =>
    fc
      .record({ message: messageOf(protocol, content), tokens: tokensOf(content), stop: fc.option(fc.oneof(text, fc.nat())) })
      .map(({ message, tokens, stop }) => ({
        message,
        logprobs: tokens === null ? null : logprobsOf(protocol, tokens),
        finish_reason: "stop",
        members: stop === null ? {} : { stop_reason: stop },
      })),
  );
const completionOf = (protocol: Protocol): fc.Arbitrary<StoredCompletion> =>
  fc
    .record({
      choices: fc.array(choiceOf(protocol), { minLength: 1, maxLength: 3 }),
      usage: fc.option(fc.dictionary(text, fc.nat())),
      members: fc.record({ system_fingerprint: text, service_tier: text, citations: fc.array(text) }, { requiredKeys: [] }),
    })
    .map(({ choices, ...rest }) => ({ model: "big-model", choices: choices.map((choice, index) => ({ index, ...choice })), ...rest }));

describe("a stored completion", () => {
  it.each(stored)("is the same through JSON and through a stream: $name", ({ completion, protocol }) => {
    expect(throughJson(completion, protocol)).toEqual(completion);
    expect(throughStream(completion, protocol)).toEqual(completion);
  });

  it.each<Protocol>(["chat", "completions"])("of any kind is the same through both, in either order (%s)", (protocol) => {
    fc.assert(
      fc.property(completionOf(protocol), (completion) => {
        // Keys of what fast-check makes have no prototype.
        const plain = JSON.parse(JSON.stringify(completion)) as StoredCompletion;
        expect(throughStream(throughJson(plain, protocol), protocol)).toEqual(plain);
        expect(throughJson(throughStream(plain, protocol), protocol)).toEqual(plain);
      }),
      { seed: 6, numRuns: 200 },
    );
  });

  const [first] = stored;
  const chat = first?.completion as StoredCompletion;

  it("is told under a new id, time and model", () => {
    const own = { id: "chatcmpl-new", created: 1_760_000_000, model: "expert", system_fingerprint: "fp_44", service_tier: "default" };
    const json = JSON.parse(renderJson(chat, { ...identity, protocol: "chat" })) as ChunkLike;
    expect(json).toMatchObject({ ...own, object: "chat.completion", choices: [{ message: { refusal: null }, stop_reason: "\n\n" }] });
    for (const chunk of chunksOf(renderEventStream(chat, { ...identity, protocol: "chat", includeUsage: true })))
      expect(chunk).toMatchObject({ ...own, object: "chat.completion.chunk" });
    const old = stored.at(-1)?.completion as StoredCompletion;
    const named = { ...identity, protocol: "completions" } as const;
    expect(JSON.parse(renderJson(old, named))).toMatchObject({
      object: "text_completion",
      choices: [{ text: "One two", finish_reason: "stop" }],
    });
    expect(chunksOf(renderEventStream(old, { ...named, includeUsage: false }))).toMatchObject([
      { object: "text_completion", choices: [{ text: "One two", finish_reason: null }] },
      { object: "text_completion", choices: [{ text: "", finish_reason: "stop", stop_reason: 2 }] },
    ]);
  });

  it("is streamed as OpenAI does: the role, text, the end", () => {
    const chunks = chunksOf(renderEventStream(chat, { ...identity, protocol: "chat", includeUsage: false }));
    expect(chunks.map(({ choices }) => choices[0])).toEqual([
      { index: 0, delta: { role: "assistant", content: "" }, logprobs: null, finish_reason: null },
      { index: 0, delta: { content: chat.choices[0]?.message.content }, logprobs: null, finish_reason: null },
      { index: 0, delta: {}, logprobs: null, finish_reason: "stop", stop_reason: "\n\n" },
    ]);
    expect(chunks.every((chunk) => !("usage" in chunk))).toBe(true);
  });

  it("tells the usage in a last chunk without choices, if asked to", () => {
    const asked = { ...identity, protocol: "chat", includeUsage: true } as const;
    const chunks = chunksOf(renderEventStream(chat, asked));
    expect(chunks.slice(0, -1).every(({ usage }) => usage === null)).toBe(true);
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: chat.usage });
    expect(chunksOf(renderEventStream({ ...chat, usage: null }, asked)).at(-1)?.choices).toHaveLength(1);
    expect(JSON.parse(renderJson({ ...chat, usage: null }, asked))).not.toHaveProperty("usage");
  });

  it("tells probabilities with the text that they are of", () => {
    const { completion } = stored.find(({ name }) => name === "probabilities of tokens") as (typeof stored)[number];
    const chunks = chunksOf(renderEventStream(completion, { ...identity, protocol: "chat", includeUsage: false }));
    expect(chunks.map(({ choices }) => choices[0]?.logprobs)).toMatchObject([
      null,
      { content: [{ token: "Se" }, { token: "ven" }, { token: "." }], refusal: null },
      null,
    ]);
  });

  it("tells members that nobody knows, to streaming clients too", () => {
    const [choice] = chat.choices as [StoredChoice];
    const odd = { ...chat, choices: [{ ...choice, message: { ...choice.message, citations: ["a"] } }], members: { provider: "p" } };
    const chunks = chunksOf(renderEventStream(odd, { ...identity, protocol: "chat", includeUsage: false }));
    expect(chunks.map(({ provider, choices }) => [provider, choices[0]?.delta?.["citations"]])).toEqual([
      ["p", ["a"]],
      [undefined, undefined],
      [undefined, undefined],
    ]);
    expect(throughJson(odd, "chat")).toEqual(odd);
  });

  it("has a text for readers, unless it calls tools", () => {
    expect(stored.map(({ completion }) => textOf(completion))).toEqual([
      chat.choices[0]?.message.content,
      "😀",
      [0, 1, 2].map((index) => `part of ${index}. part of ${index}. `).join("\n"),
      "Seven.",
      "",
      "",
      "Seven.",
      "One two",
    ]);
    const [choice] = chat.choices as [StoredChoice];
    const call = { type: "function", function: { name: "f", arguments: "{}" } };
    expect(textOf({ ...chat, choices: [{ ...choice, message: { ...choice.message, tool_calls: [call] } }] })).toBe("");
  });

  it("tells a long member of the whole once, not in every chunk", () => {
    const { completion } = stored.find(({ protocol }) => protocol === "chat")!;
    const system_fingerprint = "f".repeat(10_000);
    const long = { ...completion, members: { ...completion.members, system_fingerprint } };
    const chunks = chunksOf(renderEventStream(long, { ...identity, protocol: "chat", includeUsage: false }));
    expect(chunks.length).toBeGreaterThan(2);
    expect(chunks.flatMap((chunk) => chunk["system_fingerprint"] ?? [])).toEqual([system_fingerprint]);
  });
});

describe("pieces", () => {
  it("are at most 1 kB, end between characters and make up the text", () => {
    fc.assert(
      fc.property(longText, fc.constantFrom("", "a", "ab", "abc"), (body, start) => {
        const whole = start + body;
        const cut = [...pieces(whole)];
        expect(cut.join("")).toBe(whole);
        for (const piece of cut) {
          expect(piece).not.toBe("");
          expect(Buffer.byteLength(piece)).toBeLessThanOrEqual(1_024);
          expect(piece.isWellFormed()).toBe(true);
        }
      }),
      { seed: 6, numRuns: 1_000 },
    );
    expect([...pieces("x".repeat(2_049))].map(({ length }) => length)).toEqual([1_024, 1_024, 1]);
    expect([...pieces("")]).toEqual([]);
  });

  it("survive half a surrogate pair", () => {
    const odd = `\ud83d${"x".repeat(1_100)}\ude00`;
    expect([...pieces(odd)].join("")).toBe(odd);
  });

  it("are aligned only with tokens that make up the text", () => {
    const tokens = Array.from({ length: 300 }, (_, at) => `token ${at} `);
    const probabilities = tokens.map((_, at) => -at);
    const aligned = alignedPieces(tokens.join(""), { tokens, token_logprobs: probabilities }) ?? [];
    expect(aligned.length).toBeGreaterThan(2);
    expect(aligned.flatMap(({ logprobs }) => logprobs["token_logprobs"])).toEqual(probabilities);
    for (const { text: piece, logprobs } of aligned) {
      expect(logprobs["tokens"]?.join("")).toBe(piece);
      expect(piece.length).toBeLessThanOrEqual(1_024);
    }
    expect(alignedPieces("x", { tokens: ["y"] })).toBeNull();
    expect(alignedPieces("xy", { tokens: ["x", "y"], token_logprobs: [1] })).toBeNull();
    expect(alignedPieces("x", { content: [{ token: 1 }] })).toBeNull();
    expect(alignedPieces("", { content: [] })).toBeNull();
    expect(alignedPieces("", { content: [{ token: "" }] })).toBeNull();
  });
});
