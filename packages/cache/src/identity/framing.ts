/**
 * Digests of lists of fields. A digest is only as good as the bytes under it: every field is written with its kind and its length, so
 * that no value can reach over into the next ("a" + "bc" is not "ab" + "c"), absent is not empty, and every use has a domain of its
 * own. All hashes and keys of the cache are made here. Pure.
 */
import { createHmac, hash, type KeyObject } from "node:crypto";

/** Field of a digest: a text, bytes (a digest of before), or nothing. */
export type Field = string | Uint8Array | null;

/** Raised when what is hashed, or how, changes: no entry of before is found any more. */
const VERSION = "turnout-cache/1";

const ABSENT = 0;
const UTF8 = 1;
const UTF16 = 2;
const BYTES = 3;
/** Kind and length. */
const HEADER_BYTES = 5;

/** digest is the SHA-256 of the fields under a domain, base64url. */
export function digest(domain: string, fields: readonly Field[]): string {
  return hash("sha256", framed(domain, fields), "base64url");
}

/** digestBytes is the same digest, as 32 bytes. */
export function digestBytes(domain: string, fields: readonly Field[]): Uint8Array {
  return hash("sha256", framed(domain, fields), "buffer");
}

/**
 * keyedDigest is the HMAC-SHA256 of the fields, base64url: who does not know the secret cannot try names until one fits. It takes 4 us with
 * a KeyObject, and 30 with the same key as bytes, of which one is made each time.
 */
export function keyedDigest(secret: string | Uint8Array | KeyObject, domain: string, fields: readonly Field[]): string {
  return createHmac("sha256", secret).update(framed(domain, fields)).digest("base64url");
}

function framed(domain: string, fields: readonly Field[]): Uint8Array {
  const parts = [VERSION, domain, ...fields].map(encoded);
  const frame = Buffer.allocUnsafe(parts.reduce((sum, { bytes }) => sum + HEADER_BYTES + bytes.length, 0));
  let at = 0;
  for (const { kind, bytes } of parts) {
    frame[at] = kind;
    frame.writeUInt32LE(bytes.length, at + 1);
    frame.set(bytes, at + HEADER_BYTES);
    at += HEADER_BYTES + bytes.length;
  }
  return frame;
}

/** encoded keeps texts apart that UTF-8 would make one: it writes every lone surrogate as U+FFFD. */
function encoded(field: Field): { readonly kind: number; readonly bytes: Uint8Array } {
  if (field === null) return { kind: ABSENT, bytes: new Uint8Array() };
  if (typeof field !== "string") return { kind: BYTES, bytes: field };
  return field.isWellFormed() ? { kind: UTF8, bytes: Buffer.from(field, "utf8") } : { kind: UTF16, bytes: Buffer.from(field, "utf16le") };
}
