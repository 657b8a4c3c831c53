/**
 * Reads the body of an OpenAI-style request once: its values by JSON.parse, and where its top-level members stand, so that
 * mutation.ts can change a few of them and leave every other byte alone. Pure; called by the exchange.
 */
import type { ChatMessage, MessageRole, RoutingRequest } from "@turnout/shared";
import { hasMoreValues, objectMembers, type Member } from "./json-spans.ts";

/** Endpoint tells the two kinds of request that are routed apart. */
export type Endpoint = "chat" | "completions";

/** ParsedBody is a request's body, decoded but not changed. */
export interface ParsedBody {
  readonly endpoint: Endpoint;
  /** The body as text, byte order mark included. */
  readonly text: string;
  /** Top-level members in order of appearance; of several with one name the last counts. */
  readonly members: readonly Member[];
  readonly value: Readonly<Record<string, unknown>>;
  /** `model`, or "" when it is missing or not a string. */
  readonly model: string;
  readonly stream: boolean;
  readonly messages: readonly ChatMessage[];
}

/** UnreadableBody says why a body is not a request. */
export type UnreadableBody = "invalid_utf8" | "malformed_json" | "not_an_object" | "too_many_values";

const BYTE_ORDER_MARK = "\uFEFF";

/**
 * MAX_VALUES of one body. A value costs up to 0.5 us and 250 bytes once parsed, on the event loop: 30 MB of nothing but empty lists,
 * which compress to 30 KB, stood still for 2.5 s and took 1 GB.
 */
const MAX_VALUES = 250_000;

/** parseBody never throws: a body that cannot be read is the reason why. */
export function parseBody(body: Uint8Array, endpoint: Endpoint): ParsedBody | UnreadableBody {
  if (body.length > MAX_VALUES && hasMoreValues(body, MAX_VALUES)) return "too_many_values";
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return "invalid_utf8";
  }
  const start = text.startsWith(BYTE_ORDER_MARK) ? 1 : 0;
  let value: unknown;
  try {
    value = JSON.parse(start === 0 ? text : text.slice(start));
  } catch {
    return "malformed_json";
  }
  if (!isRecord(value)) return "not_an_object";
  return {
    endpoint,
    text,
    members: objectMembers(text, start),
    value,
    model: typeof value["model"] === "string" ? value["model"] : "",
    stream: value["stream"] === true,
    messages: endpoint === "chat" ? chatMessages(value["messages"]) : promptMessages(value["prompt"]),
  };
}

/** isRecord is true of JSON objects. */
export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** textOf a message's content: a string as it is, the text parts of a list joined by newlines. */
export function textOf(content: unknown): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  return content.flatMap((part: unknown) => (isRecord(part) && typeof part["text"] === "string" ? [part["text"]] : [])).join("\n");
}

const ROLES: ReadonlySet<string> = new Set<MessageRole>(["system", "developer", "user", "assistant", "tool", "function"]);
const isRole = (role: unknown): role is MessageRole => typeof role === "string" && ROLES.has(role);

/** chatMessages leaves out what is no message; an upstream will say so, not we. */
function chatMessages(messages: unknown): readonly ChatMessage[] {
  if (!Array.isArray(messages)) return [];
  return messages.flatMap((message: unknown): ChatMessage[] => {
    if (!isRecord(message) || !isRole(message["role"])) return [];
    return [{ role: message["role"], text: textOf(message["content"]), imageParts: countImages(message["content"]) }];
  });
}

function countImages(content: unknown): number {
  if (!Array.isArray(content)) return 0;
  return content.filter((part: unknown) => isRecord(part) && (part["type"] === "image_url" || part["type"] === "input_image")).length;
}

/** promptMessages reads `prompt` of /v1/completions: a string, or a batch of strings; token ids have no text that we could read. */
function promptMessages(prompt: unknown): readonly ChatMessage[] {
  const texts = (Array.isArray(prompt) ? prompt : [prompt]).filter((text): text is string => typeof text === "string");
  return texts.length === 0 ? [] : [{ role: "user", text: texts.join("\n"), imageParts: 0 }];
}

/** RequestHeadFacts is what a RoutingRequest takes from the request's head. */
export type RequestHeadFacts = Pick<RoutingRequest, "requestId" | "method" | "path" | "headers">;

/** routingRequest puts head and body together for the router. */
export function routingRequest(head: RequestHeadFacts, body: Pick<ParsedBody, "model" | "stream" | "messages">): RoutingRequest {
  const { model, stream, messages } = body;
  const userText = messages.findLast(({ role }) => role === "user")?.text ?? "";
  const textBytes = messages.reduce((sum, { text }) => sum + Buffer.byteLength(text), 0);
  return Object.freeze({ ...head, model, stream, messages, userText, textBytes });
}

/** promptRequest makes a request of messages alone, for `explain` and the eval API. */
export function promptRequest(prompt: string | readonly ChatMessage[], model = "auto"): RoutingRequest {
  const messages = typeof prompt === "string" ? [{ role: "user", text: prompt, imageParts: 0 } as const] : prompt;
  return routingRequest(
    { requestId: "explain", method: "POST", path: "/v1/chat/completions", headers: new Map() },
    { model, stream: false, messages },
  );
}
