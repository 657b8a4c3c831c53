/**
 * Bytes of what the log and the payload keys hold. Pure. Every field is length-prefixed, every read is checked: bytes that do not fit are
 * null, never an exception and never a half-filled row. Numbers are little-endian.
 *
 *     facts   = format u8, epoch, fence, id, scope, decision, model (each u16 length + UTF-8), created f64, expires f64
 *     row     = facts, partition (u16 + bytes), semantic u8 [, scale f64, vector (u16 + bytes), features (u16 + bytes)]
 *     payload = facts, the policy's bytes to the end
 */
import type { EntryRow, PurgeFilter } from "../backends/backend.ts";
import { ByteReader, ByteWriter, LENGTH_BYTES, NUMBER_BYTES } from "./bytes.ts";

const FORMAT = 1;

/** WrittenUnder is what the writer knew of the shard when it wrote. */
export interface WrittenUnder {
  /** Epoch of the data. */
  readonly epoch: string;
  /** Stream id of the newest purge that the writer had heard of: only later ones can mean what it wrote. */
  readonly fence: string;
}

/** EntryFacts are what a purge looks at. */
export type EntryFacts = WrittenUnder & Pick<EntryRow, "id" | "scope" | "decision" | "model" | "createdMs" | "expiresMs">;

/** encodeRow makes the log's bytes of an entry. Throws a RangeError when a field is longer than 65,535 bytes. */
export function encodeRow(row: EntryRow, under: WrittenUnder): Buffer {
  const { semantic } = row;
  const writer = new ByteWriter(factsBytes(row, under) + rowBytes(row));
  writeFacts(writer, row, under);
  writer.field(row.partition);
  writer.byte(semantic === null ? 0 : 1);
  if (semantic !== null) {
    writer.number(semantic.scale);
    writer.field(new Uint8Array(semantic.vector.buffer, semantic.vector.byteOffset, semantic.vector.byteLength));
    writer.field(semantic.features);
  }
  return writer.bytes;
}

/** decodeRow reads what encodeRow made; null when the bytes are anything else. What it gives shares no memory with `bytes`. */
export function decodeRow(bytes: Buffer): { readonly row: EntryRow; readonly under: WrittenUnder } | null {
  return decoded(bytes, (reader) => {
    const { epoch, fence, ...facts } = readFacts(reader);
    const partition = new Uint8Array(reader.field());
    let semantic: EntryRow["semantic"] = null;
    if (reader.byte() === 1) {
      const scale = reader.number();
      // Copies: a row is kept for long, the reply that it came in must not be.
      const vector = new Int8Array(reader.field());
      semantic = { scale, vector, features: new Uint8Array(reader.field()) };
    }
    reader.end();
    return { row: { ...facts, partition, semantic }, under: { epoch, fence } };
  });
}

/** decodeFacts reads the beginning of a row or of a stored payload, where only what a purge looks at is wanted. */
export function decodeFacts(bytes: Buffer): EntryFacts | null {
  return decoded(bytes, readFacts);
}

/** encodePayload puts the facts in front of the policy's bytes. */
export function encodePayload(row: EntryRow, under: WrittenUnder, payload: Uint8Array): Buffer {
  const writer = new ByteWriter(factsBytes(row, under) + payload.length);
  writeFacts(writer, row, under);
  writer.rest(payload);
  return writer.bytes;
}

/** decodePayload gives facts and the policy's bytes, in memory of their own: a reply's buffer holds more than one payload. */
export function decodePayload(bytes: Buffer): { readonly facts: EntryFacts; readonly payload: Uint8Array } | null {
  return decoded(bytes, (reader) => ({ facts: readFacts(reader), payload: new Uint8Array(reader.rest()) }));
}

/** PurgeRecord is one purge as Redis keeps it. */
export interface PurgeRecord {
  /** Random name by which the fence key tells the newest purge. */
  readonly token: string;
  readonly filter: PurgeFilter;
}

export function encodePurge(record: PurgeRecord): Buffer {
  return Buffer.from(JSON.stringify(record));
}

/** decodePurge reads what encodePurge made; null for anything else: a filter that is not understood must not purge something else. */
export function decodePurge(bytes: Buffer): PurgeRecord | null {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    return null;
  }
  if (!isRecord(value) || typeof value["token"] !== "string" || !isRecord(value["filter"])) return null;
  const { ids, scope, decision, model, createdBeforeMs, ...unknown } = value["filter"];
  const texts = [scope, decision, model].every((part) => part === undefined || typeof part === "string");
  const times = createdBeforeMs === undefined || typeof createdBeforeMs === "number";
  const listed = ids === undefined || (Array.isArray(ids) && ids.every((id) => typeof id === "string"));
  if (!texts || !times || !listed || Object.keys(unknown).length > 0) return null;
  return { token: value["token"], filter: value["filter"] as PurgeFilter };
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function factsBytes(row: EntryRow, under: WrittenUnder): number {
  let bytes = 1 + 2 * NUMBER_BYTES;
  for (const text of textsOf(row, under)) bytes += LENGTH_BYTES + Buffer.byteLength(text);
  return bytes;
}

function rowBytes({ partition, semantic }: EntryRow): number {
  const vector = semantic === null ? 0 : NUMBER_BYTES + 2 * LENGTH_BYTES + semantic.vector.byteLength + semantic.features.length;
  return LENGTH_BYTES + partition.length + 1 + vector;
}

function textsOf(row: EntryRow, { epoch, fence }: WrittenUnder): readonly string[] {
  return [epoch, fence, row.id, row.scope, row.decision, row.model];
}

function writeFacts(writer: ByteWriter, row: EntryRow, under: WrittenUnder): void {
  writer.byte(FORMAT);
  for (const text of textsOf(row, under)) writer.text(text);
  writer.number(row.createdMs);
  writer.number(row.expiresMs);
}

function readFacts(reader: ByteReader): EntryFacts {
  if (reader.byte() !== FORMAT) throw new RangeError("another format");
  return {
    epoch: reader.text(),
    fence: reader.text(),
    id: reader.text(),
    scope: reader.text(),
    decision: reader.text(),
    model: reader.text(),
    createdMs: reader.number(),
    expiresMs: reader.number(),
  };
}

function decoded<Value>(bytes: Buffer, read: (reader: ByteReader) => Value): Value | null {
  try {
    return read(new ByteReader(bytes));
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}
