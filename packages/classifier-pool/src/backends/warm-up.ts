/**
 * What a worker finds out about its encoder before it serves: whether its vectors are usable, and whether a text's vector depends
 * on the texts beside it. Graphs with one scale for all activations (stock dynamic int8) fail the second question badly: cosine
 * 0.967 between a prompt alone and in a batch was measured. Such a model is served without what it cannot bear, never wrongly.
 */
import type { EncoderBatching } from "@turnout/shared";
import { RouterError } from "@turnout/shared/errors";
import type { Encoder, TokenBatch } from "./index.ts";

/** Largest cosine distance between a text alone and in company; our own graphs and float graphs stay below 1e-6. */
const TOLERANCE = 1e-4;
const UNIT_TOLERANCE = 1e-3;

/** Tokens of the shorter and the longer probe, special tokens included. */
const SHORT = 8;
const LONG = 32;
const probes = [
  "Which of the two trains arrives first, and how late is the other one at the moment?",
  "function total(items) { return items.reduce((sum, { price, count }) => sum + price * count, 0); } // rounding, tax and currency are somebody else's",
  "Please write to the office that the key of the garden shed, the ladder and 14 paper bags are still missing, and ask who has seen them last!",
] as const;

/** inspectEncoder runs a few short texts. Throws RouterError "model_corrupt" when a vector is not finite, or not of length 1 although `unit`. */
export async function inspectEncoder(encoder: Encoder, unit: boolean): Promise<EncoderBatching> {
  const short = probes.map((text) => tokens(encoder, text, SHORT));
  const long = probes.map((text) => tokens(encoder, text, LONG));
  const alone: Float32Array[] = [];
  for (const ids of short) alone.push(await encoder.run(batchOf([ids])));
  for (const vector of alone) requireUsable(vector, unit);

  for (const [index, ids] of short.entries()) {
    const lengthwise = batchOf([ids, ...short.filter((other) => other !== ids && other.length === ids.length)]);
    if (differs(alone[index], await encoder.run(lengthwise))) return "single";
  }
  for (const [index, ids] of short.entries()) {
    if (differs(alone[index], await encoder.run(batchOf([ids, ...long])))) return "equal_lengths";
  }
  return "padded";
}

/** runBatch runs a batch whole, or in the pieces that `batching` allows; vectors come back in the order of the rows. */
export async function runBatch(encoder: Encoder, batch: TokenBatch, batching: EncoderBatching): Promise<Float32Array> {
  const { rows, width, lengths } = batch;
  if (batching === "padded" || rows === 1) return encoder.run(batch);
  const stride = encoder.scanner === undefined ? encoder.dimension : width * encoder.dimension;
  const vectors = new Float32Array(rows * stride);
  for (const group of batching === "single" ? Array.from(lengths, (_, row) => [row]) : rowsByLength(lengths)) {
    const part = await encoder.run(partOf(batch, group));
    const size = part.length / group.length;
    for (const [index, row] of group.entries()) vectors.set(part.subarray(index * size, (index + 1) * size), row * stride);
  }
  return vectors;
}

/** batchOf pads rows of ids to the longest. */
export function batchOf(rows: readonly (readonly number[])[]): TokenBatch {
  const width = rows.reduce((longest, ids) => Math.max(longest, ids.length), 0);
  const ids = new Int32Array(rows.length * width);
  for (const [row, values] of rows.entries()) ids.set(values, row * width);
  return { rows: rows.length, width, ids, lengths: Int32Array.from(rows, (row) => row.length) };
}

function tokens({ tokenizer }: Encoder, text: string, maxTokens: number): readonly number[] {
  return tokenizer.tokenize({ parts: [text], window: { maxTokens, sampling: "head" } }).ids;
}

function rowsByLength(lengths: Int32Array): Iterable<number[]> {
  const groups = new Map<number, number[]>();
  for (const [row, length] of lengths.entries()) {
    const group = groups.get(length);
    if (group === undefined) groups.set(length, [row]);
    else group.push(row);
  }
  return groups.values();
}

/** partOf takes rows of one length out of a batch, without padding. */
function partOf({ width, ids, lengths }: TokenBatch, rows: readonly number[]): TokenBatch {
  const length = lengths[rows[0] ?? 0] ?? 0;
  const part = new Int32Array(rows.length * length);
  for (const [index, row] of rows.entries()) part.set(ids.subarray(row * width, row * width + length), index * length);
  return { rows: rows.length, width: length, ids: part, lengths: new Int32Array(rows.length).fill(length) };
}

/** differs compares `alone` with the first vector of `company`. For vectors of length 1 the measure is the cosine distance; it serves logits too. */
function differs(alone: Float32Array | undefined, company: Float32Array): boolean {
  let difference = 0;
  let squares = 0;
  for (const [at, value] of alone?.entries() ?? []) {
    const other = company[at] ?? Number.NaN;
    difference += (value - other) ** 2;
    squares += value ** 2 + other ** 2;
  }
  return !(difference <= TOLERANCE * squares);
}

function requireUsable(vector: Float32Array, unit: boolean): void {
  const squares = vector.reduce((sum, value) => sum + value * value, 0);
  if (!Number.isFinite(squares)) throw new RouterError("model_corrupt", "the encoder gives numbers that are not finite");
  if (unit && Math.abs(Math.sqrt(squares) - 1) > UNIT_TOLERANCE) {
    throw new RouterError(
      "model_corrupt",
      `the encoder gives vectors of length ${Math.sqrt(squares).toFixed(3)}, expected 1; prepare it with normalisation`,
    );
  }
}
