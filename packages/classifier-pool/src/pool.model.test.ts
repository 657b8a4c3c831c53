/**
 * The pool with a real encoder: what batching and cutting must not change. Runs on the prepared all-MiniLM-L6-v2; where that is
 * absent the suite is skipped by name, except under CI.
 */
import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { createMetrics, systemClock, type Classifier, type InferenceItem, type TextEmbedding } from "@turnout/shared";
import { defaultModelsDirectory, loadManifest, modelDirectory } from "./model/prepare/index.ts";
import { createClassifierPool, type ClassifierPoolOptions } from "./pool.ts";
import { createTokenizer, loadVocabulary } from "./tokens/tokenizer.ts";

const name = "all-MiniLM-L6-v2";
const int8 = modelDirectory(defaultModelsDirectory(), name, "int8");
const fp32 = modelDirectory(defaultModelsDirectory(), name, "fp32");
const prepared = async (directory: string) =>
  process.env.CI !== undefined ||
  (await loadManifest(directory).then(
    () => true,
    () => false,
  ));
const [hasInt8, hasFp32] = await Promise.all([prepared(int8), prepared(fp32)]);

const pools: Classifier[] = [];
afterAll(() => Promise.all(pools.map((pool) => pool.close())));

async function poolOf(options: ClassifierPoolOptions): Promise<Classifier> {
  const pool = createClassifierPool({ workers: 1, embeddingCacheBytes: 0, ...options });
  pools.push(pool);
  expect(await pool.whenSettled()).toMatchObject({ state: "ready", model: name, dimension: 384 });
  return pool;
}

const item = (text: string, maxTokens = 128): InferenceItem => ({ text, window: { maxTokens, sampling: "head" } });
const cosine = (a: TextEmbedding, b: TextEmbedding) => a.vector.reduce((sum, value, index) => sum + value * b.vector[index]!, 0);

/** texts are many kinds of writing: prose, code, markup, scripts, emoji, controls, and random strings of all of them. */
function texts(count: number, seed: number): string[] {
  const pieces = [
    ..."please order the wooden chair before friday and compare its price with last year unbelievable antidisestablishmentarianism".split(
      " ",
    ),
    ..."for (let i = 0; i < n; i++) { sum += a[i] * 3.14e-7; } // TODO".split(" "),
    "caf\u00e9",
    "na\u00efve",
    "Stra\u00dfe",
    "\u0399\u03a3\u03a4\u039f\u03a3",
    "\u043f\u0440\u0438\u0432\u0435\u0442",
    "\u6771\u4eac\u90fd",
    "\u3072\u3089\u304c\u306a",
    "\ud55c\uad6d\uc5b4",
    "\u0645\u0631\u062d\u0628\u0627",
    "\u0928\u092e\u0938\u094d\u0924\u0947",
    "\u{1f680}",
    "\u{1f469}\u200d\u{1f52c}",
    "e\u0301",
    "\u00a0",
    "\u200b",
    "\ufeff",
    "\ufffd",
    "\u0000",
    "\t",
    "\r\n",
    "  ",
    "<b>",
    "&amp;",
    "[MASK]",
    "[SEP]",
    "##ing",
    "...",
    "--",
    "\u2014",
    "\u201cquoted\u201d",
    "$1,234.56",
    "1e10",
    "0x7f",
    "user@example.org",
    "https://example.org/a?b=c#d",
    "x".repeat(120),
  ];
  let state = seed;
  const random = (limit: number) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return Array.from({ length: count }, (_, index) =>
    Array.from({ length: index % 50 }, () => pieces[random(pieces.length)]).join(random(4) === 0 ? "" : " "),
  );
}

