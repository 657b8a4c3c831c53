/**
 * Reads an encoder's vector for a head: a small network, and the labels of the training texts that lie nearest to it. Asked only where
 * the encoder has spent milliseconds; a quarter of one of the calling thread, in WebAssembly (assembly/), where the same numbers come out
 * on every machine. Called by embedded-model.ts and by training.
 */
import { RouterError } from "@turnout/shared";
import { place } from "./encoder-head-memory.ts";
import { neighboursModule } from "./gen/neighbours.ts";
import { networkModule } from "./gen/network.ts";

/** EncoderNetwork is [vector, style] → ReLU → labels, of which the second half is added for the style of examinations. */
export interface EncoderNetwork {
  /** [hidden, dimension], in steps of each neuron's scale; the dimension is a multiple of 8. */
  readonly inWeight: Int8Array;
  readonly inScale: Float32Array;
  readonly inStyle: Float32Array;
  readonly inBias: Float32Array;
  /** [2 * labels, hidden] */
  readonly outWeight: Float32Array;
  readonly outBias: Float32Array;
}

/** Neighbours are training texts: of each vector, relative to the centre of all, only the signs are kept, eight in a byte. */
export interface Neighbours {
  readonly center: Float32Array;
  /** [texts, dimension / 8] */
  readonly signs: Uint8Array;
  /** The label of each text. */
  readonly labels: Uint8Array;
}

/** Nearness falls by a factor of e over this difference of cosines: a few dozen of all texts count. */
const REACH = 0.03;
/** Further behind the nearest text than so many times REACH, texts count for nothing. */
const FAR = 12;
/** Share that a label without any near text keeps. */
const DOUBT = 0.01;
/** Texts that are compared at once. */
const GROUP = 16;
/** As assembly/neighbours.ts has them: bytes of tables for a byte of signs, how many bytes of signs at most, 1 / n!. */
const TABLE_BYTES = 96;
const MAX_BYTES = 256;
const SERIES = Float32Array.of(1, 1, 1 / 2, 1 / 6, 1 / 24, 1 / 120);

type ReadNetwork = (vector: Float32Array, exam: number) => Float32Array;
type ReadNeighbours = (vector: Float32Array, labelCount: number) => Float32Array;

/** What has been placed in WebAssembly memory, when first asked (a few ms). It goes when what it was made from goes. */
const networks = new WeakMap<EncoderNetwork, ReadNetwork>();
const neighbourhoods = new WeakMap<Neighbours, ReadNeighbours>();

/** networkLogits reads the vector in the light of `exam`, the likelihood of that style. */
export function networkLogits(network: EncoderNetwork, vector: Float32Array, exam: number): Float32Array {
  let read = networks.get(network);
  if (read === undefined) networks.set(network, (read = placeNetwork(network)));
  return read(vector, exam);
}

/** neighbourShares gives each label's logarithmic share of the texts near to the vector. */
export function neighbourShares(neighbours: Neighbours, vector: Float32Array, count: number): Float32Array {
  let read = neighbourhoods.get(neighbours);
  if (read === undefined) neighbourhoods.set(neighbours, (read = placeNeighbours(neighbours)));
  return read(vector, count);
}

/** NetworkExports is what assembly/network.ts exports. */
interface NetworkExports {
  read(exam: number): void;
}

function placeNetwork({ inWeight, inScale, inStyle, inBias, outWeight, outBias }: EncoderNetwork): ReadNetwork {
  const hidden = inBias.length;
  const dimension = inWeight.length / hidden;
  const labels = outBias.length / 2;
  const { exports, floats } = place<NetworkExports, "vector" | "neurons" | "logits" | keyof EncoderNetwork>(
    ["network", networkModule],
    { dimension, hidden, labels },
    { vector: 4 * dimension, neurons: 4 * hidden, logits: 4 * labels, inScale, inStyle, inBias, outBias, outWeight, inWeight },
  );
  const input = floats("vector");
  const logits = floats("logits");
  return (vector, exam) => {
    input.set(vector);
    exports.read(exam);
    return logits.slice();
  };
}

/** NeighboursExports is what assembly/neighbours.ts exports, where it says what each does. */
interface NeighboursExports {
  compare(): void;
  nearestOf(first: number, count: number): number;
  weightOf(first: number, count: number, nearest: number): number;
}

/** Run is where the texts of one label stand. */
interface Run {
  readonly label: number;
  readonly first: number;
  readonly count: number;
}

function placeNeighbours({ center, signs, labels }: Neighbours): ReadNeighbours {
  const bytes = center.length / 8;
  if (bytes > MAX_BYTES) {
    throw new RouterError("model_unsupported", `neighbours of ${center.length} numbers; ${8 * MAX_BYTES} are the limit`);
  }
  const runs = runsOf(labels);
  const texts = runs.reduce((sum, { count }) => sum + padded(count), 0);
  const placed = place<NeighboursExports, "center" | "vector" | "cosines" | "series" | "tables" | "signs">(
    ["neighbours", neighboursModule],
    { bytes, texts, fifteen: 15, reach: REACH, far: REACH * FAR },
    { center, vector: 32 * bytes, cosines: 4 * texts, series: SERIES, tables: TABLE_BYTES * bytes, signs: bytes * texts },
  );
  const { exports } = placed;
  arrange(placed.bytes("signs"), signs, labels, runs);
  const input = placed.floats("vector");
  return (vector, labelCount) => {
    input.set(vector);
    exports.compare();
    let nearest = -Infinity;
    for (const { first, count } of runs) nearest = Math.max(nearest, exports.nearestOf(first, count));
    const shares = new Float32Array(labelCount);
    let all = 0;
    for (const { label, first, count } of runs) {
      const weight = exports.weightOf(first, count, nearest);
      shares[label] = weight;
      all += weight;
    }
    return shares.map((share) => Math.log(share / all + DOUBT));
  };
}

/** arrange puts each text into its label's run: of a group of texts the first bytes, then the second ones, and so on. */
function arrange(columns: Uint8Array, signs: Uint8Array, labels: Uint8Array, runs: readonly Run[]): void {
  const bytes = signs.length / labels.length;
  const next = new Uint32Array(256);
  for (const { label, first } of runs) next[label] = first;
  labels.forEach((label, text) => {
    const place = next[label] as number;
    next[label] = place + 1;
    const column = place % GROUP;
    const group = (place - column) * bytes;
    for (let byte = 0; byte < bytes; byte += 1) columns[group + byte * GROUP + column] = signs[text * bytes + byte] as number;
  });
}

/** runsOf gives every label that occurs whole groups of places. */
function runsOf(labels: Uint8Array): Run[] {
  const counts = new Uint32Array(256);
  for (const label of labels) counts[label] = (counts[label] as number) + 1;
  const runs: Run[] = [];
  let first = 0;
  counts.forEach((count, label) => {
    if (count > 0) runs.push({ label, first, count });
    first += padded(count);
  });
  return runs;
}

const padded = (count: number) => GROUP * Math.ceil(count / GROUP);
