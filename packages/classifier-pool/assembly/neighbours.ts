/**
 * The neighbours of an encoder's vector, in AssemblyScript. A text is known by the signs of its vector; its cosine with another vector is
 * a sum of that vector's numbers, each with the text's sign. Of every four numbers the sixteen possible sums are tabulated in whole steps,
 * and the sums of sixteen texts are looked up at once. src/embedded/encoder-head.ts lays out the memory and is the only caller;
 * scripts/generate-wasm.mjs compiles.
 *
 * A step is a 2^21st of the largest range that four numbers have, and a lookup gives bytes. So a sum has three digits of 7 bits: small
 * enough that a byte holds two lookups before it is added to 16 bits. The cosine is right to a few ten-millionths.
 *
 * Numbers that a loop needs are imported or read from memory before it: V8 makes a vector of constants anew each time round.
 */

/** bytes of signs that a text has; 16 bits hold what is added for 256 of them. */
declare const bytes: u32;
/** texts is a multiple of 16. */
declare const texts: u32;

/** Where arrays of f32 begin: what the vector is compared from, the vector, its cosine with each text, and 1 / n! for n = 0 to 5. */
declare const center: usize;
declare const vector: usize;
declare const cosines: usize;
declare const series: usize;
/** Where tables begin, TABLE bytes for each byte of signs. */
declare const tables: usize;
/** Where signs begin: of sixteen texts their first bytes, then their second ones, and so on. */
declare const signs: usize;

/** fifteen is 15: the lower half of a byte. */
declare const fifteen: i32;
/** Nearness falls by a factor of e over this difference of cosines. */
declare const reach: f32;
/** Further behind the nearest text than this, texts count for nothing. */
declare const far: f32;

/** For each digit a table for the four lower signs of a byte and one for the upper. */
const TABLE: u32 = 6 * 16;
const BITS: u32 = 21;

/** step is the size of a step as a cosine, zero how many steps are the cosine 0. */
let step: f32;
let zero: i32;

/** compare leaves the cosine of every text with the vector, both seen from the centre. The vector is not what it was, then. */
export function compare(): void {
  tabulate();
  const end = tables + bytes * TABLE;
  const half = i8x16.splat(<i8>fifteen);
  let at = signs;
  for (let to = cosines; to < cosines + texts * 4; to += 64) {
    // Of each digit the sums of odd texts, and of even ones with 256 times those of their neighbour on top.
    let all0 = i16x8.splat(0);
    let all1 = i16x8.splat(0);
    let all2 = i16x8.splat(0);
    let odd0 = i16x8.splat(0);
    let odd1 = i16x8.splat(0);
    let odd2 = i16x8.splat(0);
    for (let table = tables; table < end; table += TABLE, at += 16) {
      const byte = v128.load(at);
      const low = v128.and(byte, half);
      const high = v128.and(i16x8.shr_u(byte, 4), half);
      const first = look(table, low, high);
      all0 = i16x8.add(all0, first);
      odd0 = i16x8.add(odd0, i16x8.shr_u(first, 8));
      const second = look(table + 32, low, high);
      all1 = i16x8.add(all1, second);
      odd1 = i16x8.add(odd1, i16x8.shr_u(second, 8));
      const third = look(table + 64, low, high);
      all2 = i16x8.add(all2, third);
      odd2 = i16x8.add(odd2, i16x8.shr_u(third, 8));
    }
    const even0 = evenOf(all0, odd0);
    const even1 = evenOf(all1, odd1);
    const even2 = evenOf(all2, odd2);
    const evenA = cosineOf(i32x4.extend_low_i16x8_u(even0), i32x4.extend_low_i16x8_u(even1), i32x4.extend_low_i16x8_u(even2));
    const evenB = cosineOf(i32x4.extend_high_i16x8_u(even0), i32x4.extend_high_i16x8_u(even1), i32x4.extend_high_i16x8_u(even2));
    const oddA = cosineOf(i32x4.extend_low_i16x8_u(odd0), i32x4.extend_low_i16x8_u(odd1), i32x4.extend_low_i16x8_u(odd2));
    const oddB = cosineOf(i32x4.extend_high_i16x8_u(odd0), i32x4.extend_high_i16x8_u(odd1), i32x4.extend_high_i16x8_u(odd2));
    v128.store(to, v128.shuffle<f32>(evenA, oddA, 0, 4, 1, 5));
    v128.store(to, v128.shuffle<f32>(evenA, oddA, 2, 6, 3, 7), 16);
    v128.store(to, v128.shuffle<f32>(evenB, oddB, 0, 4, 1, 5), 32);
    v128.store(to, v128.shuffle<f32>(evenB, oddB, 2, 6, 3, 7), 48);
  }
}

