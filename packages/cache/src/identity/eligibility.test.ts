import { describe, expect, it } from "vitest";
import { canonicalRequest, type CanonicalRequest, type Protocol } from "./canonical-request.ts";
import { defaultEligibility, exactEligibility, semanticEligibility, type EligibilitySettings } from "./eligibility.ts";

function requestOf(body: string | object, protocol: Protocol = "chat"): CanonicalRequest {
  const request = canonicalRequest(Buffer.from(typeof body === "string" ? body : JSON.stringify(body)), protocol);
  if (request.kind !== "request") throw new Error(request.reason);
  return request;
}

const QUESTION = "Why do leaves turn red in autumn?";
const user = (content: unknown) => ({ role: "user", content });
const chat = (more: object = {}, content: unknown = QUESTION) => ({ model: "auto", messages: [user(content)], ...more });
const turns = (...messages: object[]) => chat({ messages });

function exact(body: string | object, settings: Partial<EligibilitySettings> = {}): string {
  const verdict = exactEligibility(requestOf(body), { ...defaultEligibility, ...settings });
  return verdict.allowed ? "allowed" : verdict.reason;
}

function semantic(body: string | object, settings: Partial<EligibilitySettings> = {}, protocol: Protocol = "chat"): string {
  const verdict = semanticEligibility(requestOf(body, protocol), { ...defaultEligibility, ...settings });
  return verdict.allowed ? "allowed" : verdict.reason;
}

describe("sampling", () => {
  it.each<[string | object, Partial<EligibilitySettings>, string]>([
    [chat(), {}, "allowed"],
    [chat({ temperature: null }), {}, "allowed"],
    [chat({ temperature: 0 }), {}, "allowed"],
    [chat({ temperature: 0.3 }), {}, "allowed"],
    [chat({ temperature: 0.31 }), {}, "sampled"],
    [chat({ temperature: 1 }), {}, "sampled"],
    [chat({ temperature: "0" }), {}, "sampled"],
    ['{"temperature":0.30000000000000000001}', {}, "sampled"],
    ['{"temperature":1e400}', {}, "sampled"],
    [chat({ temperature: 1 }), { allowSampled: true }, "allowed"],
    [chat({ temperature: 1 }), { maxTemperature: 1 }, "allowed"],
    [chat(), { absentTemperature: 1 }, "sampled"],
    [chat({ temperature: 0 }), { absentTemperature: 1 }, "allowed"],
    [chat(), { absentTemperature: 1, allowSampled: true }, "allowed"],
  ])("of %j with %j is %s", (body, settings, expected) => {
    expect(exact(body, settings)).toBe(expected);
    if (expected === "sampled") expect(semantic(body, settings)).toBe("sampled");
  });
});

describe("exactEligibility", () => {
  it.each<[string, object, string]>([
    ["a seed", chat({ seed: 7 }), "allowed"],
    ["several choices", chat({ n: 3 }), "allowed"],
    ["functions", chat({ tools: [{ type: "function", function: { name: "f" } }] }), "allowed"],
    ["images", chat({}, [{ type: "image_url", image_url: { url: "data:," } }]), "allowed"],
    ["a search by the model", chat({ web_search_options: {} }), "live_search"],
    ["a provider's tool", chat({ tools: [{ type: "function", function: { name: "f" } }, { type: "web_search" }] }), "hosted_tool"],
    ["a tool of no type", chat({ tools: [{}] }), "hosted_tool"],
  ])("of a request with %s", (_what, body, expected) => {
    expect(exact(body)).toBe(expected);
  });
});

