/**
 * Remembers the latest encodings, bounded in bytes, so that a repeated prompt costs a hash instead of an inference. It keeps no
 * text: keys are SHA-256 digests, of entities only place and type are kept. Owned by pool.ts, one for all its models, whose revisions are
 * part of the keys; what it gives out is shared and must not be written to.
 */
import { hash } from "node:crypto";
import { LRUCache } from "lru-cache";
import type { TextEmbedding } from "@turnout/shared";
import type { TextJob } from "./messages.ts";

/** EncodedText is what the encoder said of a text, whoever asked and when. */
export type EncodedText = Omit<TextEmbedding, "timings">;

/** What an entry takes beside its floats: key, map entry, objects (430 bytes measured on the heap), and the allocator's share. */
const ENTRY_BYTES = 640;

/**
 * textKey names a text as one encoder reads it: model, window and exact text. Nothing is folded. What a tokenizer folds (case,
 * accents, spaces) differs between models, and a wrong hit is worse than a miss. Hashed are UTF-16 units, because UTF-8 would
 * make all lone surrogates equal; part lengths come first, so that no two jobs read the same. 1.4 us for a chat prompt.
 */
export function textKey(model: string, { parts, window }: Pick<TextJob, "parts" | "window">, cut: boolean): string {
  const lengths = parts.map((part) => part.length).join(" ");
  const text = `${model}\n${window.maxTokens} ${window.sampling} ${cut} ${lengths}\n${parts.join("")}`;
  return hash("sha256", Buffer.from(text, "utf16le"), "base64");
}

export class EmbeddingCache {
  /** Null: switched off. */
  readonly #entries: LRUCache<string, EncodedText> | null;

  /** A cache of 0 bytes remembers nothing. */
  constructor(maxBytes: number) {
    this.#entries = maxBytes === 0 ? null : new LRUCache({ maxSize: maxBytes, sizeCalculation: bytesOf });
  }

  get bytes(): number {
    return this.#entries?.calculatedSize ?? 0;
  }

  /** recall finds an encoding with at least these heads, or null. */
  recall(key: string, heads: readonly string[]): EncodedText | null {
    const entry = this.#entries?.get(key);
    return entry !== undefined && heads.every((head) => entry.heads?.has(head) === true) ? entry : null;
  }

  /** remember keeps an encoding; heads that were known already stay known. */
  remember(key: string, encoded: EncodedText): void {
    const before = this.#entries?.peek(key)?.heads;
    const heads = before === undefined ? encoded.heads : new Map([...before, ...(encoded.heads ?? [])]);
    this.#entries?.set(key, heads === undefined ? encoded : { ...encoded, heads });
  }
}

/** What an entity takes: an object with three numbers; its type is shared. */
const ENTITY_BYTES = 64;

function bytesOf({ vector, heads, scan }: EncodedText): number {
  let bytes = ENTRY_BYTES + vector.byteLength + ENTITY_BYTES * (scan?.entities.length ?? 0);
  for (const logits of heads?.values() ?? []) bytes += ENTRY_BYTES + logits.byteLength;
  return bytes;
}
