/**
 * The scan of the vector index, in AssemblyScript. Sign bits of every row that may be served (right partition, not expired) are compared
 * with those of the query; the few nearest are measured exactly. Integers only up to the last division, so that a naive index gives the
 * very same cosines. src/index/scan.ts owns the memory and is the only caller; scripts/generate-wasm.mjs compiles.
 *
 * Memory: one page of scratch, 16 KiB for each thread that scans, then blocks of ROWS rows, each block column by column. Blocks are only
 * ever appended, so that no row moves.
 */

/** lanes is how many v128 the sign bits of one vector fill: its dimension, padded with zeros, is 128 of them. */
declare const lanes: u32;
/** scratch is where this thread's scratch begins. */
declare const scratch: usize;

/** Of what is nearest by sign bits so many are measured. */
export const CANDIDATES: u32 = 32;
export const MAX_LANES: u32 = 64;

/** In the scratch: the query, and what nearest found. */
export const QUERY: usize = 0;
const QUERY_BITS: usize = QUERY + MAX_LANES * 128;
export const FOUND: usize = QUERY_BITS + MAX_LANES * 16;
export const COSINES: usize = FOUND + CANDIDATES * 8;

const BLOCKS: usize = 65_536;
const ROWS: u32 = 1024;
/** Columns of a block: u32 partition, f64 expiry in Unix ms (0: free), i32 squared length, sign bits, signed bytes. */
const EXPIRIES: usize = ROWS * 4;
const LENGTHS: usize = EXPIRIES + ROWS * 8;
const BITS: usize = LENGTHS + ROWS * 4;

/** bytesFor is the memory that this many rows need. */
export function bytesFor(rows: u32): f64 {
  return <f64>BLOCKS + Math.ceil(<f64>rows / <f64>ROWS) * <f64>blockBytes();
}

/** vectorAt is where the bytes of a row go before it is committed. */
export function vectorAt(row: u32): usize {
  return blockOf(row) + BITS + ROWS * lanes * 16 + (row % ROWS) * lanes * 128;
}

export function expiryOf(row: u32): f64 {
  return reinterpret<f64>(atomic.load<u64>(expiryAt(row)));
}

/** free takes a row out of every scan that comes. */
export function free(row: u32): void {
  atomic.store<u64>(expiryAt(row), 0);
}

/** commit serves a freed row whose bytes are written. The expiry comes last: with it, a scan in another thread sees all of the row. */
export function commit(row: u32, partition: u32, expiresMs: f64): void {
  const block = blockOf(row);
  const index = row % ROWS;
  const vector = vectorAt(row);
  store<u32>(block + index * 4, partition);
  store<i32>(block + LENGTHS + index * 4, dot(vector, vector));
  packSigns(vector, block + BITS + index * lanes * 16);
  atomic.store<u64>(expiryAt(row), reinterpret<u64>(expiresMs));
}

/**
 * nearest looks for the query's neighbours, and gives how many it found: at FOUND their rows (u64, the row in the lower half), the nearest by
 * sign bits first, at COSINES their cosines.
 */
export function nearest(partition: u32, nowMs: f64): u32 {
  packSigns(scratch + QUERY, scratch + QUERY_BITS);
  const rowBytes = lanes * 16;
  const wanted = i32x4.splat(partition);
  const blocks = (<usize>memory.size() * 65_536 - BLOCKS) / blockBytes();
  let found: u32 = 0;
  let worst: u32 = u32.MAX_VALUE;
  for (let number: u32 = 0, block = BLOCKS; number < <u32>blocks; number++, block += blockBytes()) {
    for (let group: u32 = 0; group < ROWS; group += 16) {
      // Most rows are somebody else's: sixteen of them are passed by at once.
      for (let mask = matches(block + group * 4, wanted); mask !== 0; mask &= mask - 1) {
        const index = group + ctz(mask);
        if (!(reinterpret<f64>(atomic.load<u64>(block + EXPIRIES + index * 8)) > nowMs)) continue;
        const distance = differingSigns(block + BITS + index * rowBytes);
        if (distance >= worst) continue;
        found = insert(((<u64>distance) << 32) | (number * ROWS + index), found);
        if (found === CANDIDATES) worst = load<u32>(scratch + FOUND + (CANDIDATES - 1) * 8, 4);
      }
    }
  }
  measure(found);
  return found;
}

