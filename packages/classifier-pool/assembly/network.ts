/**
 * The network on an encoder's vector, in AssemblyScript: vector → neurons → labels. Numbers stay floats; weights are widened as they are
 * read. src/embedded/encoder-head.ts lays out the memory and is the only caller; scripts/generate-wasm.mjs compiles.
 */

/** dimension of the vector, a multiple of 8. */
declare const dimension: u32;
declare const hidden: u32;
declare const labels: u32;

/** Where the arrays of EncoderNetwork begin; what comes and goes is `vector`, `neurons` and `logits`. */
declare const vector: usize;
declare const inWeight: usize;
declare const inScale: usize;
declare const inStyle: usize;
declare const inBias: usize;
declare const outWeight: usize;
declare const outBias: usize;
declare const neurons: usize;
declare const logits: usize;

/** read gives the logits of the vector in the light of `exam`, the likelihood of that style. */
export function read(exam: f32): void {
  for (let neuron: u32 = 0, at: usize = 0; neuron < hidden; neuron++, at += 4) {
    const sum = dot(inWeight + neuron * dimension) * load<f32>(inScale + at) + load<f32>(inBias + at);
    store<f32>(neurons + at, max<f32>(0, sum + exam * load<f32>(inStyle + at)));
  }
  for (let label: u32 = 0; label < labels; label++) {
    store<f32>(logits + label * 4, output(label) + exam * output(labels + label));
  }
}

/** dot of the vector with as many signed bytes. */
function dot(weights: usize): f32 {
  let even = f32x4.splat(0);
  let odd = f32x4.splat(0);
  for (let at = vector, end = vector + dimension * 4; at < end; at += 32, weights += 8) {
    const eight = v128.load8x8_s(weights);
    even = f32x4.add(even, f32x4.mul(v128.load(at), f32x4.convert_i32x4_s(i32x4.extend_low_i16x8_s(eight))));
    odd = f32x4.add(odd, f32x4.mul(v128.load(at, 16), f32x4.convert_i32x4_s(i32x4.extend_high_i16x8_s(eight))));
  }
  return addLanes(f32x4.add(even, odd));
}

function output(row: u32): f32 {
  const weights = outWeight + row * hidden * 4;
  const whole: usize = (hidden & ~3) * 4;
  let four = f32x4.splat(0);
  for (let at: usize = 0; at < whole; at += 16) {
    four = f32x4.add(four, f32x4.mul(v128.load(neurons + at), v128.load(weights + at)));
  }
  let sum = load<f32>(outBias + row * 4) + addLanes(four);
  for (let at = whole; at < hidden * 4; at += 4) sum += load<f32>(neurons + at) * load<f32>(weights + at);
  return sum;
}

function addLanes(four: v128): f32 {
  return f32x4.extract_lane(four, 0) + f32x4.extract_lane(four, 1) + (f32x4.extract_lane(four, 2) + f32x4.extract_lane(four, 3));
}
