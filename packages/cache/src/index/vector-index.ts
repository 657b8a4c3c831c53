/**
 * VectorIndex finds entries by the direction of a vector, among those of one partition that have not expired. It knows vectors under ids and
 * nothing else, answers at once on the caller's thread, and never holds more than it may: at capacity an entry that expires soon makes room.
 * The entry table calls it, one index per length of vectors.
 */
import { RouterError } from "@turnout/shared";
import { createScan, type ScanRow } from "./scan.ts";

export interface VectorIndexOptions {
  /** Numbers in a vector; memory is taken in steps of 128. */
  readonly dimension: number;
  readonly maxEntries: number;
  /** Told of every entry that had to make room. */
  readonly onEvicted: (id: string) => void;
}

/** IndexedVector is an entry; only the direction of its vector matters, so that no scale is needed. */
export type IndexedVector = ScanRow;

export interface VectorQuery {
  readonly partition: number;
  readonly vector: Float32Array | Int8Array;
  /** Unix milliseconds; what expires then or before is not found. */
  readonly nowMs: number;
  readonly limit: number;
}

export interface NearVector {
  readonly id: string;
  readonly cosine: number;
}

export interface VectorIndex {
  readonly size: number;
  /** bytes of the vectors, sign bits, partitions and expiries; ids are not counted. */
  readonly bytes: number;
  /** add replaces what has this id. Throws vector_invalid for another length and for all zeros. */
  add(id: string, entry: IndexedVector): void;
  /** remove is true when the id was there. */
  remove(id: string): boolean;
  /**
   * nearest gives at most `limit` entries, 32 if there are more, the nearest first. Sign bits choose which are measured: on sentence vectors
   * the very nearest was never missed where its cosine is 0.8 or more; of the eight nearest a few in a hundred may be (bench cache-index). Throws
   * vector_invalid as add does, and for what is not numbers.
   */
  nearest(query: VectorQuery): readonly NearVector[];
  clear(): void;
}

/**
 * At capacity the entry that expires first among this many makes room. The sample is a run of rows that moves on each time, so that every row
 * comes up once a lap: expired entries go first, long-lived ones stay, and no order has to be kept on every write.
 */
const EVICTION_SAMPLE = 16;

export function createVectorIndex({ dimension, maxEntries, onEvicted }: VectorIndexOptions): VectorIndex {
  const scan = createScan({ dimension, maxRows: maxEntries });
  const rows = new Map<string, number>();
  const ids: (string | undefined)[] = [];
  const freed: number[] = [];
  let hand = 0;

  const remove = (id: string) => {
    const row = rows.get(id);
    if (row === undefined) return false;
    rows.delete(id);
    ids[row] = undefined;
    scan.free(row);
    freed.push(row);
    return true;
  };

  const evict = () => {
    let soonest = hand;
    for (let i = 0; i < EVICTION_SAMPLE; i += 1) {
      if (scan.expiryOf(hand) < scan.expiryOf(soonest)) soonest = hand;
      hand = (hand + 1) % maxEntries;
    }
    const id = ids[soonest] as string;
    remove(id);
    onEvicted(id);
  };

  return {
    get size() {
      return rows.size;
    },
    get bytes() {
      return scan.bytes;
    },
    add: (id, entry) => {
      checked(entry.vector, dimension);
      let row = rows.get(id);
      if (row === undefined) {
        if (rows.size === maxEntries) evict();
        row = freed.pop() ?? ids.length;
        rows.set(id, row);
        ids[row] = id;
      }
      scan.write(row, entry);
    },
    remove,
    nearest: ({ partition, vector, nowMs, limit }) => {
      const bytes = checked(vector instanceof Int8Array ? vector : quantise(vector).vector, dimension);
      return scan
        .nearest({ partition, vector: bytes, nowMs })
        .slice(0, limit)
        .map(({ row, cosine }) => ({ id: ids[row] as string, cosine }));
    },
    clear: () => {
      for (const row of rows.values()) scan.free(row);
      rows.clear();
      ids.length = freed.length = hand = 0;
    },
  };
}

/** quantise rounds a vector to signed bytes: value = byte * scale, half a scale off at most. Throws vector_invalid. */
export function quantise(vector: Float32Array): { readonly vector: Int8Array; readonly scale: number } {
  let largest = 0;
  // Math.max keeps a NaN that it has met.
  for (const value of vector) largest = Math.max(largest, Math.abs(value));
  if (largest === 0 || !Number.isFinite(largest)) throw noDirection();
  const scale = largest / 127;
  const bytes = new Int8Array(vector.length);
  for (let i = 0; i < bytes.length; i += 1) bytes[i] = Math.round((vector[i] as number) / scale);
  return { vector: bytes, scale };
}

/** checked has the right length and points somewhere. */
function checked(vector: Int8Array, dimension: number): Int8Array {
  if (vector.length !== dimension)
    throw new RouterError("vector_invalid", `expected a vector of ${dimension} numbers, got ${vector.length}`);
  if (vector.every((value) => value === 0)) throw noDirection();
  return vector;
}

function noDirection(): RouterError {
  return new RouterError("vector_invalid", "expected a vector of finite numbers that are not all zero");
}
