/**
 * What a lookup in the cache's vector index costs, and what it misses. For every size once with 50 partitions, of which a lookup sees one,
 * and once with all entries in one. `lookupUs` are lookups one after the other; `coldLookupUs` those that follow on one of the naive index, which
 * has read so much that nothing is left in the processor's caches: the two take turns over the same queries, and `naive/index` is the naive
 * one's time over the `cold` one. `insertUs` are new entries at the full size. `recall` is over queries whose nearest has a cosine of 0.8 or
 * more (`of` them): `first` is the share of those whose first answer is as near as the naive index's, `all` the share of all that is
 * as near as 0.8, up to 8 for each query.
 *
 *   pnpm bench cache-index [--json] [--sizes 1000,10000,100000] [--queries 200] [--dimension 384] [--vectors FILE]
 *
 * Vectors are made by a seed (10 around each centre), or read from a file of float32, little-endian, one after the other.
 */
import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { createNaiveIndex } from "../packages/cache/src/index/oracle.ts";
import { clusteredVectors } from "../packages/cache/src/index/testing/vectors.ts";
import { createVectorIndex, quantise, type NearVector, type VectorIndex } from "../packages/cache/src/index/vector-index.ts";
import { medianRatio, p50p99, round } from "./figures.ts";
import { randomNumbers } from "./words.ts";

const { values: flags } = parseArgs({
  options: {
    sizes: { type: "string", default: "1000,10000,100000" },
    queries: { type: "string", default: "200" },
    dimension: { type: "string", default: "384" },
    vectors: { type: "string" },
  },
});
const dimension = Number(flags.dimension);
const queries = Number(flags.queries);
const INSERTS = 1_000;
const WARM_UP = 2_000;
const LIMIT = 8;
const nowMs = 1_700_000_000_000;
const expiresMs = nowMs + 3_600_000;

for (const size of flags.sizes.split(",").map(Number)) {
  const vectors = takeVectors(queries + INSERTS + size);
  const asked = vectors.slice(0, queries);
  const inserted = vectors.slice(queries, queries + INSERTS);
  const kept = vectors.slice(queries + INSERTS);
  for (const partitions of [50, 1]) {
    const index = createVectorIndex({ dimension, maxEntries: size + INSERTS, onEvicted: () => {} });
    const naive = createNaiveIndex();
    for (const target of [index, naive]) kept.forEach((vector, i) => add(target, i, vector, partitions));
    const look = (target: VectorIndex, i: number) =>
      target.nearest({ partition: i % partitions, vector: asked[i % queries] as Float32Array, nowMs, limit: LIMIT });

    for (let i = 0; i < WARM_UP; i += 1) look(index, i);
    const warm = asked.map((_, i) => timed(() => look(index, i)).us);
    const pairs = asked.map((_, i) => ({ naive: timed(() => look(naive, i)), cold: timed(() => look(index, i)) }));
    const { bytes } = index;
    const inserts = inserted.map((vector, i) => {
      const entry = { partition: 0, expiresMs, vector: quantise(vector).vector };
      return timed(() => index.add(`new ${i}`, entry)).us;
    });

    console.log(
      JSON.stringify({
        scope: "cache-index",
        entries: kept.length,
        inPartition: Math.ceil(kept.length / partitions),
        lookupUs: p50p99(warm),
        coldLookupUs: p50p99(pairs.map(({ cold }) => cold.us)),
        ratio: { "naive/index": medianRatio(pairs.map(({ naive, cold }) => [naive.us, cold.us])) },
        insertUs: p50p99(inserts),
        recall: recall(pairs.map(({ naive, cold }) => [naive.result, cold.result])),
        bytesPerEntry: round(bytes / kept.length),
      }),
    );
  }
}

function add(target: VectorIndex, i: number, vector: Float32Array, partitions: number): void {
  target.add(String(i), { partition: i % partitions, expiresMs, vector: quantise(vector).vector });
}

function timed<Result>(run: () => Result): { readonly result: Result; readonly us: number } {
  const started = performance.now();
  const result = run();
  return { result, us: (performance.now() - started) * 1_000 };
}

function recall(answers: readonly (readonly [expected: readonly NearVector[], given: readonly NearVector[]])[]) {
  const isNear = ({ cosine }: NearVector) => cosine >= 0.8;
  const near = answers
    .map(([expected, given]) => [expected.filter(isNear), given.filter(isNear)] as const)
    .filter(([expected]) => expected.length > 0);
  // Equals are as good as each other, whichever is given.
  const first = near.filter(([expected, given]) => given[0]?.cosine === expected[0]?.cosine).length / near.length;
  const expected = near.reduce((sum, [expected]) => sum + expected.length, 0);
  const given = near.reduce((sum, [expected, given]) => sum + given.filter((found, i) => found.cosine === expected[i]?.cosine).length, 0);
  return { of: near.length, first, all: given / expected };
}

/** takeVectors spreads over the whole file, so that neighbours in it come apart. */
function takeVectors(count: number): readonly Float32Array[] {
  if (flags.vectors === undefined) {
    const next = clusteredVectors({ dimension, clusters: Math.ceil(count / 10), random: randomNumbers(1) });
    return Array.from({ length: count }, next);
  }
  const file = readFileSync(flags.vectors);
  const numbers = new Float32Array(file.buffer, file.byteOffset, Math.floor(file.byteLength / 4));
  const random = randomNumbers(1);
  const places = Array.from({ length: Math.floor(numbers.length / dimension) }, (_, place) => ({ place, order: random() }));
  return places
    .sort((a, b) => a.order - b.order)
    .slice(0, count)
    .map(({ place }) => numbers.subarray(place * dimension, (place + 1) * dimension));
}
