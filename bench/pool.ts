/**
 * The classifier pool with real worker threads, called in this process. Pools that differ in one thing take turns on texts of one
 * length at one number of callers, so that whatever else the machine does hits all of them: batched against unbatched, int8 against
 * fp32. With `--mix` texts arrive at their own time instead, short ones with and without long ones among them. bench/README.md says
 * what the figures mean.
 *
 *   pnpm bench pool [--json] [--words 10,60,200] [--callers 1,8,32] [--seconds 2] [--rounds 2] [--max-tokens 128]
 *     [--variants int8,int8-unbatched,fp32,fp32-unbatched] [--model DIRECTORY]
 *   pnpm bench pool --mix [--json] [--rate 100] [--long-share 0.15] [--words 10,200] [--deadline-ms 80] [--seconds 10] [--rounds 2]
 */
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { defaultModelsDirectory, listModels } from "@turnout/classifier-pool/prepare";
import { medianRatio, p50p99, round } from "./figures.ts";
import { arrive, keepAsking, openPool, type Arrival, type Asked, type BenchPool, type PoolRun } from "./pool-load.ts";
import { randomNumbers, sentence } from "./words.ts";

const { values: flags } = parseArgs({
  options: {
    model: { type: "string" },
    variants: { type: "string" },
    words: { type: "string" },
    callers: { type: "string", default: "1,8,32" },
    seconds: { type: "string" },
    rounds: { type: "string", default: "2" },
    "max-tokens": { type: "string", default: "128" },
    mix: { type: "boolean", default: false },
    rate: { type: "string", default: "100" },
    "long-share": { type: "string", default: "0.15" },
    "deadline-ms": { type: "string", default: "80" },
  },
});
const rounds = Number(flags.rounds);
const maxTokens = Number(flags["max-tokens"]);
const cores = availableParallelism();

/** A variant is a prepared model and whether its texts are batched. */
const UNBATCHED = "-unbatched";
const graphs = await preparedGraphs();
const known = [...graphs.keys()].flatMap((graph) => [graph, graph + UNBATCHED]);
const wanted = flags.variants?.split(",") ?? (flags.mix ? known.slice(0, 1) : known);
const pools = await Promise.all(wanted.map(openVariant));
print({
  models: Object.fromEntries([...graphs].map(([graph, directory]) => [graph, directory.split("/").slice(-2).join("/")])),
  cores,
  node: process.version,
});
if (flags.mix) await compareMixes();
else await compareVariants();
await Promise.all(pools.map(({ pool }) => pool.close()));

async function compareVariants(): Promise<void> {
  const random = randomNumbers(1);
  for (const words of (flags.words ?? "10,60,200").split(",").map(Number)) {
    const text = () => sentence(words, random);
    for (const callers of flags.callers.split(",").map(Number)) {
      const runs = new Map<string, PoolRun[]>(wanted.map((name) => [name, []]));
      for (let index = 0; index < rounds; index += 1) {
        console.error(`${words} words, ${callers} callers, round ${index + 1} of ${rounds}`);
        for (const bench of index % 2 === 0 ? pools : pools.toReversed()) {
          const run = await keepAsking(bench, callers, Number(flags.seconds ?? 2), text, maxTokens);
          runs.get(bench.name)?.push(run);
          print({ variant: bench.name, words, callers, round: index, ...figuresOf(run) });
        }
      }
      for (const [other, base] of comparisons()) printRatio({ words, callers }, other, base, runs);
    }
  }
}

/** comparisons are the pairs of variants that differ in one thing: unbatched with batched, fp32 with int8. */
function comparisons(): readonly (readonly [other: string, base: string])[] {
  const pairs: [string, string][] = wanted
    .filter((name) => name.endsWith(UNBATCHED))
    .map((name) => [name, name.slice(0, -UNBATCHED.length)]);
  return [...pairs, ["fp32", "int8"] as const].filter((pair) => pair.every((name) => wanted.includes(name)));
}

function printRatio(point: object, other: string, base: string, runs: ReadonlyMap<string, readonly PoolRun[]>): void {
  const paired = (figure: (run: PoolRun) => number) =>
    (runs.get(base) ?? []).map((run, index) => [figure(runs.get(other)?.[index] ?? run), figure(run)] as const);
  print({
    ...point,
    ratio: `${other}/${base}`,
    cpuMsPerText: medianRatio(paired(({ cpuMs, asked }) => cpuMs / asked.length)),
    // Turned over, so that above 1 always speaks for the second.
    textsPerSecond: medianRatio(paired(({ wallMs, asked }) => wallMs / asked.length)),
  });
}

