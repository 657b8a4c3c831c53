import { isDeepStrictEqual } from "node:util";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAccumulator, type Accumulated, type AccumulatorOptions } from "./accumulate.ts";
import type { StoredCompletion } from "./completion.ts";
import type { RefusalReason } from "./refusal.ts";
import { chat, counted, eventStream, recorded, roughEventStream, usage } from "./testing/answers.ts";

const SSE = "text/event-stream; charset=utf-8";
const JSON_TYPE = "application/json";

function accumulate(pieces: readonly Uint8Array[], options: Partial<AccumulatorOptions> = {}): Accumulated {
  const accumulator = createAccumulator({ contentType: SSE, protocol: "chat", ...options });
  for (const piece of pieces) accumulator.push(piece);
  return accumulator.end();
}

function accumulateText(text: string, options: Partial<AccumulatorOptions> = {}): Accumulated {
  return accumulate([Buffer.from(text)], options);
}

function complete(result: Accumulated): StoredCompletion {
  if (result.kind === "refused") throw new Error(`refused: ${result.reason}`);
  return result.completion;
}

const refused = (reason: RefusalReason) => ({ kind: "refused", reason });
const stop = chat(0, {}, { finish_reason: "stop" });
const hello = [chat(0, { role: "assistant", content: "" }), chat(0, { content: "Hello" })];

/** whole makes a JSON body with one choice. */
function whole(message: object, choice: object = {}, body: object = {}): string {
  return JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "big-model",
    choices: [{ index: 0, message: { role: "assistant", ...message }, logprobs: null, finish_reason: "stop", ...choice }],
    usage,
    ...body,
  });
}

