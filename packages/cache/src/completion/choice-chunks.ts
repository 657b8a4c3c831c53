/** One choice as the chunks of a stream. Pure; called by render.ts. */
import { REASONING, type Members, type StoredChoice, type StoredMessage } from "./completion.ts";
import { alignedPieces, pieces, type Logprobs } from "./pieces.ts";
import type { Protocol } from "../identity/index.ts";

/** Members of a message that have chunks of their own. */
const IN_PIECES: ReadonlySet<string> = new Set(["role", "content", ...REASONING, "tool_calls", "function_call", "annotations"]);

/** choiceChunks are told in OpenAI's order: role, thinking, text, calls, the end. */
export function* choiceChunks(choice: StoredChoice, protocol: Protocol): Generator<object> {
  const { index, message, logprobs, finish_reason, members } = choice;
  const chunk = (said: object, probabilities: Logprobs | null = null) => ({
    index,
    ...said,
    logprobs: toldLogprobs(probabilities, protocol),
    finish_reason: null,
  });
  const say = (text: string) => (protocol === "chat" ? { delta: { content: text } } : { text });
  const content = message.content ?? "";
  const aligned = alignedPieces(content, logprobs);

  if (protocol === "chat") {
    yield chunk({ delta: opening(message) });
    for (const name of REASONING) for (const piece of pieces(message[name] ?? "")) yield chunk({ delta: { [name]: piece } });
  }
  if (aligned === null) for (const piece of pieces(content)) yield chunk(say(piece));
  else for (const piece of aligned) yield chunk(say(piece.text), piece.logprobs);
  if (protocol === "chat") for (const delta of callDeltas(message)) yield chunk({ delta });
  // What cannot be told with the text it belongs to is told at the end, where clients look last.
  const rest = aligned === null ? logprobs : null;
  const nothing = protocol === "chat" ? { delta: {} } : { text: "" };
  yield { ...members, ...chunk(nothing, rest), finish_reason };
}

/** toldLogprobs of a chat always have both of their lists by name. */
export function toldLogprobs(logprobs: Logprobs | null, protocol: Protocol): object | null {
  return logprobs !== null && protocol === "chat" ? { content: null, refusal: null, ...logprobs } : logprobs;
}

/** opening has all that does not come in pieces. */
function opening(message: StoredMessage): Members {
  const opaque = Object.entries(message).filter(([name]) => !IN_PIECES.has(name));
  return { ...Object.fromEntries(opaque), role: message.role, content: message.content === null ? null : "" };
}

function* callDeltas({ tool_calls = [], function_call, annotations }: StoredMessage): Generator<Members> {
  for (const [index, call] of tool_calls.entries()) {
    const kind = call.function === undefined ? "custom" : "function";
    const textName = kind === "function" ? "arguments" : "input";
    const text = call.function?.arguments ?? call.custom?.input ?? "";
    yield { tool_calls: [{ index, ...call, [kind]: { ...call[kind], [textName]: "" } }] };
    for (const piece of pieces(text)) yield { tool_calls: [{ index, [kind]: { [textName]: piece } }] };
  }
  if (function_call !== undefined) {
    yield { function_call: { ...function_call, arguments: "" } };
    for (const piece of pieces(function_call.arguments)) yield { function_call: { arguments: piece } };
  }
  if (annotations !== undefined) yield { annotations };
}
