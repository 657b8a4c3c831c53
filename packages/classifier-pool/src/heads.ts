/**
 * Classification heads: linear layers on the vector that a text has anyway, so that a further classifier costs microseconds and
 * never another encoder. Loaded and run in the worker; all heads of a model lie in one matrix and are one product per batch.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { RouterError } from "@turnout/shared/errors";
import type { HeadLogits, ModelSettings } from "./messages.ts";

/** HeadMatrix is every head of a model: rows of `dimension` weights, one per label, and a bias each. */
export interface HeadMatrix {
  readonly dimension: number;
  readonly weights: Float32Array;
  readonly biases: Float32Array;
  /** Each head's rows. */
  readonly spans: ReadonlyMap<string, { readonly start: number; readonly labels: number }>;
}

/** loadHeads reads the model's head files. Throws RouterError "model_corrupt" when a file is unreadable or of another shape. */
export async function loadHeads({
  heads,
  dimension,
  modelDirectory,
}: Pick<ModelSettings, "heads" | "dimension" | "modelDirectory">): Promise<HeadMatrix> {
  const labels = heads.reduce((sum, head) => sum + head.labels, 0);
  const weights = new Float32Array(labels * dimension);
  const biases = new Float32Array(labels);
  const spans = new Map<string, { start: number; labels: number }>();
  let start = 0;
  for (const head of heads) {
    const floats = await readFloats(join(modelDirectory, head.file), head.labels * (dimension + 1));
    weights.set(floats.subarray(0, head.labels * dimension), start * dimension);
    biases.set(floats.subarray(head.labels * dimension), start);
    spans.set(head.name, { start, labels: head.labels });
    start += head.labels;
  }
  return { dimension, weights, biases, spans };
}

/** applyHeads multiplies `rows` vectors with the rows of all `asked` heads; heads that the model does not have are left out. */
export function applyHeads(matrix: HeadMatrix, asked: ReadonlySet<string>, vectors: Float32Array, rows: number): HeadLogits | null {
  const spans: { name: string; start: number; labels: number }[] = [];
  const labelRows: number[] = [];
  for (const [name, { start, labels }] of matrix.spans) {
    if (!asked.has(name)) continue;
    spans.push({ name, start: labelRows.length, labels });
    for (let row = start; row < start + labels; row += 1) labelRows.push(row);
  }
  if (spans.length === 0) return null;
  const width = labelRows.length;
  const values = new Float32Array(rows * width);
  const { dimension, weights, biases } = matrix;
  // Label by label: its weights stay in the first-level cache for all texts of the batch.
  for (let column = 0; column < width; column += 1) {
    const label = labelRows[column] ?? 0;
    for (let row = 0; row < rows; row += 1) {
      values[row * width + column] = dot(weights, label * dimension, vectors, row * dimension, dimension) + (biases[label] ?? 0);
    }
  }
  return { spans, width, values };
}

function dot(a: Float32Array, aStart: number, b: Float32Array, bStart: number, length: number): number {
  let sum = 0;
  for (let at = 0; at < length; at += 1) sum += (a[aStart + at] ?? 0) * (b[bStart + at] ?? 0);
  return sum;
}

async function readFloats(path: string, count: number): Promise<Float32Array> {
  const bytes = await readFile(path).catch((cause: unknown) => {
    throw corrupt(`${path} cannot be read`, cause);
  });
  if (bytes.byteLength !== count * 4) throw corrupt(`${path} has ${bytes.byteLength} bytes, expected ${count * 4}`);
  const floats = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
  if (!floats.every(Number.isFinite)) throw corrupt(`${path} holds numbers that are not finite`);
  return floats;
}

function corrupt(problem: string, cause?: unknown): RouterError {
  return new RouterError("model_corrupt", `${problem}. Prepare the model again.`, { cause });
}
