import type { CompletionRequest } from "./completion-request.ts";

/** Response bodies of the two completion endpoints, whole and in chunks, in vLLM's shape. Pure. */

/** Answer names what all bodies of one answer share. */
export interface Answer {
  readonly id: string;
  readonly created: number;
  readonly request: CompletionRequest;
}

type FinishReason = "stop" | "length" | null;

/** usageOf counts as vLLM does. */
export function usageOf(promptTokens: number, completionTokens: number): object {
  return { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens };
}

/** wholeBody is the answer to a request without `stream`. */
export function wholeBody(answer: Answer, text: string, finishReason: FinishReason, usage: object): object {
  const choice = answer.request.kind === "chat" ? { message: { role: "assistant", content: text } } : { text };
  return envelope(answer, "", [{ index: 0, ...choice, logprobs: null, finish_reason: finishReason }], { usage });
}

/** firstChunk opens a streamed chat answer; text completions have none. */
export function firstChunk(answer: Answer): object {
  return chunk(answer, { delta: { role: "assistant", content: "" } }, null);
}

/** tokenChunk carries one token; the last one of a text completion also tells why it ended. */
export function tokenChunk(answer: Answer, token: string): object {
  return chunk(answer, answer.request.kind === "chat" ? { delta: { content: token } } : { text: token }, null);
}

/** lastChunk tells why the answer ended. */
export function lastChunk(answer: Answer, finishReason: FinishReason): object {
  return chunk(answer, answer.request.kind === "chat" ? { delta: {} } : { text: "" }, finishReason);
}

/** usageChunk follows the last chunk when `stream_options.include_usage` asked for it; it has no choices. */
export function usageChunk(answer: Answer, usage: object): object {
  return envelope(answer, ".chunk", [], { usage });
}

function chunk(answer: Answer, content: object, finishReason: FinishReason): object {
  return envelope(answer, ".chunk", [{ index: 0, ...content, logprobs: null, finish_reason: finishReason }], {});
}

function envelope({ id, created, request }: Answer, suffix: "" | ".chunk", choices: readonly object[], more: object): object {
  // OpenAI calls streamed text completions "text_completion" too.
  const object = request.kind === "chat" ? `chat.completion${suffix}` : "text_completion";
  return { id, object, created, model: request.model, choices, ...more };
}
