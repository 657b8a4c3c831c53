/**
 * What batching gains. Callers ask for one text each, again and again, from pools that differ in one thing; the pools take
 * turns, so that whatever else the machine does hits all of them. Wall times on a shared machine say little: compare the ratios
 * and `cpuMsPerText`, the CPU of all threads of this process, callers included; `frontCpuMsPerText` is the main thread's part of
 * it. `loopDelayP99Ms` is how late the main thread's event loop ran. Prints one JSON line per measurement.
 *
 *   node --conditions=source bench/pool.ts [--model DIRECTORY] [--seconds 2] [--rounds 2]
 */
import { availableParallelism } from "node:os";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { parseArgs } from "node:util";
import { createClassifierPool, type ClassifierPoolOptions } from "@turnout/classifier-pool";
import { defaultModelsDirectory, listModels } from "@turnout/classifier-pool/prepare";
import { createMetrics, type Classifier, type Metrics } from "@turnout/shared";

const { values: flags } = parseArgs({
  options: { model: { type: "string" }, seconds: { type: "string", default: "2" }, rounds: { type: "string", default: "2" } },
});
const variants: Record<string, ClassifierPoolOptions> = {
  unbatched: { maxBatchItems: 1 },
  batched: {},
};
const callers = [1, 8, 32];

const words =
  "please compare summer winter travel plans train ticket price garden tools kitchen music history report update server error customer order delivery".split(
    " ",
  );
const random = mulberry32(1);
/** A prompt of ten words; almost every one is new, so that nothing is coalesced. */
const prompt = () => Array.from({ length: 10 }, () => words[Math.floor(random() * words.length)]).join(" ");

interface Measured {
  readonly texts: number;
  readonly wallMs: number;
  readonly cpuMs: number;
  readonly frontCpuMs: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly loopDelayP99Ms: number;
  readonly meanBatch: number;
}

async function measure(pool: Classifier, metrics: Metrics, concurrency: number, seconds: number): Promise<Measured> {
  const latencies: number[] = [];
  metrics.registry.resetMetrics();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const frontCpu = process.threadCpuUsage();
  const started = performance.now();
  const end = started + seconds * 1000;
  await Promise.all(
    Array.from({ length: concurrency }, async () => {
      for (let asked = performance.now(); asked < end; asked = performance.now()) {
        await pool.embed([{ text: prompt(), window: { maxTokens: 128, sampling: "head" } }], {});
        latencies.push(performance.now() - asked);
      }
    }),
  );
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const front = process.threadCpuUsage(frontCpu);
  delay.disable();
  latencies.sort((a, b) => a - b);
  const { values } = await metrics.classifierBatchSize.get();
  const batches = values.find(({ metricName }) => metricName?.endsWith("_count"))?.value ?? 0;
  return {
    texts: latencies.length,
    wallMs,
    cpuMs: (user + system) / 1000,
    frontCpuMs: (front.user + front.system) / 1000,
    p50Ms: latencies[Math.floor(latencies.length * 0.5)] ?? Number.NaN,
    p99Ms: latencies[Math.floor(latencies.length * 0.99)] ?? Number.NaN,
    loopDelayP99Ms: delay.percentile(99) / 1e6 - 1,
    meanBatch: latencies.length / batches,
  };
}

function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

async function modelDirectory(): Promise<string> {
  if (flags.model !== undefined) return flags.model;
  const models = await listModels(defaultModelsDirectory(process.env));
  const model = models.find(({ manifest }) => manifest?.variant === "int8") ?? models[0];
  if (model === undefined) throw new Error("no prepared model; run `pnpm turnout models prepare` or give --model DIRECTORY");
  return model.directory;
}

const round2 = (value: number) => Math.round(value * 100) / 100;
const directory = await modelDirectory();
const pools = await Promise.all(
  Object.entries(variants).map(async ([name, options]) => {
    const metrics = createMetrics();
    const pool = createClassifierPool({ modelDirectory: directory, metrics, ...options });
    const status = await pool.whenSettled();
    if (status.state !== "ready") throw new Error(`the pool is ${status.state}`);
    return { name, pool, metrics };
  }),
);
console.log(
  JSON.stringify({ bench: "pool", model: directory.split("/").slice(-3).join("/"), cores: availableParallelism(), node: process.version }),
);

for (const concurrency of callers) {
  const cpuPerText: Record<string, number> = {};
  const perSecond: Record<string, number> = {};
  for (let round = 0; round < Number(flags.rounds); round += 1) {
    for (const { name, pool, metrics } of pools) {
      const measured = await measure(pool, metrics, concurrency, Number(flags.seconds));
      const cpuMsPerText = measured.cpuMs / measured.texts;
      const rate = (measured.texts / measured.wallMs) * 1000;
      // The best round is the least disturbed one.
      cpuPerText[name] = Math.min(cpuPerText[name] ?? Number.POSITIVE_INFINITY, cpuMsPerText);
      perSecond[name] = Math.max(perSecond[name] ?? 0, rate);
      console.log(
        JSON.stringify({
          variant: name,
          callers: concurrency,
          round,
          textsPerSecond: Math.round(rate),
          cpuMsPerText: round2(cpuMsPerText),
          frontCpuMsPerText: round2(measured.frontCpuMs / measured.texts),
          p50Ms: round2(measured.p50Ms),
          p99Ms: round2(measured.p99Ms),
          loopDelayP99Ms: round2(measured.loopDelayP99Ms),
          meanBatch: round2(measured.meanBatch),
        }),
      );
    }
  }
  console.log(
    JSON.stringify({
      ratio: "unbatched/batched",
      callers: concurrency,
      cpuMsPerText: round2((cpuPerText["unbatched"] ?? Number.NaN) / (cpuPerText["batched"] ?? Number.NaN)),
      textsPerSecond: round2((perSecond["batched"] ?? Number.NaN) / (perSecond["unbatched"] ?? Number.NaN)),
    }),
  );
}
await Promise.all(pools.map(({ pool }) => pool.close()));
