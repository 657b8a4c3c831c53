/**
 * A stored answer as bytes, and back. Bytes come out of a store that others write to and that may fail: whatever is truncated,
 * changed by a bit, of another version or made to swell is told apart from an answer and never thrown about. A checksum is no
 * signature: who can write to the store can write answers. Pure and synchronous; called by the session.
 *
 *     0  "TOAN"    magic
 *     4  u8        version
 *     5  u8        coding of the body: 0 plain, 1 zstd
 *     6  u16       zero
 *     8  u32       length of the body
 *    12  u32       length of the body once it is plain
 *    16  u32       CRC-32 of the bytes before and of the body
 *    20            body: the answer as JSON
 */
import { constants, crc32, zstdCompressSync, zstdDecompressSync } from "node:zlib";
import { z } from "zod";
import { completionSchema, type StoredCompletion } from "./completion.ts";
import { ANSWER_DEPTH, parseJson } from "./json.ts";

/** StoredAnswer is an answer with what it must be compared with before it is served. */
export interface StoredAnswer {
  readonly id: string;
  /** From scopeHash. */
  readonly scope: string;
  readonly decision: string;
  readonly model: string;
  /** Hash of the whole canonical request, 32 bytes as base64url. */
  readonly exact: string;
  /** 32 bytes. */
  readonly partition: Uint8Array;
  /** What the user asked, in plain words: guards and the verifier compare it, `explain` shows it. */
  readonly userText: string | null;
  /** Told again with the answer, as it is. */
  readonly meta: Readonly<Record<string, string>>;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly completion: StoredCompletion;
}

export interface DecodeLimits {
  /** The longest body that is unpacked, plain bytes. */
  readonly maxBytes: number;
}

export type DecodedPayload =
  | { readonly kind: "answer"; readonly answer: StoredAnswer }
  | { readonly kind: "broken"; readonly reason: BrokenPayload };

/** BrokenPayload says why bytes are no answer. */
export type BrokenPayload = "length" | "magic" | "version" | "checksum" | "coding" | "too_large" | "content";

const MAGIC = 0x54_4f_41_4e;
const VERSION = 1;
const PLAIN = 0;
const ZSTD = 1;
const HEADER_BYTES = 20;
const CHECKSUM_AT = 16;

/** Below, compressing costs more than it saves. */
const MIN_COMPRESSED_BYTES = 1_024;
/** The largest window a frame may ask for, as a power of two; our own take 2 MB. */
const MAX_WINDOW_LOG = 22;
const PARTITION_BYTES = 32;
/** The completion is a member of the answer, its parts are not nested deeper than they came. */
const MAX_DEPTH = ANSWER_DEPTH + 8;

/** encodePayload takes 0.1 ms for an answer of 5 kB, and reading it back as long; one of 100 bytes takes 5 us, and 10 us. */
export function encodePayload(answer: StoredAnswer): Uint8Array {
  const plain = Buffer.from(JSON.stringify({ ...answer, partition: Buffer.from(answer.partition).toString("base64url") }));
  const compressed = plain.length > MIN_COMPRESSED_BYTES;
  const body = compressed ? zstdCompressSync(plain) : plain;
  const bytes = Buffer.alloc(HEADER_BYTES + body.length);
  bytes.writeUInt32BE(MAGIC, 0);
  bytes.writeUInt8(VERSION, 4);
  bytes.writeUInt8(compressed ? ZSTD : PLAIN, 5);
  bytes.writeUInt32BE(body.length, 8);
  bytes.writeUInt32BE(plain.length, 12);
  bytes.set(body, HEADER_BYTES);
  bytes.writeUInt32BE(checksum(bytes), CHECKSUM_AT);
  return bytes;
}

/** The largest answer that is unpacked, whatever is in the store. */
const DEFAULT_LIMITS: DecodeLimits = { maxBytes: 4 * 1_024 * 1_024 };

/** decodePayload never throws. The answer may have expired, or be another's: that is for the caller to see. */
export function decodePayload(payload: Uint8Array, { maxBytes } = DEFAULT_LIMITS): DecodedPayload {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  if (bytes.length < HEADER_BYTES) return broken("length");
  if (bytes.readUInt32BE(0) !== MAGIC) return broken("magic");
  if (bytes.readUInt8(4) !== VERSION) return broken("version");
  if (bytes.length !== HEADER_BYTES + bytes.readUInt32BE(8)) return broken("length");
  if (bytes.readUInt32BE(CHECKSUM_AT) !== checksum(bytes)) return broken("checksum");
  const plainBytes = bytes.readUInt32BE(12);
  if (plainBytes > maxBytes) return broken("too_large");
  const plain = unpacked(bytes.subarray(HEADER_BYTES), bytes.readUInt8(5), plainBytes);
  if (plain?.length !== plainBytes) return broken("coding");
  const answer = answerIn(plain.toString("utf8"));
  return answer === null ? broken("content") : { kind: "answer", answer };
}

function checksum(bytes: Buffer): number {
  return crc32(bytes.subarray(HEADER_BYTES), crc32(bytes.subarray(0, CHECKSUM_AT)));
}

/** unpacked gives up where a body is longer than it says, or wants a window that our own never do. */
function unpacked(body: Buffer, coding: number, plainBytes: number): Buffer | null {
  if (coding === PLAIN) return body;
  if (coding !== ZSTD || plainBytes === 0) return null;
  try {
    return zstdDecompressSync(body, { maxOutputLength: plainBytes, params: { [constants.ZSTD_d_windowLogMax]: MAX_WINDOW_LOG } });
  } catch {
    return null;
  }
}

const milliseconds = z.number().min(0);
const answerSchema = z.object({
  id: z.string().min(1),
  scope: z.string(),
  decision: z.string(),
  model: z.string(),
  exact: z.string(),
  partition: z.string(),
  userText: z.string().nullable(),
  meta: z.record(z.string(), z.string()),
  createdMs: milliseconds,
  expiresMs: milliseconds,
  completion: completionSchema,
});

/** answerIn checks what was read and gives that, not zod's copy, which leaves out members named `__proto__`. */
function answerIn(json: string): StoredAnswer | null {
  const read = parseJson(json, MAX_DEPTH);
  if (!answerSchema.safeParse(read).success) return null;
  const { partition, ...answer } = read as Omit<StoredAnswer, "partition"> & { readonly partition: string };
  const bytes = Buffer.from(partition, "base64url");
  return bytes.length === PARTITION_BYTES ? { ...answer, partition: bytes } : null;
}

function broken(reason: BrokenPayload): DecodedPayload {
  return { kind: "broken", reason };
}
