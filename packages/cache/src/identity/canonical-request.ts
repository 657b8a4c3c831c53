/**
 * What makes two requests the same. The body is read once, brought into one form, and hashed: `context` is everything but the words
 * of the last user message, `exact` is the context and the words. What is not known here is part of the context, so that a
 * parameter of tomorrow can only cost a hit, never give a wrong one. Pure; called with the plain body, before signals are evaluated.
 *
 * A body of 1 kB takes 8 to 16 us, one of 64 kB of prose 0.15 ms (0.33 ms where it is not Latin), one of 60 kB of tool schemas 0.9 ms, or
 * 1.9 ms with a 64-bit number among them; the worst that lossless-json.ts lets through 3.5 ms.
 */
import { digest } from "./framing.ts";
import { canonicalText, HOLE, isRecord, readJson, type UnreadableJson } from "./lossless-json.ts";

/** Protocol tells the kinds of request apart whose bodies could read the same. */
export type Protocol = "chat" | "completions";

/** CanonicalRequest identifies a request. It holds the user's words: keep it no longer than the request lasts. */
export interface CanonicalRequest {
  readonly kind: "request";
  readonly protocol: Protocol;
  /** Hash of the whole request. */
  readonly exact: string;
  /** Hash of everything but lastUserText. */
  readonly context: string;
  /** Words that `context` leaves out, normalised; null when the request does not end with one plain text of its user. */
  readonly lastUserText: string | null;
  /** The body's members as they were read, for eligibility. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** Uncacheable is a body that has no identity, and why. */
export interface Uncacheable {
  readonly kind: "uncacheable";
  readonly reason: "too_large" | "invalid_utf8" | "not_an_object" | UnreadableJson;
}

/** MAX_BODY_BYTES is the longest body that is looked at, after decompression: reading is done on the event loop, for every request. */
export const MAX_BODY_BYTES = 65_536;

/**
 * TRANSPORT are top-level members that say how an answer is carried, billed, filed or scheduled, never what it says. A member belongs
 * here only if its provider's reference says so; whatever might reach the model does not.
 */
const TRANSPORT: ReadonlySet<string> = new Set([
  "stream", // the same answer in pieces; one entry serves both
  "stream_options", // usage at the end of the stream, obfuscation padding
  "user", // end user's id for abuse monitoring; who may share an answer is scope's business, on trusted headers
  "safety_identifier", // its successor
  "metadata", // labels of stored completions
  "store", // whether the provider files the completion
  "service_tier", // price and queue of the same model
  "prompt_cache_key", // which of the provider's prefix caches is tried
  "prompt_cache_retention", // how long that keeps the prefix
]);

const BYTE_ORDER_MARK = "\uFEFF";

/** canonicalRequest of a body and of the path's query, byte for byte. It never throws: a body that cannot be told apart for certain is uncacheable, by name. */
export function canonicalRequest(body: Uint8Array, protocol: Protocol, query = ""): CanonicalRequest | Uncacheable {
  if (body.length > MAX_BODY_BYTES) return { kind: "uncacheable", reason: "too_large" };
  let text: string;
  try {
    text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(body);
  } catch {
    return { kind: "uncacheable", reason: "invalid_utf8" };
  }
  const read = readJson(text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : text);
  if (typeof read === "string") return { kind: "uncacheable", reason: read };
  if (!isRecord(read.value)) return { kind: "uncacheable", reason: "not_an_object" };
  return identified(read.value, protocol, query);
}

/** exactHash is the identity of a context with these words: also of other words that are to count as the same. */
export function exactHash(context: string, words: string | null): string {
  return digest("exact", [context, words]);
}

function identified(body: Readonly<Record<string, unknown>>, protocol: Protocol, query: string): CanonicalRequest {
  const counted = Object.entries(body).filter(([name]) => !TRANSPORT.has(name));
  const { value, words } = protocol === "chat" ? withoutLastUserText(counted) : withoutPrompt(counted);
  const context = digest("context", [protocol, canonicalText(value), ...(query === "" ? [] : [query])]);
  return { kind: "request", protocol, exact: exactHash(context, words), context, lastUserText: words, body };
}

interface Split {
  readonly value: unknown;
  readonly words: string | null;
}

function withoutLastUserText(members: readonly [string, unknown][]): Split {
  let words: string | null = null;
  const value = members.map(([name, value]): [string, unknown] => {
    if (name !== "messages" || !Array.isArray(value)) return [name, value];
    const messages = value.map(canonicalMessage);
    const last = messages.at(-1);
    if (isRecord(last) && last["role"] === "user" && typeof last["content"] === "string") {
      words = last["content"];
      messages[messages.length - 1] = { ...last, content: HOLE };
    }
    return [name, messages];
  });
  return { value: Object.fromEntries(value), words };
}

/** withoutPrompt does not trim: a model goes on from the very last character. */
function withoutPrompt(members: readonly [string, unknown][]): Split {
  let words: string | null = null;
  const value = members.map(([name, value]): [string, unknown] => {
    if (name !== "prompt" || typeof value !== "string") return [name, value];
    words = value.normalize("NFC");
    return [name, HOLE];
  });
  return { value: Object.fromEntries(value), words };
}

/** Roles whose texts people write. What a model or a tool said comes back byte for byte, and may be continued from. */
const WRITTEN_BY_PEOPLE: ReadonlySet<unknown> = new Set(["system", "developer", "user"]);

function canonicalMessage(message: unknown): unknown {
  if (!isRecord(message) || !Object.hasOwn(message, "content")) return message;
  const content = loneText(message["content"]);
  return { ...message, content: WRITTEN_BY_PEOPLE.has(message["role"]) ? writtenText(content) : content };
}

/** loneText makes the list of one text part the plain string that the protocol says it is. A part with anything more to it stays a part. */
function loneText(content: unknown): unknown {
  if (!Array.isArray(content) || content.length !== 1) return content;
  const part: unknown = content[0];
  const plain = isRecord(part) && part["type"] === "text" && typeof part["text"] === "string" && Object.keys(part).length === 2;
  return plain ? part["text"] : content;
}

/**
 * writtenText is the text as people see it: one spelling of accents (NFC; compatibility forms such as "²" stay what they are), no space
 * around it. Parts of a list are not trimmed, for their ends are inside the message.
 */
function writtenText(content: unknown): unknown {
  if (typeof content === "string") return content.normalize("NFC").trim();
  if (!Array.isArray(content)) return content;
  return content.map((part: unknown) =>
    isRecord(part) && part["type"] === "text" && typeof part["text"] === "string" ? { ...part, text: part["text"].normalize("NFC") } : part,
  );
}
