/**
 * A small cache under more answers than it holds: memory, entries and index stay within their bounds, what was asked lately is found, and
 * no handle stays behind. The server is real, the gateway simulated: it takes less of the machine than Envoy.
 */
import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Kitchen } from "../../packages/extproc/src/testing/kitchen.ts";
import { GatewaySimulator } from "../wire/gateway-simulator.ts";
import { completionOf, readingOf, startCachingTurnout } from "./response-cache-rig.ts";

const MAX_BYTES = 8 << 20;
/** Of random bytes, as base64: compresses to about 12 kB. */
const ANSWER_BYTES = 12_000;
/** What the memory backend adds for a row and its maps, and an answer's own fields and question beside the text. */
const BESIDE_BYTES = 2_500;
const DISTINCT = 2_000;
const ROUND = 500;
/** What was asked this lately is asked again, and must be there. */
const LATELY = 200;
const CLIENTS = 8;

const collect = (() => {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
})();

/** memory that is reachable, without the embedding cache, which has bounds of its own and fills more slowly. */
async function memory({ metrics }: Kitchen): Promise<number> {
  // Buffers go a turn after what held them.
  for (let times = 0; times < 4; times += 1) {
    collect();
    await new Promise((resolve) => setImmediate(resolve));
  }
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external - (await readingOf(metrics, "classifier_embedding_cache_bytes"));
}

function handles(): Readonly<Record<string, number>> {
  const counts = Object.fromEntries(
    [...Map.groupBy(process.getActiveResourcesInfo(), (kind) => kind)].map(([kind, { length }]) => [kind, length]),
  );
  const files = process.platform === "linux" ? readdirSync("/proc/self/fd").length : 0;
  // Of the machine's, not ours: a timer or an immediate is over by itself.
  const { Timeout: _timers, Immediate: _immediates, ...lasting } = counts;
  return { ...lasting, files };
}

describe("a cache that is too small for what it is asked", () => {
  let kitchen: Kitchen;
  let gateway: GatewaySimulator;

  beforeAll(async () => {
    kitchen = await startCachingTurnout({
      mode: "semantic",
      tuning: `, max_bytes: ${MAX_BYTES}, lookup_budget_ms: 5000`,
      store: ", eviction_policy: lru",
    });
    gateway = new GatewaySimulator(kitchen.address("ExtProc"), "envoy");
  });
  afterAll(async () => {
    gateway.close();
    await kitchen.close();
  });

  /** ask gives whether the cache answered. */
  async function ask(index: number): Promise<boolean> {
    const body = { model: "auto", messages: [{ role: "user", content: `What does oven number ${index} weigh, and who built it?` }] };
    const { upstream } = await gateway.send({ chunks: [Buffer.from(JSON.stringify(body))] }, () => ({
      chunks: [Buffer.from(completionOf(randomBytes(ANSWER_BYTES).toString("base64")))],
    }));
    return upstream === null;
  }

  /** askAll asks several at a time; gives how many were answered by the cache. */
  async function askAll(indexes: readonly number[]): Promise<number> {
    let hits = 0;
    const queue = indexes.values();
    const client = async () => {
      for (const index of queue) if (await ask(index)) hits += 1;
    };
    await Promise.all(Array.from({ length: CLIENTS }, client));
    return hits;
  }

  const entries = () => readingOf(kitchen.metrics, "llm_cache_entries_total");
  const range = (from: number, to: number) => Array.from({ length: to - from }, (_, at) => from + at);

  it("holds its bounds, and what was asked lately", async () => {
    // What a process takes once and for all: connections, compiled code.
    await askAll(range(1_000_000, 1_000_050));
    const before = { memory: await memory(kitchen), handles: handles() };
    const full: { entries: number; memory: number }[] = [];
    for (let from = 0; from < DISTINCT; from += ROUND) {
      const to = from + ROUND;
      expect(await askAll(range(from, to))).toBe(0);
      // The oldest first, so that each is used before it is pushed out.
      expect(await askAll(range(to - LATELY, to))).toBe(LATELY);
      full.push({ entries: await entries(), memory: await memory(kitchen) });
    }

    // It was full long before the end; all answers have one size, so that entries tell bytes.
    const held = full.slice(2);
    for (const { entries: count } of held) {
      expect(count * (ANSWER_BYTES + BESIDE_BYTES)).toBeGreaterThan(MAX_BYTES * 0.95);
      expect(count * ANSWER_BYTES).toBeLessThanOrEqual(MAX_BYTES);
    }
    const counts = held.map(({ entries: count }) => count);
    expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(Math.max(...counts) * 0.05);
    const last = full.at(-1)?.memory ?? Number.NaN;
    expect(last - (full.at(-2)?.memory ?? Number.NaN)).toBeLessThan(MAX_BYTES * 0.05);
    expect(last - before.memory).toBeLessThan(MAX_BYTES * 1.05);

    expect(await readingOf(kitchen.metrics, "extproc_open_streams")).toBe(0);
    expect(handles()).toEqual(before.handles);
    // Those that had to give way are asked of the model again.
    expect(await askAll(range(0, 20))).toBe(0);
  });
});
