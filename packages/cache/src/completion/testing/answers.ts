/** Answers as servers give them, for tests: in chunks as OpenAI and vLLM cut them, and whole. */
import type { Protocol } from "../../identity/index.ts";

export interface Recorded {
  readonly name: string;
  readonly protocol: Protocol;
  /** The data of each event, [DONE] left out. */
  readonly chunks: readonly object[];
}

const head = { id: "chatcmpl-1", object: "chat.completion.chunk", created: 1_750_000_000, model: "big-model" };
const steady = { system_fingerprint: "fp_44", service_tier: "default" };
export const usage = { prompt_tokens: 9, completion_tokens: 7, total_tokens: 16, prompt_tokens_details: { cached_tokens: 0 } };

/** chat makes one chunk of a chat. */
export function chat(index: number, delta: object, more: object = {}): object {
  return { ...head, ...steady, choices: [{ index, delta, logprobs: null, finish_reason: null, ...more }], usage: null };
}

export const counted: object = { ...head, ...steady, choices: [], usage };

function token(text: string, logprob: number): object {
  return { token: text, logprob, bytes: [...Buffer.from(text)], top_logprobs: [{ token: text, logprob, bytes: null }] };
}

function textChunk(text: string, more: object = {}): object {
  return {
    id: "cmpl-1",
    object: "text_completion",
    created: 1_750_000_000,
    model: "big-model",
    choices: [{ index: 0, text, logprobs: null, finish_reason: null, ...more }],
  };
}

export const recorded: readonly Recorded[] = [
  {
    name: "text, in many scripts",
    protocol: "chat",
    chunks: [
      chat(0, { role: "assistant", content: "", refusal: null }),
      ...["Grüße, ", "你", "好 👩‍👩‍👧‍👦", " — e\u0301\u2028\u0000", '"quoted"\\\r\n\n', " end"].map((content) => chat(0, { content })),
      chat(0, {}, { finish_reason: "stop", stop_reason: "\n\n" }),
      counted,
    ],
  },
  {
    name: "a character whose halves come in two chunks",
    protocol: "chat",
    chunks: [
      chat(0, { role: "assistant", content: "" }),
      chat(0, { content: "\ud83d" }),
      chat(0, { content: "\ude00" }),
      chat(0, {}, { finish_reason: "stop" }),
    ],
  },
  {
    name: "three choices, interleaved and out of order",
    protocol: "chat",
    chunks: [
      ...[2, 0, 1].map((index) => chat(index, { role: "assistant", content: "" })),
      ...[0, 1, 2, 2, 1, 0].map((index) => chat(index, { content: `part of ${index}. ` })),
      ...[1, 2, 0].map((index) => chat(index, {}, { finish_reason: "stop" })),
      counted,
    ],
  },
  {
    name: "thinking, then text",
    protocol: "chat",
    chunks: [
      chat(0, { role: "assistant", content: "", reasoning_content: "" }),
      chat(0, { reasoning_content: "Let me " }),
      chat(0, { reasoning_content: "see. ", reasoning: "Hm. " }),
      chat(0, { content: "Seven." }),
      chat(0, {
        annotations: [{ type: "url_citation", url_citation: { url: "https://example.org/", start_index: 0, end_index: 3, title: "t" } }],
      }),
      chat(0, {}, { finish_reason: "stop" }),
    ],
  },
  {
    name: "parallel calls of tools, interleaved, names repeated",
    protocol: "chat",
    chunks: [
      chat(0, { role: "assistant", content: null }),
      chat(0, { tool_calls: [{ index: 1, id: "call_b", type: "function", function: { name: "clock", arguments: "" } }] }),
      chat(0, { tool_calls: [{ index: 0, id: "call_a", type: "function", function: { name: "weather", arguments: "" } }] }),
      chat(0, {
        tool_calls: [
          { index: 0, function: { arguments: '{"city":' } },
          { index: 1, function: { name: "clock", arguments: "{" } },
        ],
      }),
      chat(0, {
        tool_calls: [
          { index: 1, id: "", function: { arguments: "}" } },
          { index: 0, id: "call_a", function: { arguments: '"Köln"}' } },
        ],
      }),
      chat(0, { tool_calls: [{ index: 2, id: "call_c", type: "custom", custom: { name: "shell", input: "" } }] }),
      chat(0, { tool_calls: [{ index: 2, custom: { input: "ls -l" } }] }),
      chat(0, {}, { finish_reason: "tool_calls" }),
      counted,
    ],
  },
  {
    name: "a call of a function, as of old",
    protocol: "chat",
    chunks: [
      chat(0, { role: "assistant", content: null, function_call: { name: "weather", arguments: "" } }),
      chat(0, { function_call: { arguments: '{"city":' } }),
      chat(0, { function_call: { arguments: '"Oslo"}' } }),
      chat(0, {}, { finish_reason: "function_call" }),
    ],
  },
  {
    name: "probabilities of tokens",
    protocol: "chat",
    chunks: [
      chat(0, { role: "assistant", content: "" }, { logprobs: { content: [], refusal: null } }),
      chat(0, { content: "Se" }, { logprobs: { content: [token("Se", -0.25)], refusal: null } }),
      chat(0, { content: "ven." }, { logprobs: { content: [token("ven", -1.5), token(".", -9_999)], refusal: null } }),
      chat(0, {}, { finish_reason: "stop" }),
    ],
  },
  {
    name: "text completion with probabilities",
    protocol: "completions",
    chunks: [
      textChunk("One", { logprobs: { tokens: ["One"], token_logprobs: [-0.5], top_logprobs: [null], text_offset: [0] } }),
      textChunk(" two", { logprobs: { tokens: [" two"], token_logprobs: [-0.75], top_logprobs: [{ " two": -0.75 }], text_offset: [3] } }),
      textChunk("", { finish_reason: "stop", stop_reason: 2 }),
      { id: "cmpl-1", object: "text_completion", created: 1_750_000_000, model: "big-model", choices: [], usage },
    ],
  },
];

/** eventStream writes events as plainly as can be. */
export function eventStream(chunks: readonly object[]): string {
  return [...chunks.map((chunk) => JSON.stringify(chunk)), "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
}

/** roughEventStream writes the same events in every way that server-sent events allow. */
export function roughEventStream(chunks: readonly object[]): string {
  const events = chunks.map((chunk, at) => {
    // A line break may stand wherever JSON allows white space.
    const [first, ...rest] = JSON.stringify(chunk, null, at % 2 === 0 ? 1 : 0).split("\n");
    const lines = [
      `:${" comment".repeat(at % 3)}`,
      `event: message`,
      `id: ${at}`,
      `retry: 10`,
      `data:${first}`,
      ...rest.map((line) => `data: ${line}`),
    ];
    return lines.join("\r\n") + "\r\n\r\n";
  });
  return `\uFEFF: hello\r\n\r\ndata:\r\n\r\n${events.join(": ping\n\n")}data: [DONE]\r\n\r\n`;
}
