/**
 * From a graph's output to the vectors that the pool promises: token vectors pooled to one per text, cut to the first numbers of a
 * Matryoshka model, scaled to length 1. Pure typed-array code for graphs that do not do it themselves; runs in the worker.
 */
import type { TokenBatch } from "../backends/index.ts";
import type { Pooling } from "./manifest.ts";

/** poolTokens makes one vector of `width` numbers per row from `hidden` [rows, sequence, width]. Padding never counts. A row without tokens becomes zeros. */
export function poolTokens(
  hidden: Float32Array,
  { rows, width: sequence, lengths }: Pick<TokenBatch, "rows" | "width" | "lengths">,
  width: number,
  pooling: Exclude<Pooling, "none">,
): Float32Array {
  const pooled = new Float32Array(rows * width);
  for (let row = 0; row < rows; row += 1) {
    const length = lengths[row] ?? 0;
    if (length === 0) continue;
    const vector = pooled.subarray(row * width, (row + 1) * width);
    const start = row * sequence * width;
    switch (pooling) {
      case "cls":
        vector.set(hidden.subarray(start, start + width));
        break;
      case "last_token":
        vector.set(hidden.subarray(start + (length - 1) * width, start + length * width));
        break;
      case "mean":
        addTokens(vector, hidden, start, length);
        break;
      default:
        pooling satisfies never;
    }
  }
  return pooled;
}

/** fitVectors keeps the first `dimension` of `width` numbers of every vector and, when told to, scales what is left to length 1. Works in place where nothing is cut. */
export function fitVectors(vectors: Float32Array, rows: number, width: number, dimension: number, normalize: boolean): Float32Array {
  if (dimension === width && !normalize) return vectors;
  const fitted = dimension === width ? vectors : new Float32Array(rows * dimension);
  for (let row = 0; row < rows; row += 1) {
    const vector = fitted.subarray(row * dimension, (row + 1) * dimension);
    if (dimension !== width) vector.set(vectors.subarray(row * width, row * width + dimension));
    if (normalize) scaleToUnit(vector);
  }
  return fitted;
}

/** addTokens writes the mean: the sum in place, token by token along memory, then one division. */
function addTokens(vector: Float32Array, hidden: Float32Array, start: number, length: number): void {
  const { length: width } = vector;
  for (let token = 0; token < length; token += 1) {
    const from = start + token * width;
    for (let at = 0; at < width; at += 1) vector[at] = (vector[at] ?? 0) + (hidden[from + at] ?? 0);
  }
  for (let at = 0; at < width; at += 1) vector[at] = (vector[at] ?? 0) / length;
}

function scaleToUnit(vector: Float32Array): void {
  let squares = 0;
  for (let at = 0; at < vector.length; at += 1) squares += (vector[at] ?? 0) ** 2;
  const scale = squares > 0 ? 1 / Math.sqrt(squares) : 0;
  for (let at = 0; at < vector.length; at += 1) vector[at] = (vector[at] ?? 0) * scale;
}
