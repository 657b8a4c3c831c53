/**
 * Reads a model's answer while it passes, in one body or as server-sent events cut anywhere, and tells at the end what may be kept
 * of it. It never throws and changes nothing; what it holds is bounded, and dropped as soon as the answer is one that is not kept.
 * Pure and synchronous; called by the session with plain (decoded) bytes.
 */
import { TextDecoder } from "node:util";
import { CompletionAssembly } from "./completion-assembly.ts";
import type { StoredCompletion } from "./completion.ts";
import { EventStreamReader } from "./event-stream.ts";
import { ANSWER_DEPTH, parseJson } from "./json.ts";
import type { RefusalReason } from "./refusal.ts";
import type { Protocol } from "../identity/index.ts";

export interface AccumulatorOptions {
  /** Of the response; undefined is refused. */
  readonly contentType: string | undefined;
  readonly protocol: Protocol;
  /** The most that is kept of an answer, bytes; of an event stream, what its events say counts, not how they are wrapped. */
  readonly maxBytes?: number;
}

export type Accumulated =
  | { readonly kind: "complete"; readonly completion: StoredCompletion }
  | { readonly kind: "refused"; readonly reason: RefusalReason };

/** Accumulator takes the chunks of one response. After `end`, or once refused, chunks are ignored. */
export interface Accumulator {
  push(chunk: Uint8Array): void;
  /** end is called when no more chunks come, for whatever reason. */
  end(): Accumulated;
}

const DEFAULT_MAX_BYTES = 256 * 1_024;
const DONE = "[DONE]";

/** Reader of one content type. */
interface Reader {
  push(chunk: Uint8Array): RefusalReason | null;
  end(): StoredCompletion | RefusalReason;
}

export function createAccumulator({ contentType, protocol, maxBytes = DEFAULT_MAX_BYTES }: AccumulatorOptions): Accumulator {
  let state: Reader | Accumulated = readerOf(contentType, protocol, maxBytes) ?? { kind: "refused", reason: "content_type" };
  return {
    push(chunk) {
      if ("kind" in state) return;
      const reason = state.push(chunk);
      if (reason !== null) state = { kind: "refused", reason };
    },
    end() {
      if ("kind" in state) return state;
      const result = state.end();
      state = typeof result === "string" ? { kind: "refused", reason: result } : { kind: "complete", completion: result };
      return state;
    },
  };
}

function readerOf(contentType: string | undefined, protocol: Protocol, maxBytes: number): Reader | null {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  if (type === "application/json") return jsonReader(protocol, maxBytes);
  if (type === "text/event-stream") return eventStreamReader(protocol, maxBytes);
  return null;
}

function jsonReader(protocol: Protocol, maxBytes: number): Reader {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  return {
    push(chunk) {
      bytes += chunk.length;
      if (bytes > maxBytes) return "too_large";
      pieces.push(chunk);
      return null;
    },
    end() {
      const text = decoded(new TextDecoder("utf-8", { fatal: true }), Buffer.concat(pieces));
      if (text === null) return "not_json";
      const assembly = new CompletionAssembly(protocol, maxBytes);
      return assembly.add(parseJson(text, ANSWER_DEPTH), "whole") ?? assembly.end();
    },
  };
}

function eventStreamReader(protocol: Protocol, maxBytes: number): Reader {
  const assembly = new CompletionAssembly(protocol, maxBytes);
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let done = false;
  let refused: RefusalReason | null = null;

  const take = (type: string, data: string): RefusalReason | null => {
    if (type === "error") return "error";
    if (data === "") return null; // keeps the connection alive
    if (data.trim() === DONE) {
      done = true;
      return assembly.finished ? null : "early_done";
    }
    return done ? "malformed" : assembly.add(parseJson(data, ANSWER_DEPTH), "chunk");
  };
  const events = new EventStreamReader(maxBytes, (type, data) => {
    refused ??= take(type, data);
  });
  return {
    push(chunk) {
      const text = decoded(decoder, chunk, { stream: true });
      if (text === null) return "not_json";
      return events.push(text) ? refused : (refused ?? "too_large");
    },
    /**
     * [DONE] is asked for even when every choice has ended: choices may come one after another, the usage after all of them, and a
     * proxy may end a response in good form though its upstream broke off.
     */
    end: () => (done ? assembly.end() : "aborted"),
  };
}

function decoded(decoder: TextDecoder, bytes: Uint8Array, options?: { readonly stream: boolean }): string | null {
  try {
    return decoder.decode(bytes, options);
  } catch {
    return null;
  }
}
