/**
 * Redis streams as we read them. Ids are `<ms>-<seq>`, two decimal numbers of up to 64 bits, kept as text because neither fits a JavaScript
 * number. Replies are `unknown` until they are looked at; what has another shape than expected is empty.
 */
import type { Connection } from "./client.ts";

/** Before every entry of a stream. */
export const STREAM_START = "0-0";

/** compareStreamIds is negative when `left` is older. */
export function compareStreamIds(left: string, right: string): number {
  if (left === right) return 0;
  const [leftMs = "", leftSeq = ""] = left.split("-");
  const [rightMs = "", rightSeq = ""] = right.split("-");
  return compareDecimals(leftMs, rightMs) || compareDecimals(leftSeq, rightSeq);
}

function compareDecimals(left: string, right: string): number {
  if (left.length !== right.length) return left.length - right.length;
  if (left === right) return 0;
  return left < right ? -1 : 1;
}

/** StreamEnds is where a stream begins and ends: `first` is null when it is empty. */
export interface StreamEnds {
  readonly first: string | null;
  readonly last: string;
}

export interface StreamEntry {
  readonly id: string;
  readonly fields: ReadonlyMap<string, Buffer>;
}

/** streamEnds asks for the ends of a stream; one that does not exist has none. */
export async function streamEnds(admin: Connection, key: string): Promise<StreamEnds> {
  let reply: unknown;
  try {
    reply = await admin.callBuffer("XINFO", ["STREAM", key]);
  } catch (error) {
    if (error instanceof Error && error.message.includes("no such key")) return { first: null, last: STREAM_START };
    throw error;
  }
  let first: string | null = null;
  let last = STREAM_START;
  for (const [name, value] of pairs(reply)) {
    if (name === "last-generated-id") last = String(value);
    if (name === "first-entry" && Array.isArray(value)) first = String(value[0]);
  }
  return { first, last };
}

/** parseStreams reads `[[key, entries], …]`, or null when nothing came. */
export function parseStreams(reply: unknown): ReadonlyMap<string, readonly StreamEntry[]> {
  if (!Array.isArray(reply)) return new Map();
  return new Map(reply.map((stream: unknown) => (Array.isArray(stream) ? [String(stream[0]), parseEntries(stream[1])] : ["", []])));
}

/** parseEntries reads `[[id, [field, value, …]], …]`; a deleted entry has no fields. */
export function parseEntries(reply: unknown): readonly StreamEntry[] {
  if (!Array.isArray(reply)) return [];
  return reply.filter(Array.isArray).map((entry: readonly unknown[]) => ({ id: String(entry[0]), fields: fieldsOf(entry[1]) }));
}

function fieldsOf(reply: unknown): ReadonlyMap<string, Buffer> {
  const fields = new Map<string, Buffer>();
  for (const [name, value] of pairs(reply)) if (Buffer.isBuffer(value)) fields.set(name, value);
  return fields;
}

function* pairs(reply: unknown): Generator<readonly [name: string, value: unknown]> {
  if (!Array.isArray(reply)) return;
  for (let index = 0; index + 1 < reply.length; index += 2) yield [String(reply[index]), reply[index + 1]];
}