/** nearestOf gives the largest cosine of a run of texts that begins at a multiple of 16, and takes what fills up its last sixteen out of reach. */
export function nearestOf(first: u32, count: u32): f32 {
  const from = cosines + first * 4;
  const end = from + ((count + 15) & ~15) * 4;
  for (let at = from + count * 4; at < end; at += 4) store<f32>(at, -Infinity);
  let four = f32x4.splat(-Infinity);
  for (let at = from; at < end; at += 16) four = f32x4.pmax(four, v128.load(at));
  return max(max(f32x4.extract_lane(four, 0), f32x4.extract_lane(four, 1)), max(f32x4.extract_lane(four, 2), f32x4.extract_lane(four, 3)));
}

/** weightOf adds up what the texts of a run count when `nearest` is the largest cosine of all. */
export function weightOf(first: u32, count: u32, nearest: f32): f32 {
  const from = cosines + first * 4;
  const end = from + ((count + 15) & ~15) * 4;
  const top = f32x4.splat(nearest);
  const least = f32x4.splat(-far);
  // The exponential by its series, of a 32nd: then squared five times.
  const scale = f32x4.splat(1 / (32 * reach));
  const n0 = v128.load32_splat(series);
  const n1 = v128.load32_splat(series, 4);
  const n2 = v128.load32_splat(series, 8);
  const n3 = v128.load32_splat(series, 12);
  const n4 = v128.load32_splat(series, 16);
  const n5 = v128.load32_splat(series, 20);
  let four = f32x4.splat(0);
  for (let at = from; at < end; at += 16) {
    const behind = f32x4.sub(v128.load(at), top);
    const x = f32x4.mul(behind, scale);
    let sum = f32x4.add(f32x4.mul(n5, x), n4);
    sum = f32x4.add(f32x4.mul(sum, x), n3);
    sum = f32x4.add(f32x4.mul(sum, x), n2);
    sum = f32x4.add(f32x4.mul(sum, x), n1);
    sum = f32x4.add(f32x4.mul(sum, x), n0);
    sum = f32x4.mul(sum, sum);
    sum = f32x4.mul(sum, sum);
    sum = f32x4.mul(sum, sum);
    sum = f32x4.mul(sum, sum);
    sum = f32x4.mul(sum, sum);
    four = f32x4.add(four, v128.and(sum, f32x4.ge(behind, least)));
  }
  return addLanes(four);
}

/** tabulate makes the vector what it is seen from the centre, and from it tables, step and zero. */
function tabulate(): void {
  let squares: f64 = 0;
  let widest: f64 = 0;
  let all: f64 = 0;
  for (let four: u32 = 0; four < bytes * 2; four++) {
    let range: f64 = 0;
    for (let at = four * 16; at < four * 16 + 16; at += 4) {
      const number = load<f32>(vector + at) - load<f32>(center + at);
      store<f32>(vector + at, number);
      squares += <f64>number * <f64>number;
      range += Math.abs(number);
    }
    widest = max(widest, range);
    all += range;
  }
  if (widest === 0) widest = 1;
  const steps = <f64>((1 << BITS) - 1) / (2 * widest);
  step = <f32>(1 / (steps * Math.sqrt((squares === 0 ? 1 : squares) * <f64>(bytes * 8))));
  zero = <i32>(all * steps + 0.5);
  for (let four: u32 = 0; four < bytes * 2; four++) {
    const table = tables + (four >> 1) * TABLE + (four & 1) * 16;
    for (let value: u32 = 0; value < 16; value++) {
      // The sum with the range on top is never negative. Signs are multiplied by: no branch could be foreseen.
      let sum: f64 = 0;
      for (let bit: u32 = 0; bit < 4; bit++) {
        const number = <f64>load<f32>(vector + four * 16 + bit * 4);
        sum += Math.abs(number) + number * <f64>(<i32>((value >> bit) & 1) * 2 - 1);
      }
      const whole = <u32>(sum * steps + 0.5);
      store<u8>(table + value, whole >> 14);
      store<u8>(table + value + 32, (whole >> 7) & 127);
      store<u8>(table + value + 64, whole & 127);
    }
  }
}

/** look adds what a digit's two tables have for sixteen texts. Relaxed is as strict for numbers below 16, and an instruction less. */
function look(table: usize, low: v128, high: v128): v128 {
  return i8x16.add(i8x16.relaxed_swizzle(v128.load(table), low), i8x16.relaxed_swizzle(v128.load(table, 16), high));
}

function evenOf(all: v128, odd: v128): v128 {
  return i16x8.sub(all, i16x8.shl(odd, 8));
}

function cosineOf(first: v128, second: v128, third: v128): v128 {
  const sum = i32x4.add(i32x4.shl(i32x4.add(i32x4.shl(first, 7), second), 7), third);
  return f32x4.mul(f32x4.convert_i32x4_s(i32x4.sub(sum, i32x4.splat(zero))), f32x4.splat(step));
}

function addLanes(four: v128): f32 {
  return f32x4.extract_lane(four, 0) + f32x4.extract_lane(four, 1) + (f32x4.extract_lane(four, 2) + f32x4.extract_lane(four, 3));
}
