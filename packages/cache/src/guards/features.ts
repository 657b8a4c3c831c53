/**
 * What the guards keep of a stored question, so that candidates are compared without fetching their texts: hashed marks, bounded bytes.
 * Reads nothing but the text it is given; session.ts stores the bytes with the entry's row.
 */
import type { Marks } from "./guard.ts";
import { hashMark } from "./hash.ts";
import { readQuestion, type Reading } from "./read.ts";
import { guards, GUARDS_VERSION } from "./registry.ts";
import { spanWords } from "./spans.ts";

/** GuardFeatures are the notes of all guards about one question. */
export interface GuardFeatures {
  /** Stands for the question as such: two with the same identity ask the same, short of a collision, which the verifier rules out. */
  readonly identity: number;
  /** One for each guard, in the registry's order. */
  readonly marks: readonly Marks[];
  /** The content words, in the order of the text. */
  readonly words: Marks;
}

/** MAX_FEATURE_BYTES bounds what is stored for one question; a longer question is only ever found word for word. */
export const MAX_FEATURE_BYTES = 512;

/** featuresOf gives null for a question that cannot be compared with others. */
export function featuresOf(text: string): GuardFeatures | null {
  const reading = readQuestion(text);
  return reading === null ? null : featuresOfReading(reading);
}

/** featuresOfReading is featuresOf for who has read the question already. */
export function featuresOfReading(reading: Reading): GuardFeatures | null {
  const words = reading.tokens.flatMap(({ kind, text }) =>
    kind === "word" ? [hashMark(text)] : kind === "span" ? spanWords(text).map(hashMark) : [],
  );
  const features = {
    identity: hashMark(reading.key),
    marks: guards.map(({ note }) => Uint32Array.from(note(reading))),
    words: Uint32Array.from(words),
  };
  return byteLength(features) > MAX_FEATURE_BYTES || features.marks.some(({ length }) => length > 255) ? null : features;
}

/** encodeFeatures writes: version, count of lists, identity, then each list's length and numbers; the words come last. */
export function encodeFeatures(features: GuardFeatures): Uint8Array {
  const lists = [...features.marks, features.words];
  const bytes = new Uint8Array(byteLength(features));
  const view = new DataView(bytes.buffer);
  bytes[0] = GUARDS_VERSION;
  bytes[1] = lists.length;
  view.setUint32(2, features.identity, true);
  let at = HEAD;
  for (const list of lists) {
    bytes[at] = list.length;
    at += 1;
    for (const mark of list) {
      view.setUint32(at, mark, true);
      at += 4;
    }
  }
  return bytes;
}

/** decodeFeatures gives null for bytes of another version, and for broken ones. */
export function decodeFeatures(bytes: Uint8Array): GuardFeatures | null {
  if (bytes.length < HEAD || bytes.length > MAX_FEATURE_BYTES || bytes[0] !== GUARDS_VERSION || bytes[1] !== guards.length + 1) return null;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const lists: Marks[] = [];
  let at = HEAD;
  for (let i = 0; i <= guards.length; i += 1) {
    const length = bytes[at] ?? 256;
    at += 1;
    if (at + 4 * length > bytes.length) return null;
    const list = new Uint32Array(length);
    for (let k = 0; k < length; k += 1) list[k] = view.getUint32(at + 4 * k, true);
    lists.push(list);
    at += 4 * length;
  }
  if (at !== bytes.length) return null;
  const words = lists.pop() as Marks;
  return { identity: view.getUint32(2, true), marks: lists, words };
}

const HEAD = 6;

function byteLength({ marks, words }: GuardFeatures): number {
  return marks.reduce((sum, list) => sum + 1 + 4 * list.length, HEAD + 1 + 4 * words.length);
}