describe("semanticEligibility", () => {
  it.each<[string, string | object, string]>([
    ["one question", chat(), "allowed"],
    [
      "a conversation",
      turns({ role: "system", content: "Be brief." }, user("Hi"), { role: "assistant", content: "Hello" }, user(QUESTION)),
      "allowed",
    ],
    ["one text part", chat({}, [{ type: "text", text: QUESTION }]), "allowed"],
    [
      "an assistant's text parts",
      turns(
        {
          role: "assistant",
          content: [
            { type: "text", text: "a" },
            { type: "refusal", refusal: "b" },
          ],
        },
        user(QUESTION),
      ),
      "allowed",
    ],
    ["defaults written as null", chat({ n: null, seed: null, logprobs: null, tools: null, modalities: null, audio: null }), "allowed"],
    [
      "defaults written out",
      chat({ n: 1, logprobs: false, echo: false, return_token_ids: false, tools: [], functions: [], modalities: ["text"] }),
      "allowed",
    ],
    [
      "two text parts",
      chat({}, [
        { type: "text", text: "a" },
        { type: "text", text: "b" },
      ]),
      "several_texts",
    ],
    ["a text part with more to it", chat({}, [{ type: "text", text: QUESTION, cache_control: {} }]), "several_texts"],
    [
      "an image",
      chat({}, [
        { type: "text", text: QUESTION },
        { type: "image_url", image_url: { url: "data:," } },
      ]),
      "other_parts",
    ],
    [
      "an earlier image",
      turns(user([{ type: "image_url", image_url: { url: "data:," } }]), { role: "assistant", content: "A cat." }, user(QUESTION)),
      "other_parts",
    ],
    ["a recording", chat({}, [{ type: "input_audio", input_audio: {} }]), "other_parts"],
    ["a part that is none", chat({}, [QUESTION]), "other_parts"],
    ["an earlier spoken answer", turns({ role: "assistant", audio: { id: "a" } }, user(QUESTION)), "other_parts"],
    ["a spoken answer", chat({ modalities: ["text", "audio"], audio: { voice: "x" } }), "other_modality"],
    ["tools", chat({ tools: [{ type: "function", function: { name: "f" } }] }), "tools"],
    ["functions", chat({ functions: [{ name: "f" }] }), "tools"],
    ["a tool's result", turns({ role: "tool", tool_call_id: "1", content: "x" }, user(QUESTION)), "tools"],
    ["a function's result", turns({ role: "function", name: "f", content: "x" }, user(QUESTION)), "tools"],
    ["a tool call", turns({ role: "assistant", content: null, tool_calls: [{ id: "1" }] }, user(QUESTION)), "tools"],
    ["a function call", turns({ role: "assistant", content: null, function_call: { name: "f" } }, user(QUESTION)), "tools"],
    ["several choices", chat({ n: 2 }), "several_choices"],
    ["choices that are no number", chat({ n: "1" }), "several_choices"],
    ["log probabilities", chat({ logprobs: true }), "logprobs"],
    ["top log probabilities", chat({ top_logprobs: 2 }), "logprobs"],
    ["the prompt's log probabilities (vLLM)", chat({ prompt_logprobs: 0 }), "repeated_prompt"],
    ["the prompt's tokens (vLLM)", chat({ return_token_ids: true }), "repeated_prompt"],
    ["the last message before the answer (vLLM)", chat({ echo: true }), "repeated_prompt"],
    ["a seed", chat({ seed: 0 }), "seeded"],
    ["a seed that is no double", '{"seed":18446744073709551615}', "seeded"],
    ["no messages", { model: "auto" }, "no_user_text"],
    ["a message that is none", turns([], user(QUESTION)), "no_user_text"],
    ["the assistant's turn", turns(user(QUESTION), { role: "assistant", content: "Because" }), "no_user_text"],
    ["no content", turns({ role: "user", content: null }), "no_user_text"],
    ["an empty text", chat({}, ""), "too_short"],
    ["8 bytes", chat({}, "Why so 8"), "too_short"],
    ["9 bytes", chat({}, "Why so 9?"), "allowed"],
    ["512 tokens", chat({}, "abcd".repeat(512)), "allowed"],
    ["513 tokens", chat({}, `${"abcd".repeat(512)}e`), "too_long"],
    ["the weather", chat({}, "What is the weather in Lisbon?"), "volatile"],
    ["a search by the model", chat({ web_search_options: {} }), "live_search"],
  ])("of %s", (_what, body, expected) => {
    expect(semantic(body)).toBe(expected);
  });

  it("bars raw prompts", () => {
    expect(semantic({ model: "auto", prompt: QUESTION }, {}, "completions")).toBe("raw_prompt");
  });

  it("counts tokens as it is told", () => {
    expect(semantic(chat({}, "Hi"), { minTokens: 1 })).toBe("allowed");
    expect(semantic(chat({}, "x".repeat(41)), { maxTokens: 10 })).toBe("too_long");
  });
});
