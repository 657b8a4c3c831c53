/**
 * The rows of a vector index in WebAssembly memory, and the scan over them (assembly/scan.ts). The memory grows block by block and is shared:
 * one thread writes, and others may look in the same copy. They see a row whole or not at all, but for one that is overwritten while they
 * read it, whose cosine is then meaningless. Called by vector-index.ts.
 */
import { RouterError } from "@turnout/shared";
import { scanModule } from "./gen/scan.ts";

/** ScanRow is what a row is written from. */
export interface ScanRow {
  /** Unsigned 32 bits. */
  readonly partition: number;
  /** Unix milliseconds; the row is not found from then on. */
  readonly expiresMs: number;
  readonly vector: Int8Array;
}

/** FoundRow is a neighbour. */
export interface FoundRow {
  readonly row: number;
  readonly cosine: number;
}

export interface ScanOptions {
  readonly dimension: number;
  /** Memory is taken as rows come, but never for more rows than these. */
  readonly maxRows: number;
  /** Another thread's rows to look in. Readers, 1 to 3, are told apart because each needs a place of its own to work. */
  readonly reads?: { readonly memory: SharedMemory; readonly reader: number };
}

export interface Scan {
  readonly memory: SharedMemory;
  /** bytes of memory that the rows have so far; it never shrinks. */
  readonly bytes: number;
  /** write puts a row in place of what was there. */
  write(row: number, entry: ScanRow): void;
  free(row: number): void;
  expiryOf(row: number): number;
  /** nearest gives up to 32 rows, the nearest first. */
  nearest(query: { readonly partition: number; readonly vector: Int8Array; readonly nowMs: number }): FoundRow[];
}

const PAGE = 65_536;
const MAX_PAGES = 65_536;
const SCRATCH_BYTES = 16_384;

export function createScan({ dimension, maxRows, reads }: ScanOptions): Scan {
  // V8 sets aside the addresses of the largest memory there is for every memory; a smaller maximum would save nothing.
  const memory = reads?.memory ?? new WebAssembly.Memory({ initial: 1, maximum: MAX_PAGES, shared: true });
  const scratch = SCRATCH_BYTES * (reads?.reader ?? 0);
  const lanes = Math.ceil(dimension / 128);
  const module = new WebAssembly.Module(Buffer.from(scanModule, "base64"));
  const scan = new WebAssembly.Instance(module, { env: { memory }, scan: { lanes, scratch } }).exports;
  if (lanes > scan.MAX_LANES.value || scan.bytesFor(maxRows) > MAX_PAGES * PAGE) {
    throw new RouterError(
      "config_invalid",
      `${maxRows} vectors of ${dimension} numbers are too many: 4 GiB and 8,192 numbers are the limits`,
    );
  }
  let bytes = new Int8Array(memory.buffer);
  const query = bytes.subarray(scratch + scan.QUERY.value, scratch + scan.QUERY.value + lanes * 128);
  const found = new Uint32Array(memory.buffer, scratch + scan.FOUND.value, scan.CANDIDATES.value * 2);
  const cosines = new Float64Array(memory.buffer, scratch + scan.COSINES.value, scan.CANDIDATES.value);

  return {
    memory,
    get bytes() {
      return bytes.length;
    },
    write: (row, { partition, expiresMs, vector }) => {
      const missing = scan.bytesFor(row + 1) - bytes.length;
      if (missing > 0) {
        memory.grow(Math.ceil(missing / PAGE));
        bytes = new Int8Array(memory.buffer);
      }
      scan.free(row);
      bytes.set(vector, scan.vectorAt(row) >>> 0);
      scan.commit(row, partition, expiresMs);
    },
    free: (row) => scan.free(row),
    expiryOf: (row) => scan.expiryOf(row),
    nearest: ({ partition, vector, nowMs }) => {
      query.set(vector);
      const count = scan.nearest(partition, nowMs);
      const rows = Array.from({ length: count }, (_, i) => ({ row: found[2 * i] as number, cosine: cosines[i] as number }));
      return rows.sort((a, b) => b.cosine - a.cosine);
    },
  };
}

/** SharedMemory is a WebAssembly.Memory; it may be posted to another thread. */
export interface SharedMemory {
  readonly buffer: SharedArrayBuffer;
  grow(pages: number): number;
}

/** ScanExports is what assembly/scan.ts exports, where it says what each does. */
interface ScanExports {
  readonly CANDIDATES: { readonly value: number };
  readonly MAX_LANES: { readonly value: number };
  readonly QUERY: { readonly value: number };
  readonly FOUND: { readonly value: number };
  readonly COSINES: { readonly value: number };
  bytesFor(rows: number): number;
  vectorAt(row: number): number;
  expiryOf(row: number): number;
  free(row: number): void;
  commit(row: number, partition: number, expiresMs: number): void;
  nearest(partition: number, nowMs: number): number;
}

interface ScanImports {
  readonly env: { readonly memory: SharedMemory };
  readonly scan: { readonly lanes: number; readonly scratch: number };
}

/** Node has it; its types say so only together with a browser's. */
declare const WebAssembly: {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Memory: new (limits: { readonly initial: number; readonly maximum: number; readonly shared: true }) => SharedMemory;
  readonly Instance: new (module: object, imports: ScanImports) => { readonly exports: ScanExports };
};
