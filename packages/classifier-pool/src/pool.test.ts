import { getEventListeners } from "node:events";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMetrics, systemClock, type Classifier, type InferenceItem, type Metrics, type TextEmbedding } from "@turnout/shared";
import { holdChannel } from "./backends/testing/faulty.ts";
import { createClassifierPool, workerCount, type ClassifierPoolOptions } from "./pool.ts";

const faulty = new URL("./backends/testing/faulty.ts", import.meta.url);
const broken = new URL("./backends/testing/broken.ts", import.meta.url);

const item = (text: string): InferenceItem => ({ text, window: { maxTokens: 64, sampling: "head" } });
const within = (ms: number) => ({ deadline: systemClock.now() + ms });
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

let metrics: Metrics;
const pools: Classifier[] = [];

beforeEach(() => {
  metrics = createMetrics();
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

async function readyPool(options: ClassifierPoolOptions = {}): Promise<Classifier> {
  const pool = createClassifierPool({ backend: faulty, workers: 1, metrics, ...options });
  pools.push(pool);
  expect(await pool.whenSettled()).toMatchObject({ state: "ready", dimension: 384 });
  return pool;
}

async function metric(
  name: "classifierBatchSize" | "classifierRefused" | "classifierWorkerRestarts" | "classifierQueueDepth",
  suffix = "",
): Promise<Record<string, number>> {
  const { values } = await metrics[name].get();
  const rows = values as { value: number; labels: Record<string, string | number>; metricName?: string }[];
  return Object.fromEntries(
    rows.filter(({ metricName = "" }) => metricName.endsWith(suffix)).map(({ value, labels }) => [Object.values(labels).join(" "), value]),
  );
}

/** codeOf gives the RouterError code a call was refused with, or the embeddings. */
const codeOf = (result: Promise<TextEmbedding[]>) =>
  result.then(
    () => "answered",
    (error: { code: string }) => error.code,
  );

/** holdWorker occupies a worker until released; resolves once it is held. */
async function holdWorker(pool: Classifier): Promise<{ held: Promise<string>; release: () => void }> {
  const channel = new BroadcastChannel(holdChannel);
  const holding = new Promise<void>((resolve) => {
    channel.addEventListener("message", (event) => {
      if (event instanceof MessageEvent && event.data === "holding") resolve();
    });
  });
  const held = codeOf(pool.embed([item("held")], {}));
  await holding;
  return {
    held,
    release() {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel between threads, no window
      channel.postMessage("release");
      channel.close();
    },
  };
}

describe("embed", () => {
  it("answers in the order of the items, with unit vectors and timings", async () => {
    const pool = await readyPool({ backend: "deterministic", workers: 2, embeddingCacheBytes: 0 });
    const texts = Array.from({ length: 40 }, (_, index) => `text ${"long ".repeat(index % 7)}number ${index}`);
    const together = await pool.embed(texts.map(item), within(5_000));
    for (const [index, text] of texts.entries()) {
      const [alone] = await pool.embed([item(text)], within(5_000));
      expect(together[index]!.vector).toEqual(alone!.vector);
      expect(Math.hypot(...alone!.vector)).toBeCloseTo(1, 5);
      expect(alone).toMatchObject({ sampled: false, timings: { batchSize: 1 } });
      expect(Math.min(...Object.values(alone!.timings))).toBeGreaterThanOrEqual(0);
    }
  });

  it("answers an empty submission without asking anyone", async () => {
    await expect((await readyPool()).embed([], {})).resolves.toEqual([]);
  });

  it("says when a text was longer than its window", async () => {
    const pool = await readyPool();
    for (const text of ["word ".repeat(100), "word ".repeat(100_000)]) {
      expect((await pool.embed([item(text)], {}))[0]).toMatchObject({ tokens: 64, sampled: true });
    }
  });

  it("reads no more than the model can, whatever window is asked for", async () => {
    const pool = await readyPool();
    const [read] = await pool.embed([{ text: "word ".repeat(5_000), window: { maxTokens: 4_000, sampling: "head_middle_tail" } }], {});
    expect(read).toMatchObject({ tokens: 512, sampled: true });
  });

  it("batches what waits while the worker is busy", async () => {
    const pool = await readyPool();
    const { release } = await holdWorker(pool);
    const waiting = ["one a", "two b", "three c"].map((text) => pool.embed([item(text)], {}));
    await nextTurn();
    release();
    for (const [answer] of await Promise.all(waiting)) expect(answer!.timings.batchSize).toBe(3);
  });

  it("batches requests that arrive together at an idle worker", async () => {
    const pool = await readyPool();
    const answers = await Promise.all(["one a", "two b", "three c"].map((text) => pool.embed([item(text)], {})));
    for (const [answer] of answers) expect(answer!.timings.batchSize).toBe(3);
  });
});

describe("coalescing", () => {
  it("encodes the same text once, within a submission and between callers", async () => {
    const pool = await readyPool();
    const { release } = await holdWorker(pool);
    const first = pool.embed([item("same"), item("other"), item("same")], {});
    const second = pool.embed([item("same")], {});
    release();
    const [[a, , b], [c]] = await Promise.all([first, second]);
    expect(a!.vector).toBe(b!.vector);
    expect(a!.vector).toBe(c!.vector);
    expect(await metric("classifierBatchSize", "_sum")).toEqual({ "": 3 });
  });

  it("joins a text that is already running", async () => {
    const pool = await readyPool();
    const { held, release } = await holdWorker(pool);
    const second = pool.embed([item("held")], {});
    release();
    expect(await held).toBe("answered");
    await second;
    expect(await metric("classifierBatchSize", "_sum")).toEqual({ "": 1 });
  });

  it("keeps different windows of one text apart", async () => {
    const pool = await readyPool();
    const text = "word ".repeat(50);
    const [short, long] = await pool.embed(
      [
        { text, window: { maxTokens: 8, sampling: "head" } },
        { text, window: { maxTokens: 64, sampling: "head" } },
      ],
      {},
    );
    expect([short!.tokens, long!.tokens]).toEqual([8, 52]);
  });

  it("lets a caller leave without the others", async () => {
    const pool = await readyPool();
    const { release } = await holdWorker(pool);
    const leaving = new AbortController();
    const left = codeOf(pool.embed([item("same")], { signal: leaving.signal }));
    const stays = codeOf(pool.embed([item("same")], {}));
    leaving.abort();
    expect(await left).toBe("cancelled");
    const joins = codeOf(pool.embed([item("same")], {}));
    release();
    expect([await stays, await joins]).toEqual(["answered", "answered"]);
    expect(await metric("classifierBatchSize", "_sum")).toEqual({ "": 2 });
  });
});

describe("the embedding cache", () => {
  const hitsAndMisses = async () => [
    (await metrics.classifierCacheHits.get()).values[0]?.value,
    (await metrics.classifierCacheMisses.get()).values[0]?.value,
  ];

  it("answers a text that was encoded before without asking a worker", async () => {
    const pool = await readyPool();
    const [first] = await pool.embed([item("same")], {});
    const { release } = await holdWorker(pool);
    const [second] = await pool.embed([item("same")], within(5_000));
    release();
    expect(second!.vector).toEqual(first!.vector);
    expect(second!.timings).toEqual({ queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: 0 });
    expect(await hitsAndMisses()).toEqual([1, 2]);
  });

  it("answers within the same turn of the event loop", async () => {
    const pool = await readyPool();
    await pool.embed([item("same")], {});
    let turns = 0;
    const counting = setImmediate(() => (turns += 1));
    await pool.embed([item("same")], within(5_000));
    clearImmediate(counting);
    expect(turns).toBe(0);
  });

  it("encodes only what is new of a submission", async () => {
    const pool = await readyPool();
    await pool.embed([item("known")], {});
    const both = await pool.embed([item("known"), item("new")], {});
    expect(both.map(({ timings }) => timings.batchSize)).toEqual([0, 1]);
    expect(await metric("classifierBatchSize", "_sum")).toEqual({ "": 2 });
  });

  it("remembers a text that was encoded after its caller had left", async () => {
    const pool = await readyPool();
    const { held, release } = await holdWorker(pool);
    const leaving = new AbortController();
    const left = codeOf(pool.embed([item("held")], { signal: leaving.signal }));
    leaving.abort();
    expect(await left).toBe("cancelled");
    release();
    await held;
    expect((await pool.embed([item("held")], {}))[0]!.timings.batchSize).toBe(0);
  });

  it("still refuses a caller who has left or is too late, as it refuses everybody", async () => {
    const pool = await readyPool();
    await pool.embed([item("same")], {});
    expect(await codeOf(pool.embed([item("same")], { signal: AbortSignal.abort() }))).toBe("cancelled");
    expect(await codeOf(pool.embed([item("same")], { deadline: systemClock.now() }))).toBe("deadline_exceeded");
  });

  it("can be turned off", async () => {
    const pool = await readyPool({ embeddingCacheBytes: 0 });
    for (let round = 0; round < 2; round += 1) expect((await pool.embed([item("same")], {}))[0]!.timings.batchSize).toBe(1);
  });

  it("keeps no failure", async () => {
    const pool = await readyPool();
    expect(await codeOf(pool.embed([item("failing run")], {}))).toBe("internal");
    expect(await codeOf(pool.embed([item("failing run")], {}))).toBe("internal");
    expect((await metrics.classifierCacheBytes.get()).values[0]?.value).toBe(0);
  });
});

describe("overload", () => {
  it("refuses at once what would come too late behind what waits, and answers what it admitted", async () => {
    const pool = await readyPool({ maxBatchItems: 1 });
    // The worker's batches have taken about 100 ms each: the estimate knows.
    for (let round = 0; round < 3; round += 1) await pool.embed([item(`slow ${round}`)], {});
    const results = Array.from({ length: 20 }, (_, index) => codeOf(pool.embed([item(`slow again ${index}`)], within(450))));
    const outcomes = await Promise.all(results);
    expect(outcomes).toContain("answered");
    // Of 2 seconds of work, 450 ms are asked for.
    expect(outcomes.filter((outcome) => outcome === "overloaded").length).toBeGreaterThanOrEqual(10);
    expect((await metric("classifierRefused"))["overloaded"]).toBe(outcomes.filter((outcome) => outcome === "overloaded").length);
  });
});

describe("callers who leave", () => {
  it("refuses a caller who has left or is too late already", async () => {
    const pool = await readyPool();
    expect(await codeOf(pool.embed([item("a")], { signal: AbortSignal.abort() }))).toBe("cancelled");
    expect(await codeOf(pool.embed([item("a")], { deadline: systemClock.now() }))).toBe("deadline_exceeded");
    expect(await metric("classifierBatchSize", "_count")).toEqual({ "": 0 });
  });

  it("answers an abort and a passed deadline while every worker is busy, and computes neither", async () => {
    const pool = await readyPool();
    const { release } = await holdWorker(pool);
    const leaving = new AbortController();
    const left = codeOf(pool.embed([item("left one"), item("left two")], { signal: leaving.signal }));
    const late = codeOf(pool.embed([item("late")], within(20)));
    leaving.abort();
    expect(await left).toBe("cancelled");
    expect(await late).toBe("deadline_exceeded");
    release();
    await pool.embed([item("next")], {});
    expect(await metric("classifierBatchSize", "_sum")).toEqual({ "": 2 });
    expect(await metric("classifierRefused")).toEqual({ cancelled: 2, deadline_exceeded: 1 });
  });

  it("leaves no listener on a signal that outlives the call", async () => {
    const pool = await readyPool();
    const { signal } = new AbortController();
    await pool.embed([item("a"), item("b")], { signal });
    expect(getEventListeners(signal, "abort")).toEqual([]);
  });

  it("refuses what does not fit into the queue, and admits again once callers have left", async () => {
    const pool = await readyPool({ queueLimit: 2 });
    const { release } = await holdWorker(pool);
    const leaving = new AbortController();
    const waits = codeOf(pool.embed([item("a"), item("b")], { signal: leaving.signal }));
    expect(await codeOf(pool.embed([item("c")], {}))).toBe("overloaded");
    leaving.abort();
    expect(await waits).toBe("cancelled");
    const admitted = codeOf(pool.embed([item("d")], {}));
    release();
    expect(await admitted).toBe("answered");
  });

  it("keeps nothing of 10,000 cancelled submissions", async () => {
    setFlagsFromString("--expose-gc");
    const gc = runInNewContext("gc") as () => void;
    const pool = await readyPool();
    const { release } = await holdWorker(pool);
    const cancelMany = async (count: number) => {
      const results: Promise<string>[] = [];
      for (let index = 0; index < count; index += 1) {
        const leaving = new AbortController();
        results.push(codeOf(pool.embed([item(`cancelled number ${index} ${"of many words ".repeat(20)}`)], { signal: leaving.signal })));
        leaving.abort();
      }
      expect(new Set(await Promise.all(results))).toEqual(new Set(["cancelled"]));
    };
    await cancelMany(1_000);
    gc();
    const before = process.memoryUsage().heapUsed;
    await cancelMany(10_000);
    release();
    await pool.embed([item("next")], {});
    gc();
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(2 * 1024 * 1024);
    expect(await metric("classifierQueueDepth")).toEqual({ "": 0 });
    expect(await metric("classifierBatchSize", "_sum")).toEqual({ "": 2 });
  });
});

describe("a worker that fails", () => {
  const faults = [
    { fault: "crash", cause: "crash", stuckAfterMs: 60_000 },
    { fault: "oom", cause: "out_of_memory", stuckAfterMs: 60_000 },
    { fault: "stall", cause: "stuck", stuckAfterMs: 1_000 },
  ];

  it.each(faults)("is replaced after $cause, and only the text that did it is refused", async ({ fault, cause, stuckAfterMs }) => {
    const pool = await readyPool({ stuckAfterMs, resourceLimits: { maxOldGenerationSizeMb: 48 } });
    const results = [
      codeOf(pool.embed([item(`${fault} now`)], {})),
      codeOf(pool.embed([item("innocent one")], {})),
      codeOf(pool.embed([item("innocent two")], {})),
    ];
    expect(await Promise.all(results)).toEqual(["worker_failed", "answered", "answered"]);
    // Once in company, once alone.
    expect(await metric("classifierWorkerRestarts")).toEqual({ [cause]: 2 });
    expect(await codeOf(pool.embed([item("next")], {}))).toBe("answered");
    expect(pool.status()).toMatchObject({ state: "ready" });
  });

  it("answers its callers by their deadline and does not try again for nobody", async () => {
    const pool = await readyPool({ stuckAfterMs: 1_000 });
    expect(await codeOf(pool.embed([item("stall now")], within(50)))).toBe("deadline_exceeded");
    expect(await codeOf(pool.embed([item("next")], {}))).toBe("answered");
    expect(await metric("classifierWorkerRestarts")).toEqual({ stuck: 1 });
  });

  it("leaves the pool ready while another worker lives", async () => {
    const pool = await readyPool({ workers: 2, stuckAfterMs: 60_000 });
    const stalled = codeOf(pool.embed([item("stall now")], {}));
    await nextTurn();
    for (let index = 0; index < 20; index += 1) expect(await codeOf(pool.embed([item(`text ${index}`)], {}))).toBe("answered");
    expect(pool.status()).toMatchObject({ state: "ready" });
    await pool.close();
    expect(await stalled).toBe("cancelled");
  });

  it("is not blamed for a text that cannot be tokenized, which fails alone", async () => {
    const pool = await readyPool();
    const results = [codeOf(pool.embed([item("untokenizable")], {})), codeOf(pool.embed([item("fine")], {}))];
    expect(await Promise.all(results)).toEqual(["internal", "answered"]);
    expect(await metric("classifierWorkerRestarts")).toEqual({});
    expect(await metric("classifierBatchSize", "_count")).toEqual({ "": 1 });
  });

  it("is not blamed for a run that fails; the batch's other texts are answered", async () => {
    const pool = await readyPool();
    const results = [codeOf(pool.embed([item("failing run")], {})), codeOf(pool.embed([item("fine run")], {}))];
    expect(await Promise.all(results)).toEqual(["internal", "answered"]);
    expect(await metric("classifierWorkerRestarts")).toEqual({});
  });
});

describe("close", () => {
  it("refuses what waits and what runs, and stops though workers are stuck", async () => {
    const pool = await readyPool({ workers: 2, stuckAfterMs: 60_000 });
    const results = ["stall one", "stall two", ...Array.from({ length: 50 }, (_, index) => `text ${index}`)].map((text) =>
      codeOf(pool.embed([item(text)], {})),
    );
    await nextTurn();
    await pool.close();
    expect(new Set(await Promise.all(results))).toEqual(new Set(["cancelled"]));
    expect(await codeOf(pool.embed([item("after")], {}))).toBe("cancelled");
    expect(pool.status().state).toBe("unavailable");
    expect(await metric("classifierWorkerRestarts")).toEqual({});
    await pool.close();
  });

  it("may come before the pool has started", async () => {
    const pool = createClassifierPool({ backend: "deterministic", workers: 1, metrics });
    await pool.close();
    expect((await pool.whenSettled()).state).toBe("unavailable");
  });
});

describe("an encoder that cannot be asked", () => {
  it("refuses while it starts", async () => {
    const pool = createClassifierPool({ backend: "deterministic", workers: 1, metrics });
    pools.push(pool);
    expect(pool.status()).toMatchObject({ state: "starting" });
    expect(await codeOf(pool.embed([item("early")], {}))).toBe("encoder_unavailable");
  });

  it("is unavailable, with the reason, when its model is missing, corrupt or does not load", async () => {
    const directory = await mkdtemp(join(tmpdir(), "turnout-pool-"));
    await writeFile(join(directory, "manifest.json"), "{ this is no JSON");
    const cases: [ClassifierPoolOptions, RegExp][] = [
      [{}, /no model directory/],
      [{ modelDirectory: join(directory, "absent") }, /no prepared model/],
      [{ modelDirectory: directory }, /manifest/],
      [{ backend: broken }, /never loads/],
      [{ backend: new URL("./no-such-backend.ts", import.meta.url) }, /no-such-backend/],
    ];
    for (const [options, reason] of cases) {
      const pool = createClassifierPool({ workers: 1, metrics, ...options });
      pools.push(pool);
      const status = await pool.whenSettled();
      expect(status).toMatchObject({ state: "unavailable", reason: expect.stringMatching(reason) });
      expect(await codeOf(pool.embed([item("a")], {}))).toBe("encoder_unavailable");
    }
    await rm(directory, { recursive: true });
  });

  it("gives up on workers that die before they can load it", async () => {
    const pool = createClassifierPool({ backend: "deterministic", workers: 2, metrics, resourceLimits: { maxOldGenerationSizeMb: 6 } });
    pools.push(pool);
    expect(await pool.whenSettled()).toMatchObject({ state: "unavailable", reason: expect.stringMatching(/memory/) });
    expect(Object.keys(await metric("classifierWorkerRestarts"))).toEqual(["out_of_memory"]);
  });
});

describe("workerCount", () => {
  it.each([
    [1, 1],
    [2, 2],
    [3, 2],
    [4, 3],
    [8, 7],
  ])("on %i cores is %i", (cores, workers) => {
    expect(workerCount("auto", cores)).toBe(workers);
    expect(workerCount(5, cores)).toBe(5);
  });
});