describe("an event stream", () => {
  it.each(recorded)("is the same wherever it is cut: $name", ({ chunks, protocol }) => {
    const expected = accumulateText(eventStream(chunks), { protocol });
    expect(expected.kind).toBe("complete");
    for (const stream of [eventStream(chunks), roughEventStream(chunks)].map((text) => Buffer.from(text))) {
      const differs = (at: number) => !isDeepStrictEqual(accumulate([stream.subarray(0, at), stream.subarray(at)], { protocol }), expected);
      expect([...stream.keys()].filter(differs)).toEqual([]);
      const bytes = [...stream].map((byte) => Uint8Array.of(byte));
      expect(accumulate(bytes, { protocol })).toEqual(expected);
    }
  });

  it("is the same in any chunks", () => {
    const cuts = fc.record({
      answer: fc.constantFrom(...recorded),
      rough: fc.boolean(),
      at: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 40 }),
    });
    fc.assert(
      fc.property(cuts, ({ answer: { chunks, protocol }, rough, at }) => {
        const stream = Buffer.from(rough ? roughEventStream(chunks) : eventStream(chunks));
        const places = [0, ...at.map((share) => Math.floor(share * stream.length)), stream.length].sort((a, b) => a - b);
        const pieces = places.slice(1).map((end, index) => stream.subarray(places[index], end));
        expect(accumulate(pieces, { protocol })).toEqual(accumulateText(eventStream(chunks), { protocol }));
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it.each(recorded)("that breaks off after any chunk or byte is not kept: $name", ({ chunks, protocol }) => {
    for (let count = 0; count <= chunks.length; count += 1) {
      const cut = eventStream(chunks.slice(0, count)).replace("data: [DONE]\n\n", "");
      expect(accumulateText(cut, { protocol })).toEqual(refused("aborted"));
    }
    const stream = Buffer.from(eventStream(chunks));
    const kept = (at: number) => !isDeepStrictEqual(accumulate([stream.subarray(0, at)], { protocol }), refused("aborted"));
    expect([...stream.keys()].filter(kept)).toEqual([]);
  });

  it("gives every part of a message", () => {
    const completions = Object.fromEntries(
      recorded.map(({ name, chunks, protocol }) => [name, complete(accumulateText(eventStream(chunks), { protocol }))]),
    );
    const [text, halves, three, thinking, tools, call, logprobs, old] = recorded.map(({ name }) => completions[name]);
    const members = { system_fingerprint: "fp_44", service_tier: "default" };
    expect(text).toEqual({
      model: "big-model",
      choices: [
        {
          index: 0,
          message: { role: "assistant", content: 'Grüße, 你好 👩‍👩‍👧‍👦 — e\u0301\u2028\u0000"quoted"\\\r\n\n end' },
          logprobs: null,
          finish_reason: "stop",
          members: { stop_reason: "\n\n" },
        },
      ],
      usage,
      members,
    });
    expect(halves?.choices[0]?.message.content).toBe("😀");
    expect(halves?.usage).toBeNull();
    expect(three?.choices.map(({ index, message }) => [index, message.content])).toEqual(
      [0, 1, 2].map((index) => [index, `part of ${index}. part of ${index}. `]),
    );
    expect(thinking?.choices[0]?.message).toMatchObject({ content: "Seven.", reasoning_content: "Let me see. ", reasoning: "Hm. " });
    expect(thinking?.choices[0]?.message.annotations).toHaveLength(1);
    expect(tools?.choices[0]?.message).toEqual({
      role: "assistant",
      content: null,
      tool_calls: [
        { id: "call_a", type: "function", function: { name: "weather", arguments: '{"city":"Köln"}' } },
        { id: "call_b", type: "function", function: { name: "clock", arguments: "{}" } },
        { id: "call_c", type: "custom", custom: { name: "shell", input: "ls -l" } },
      ],
    });
    expect(call?.choices[0]?.message.function_call).toEqual({ name: "weather", arguments: '{"city":"Oslo"}' });
    expect(logprobs?.choices[0]?.logprobs?.["content"]).toMatchObject([{ token: "Se" }, { token: "ven" }, { token: ".", logprob: -9_999 }]);
    expect(old?.choices[0]).toMatchObject({
      message: { content: "One two" },
      logprobs: { tokens: ["One", " two"], token_logprobs: [-0.5, -0.75], top_logprobs: [null, { " two": -0.75 }], text_offset: [0, 3] },
      members: { stop_reason: 2 },
    });
  });

  const filtered = { hate: { filtered: false, severity: "safe" } };
  it.each<[name: string, chunks: readonly object[]]>([
    [
      "padding, times and handles of one exchange",
      [
        { ...hello[0], obfuscation: "x" },
        { ...hello[1], x_groq: { id: 1 }, metrics: { a: 1 }, kv_transfer_params: { b: 1 } },
      ],
    ],
    [
      "the clean verdict on a prompt",
      [{ object: "", model: "", choices: [], prompt_filter_results: [{ content_filter_results: filtered }] }, ...hello],
    ],
    [
      "clean verdicts on the text",
      hello.map((chunk, at) => (at === 0 ? chunk : chat(0, { content: "Hello" }, { content_filter_results: filtered }))),
    ],
    ["usage that counts up", [...hello, { ...counted, usage: { ...usage, total_tokens: 1 } }]],
  ])("leaves out %s", (_, chunks) => {
    const plain = complete(accumulateText(eventStream([...hello, stop, counted])));
    expect(complete(accumulateText(eventStream([...chunks, stop, counted])))).toEqual(plain);
  });

  it("keeps what is told once of the whole, or always the same", () => {
    const chunks = [{ ...hello[0], citations: ["a"] }, { ...hello[1], citations: ["a"], provider: "p" }, stop];
    expect(complete(accumulateText(eventStream(chunks))).members).toMatchObject({ citations: ["a"], provider: "p" });
  });

  const call = (delta: object) => chat(0, { tool_calls: [delta] });
  const started = call({ index: 0, id: "a", type: "function", function: { name: "f", arguments: "" } });
  const called = chat(0, {}, { finish_reason: "tool_calls" });
  it.each<[name: string, reason: RefusalReason, chunks: readonly object[]]>([
    ["ran out of tokens", "length", [...hello, chat(0, {}, { finish_reason: "length" })]],
    ["was filtered", "content_filter", [...hello, chat(0, {}, { finish_reason: "content_filter" })]],
    ["was found fault with", "content_filter", [...hello, chat(0, {}, { content_filter_results: { hate: { filtered: true } } }), stop]],
    ["ended for no known reason", "unknown_finish", [...hello, chat(0, {}, { finish_reason: "abort" })]],
    ["ended in two ways", "malformed", [...hello, stop, called]],
    [
      "has choices that ended in two ways",
      "mixed_finish",
      [...hello, stop, chat(1, { content: "x" }), chat(1, {}, { finish_reason: "tool_calls" })],
    ],
    ["holds an error", "error", [...hello, { error: { message: "overloaded" } }, stop]],
    ["holds an error among the choices", "error", [...hello, chat(0, {}, { error: { code: 502 } }), stop]],
    ["is vLLM's error", "error", [...hello, { object: "error", message: "no" }]],
    ["is a refusal", "refusal", [chat(0, { role: "assistant", refusal: "I'm" }), stop]],
    ["says nothing", "empty", [chat(0, { role: "assistant", content: "" }), stop]],
    ["says white space", "empty", [chat(0, { role: "assistant", content: " \n" }), stop]],
    ["only thinks", "empty", [chat(0, { reasoning_content: "hm" }), stop]],
    ["is spoken", "audio", [...hello, chat(0, { audio: { data: "AA==" } }), stop]],
    ["is over before it has begun", "early_done", []],
    ["is over before a choice has ended", "early_done", [...hello, chat(1, { content: "x" }), stop]],
    ["goes on in an unknown way", "unknown_delta", [...hello, chat(0, { reasoning_details: [{}] }), stop]],
    [
      "has an unknown part of a choice twice",
      "unknown_delta",
      [chat(0, { content: "ha" }, { token_ids: [5] }), chat(0, { content: "ha" }, { token_ids: [5] }), stop],
    ],
    [
      "has an unknown part of the whole that changes",
      "unknown_delta",
      [{ ...hello[0], citations: ["a"] }, { ...hello[1], citations: ["b"] }, stop],
    ],
    ["annotates twice", "unknown_delta", [...hello, chat(0, { annotations: [1] }), chat(0, { annotations: [2] }), stop]],
    ["has an unknown part of a call", "unknown_delta", [started, call({ index: 0, extra_content: {} }), called]],
    ["has an unknown part of a function", "unknown_delta", [started, call({ index: 0, function: { strict: true } }), called]],
    ["mixes two calls up by id", "malformed", [started, call({ index: 0, id: "b", function: { arguments: "{}" } }), called]],
    ["mixes two calls up by name", "malformed", [started, call({ index: 0, function: { name: "g" } }), called]],
    ["mixes two kinds of call up", "malformed", [started, call({ index: 0, custom: { name: "f", input: "" } }), called]],
    ["calls without an index", "malformed", [call({ id: "a", function: { name: "f", arguments: "" } }), called]],
    ["calls without a name", "malformed", [call({ index: 0, id: "a", function: { arguments: "{}" } }), called]],
    ["has a whole message in a chunk", "malformed", [...hello, chat(0, {}, { message: { content: "x" } }), stop]],
    ["has parts for text", "malformed", [chat(0, { content: [{ type: "text", text: "x" }] }), stop]],
    ["has a choice without an index", "malformed", [{ ...hello[0], choices: [{ delta: { content: "x" }, finish_reason: "stop" }] }]],
    ["leaves a choice out", "malformed", [chat(1, { content: "x" }), chat(1, {}, { finish_reason: "stop" })]],
    ["has more choices than anybody gives", "malformed", [chat(128, { content: "x" }), stop]],
    ["is a whole answer", "wrong_object", [JSON.parse(whole({ content: "x" })) as object]],
    ["is of another protocol", "wrong_object", [{ object: "text_completion", choices: [{ index: 0, text: "x", finish_reason: "stop" }] }]],
    ["is no completion", "wrong_object", [...hello, { type: "ping" }, stop]],
  ])("that %s is not kept", (_, reason, chunks) => {
    expect(accumulateText(eventStream(chunks))).toEqual(refused(reason));
  });

  it.each<[name: string, reason: RefusalReason, text: string]>([
    ["is not JSON", "not_json", "data: {\n\ndata: [DONE]\n\n"],
    ["is not UTF-8", "not_json", "data: \u00ff"],
    ["says null", "not_json", "data: null\n\n"],
    ["says a list", "wrong_object", "data: []\n\n"],
    ["has an event that is called an error", "error", "event: error\ndata: {}\n\n"],
    ["goes on after its end", "malformed", `${eventStream([...hello, stop])}data: {}\n\n`],
    ["is JSON after all", "aborted", whole({ content: "x" })],
    ["is empty", "aborted", ""],
  ])("that %s is not kept", (_, reason, text) => {
    expect(accumulate([Buffer.from(text, "latin1")])).toEqual(refused(reason));
  });

  it("is over at the second [DONE], too", () => {
    expect(accumulateText(`${eventStream([...hello, stop])}data: [DONE]\n\n`).kind).toBe("complete");
  });
});

describe("a JSON body", () => {
  it("is the same wherever it is cut", () => {
    const body = Buffer.from(`\uFEFF ${whole({ content: "Grüße, 你好 👩‍👩‍👧‍👦" })}\n`);
    for (let at = 0; at <= body.length; at += 1) {
      const result = accumulate([body.subarray(0, at), body.subarray(at)], { contentType: JSON_TYPE });
      expect(complete(result).choices[0]?.message.content).toBe("Grüße, 你好 👩‍👩‍👧‍👦");
    }
  });

  it("that breaks off at any byte is not kept", () => {
    const body = Buffer.from(whole({ content: "Grüße" }));
    for (let at = 0; at < body.length; at += 1) {
      expect(accumulate([body.subarray(0, at)], { contentType: JSON_TYPE })).toEqual(refused("not_json"));
    }
  });

  it("is kept with what nobody here knows, without what says nothing", () => {
    const message = { content: null, refusal: null, audio: null, annotations: [], reasoning: "", citations: [{ n: 1 }] };
    const json = whole(message, { stop_reason: null, native: 1 }, { provider: "p", service_tier: null, timings: {} }).replace(
      '"citations"',
      '"__proto__":{"x":1},"citations"',
    );
    const calls =
      '"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}","extra":1},"extra_content":{"s":1}}],"citations"';
    const completion = complete(accumulateText(json.replace('"citations"', calls), { contentType: JSON_TYPE }));
    const [choice] = completion.choices;
    expect(Object.keys(choice?.message ?? {}).sort()).toEqual(["__proto__", "citations", "content", "role", "tool_calls"]);
    expect(choice?.message.tool_calls).toEqual([
      { type: "function", id: "a", function: { name: "f", arguments: "{}", extra: 1 }, extra_content: { s: 1 } },
    ]);
    expect(choice?.members).toEqual({ native: 1 });
    expect(completion.members).toEqual({ provider: "p" });
    expect(completion.usage).toEqual(usage);
  });

  const text = { content: "x" };
  it.each<[name: string, reason: RefusalReason, body: string]>([
    ["ran out of tokens", "length", whole(text, { finish_reason: "length" })],
    ["was filtered", "content_filter", whole(text, { finish_reason: "content_filter" })],
    ["was found fault with", "content_filter", whole(text, { content_filter_results: { protected_material_text: { detected: true } } })],
    ["has not ended", "aborted", whole(text, { finish_reason: null })],
    ["is a refusal", "refusal", whole({ content: null, refusal: "no" })],
    ["says nothing", "empty", whole({ content: null, tool_calls: [] })],
    ["has no choices", "empty", whole(text, {}, { choices: [] })],
    ["has an error", "error", whole(text, {}, { error: { message: "x" } })],
    ["is an error", "error", '{"error":{"message":"x"}}'],
    [
      "has the same choice twice",
      "malformed",
      whole(text, {}, { choices: [0, 0].map((index) => ({ index, message: text, finish_reason: "stop" })) }),
    ],
    ["has half a call", "malformed", whole({ content: "x", tool_calls: [{ id: "a", function: { name: "f" } }] })],
    ["has half a function call", "malformed", whole({ content: "x", function_call: { arguments: "" } })],
    ["is a chunk", "wrong_object", JSON.stringify(hello[0])],
    ["is something else", "wrong_object", '{"object":"list","data":[]}'],
    ["is a list", "wrong_object", "[]"],
    ["is null", "not_json", "null"],
    ["is empty", "not_json", ""],
    [
      "is nested without end",
      "not_json",
      whole({ content: "x", deep: null }).replace('"deep":null', `"deep":${"[".repeat(20_000)}${"]".repeat(20_000)}`),
    ],
  ])("that %s is not kept", (_, reason, body) => {
    expect(accumulateText(body, { contentType: JSON_TYPE })).toEqual(refused(reason));
  });
});

describe("createAccumulator", () => {
  it.each([undefined, "", "text/plain", "text/html; charset=utf-8", "application/x-ndjson", "audio/mpeg"])(
    "refuses content type %s",
    (contentType) => {
      expect(accumulateText(whole({ content: "x" }), { contentType })).toEqual(refused("content_type"));
    },
  );

  it("reads content types as they may be written", () => {
    expect(accumulateText(whole({ content: "x" }), { contentType: " Application/JSON ;charset=UTF-8" }).kind).toBe("complete");
  });

  const long = "x".repeat(1_000);
  it.each<[name: string, contentType: string, pieces: () => Generator<string>]>([
    [
      "a body",
      JSON_TYPE,
      function* () {
        for (;;) yield long;
      },
    ],
    [
      "a line",
      SSE,
      function* () {
        yield "data: ";
        for (;;) yield long;
      },
    ],
    [
      "an event's lines",
      SSE,
      function* () {
        for (;;) yield `data: ${long}\n`;
      },
    ],
    [
      "text",
      SSE,
      function* () {
        for (;;) yield `data: ${JSON.stringify(chat(0, { content: long }))}\n\n`;
      },
    ],
    [
      "arguments",
      SSE,
      function* () {
        for (;;) yield `data: ${JSON.stringify(chat(0, { tool_calls: [{ index: 0, function: { arguments: long } }] }))}\n\n`;
      },
    ],
    [
      "probabilities",
      SSE,
      function* () {
        for (;;) yield `data: ${JSON.stringify(chat(0, {}, { logprobs: { content: [{ token: long }] } }))}\n\n`;
      },
    ],
    [
      "names of probabilities",
      SSE,
      function* () {
        for (let at = 0; ; at += 1) yield `data: ${JSON.stringify(chat(0, {}, { logprobs: { [at]: [] } }))}\n\n`;
      },
    ],
    [
      "unknown members",
      SSE,
      function* () {
        for (let at = 0; ; at += 1) yield `data: ${JSON.stringify({ ...hello[0], [at]: long })}\n\n`;
      },
    ],
    [
      "names of unknown members",
      SSE,
      function* () {
        for (let at = 0; ; at += 1) yield `data: ${JSON.stringify(chat(0, {}, { [`${long}${at}`]: 1 }))}\n\n`;
      },
    ],
    [
      "empty calls",
      SSE,
      function* () {
        for (let at = 0; ; at += 1) yield `data: ${JSON.stringify(chat(at >> 7, { tool_calls: [{ index: at & 127 }] }))}\n\n`;
      },
    ],
  ])("refuses %s without end", (_, contentType, pieces) => {
    const accumulator = createAccumulator({ contentType, protocol: "chat", maxBytes: 50_000 });
    let fed = 0;
    for (const piece of pieces()) {
      accumulator.push(Buffer.from(piece));
      fed += 1;
      if (fed === 3_000) break;
    }
    expect(accumulator.end()).toEqual(refused("too_large"));
  });

  it("counts what events say, not how they are wrapped", () => {
    const chunks = [...Array.from({ length: 2_000 }, () => chat(0, { content: "1234" })), stop];
    expect(eventStream(chunks).length).toBeGreaterThan(400_000);
    expect(accumulateText(eventStream(chunks), { maxBytes: 9_000 }).kind).toBe("complete");
    expect(accumulateText(eventStream(chunks), { maxBytes: 8_000 })).toEqual(refused("too_large"));
    const body = whole({ content: "x" });
    expect(accumulateText(body, { contentType: JSON_TYPE, maxBytes: body.length }).kind).toBe("complete");
    expect(accumulateText(body, { contentType: JSON_TYPE, maxBytes: body.length - 1 })).toEqual(refused("too_large"));
  });

  it("stays refused, and stays complete, whatever comes after", () => {
    const over = createAccumulator({ contentType: SSE, protocol: "chat" });
    over.push(Buffer.from(eventStream([...hello, stop])));
    const first = over.end();
    over.push(Buffer.from("data: {\n\n"));
    expect(over.end()).toBe(first);
    const broken = createAccumulator({ contentType: SSE, protocol: "chat", maxBytes: 10 });
    for (let count = 0; count < 3; count += 1) broken.push(Buffer.from(eventStream([...hello, stop])));
    expect(broken.end()).toEqual(refused("too_large"));
    expect(broken.end()).toEqual(refused("too_large"));
  });

  it("never throws, whatever bytes it is given", () => {
    const bytes = Buffer.from(roughEventStream(recorded[4]?.chunks ?? []));
    const flip = fc.record({ at: fc.nat(bytes.length - 1), to: fc.nat(255), contentType: fc.constantFrom(SSE, JSON_TYPE) });
    fc.assert(
      fc.property(flip, ({ at, to, contentType }) => {
        const changed = Buffer.from(bytes);
        changed[at] = to;
        expect(["complete", "refused"]).toContain(accumulate([changed], { contentType }).kind);
      }),
      { seed: 7, numRuns: 1_000 },
    );
    fc.assert(
      fc.property(fc.json(), fc.constantFrom("chat", "completions"), (json, protocol) => {
        expect(accumulateText(json, { contentType: JSON_TYPE, protocol }).kind).toBe("refused");
        expect(accumulateText(`data: ${json}\n\ndata: [DONE]\n\n`, { protocol }).kind).toBe("refused");
        const choice = JSON.parse(json) as object;
        const body = (more: object) =>
          JSON.stringify({ object: "chat.completion", choices: [{ index: 0, finish_reason: "stop", message: choice, ...more }] });
        accumulateText(body({}), { contentType: JSON_TYPE });
        accumulateText(body({ message: { content: "x", tool_calls: choice, function_call: choice } }), { contentType: JSON_TYPE });
        accumulateText(eventStream([chat(0, choice), chat(0, { tool_calls: choice }), chat(0, {}, { logprobs: choice }), stop]));
      }),
      { seed: 8, numRuns: 1_000 },
    );
  });
});
