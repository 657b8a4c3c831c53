import { describe, expect, it } from "vitest";
import { canonicalRequest, exactHash, MAX_BODY_BYTES, type CanonicalRequest, type Protocol } from "./canonical-request.ts";

const bytes = (body: unknown) => Buffer.from(typeof body === "string" ? body : JSON.stringify(body));

function identified(body: unknown, protocol: Protocol = "chat"): CanonicalRequest {
  const request = canonicalRequest(bytes(body), protocol);
  if (request.kind !== "request") throw new Error(`uncacheable: ${request.reason}`);
  return request;
}

const user = (content: unknown) => ({ role: "user", content });
const chat = (content: unknown, more: object = {}) => ({ model: "auto", messages: [user(content)], ...more });

describe("canonicalRequest", () => {
  it.each([
    ["a body over the limit", Buffer.alloc(MAX_BODY_BYTES + 1, "1"), "too_large"],
    ["invalid UTF-8", Buffer.from([0x22, 0xff, 0x22]), "invalid_utf8"],
    ["a surrogate written as UTF-8", Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]), "invalid_utf8"],
    ["a list", bytes("[]"), "not_an_object"],
    ["a number that is no double", bytes("18446744073709551615"), "not_an_object"],
    ["nothing", bytes(""), "malformed_json"],
    ["two models", bytes('{"model":"auto","model":"big"}'), "duplicate_key"],
    ["two contents", bytes('{"messages":[{"role":"user","content":"a","content":"b"}]}'), "duplicate_key"],
    ["a repeated member that would be left out", bytes('{"stream":true,"stream":false}'), "duplicate_key"],
  ])("gives no identity to %s", (_name, body, reason) => {
    expect(canonicalRequest(body, "chat")).toEqual({ kind: "uncacheable", reason });
  });

  it("takes a body at the limit", () => {
    const empty = JSON.stringify(chat(""));
    expect(canonicalRequest(bytes(chat("x".repeat(MAX_BODY_BYTES - empty.length))), "chat").kind).toBe("request");
  });

  it.each([
    ["stream", { stream: true }],
    ["stream_options", { stream: true, stream_options: { include_usage: true } }],
    ["user", { user: "u-1" }],
    ["safety_identifier", { safety_identifier: "u-1" }],
    ["metadata", { metadata: { trace: "1" } }],
    ["store", { store: true }],
    ["service_tier", { service_tier: "flex" }],
    ["prompt_cache_key", { prompt_cache_key: "k" }],
    ["prompt_cache_retention", { prompt_cache_retention: "24h" }],
  ])("leaves out %s at the top, and only there", (_, member) => {
    const request = identified(chat("Why is the sky blue?", member));
    expect(request.exact).toBe(identified(chat("Why is the sky blue?")).exact);
    const nested = identified(chat("Why is the sky blue?", { extra_body: member }));
    expect(nested.exact).not.toBe(request.exact);
  });

  it.each<[string, unknown, unknown]>([
    ["a byte order mark", JSON.stringify(chat("Hi")), `\uFEFF${JSON.stringify(chat("Hi"))}`],
    ["space around the words", chat("Why?"), chat(" \n Why?\t\u00a0")],
    ["composed accents", chat("caf\u00e9"), chat("cafe\u0301")],
    ["a list of one text part", chat("Why?"), chat([{ type: "text", text: " Why? " }])],
    ["an escape", chat("A"), JSON.stringify(chat("A")).replace('"A"', String.raw`"\u0041"`)],
    [
      "a system text's accents",
      { messages: [{ role: "system", content: "\u00e9" }, user("a")] },
      { messages: [{ role: "system", content: "e\u0301 " }, user("a")] },
    ],
    [
      "accents of one part of several",
      chat([
        { type: "text", text: "\u00e9" },
        { type: "text", text: "b" },
      ]),
      chat([
        { type: "text", text: "e\u0301" },
        { type: "text", text: "b" },
      ]),
    ],
  ])("gives the same identity whatever %s", (_what, one, other) => {
    expect(identified(one).exact).toBe(identified(other).exact);
  });

  it.each<[string, unknown, unknown]>([
    ["case", chat("why"), chat("Why")],
    ["space inside", chat("a b"), chat("a  b")],
    ["compatibility forms", chat("x\u00b2"), chat("x2")],
    ["ligatures", chat("\ufb01t"), chat("fit")],
    ["full width", chat("\uff21"), chat("A")],
    ["look-alikes of another script", chat("p\u0430ypal"), chat("paypal")],
    ["zero-width characters", chat("pay\u200bpal"), chat("paypal")],
    ["64-bit seeds", '{"messages":[],"seed":18446744073709551615}', '{"messages":[],"seed":18446744073709551614}'],
    ["a part with more to it", chat("a"), chat([{ type: "text", text: "a", cache_control: { type: "ephemeral" } }])],
    [
      "one part and two",
      chat([
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ]),
      chat("ab"),
    ],
    [
      "space between parts",
      chat([
        { type: "text", text: "a " },
        { type: "text", text: "b" },
      ]),
      chat([
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ]),
    ],
    ["null content and none", { messages: [{ role: "user", content: null }] }, { messages: [{ role: "user" }] }],
    [
      "what an assistant said, to the last space",
      { messages: [{ role: "assistant", content: "a " }] },
      { messages: [{ role: "assistant", content: "a" }] },
    ],
    ["stop sequences, to the last space", chat("a", { stop: "\n" }), chat("a", { stop: " " })],
    ["stop sequences' accents", chat("a", { stop: "\u00e9" }), chat("a", { stop: "e\u0301" })],
    [
      "the name of a speaker",
      { messages: [{ role: "user", name: "Ann", content: "a" }] },
      { messages: [{ role: "user", name: "Bob", content: "a" }] },
    ],
    ["unknown members", chat("a"), chat("a", { future_option: 1 })],
  ])("tells %s apart", (_what, one, other) => {
    expect(identified(one).exact).not.toBe(identified(other).exact);
  });

  it("tells the protocols apart", () => {
    const body = { model: "auto" };
    expect(identified(body, "chat").context).not.toBe(identified(body, "completions").context);
  });

  it("stays what it is from version to version; where it must change, raise VERSION in framing.ts", () => {
    const { exact, context } = identified(
      '{"model":"auto","seed":18446744073709551615,"n":1.0,"messages":[{"role":"user","content":"Why?"}]}',
    );
    expect([context, exact]).toEqual(["grcs59BGz93Y20oz2DMK_5ZsuBE7LpBAtgjBO6xEIhA", "VRJYdhu8bJ1g4Xjummm7TclPXoSAD_fGMkzUchGrBXc"]);
  });

  it("does not trim what a completion goes on from", () => {
    expect(identified({ prompt: "Hello " }, "completions").exact).not.toBe(identified({ prompt: "Hello" }, "completions").exact);
    expect(identified({ prompt: "Hello " }, "completions").lastUserText).toBe("Hello ");
  });
});