describe.skipIf(!hasInt8)(`with ${name} int8 (if skipped: pnpm turnout models prepare ${name})`, () => {
  it("gives a text the same vector alone and among random neighbours", async () => {
    const [alone, batched] = await Promise.all([
      poolOf({ modelDirectory: int8, maxBatchItems: 1 }),
      poolOf({ modelDirectory: int8, maxBatchTokens: 1024 }),
    ]);
    const corpus = texts(100, 1);
    const single = await alone.embed(
      corpus.map((text) => item(text)),
      {},
    );
    const together = await batched.embed(
      corpus.map((text) => item(text)),
      {},
    );
    expect(Math.max(...together.map(({ timings }) => timings.batchSize))).toBeGreaterThan(4);
    let worst = 0;
    for (const [index, { vector }] of together.entries()) {
      for (const [at, value] of vector.entries()) worst = Math.max(worst, Math.abs(value - single[index]!.vector[at]!));
    }
    expect(worst).toBeLessThan(1e-6);
  });

  it.skipIf(!hasFp32)("agrees with the exact graph, for whole and for sampled texts", async () => {
    const [quick, exact] = await Promise.all([poolOf({ modelDirectory: int8 }), poolOf({ modelDirectory: fp32 })]);
    const items = texts(30, 2).flatMap((text): InferenceItem[] => [
      item(text),
      { text: text.repeat(40), window: { maxTokens: 64, sampling: "head_middle_tail" } },
    ]);
    const [quickly, exactly] = await Promise.all([quick.embed(items, {}), exact.embed(items, {})]);
    const cosines = quickly.map((embedding, index) => cosine(embedding, exactly[index]!));
    expect(Math.min(...cosines)).toBeGreaterThan(0.99);
  });

  it("reads a bounded part of a megabyte", async () => {
    const pool = await poolOf({ modelDirectory: int8 });
    const [embedding] = await pool.embed([item("a long story about the sea ".repeat(40_000))], {});
    expect(embedding).toMatchObject({ tokens: 128, sampled: true });
    const [start] = await pool.embed([item("a long story about the sea ".repeat(21))], {});
    expect(cosine(embedding!, start!)).toBeGreaterThan(0.999);
  });

  it("survives the termination of a worker inside a native run", async () => {
    const metrics = createMetrics();
    const pool = await poolOf({ modelDirectory: int8, workers: 2, stuckAfterMs: 300, maxBatchTokens: 16 * 512, metrics });
    const long = Array.from({ length: 32 }, (_, index) => item(`chapter ${index} ${"of a very long and winding book ".repeat(100)}`, 512));
    const stuck = await pool.embed(long, { deadline: systemClock.now() + 350 }).then(
      () => "answered",
      (error: { code: string }) => error.code,
    );
    expect(stuck).toBe("deadline_exceeded");
    const [answer] = await pool.embed([item("a short question")], { deadline: systemClock.now() + 15_000 });
    expect(answer!.tokens).toBe(5);
    const { values } = await metrics.classifierWorkerRestarts.get();
    expect(values.find(({ labels }) => labels.cause === "stuck")?.value).toBeGreaterThanOrEqual(1);
  });

  it("tokenizes as transformers.js does, and keeps the closing special token where it cuts", async () => {
    const { AutoTokenizer, env } = await import("@huggingface/transformers");
    const home = await mkdtemp(join(tmpdir(), "turnout-oracle-"));
    await mkdir(join(home, name));
    const manifest = await loadManifest(int8);
    await copyFile(join(int8, manifest.tokenizer), join(home, name, "tokenizer.json"));
    await writeFile(join(home, name, "tokenizer_config.json"), JSON.stringify({ tokenizer_class: "BertTokenizer", model_max_length: 512 }));
    Object.assign(env, { allowRemoteModels: false, localModelPath: home });
    const oracle = await AutoTokenizer.from_pretrained(name);
    const ours = createTokenizer(await loadVocabulary(join(int8, manifest.tokenizer)), manifest.maxTokens);
    for (const text of texts(400, 3)) {
      const { input_ids: ids } = oracle(text, { return_tensor: false }) as { input_ids: number[] };
      // transformers.js itself cuts the last [SEP] away; Python's tokenizers keep it, as the model was trained.
      const expected = ids.length <= 64 ? ids : [...ids.slice(0, 63), ids.at(-1)];
      const { ids: actual } = ours.tokenize({ parts: [text], window: { maxTokens: 64, sampling: "head" } });
      expect({ text, ids: actual }).toEqual({ text, ids: expected });
    }
    await rm(home, { recursive: true });
  });
});
