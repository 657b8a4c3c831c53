import { cp, mkdtemp, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import {
  createMetrics,
  RouterError,
  silentLogger,
  type Classifier,
  type EncoderStatus,
  type InferenceItem,
  type Logger,
} from "@turnout/shared";
import { FurtherModel } from "./further-model.ts";
import { prepareTinyModels, type TinyModels } from "./model/testing/tiny-models.ts";
import { textLogits, width } from "./model/testing/tiny-onnx.ts";
import { createClassifierPool, type ClassifierPoolOptions } from "./pool.ts";

let home: string;
let directories: TinyModels;
const pools: Classifier[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "further-models-"));
  directories = await prepareTinyModels(home);
});
afterAll(() => rm(home, { recursive: true }));
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
});

async function serve(models: ClassifierPoolOptions["models"] = {}, options: ClassifierPoolOptions = {}): Promise<Classifier> {
  const pool = createClassifierPool({ backend: "deterministic", workers: 1, models, ...options });
  pools.push(pool);
  expect(await pool.whenSettled()).toMatchObject({ state: "ready" });
  return pool;
}

const window = { maxTokens: 64, sampling: "head" } as const;
const plain = (text: string): InferenceItem => ({ text, window });
const mood = (text: string): InferenceItem => ({ text, window, model: "mood", heads: ["classification"] });
const names = (text: string): InferenceItem => ({ text, window, model: "names", entities: true });
const all = () => ({
  mood: { directory: directories.mood },
  names: { directory: directories.names },
  other: { directory: directories.encoder },
});
const furtherOf = (status: EncoderStatus) => (status.state === "ready" ? status.models : undefined);

describe("further models", () => {
  it("answer by name, all in one submission, each with what it is asked for", async () => {
    const pool = await serve(all());
    const text = "cat dog";
    const [vector, label, found, other] = await pool.embed([plain(text), mood(text), names(text), { text, window, model: "other" }], {});
    expect(vector!.vector).toHaveLength(384);
    const logits = label!.heads!.get("classification")!;
    for (const [at, logit] of textLogits([2, 6, 30, 49, 7, 44, 36, 3]).entries()) expect(logits[at]).toBeCloseTo(logit, 4);
    expect(found!.scan).toMatchObject({ entities: [{ start: 0, end: 7, type: "NAME" }], scannedChars: 7 });
    expect(other!.vector).toHaveLength(width);
  });

  it("never share a batch", async () => {
    const pool = await serve(all(), { embeddingCacheBytes: 0 });
    const items = ["ab", "cd", "ef"].flatMap((text) => [plain(text), mood(text), names(text)]);
    const answers = await pool.embed(items, {});
    for (const { timings } of answers) expect(timings.batchSize).toBe(3);
  });

  it("keep the same text apart, and remember it apart", async () => {
    const pool = await serve(all());
    const first = await pool.embed([plain("cat"), { text: "cat", window, model: "other" }], {});
    const again = await pool.embed([{ text: "cat", window, model: "other" }, plain("cat")], {});
    expect(again.map(({ vector }) => vector.length)).toEqual([width, 384]);
    expect(again.map(({ timings }) => timings.batchSize)).toEqual([0, 0]);
    expect(again[0]!.vector).toBe(first[1]!.vector);
  });

  it("are loaded when first asked for, or before the pool is ready where that is wanted, and say so", async () => {
    const metrics = createMetrics();
    const pool = await serve(
      { mood: { directory: directories.mood }, names: { directory: directories.names, preload: true } },
      { metrics },
    );
    expect(furtherOf(pool.status())).toMatchObject([
      {
        name: "mood",
        state: "ready",
        model: "mood",
        dimension: 0,
        entityTypes: [],
        workers: 0,
        heads: [{ labels: ["calm", "angry", "sad"] }],
      },
      { name: "names", state: "ready", entityTypes: ["NAME"], workers: 1 },
    ]);
    const bytes = async () => {
      const { values } = await metrics.classifierModelBytes.get();
      return Object.fromEntries(values.map(({ labels, value }) => [labels.model, value > 0]));
    };
    expect(await bytes()).toMatchObject({ mood: false, names: true });
    await pool.embed([mood("ab")], {});
    expect(furtherOf(pool.status())).toMatchObject([{ workers: 1 }, { workers: 1 }]);
    expect(await bytes()).toMatchObject({ mood: true, names: true });
  });

  it.each<[string, InferenceItem, RegExp]>([
    ["an unknown model, naming those there are", { ...plain("ab"), model: "absent" }, /no further model "absent".*mood, names, other/],
    ["entities of an encoder", { ...plain("ab"), entities: true }, /finds no entities/],
    ["a vector of a token classifier", { ...names("ab"), entities: false }, /only entities/],
    ["a vector of a sequence classifier", { text: "ab", window, model: "mood" }, /only the head classification/],
    ["a head it has not", { ...mood("ab"), heads: ["domain"] }, /no head "domain"; it has: classification/],
  ])("refuse %s", async (_, item, message) => {
    const pool = await serve(all());
    await expect(pool.embed([item], {})).rejects.toMatchObject({ code: "model_unsupported", message: expect.stringMatching(message) });
  });
});