describe("context", () => {
  it("is the same for other words, and exact is not", () => {
    const [one, other] = [identified(chat("Why is the sky blue?")), identified(chat("Who was Ada Lovelace?"))];
    expect(one.context).toBe(other.context);
    expect(one.exact).not.toBe(other.exact);
    expect([one.lastUserText, other.lastUserText]).toEqual(["Why is the sky blue?", "Who was Ada Lovelace?"]);
  });

  it("and the words make exact", () => {
    const { exact, context } = identified(chat(" Why? "));
    expect(exactHash(context, "Why?")).toBe(exact);
  });

  const turns = [{ role: "system", content: "Be brief." }, user("Hello"), { role: "assistant", content: "Hi" }, user("Why?")];
  const base = { model: "auto", messages: turns, temperature: 0, max_tokens: 100 };
  it.each<[string, object]>([
    ["another system prompt", { messages: [{ role: "system", content: "Be rude." }, ...turns.slice(1)] }],
    ["no system prompt", { messages: turns.slice(1) }],
    ["a developer's for a system's", { messages: [{ role: "developer", content: "Be brief." }, ...turns.slice(1)] }],
    ["another earlier question", { messages: turns.with(1, user("Good day")) }],
    ["another earlier answer", { messages: turns.with(2, { role: "assistant", content: "Ho" }) }],
    ["turns in another order", { messages: [turns[0], turns[2], turns[1], turns[3]] }],
    ["one more turn", { messages: [...turns.slice(0, 3), { role: "assistant", content: "" }, turns[3]] }],
    ["words as a turn of before", { messages: [...turns, { role: "assistant", content: "x" }, user("y")] }],
    ["tools", { tools: [{ type: "function", function: { name: "f" } }] }],
    ["tool_choice", { tool_choice: "none" }],
    ["response_format", { response_format: { type: "json_object" } }],
    ["temperature", { temperature: 0.1 }],
    ["top_p", { top_p: 0.9 }],
    ["max_tokens", { max_tokens: 101 }],
    ["max_completion_tokens", { max_completion_tokens: 100 }],
    ["seed", { seed: 1 }],
    ["stop", { stop: ["."] }],
    ["n", { n: 1 }],
    ["logit_bias", { logit_bias: { 50256: -100 } }],
    ["presence_penalty", { presence_penalty: 0.1 }],
    ["frequency_penalty", { frequency_penalty: 0.1 }],
    ["reasoning_effort", { reasoning_effort: "low" }],
    ["verbosity", { verbosity: "low" }],
    ["modalities", { modalities: ["text"] }],
    ["parallel_tool_calls", { parallel_tool_calls: false }],
    ["chat_template_kwargs", { chat_template_kwargs: { enable_thinking: false } }],
    ["cache_salt", { cache_salt: "s" }],
    ["another model", { model: "MoM" }],
    ["an unknown member", { anything: null }],
  ])("changes with %s", (_what, change) => {
    expect(identified({ ...base, ...change }).context).not.toBe(identified(base).context);
  });

  it("holds words that are not the last text of a user", () => {
    const ended = (last: object) => identified({ messages: [user("a"), last] });
    for (const last of [
      { role: "assistant", content: "x" },
      { role: "tool", tool_call_id: "1", content: "x" },
      { role: "system", content: "x" },
    ]) {
      expect(ended(last).lastUserText).toBeNull();
      expect(ended(last).context).not.toBe(ended({ ...last, content: "y" }).context);
    }
    const image = (url: string) =>
      identified(
        chat([
          { type: "text", text: "What is it?" },
          { type: "image_url", image_url: { url } },
        ]),
      );
    expect(image("data:1").lastUserText).toBeNull();
    expect(image("data:1").context).not.toBe(image("data:2").context);
  });

  it("cannot be had by writing the hole as words", () => {
    const contexts = ["$", '"1:$', "Symbol(hole)", ""].map(
      (words) => identified({ messages: [user("a"), { role: "assistant", content: words }] }).context,
    );
    expect(contexts).not.toContain(identified({ messages: [user("a"), user("b")] }).context);
    expect(new Set(contexts).size).toBe(contexts.length);
  });
});