/** measure gives each found row its cosine. */
function measure(found: u32): void {
  const query = scratch + QUERY;
  const length = <f64>dot(query, query);
  for (let i: u32 = 0; i < found; i++) {
    const row = load<u32>(scratch + FOUND + i * 8);
    const rowLength = <f64>load<i32>(blockOf(row) + LENGTHS + (row % ROWS) * 4);
    store<f64>(scratch + COSINES + i * 8, <f64>dot(query, vectorAt(row)) / Math.sqrt(length * rowLength));
  }
}

/** insert keeps what was found in order, and drops the farthest when there is no room. Gives how many there are. */
function insert(key: u64, found: u32): u32 {
  const last = found < CANDIDATES ? found : CANDIDATES - 1;
  let place = scratch + FOUND + last * 8;
  for (; place > scratch + FOUND; place -= 8) {
    const before = load<u64>(place - 8);
    if (before < key) break;
    store<u64>(place, before);
  }
  store<u64>(place, key);
  return last + 1;
}

/** matches has a bit for each of sixteen rows of the wanted partition. */
function matches(partitions: usize, wanted: v128): u32 {
  const low = i16x8.narrow_i32x4_s(i32x4.eq(v128.load(partitions), wanted), i32x4.eq(v128.load(partitions, 16), wanted));
  const high = i16x8.narrow_i32x4_s(i32x4.eq(v128.load(partitions, 32), wanted), i32x4.eq(v128.load(partitions, 48), wanted));
  return i8x16.bitmask(i8x16.narrow_i16x8_s(low, high));
}

function differingSigns(bits: usize): u32 {
  let sum = i16x8.splat(0);
  for (let offset: usize = 0, end = lanes * 16; offset < end; offset += 16) {
    const differing = v128.xor(v128.load(bits + offset), v128.load(scratch + offset, QUERY_BITS));
    sum = i16x8.add(sum, i16x8.extadd_pairwise_i8x16_u(i8x16.popcnt(differing)));
  }
  return addLanes(i32x4.extadd_pairwise_i16x8_u(sum));
}

/** dot of two vectors of signed bytes. */
function dot(a: usize, b: usize): i32 {
  let sum = i32x4.splat(0);
  for (let offset: usize = 0, end = lanes * 128; offset < end; offset += 16) {
    const x = v128.load(a + offset);
    const y = v128.load(b + offset);
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_low_i8x16_s(x, y)));
    sum = i32x4.add(sum, i32x4.extadd_pairwise_i16x8_s(i16x8.extmul_high_i8x16_s(x, y)));
  }
  return addLanes(sum);
}

function packSigns(vector: usize, bits: usize): void {
  for (let i: usize = 0, end = lanes * 8; i < end; i++) {
    store<u16>(bits + i * 2, i8x16.bitmask(v128.load(vector + i * 16)));
  }
}

function addLanes(sum: v128): i32 {
  return i32x4.extract_lane(sum, 0) + i32x4.extract_lane(sum, 1) + i32x4.extract_lane(sum, 2) + i32x4.extract_lane(sum, 3);
}

function blockBytes(): usize {
  return BITS + ROWS * lanes * 144;
}

function blockOf(row: u32): usize {
  return BLOCKS + <usize>(row / ROWS) * blockBytes();
}

function expiryAt(row: u32): usize {
  return blockOf(row) + EXPIRIES + (row % ROWS) * 8;
}