describe("a further model that cannot be had", () => {
  it("fails its own items only, by name, and is shown with the reason", async () => {
    const pool = await serve({ ...all(), broken: { directory: join(home, "nowhere") } });
    const [good, bad, alsoGood] = await pool.evaluate([plain("ab"), { ...plain("ab"), model: "broken" }, names("cat")], {});
    expect(good).toMatchObject({ tokens: 3 });
    expect(bad).toBeInstanceOf(RouterError);
    expect(bad).toMatchObject({ code: "encoder_unavailable", message: expect.stringMatching(/"broken".*holds no prepared model/) });
    expect(alsoGood).toMatchObject({ scan: { entities: [{ start: 0, end: 3 }] } });
    expect(furtherOf(pool.status())?.at(-1)).toMatchObject({ name: "broken", state: "unavailable" });
  });

  it.each(["at start", "at its first text"])(
    "fails its own items only where the workers cannot load it %s, and says so once",
    async (when) => {
      const corrupt = join(home, `corrupt ${when}`);
      await cp(directories.mood, corrupt, { recursive: true });
      const graph = join(corrupt, "model.onnx");
      await writeFile(graph, new Uint8Array((await stat(graph)).size));
      const metrics = createMetrics();
      const warnings: unknown[] = [];
      const logger = { ...silentLogger, warn: (fields: unknown) => void warnings.push(fields) } as Logger;
      const preload = when === "at start";
      const pool = await serve({ mood: { directory: corrupt, preload } }, { metrics, logger });
      if (!preload) expect(furtherOf(pool.status())).toMatchObject([{ name: "mood", state: "ready", workers: 0 }]);
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const [good, bad] = await pool.evaluate([plain(`ab ${attempt}`), mood("ab")], {});
        expect(good).toMatchObject({ timings: { batchSize: 1 } });
        expect(bad).toMatchObject({ code: "model_corrupt", message: expect.stringContaining("not a usable ONNX graph") });
      }
      expect((await metrics.classifierWorkerRestarts.get()).values).toEqual([]);
      const reason = expect.stringContaining("not a usable ONNX graph") as string;
      expect(furtherOf(pool.status())).toEqual([{ name: "mood", state: "unavailable", reason }]);
      expect(warnings).toEqual([{ model: "mood", reason }]);
    },
  );

  it("is refused while it is being prepared, and served as soon as it is there", async () => {
    const prepared = Promise.withResolvers<string>();
    const pool = await serve({ mood: { directory: () => prepared.promise } });
    expect(furtherOf(pool.status())).toEqual([{ name: "mood", state: "starting" }]);
    await expect(pool.embed([mood("ab")], {})).rejects.toMatchObject({ message: expect.stringContaining("still being prepared") });
    prepared.resolve(directories.mood);
    await vi.waitFor(() => expect(furtherOf(pool.status())).toMatchObject([{ state: "ready" }]));
    expect(await pool.embed([mood("ab")], {})).toHaveLength(1);
  });

  it("is looked for again, after longer and longer pauses, until the pool closes", async () => {
    vi.useFakeTimers();
    try {
      let attempts = 0;
      let signal: AbortSignal | undefined;
      const model = new FurtherModel(
        "mood",
        {
          directory: (stop) => {
            attempts += 1;
            signal = stop;
            return Promise.reject(new RouterError("model_source_unreachable", "not prepared"));
          },
        },
        () => undefined,
      );
      await model.open();
      const counts: number[] = [];
      for (const ms of [999, 1, 1_999, 1, 4_000]) {
        await vi.advanceTimersByTimeAsync(ms);
        counts.push(attempts);
      }
      expect(counts).toEqual([1, 2, 2, 3, 4]);
      expect(model.state).toEqual({ state: "unavailable", reason: "not prepared" });
      model.close();
      await vi.advanceTimersByTimeAsync(600_000);
      expect([attempts, signal?.aborted]).toEqual([4, true]);
    } finally {
      vi.useRealTimers();
    }
  });
});

describe("evaluate", () => {
  it("answers each text for itself when one of them fails", async () => {
    const pool = await serve({}, { backend: new URL("./backends/testing/faulty.ts", import.meta.url) });
    const [good, bad] = await pool.evaluate([plain("fine"), plain("untokenizable")], {});
    expect(good).toMatchObject({ tokens: 3 });
    expect(bad).toMatchObject({ code: "internal", message: "cannot tokenize this" });
  });

  it("gives what is known when the caller's time is over", async () => {
    const pool = await serve();
    await pool.embed([plain("known")], {});
    const [known, late] = await pool.evaluate([plain("known"), plain("late")], { deadline: performance.now() - 1 });
    expect([known, late]).toMatchObject([{ code: "deadline_exceeded" }, { code: "deadline_exceeded" }]);
    const gone = new AbortController();
    const answers = pool.evaluate([plain("known"), plain("late")], { signal: gone.signal });
    gone.abort();
    expect(await answers).toMatchObject([{ timings: { batchSize: 0 } }, { code: "cancelled" }]);
  });

  it("gives it before a caller who waits until the same deadline has gone", async () => {
    const pool = await serve({}, { backend: new URL("./backends/testing/faulty.ts", import.meta.url) });
    await pool.embed([plain("known")], {});
    for (let round = 0; round < 10; round += 1) {
      const deadline = performance.now() + 20 + round / 10;
      const answers = pool.evaluate([plain("known"), plain(`held ${round}`)], { deadline });
      // As evaluateSignals waits: timers count whole milliseconds, and this one begins later.
      const gone = new Promise<null>((resolve) => setTimeout(() => resolve(null), deadline - performance.now()));
      expect(await Promise.race([answers, gone])).toMatchObject([{ tokens: 3 }, { code: expect.any(String) as string }]);
    }
  });

  it("never rejects, whatever the pool's state", async () => {
    const pool = createClassifierPool({ modelDirectory: join(home, "nowhere"), workers: 1 });
    expect(await pool.evaluate([plain("ab")], {})).toMatchObject([{ code: "encoder_unavailable" }]);
    await pool.close();
    expect(await pool.evaluate([plain("ab")], {})).toMatchObject([{ code: "cancelled" }]);
  });
});