/** compareMixes lets short texts arrive at the same times twice, once with long ones in between. No text comes twice. */
async function compareMixes(): Promise<void> {
  const random = randomNumbers(1);
  const [short = 10, long = 200] = (flags.words ?? "10,200").split(",").map(Number);
  const longShare = Number(flags["long-share"]);
  for (const bench of pools) {
    const p99: { mixed: number; alone: number }[] = [];
    for (let index = 0; index < rounds; index += 1) {
      const arrivals = arrivalsOf(index, longShare);
      const measured = { mixed: Number.NaN, alone: Number.NaN };
      const kinds = ["alone", "mixed"] as const;
      for (const kind of index % 2 === 0 ? kinds : kinds.toReversed()) {
        console.error(`short texts ${kind === "mixed" ? "with long ones among them" : "alone"}, round ${index + 1} of ${rounds}`);
        const coming = arrivals
          .filter(({ isLong }) => kind === "mixed" || !isLong)
          .map((arrival) => ({ ...arrival, text: sentence(arrival.isLong ? long : short, random) }));
        const { shorts, longs, run } = await measureMix(bench, coming);
        const figures = p50p99(took(shorts));
        measured[kind] = figures.p99 ?? Number.NaN;
        print({
          variant: bench.name,
          texts: kind,
          round: index,
          ...figuresOf(run),
          short: { n: shorts.length, ...figures, failed: shorts.length - took(shorts).length },
          ...(kind === "alone" ? {} : { long: { n: longs.length, ...p50p99(took(longs)), failed: longs.length - took(longs).length } }),
        });
      }
      p99.push(measured);
    }
    print({ variant: bench.name, ratio: "mixed/alone", shortP99: medianRatio(p99.map(({ mixed, alone }) => [mixed, alone] as const)) });
  }
}

async function measureMix(bench: BenchPool, coming: readonly MixedArrival[]) {
  const run = await arrive(bench, coming, maxTokens, Number(flags["deadline-ms"]));
  return {
    run,
    shorts: run.asked.filter((_, index) => !coming[index]?.isLong),
    longs: run.asked.filter((_, index) => coming[index]?.isLong),
  };
}

interface MixedArrival extends Arrival {
  readonly isLong: boolean;
}

/** arrivalsOf come at random, independent of each other, `--rate` of them in a second on the average. */
function arrivalsOf(seed: number, longShare: number): readonly Omit<MixedArrival, "text">[] {
  const random = randomNumbers(seed + 1);
  const arrivals: Omit<MixedArrival, "text">[] = [];
  const endMs = Number(flags.seconds ?? 10) * 1000;
  const meanGapMs = 1000 / Number(flags.rate);
  for (let atMs = 0; ;) {
    atMs -= Math.log(1 - random()) * meanGapMs;
    if (atMs >= endMs) return arrivals;
    arrivals.push({ atMs, isLong: random() < longShare });
  }
}

function took(asked: readonly Asked[]): readonly number[] {
  return asked.map(({ tookMs }) => tookMs).filter((ms) => ms !== null);
}

function figuresOf({ asked, wallMs, cpuMs, frontCpuMs, loopDelayP99Ms, meanBatch }: PoolRun) {
  const answered = took(asked);
  return {
    tokens: Math.round(asked.reduce((sum, { tokens }) => sum + tokens, 0) / answered.length),
    textsPerSecond: Math.round((answered.length / wallMs) * 1000),
    capacityPerSecond: Math.round((cores * 1000 * answered.length) / cpuMs),
    cpuMsPerText: round(cpuMs / answered.length),
    frontCpuMsPerText: round(frontCpuMs / answered.length),
    workersCpuMsPerText: round((cpuMs - frontCpuMs) / answered.length),
    ms: p50p99(answered),
    loopDelayP99Ms: round(loopDelayP99Ms),
    meanBatch: round(meanBatch),
  };
}

/** preparedGraphs are the directories of the default encoder by variant, int8 first; with --model that one alone. */
async function preparedGraphs(): Promise<ReadonlyMap<string, string>> {
  if (flags.model !== undefined) return new Map([["model", flags.model]]);
  const prepared = await listModels(defaultModelsDirectory(process.env));
  const found = ["int8", "fp32"].flatMap((variant) => {
    const match = prepared.find(({ directory, manifest }) => manifest?.variant === variant && directory.includes("/all-MiniLM-L6-v2/"));
    if (match === undefined) console.error(`not prepared, left out: pnpm turnout models prepare all-MiniLM-L6-v2 --variant ${variant}`);
    return match === undefined ? [] : [[variant, match.directory] as const];
  });
  if (found.length === 0) throw new Error("no prepared model; run `pnpm turnout models prepare` or give --model DIRECTORY");
  return new Map(found);
}

function openVariant(name: string): Promise<BenchPool> {
  const batched = !name.endsWith(UNBATCHED);
  const modelDirectory = graphs.get(batched ? name : name.slice(0, -UNBATCHED.length));
  if (modelDirectory === undefined) throw new Error(`unknown variant "${name}"; there are ${known.join(", ")}`);
  return openPool(name, { modelDirectory, ...(batched ? {} : { maxBatchItems: 1 }) });
}

function print(line: object): void {
  console.log(JSON.stringify({ scope: "pool", ...line }));
}
