/** Load on a classifier pool inside this process, for `pnpm bench pool`: callers who ask again as soon as they are answered, and open arrivals. */
import { monitorEventLoopDelay } from "node:perf_hooks";
import { setTimeout as wait } from "node:timers/promises";
import { createClassifierPool, type ClassifierPoolOptions } from "@turnout/classifier-pool";
import { createMetrics, RouterError, type Classifier, type Metrics } from "@turnout/shared";

/** BenchPool is one pool under measurement. */
export interface BenchPool {
  readonly name: string;
  readonly pool: Classifier;
  readonly metrics: Metrics;
}

/** openPool resolves once the pool is warm. */
export async function openPool(name: string, options: ClassifierPoolOptions): Promise<BenchPool> {
  const metrics = createMetrics();
  const pool = createClassifierPool({ metrics, ...options });
  const status = await pool.whenSettled();
  if (status.state !== "ready") throw new Error(`the pool "${name}" is ${status.state}${"reason" in status ? `: ${status.reason}` : ""}`);
  return { name, pool, metrics };
}

/** Asked is what was asked, and how it went; a text that was refused or came too late has no `tookMs`. */
export interface Asked {
  readonly tookMs: number | null;
  readonly tokens: number;
}

/** PoolRun is a stretch of time under load. */
export interface PoolRun {
  readonly asked: readonly Asked[];
  readonly wallMs: number;
  /** All threads of this process, callers included. */
  readonly cpuMs: number;
  /** The main thread's part of it. */
  readonly frontCpuMs: number;
  readonly loopDelayP99Ms: number;
  readonly meanBatch: number;
}

/** keepAsking lets so many callers ask one text after another. */
export function keepAsking(bench: BenchPool, callers: number, seconds: number, text: () => string, maxTokens: number): Promise<PoolRun> {
  return run(bench, async (asked) => {
    const end = performance.now() + seconds * 1000;
    const caller = async () => {
      while (performance.now() < end) asked.push(await ask(bench.pool, text(), maxTokens, performance.now(), null));
    };
    await Promise.all(Array.from({ length: callers }, caller));
  });
}

/** Arrival is a text that comes at its time, whatever became of those before it. */
export interface Arrival {
  readonly atMs: number;
  readonly text: string;
}

/** arrive asks each text at its time; what was asked comes in the order of the arrivals. Latency counts from that time, so that a late generator does not flatter the pool. */
export function arrive(bench: BenchPool, arrivals: readonly Arrival[], maxTokens: number, deadlineMs: number): Promise<PoolRun> {
  return run(bench, async (asked) => {
    const started = performance.now();
    const open: Promise<void>[] = [];
    for (const [index, { atMs, text }] of arrivals.entries()) {
      const due = started + atMs;
      // A timer may fire a little early.
      for (let early = due - performance.now(); early > 0; early = due - performance.now()) await wait(early);
      open.push(ask(bench.pool, text, maxTokens, due, due + deadlineMs).then((answer) => void (asked[index] = answer)));
    }
    await Promise.all(open);
  });
}

async function ask(pool: Classifier, text: string, maxTokens: number, since: number, deadline: number | null): Promise<Asked> {
  const item = { text, window: { maxTokens, sampling: "head_middle_tail" } } as const;
  try {
    const [embedding] = await pool.embed([item], deadline === null ? {} : { deadline });
    return { tookMs: performance.now() - since, tokens: embedding?.tokens ?? 0 };
  } catch (error) {
    const { code, message } = RouterError.from(error);
    if (code !== "overloaded" && code !== "deadline_exceeded") throw new Error(`the pool failed: ${message}`, { cause: error });
    return { tookMs: null, tokens: 0 };
  }
}

async function run({ metrics }: BenchPool, load: (asked: Asked[]) => Promise<void>): Promise<PoolRun> {
  const asked: Asked[] = [];
  metrics.registry.resetMetrics();
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const cpu = process.cpuUsage();
  const frontCpu = process.threadCpuUsage();
  const started = performance.now();
  await load(asked);
  const wallMs = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const front = process.threadCpuUsage(frontCpu);
  delay.disable();
  const { values } = await metrics.classifierBatchSize.get();
  const sumOf = (suffix: string) => values.find(({ metricName }) => metricName?.endsWith(suffix))?.value ?? 0;
  return {
    asked,
    wallMs,
    cpuMs: (user + system) / 1000,
    frontCpuMs: (front.user + front.system) / 1000,
    loopDelayP99Ms: delay.percentile(99) / 1e6 - 1,
    meanBatch: sumOf("_sum") / sumOf("_count"),
  };
}
