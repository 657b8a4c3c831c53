import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Classifier, TextScan } from "@turnout/shared";
import { createClassifierPool, type ClassifierPoolOptions } from "../../pool.ts";
import type { AsIsManifest } from "../manifest.ts";
import { textLogits, tinyGraph, tokenizers, tokenVectors, width, writePublished, type TinyGraph } from "../testing/tiny-onnx.ts";
import { loadManifest, prepareModel, type AsIsSettings, type PreparedModel } from "./index.ts";

let home: string;
let published: string;
const pools: Classifier[] = [];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "as-is-"));
  published = join(home, "published");
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await rm(home, { recursive: true });
});

const adopt = (asIs: AsIsSettings = {}): Promise<PreparedModel> =>
  prepareModel({ name: "tiny", variant: "as-is", modelsDirectory: join(home, "models"), sources: [], directory: published, asIs });

/** publish lays out a model with config.json and WordPiece unless told otherwise; a null leaves a file out. */
async function publish(graph: TinyGraph, files: Readonly<Record<string, unknown>> = {}): Promise<void> {
  const all = { "model.onnx": await tinyGraph(graph), "tokenizer.json": tokenizers.WordPiece, "config.json": { vocab_size: 64 }, ...files };
  await writePublished(published, Object.fromEntries(Object.entries(all).filter(([, content]) => content !== null)));
}

async function serve(directory: string, options: ClassifierPoolOptions = {}): Promise<Classifier> {
  const pool = createClassifierPool({ modelDirectory: directory, workers: 1, ...options });
  pools.push(pool);
  expect(await pool.whenSettled()).toMatchObject({ state: "ready", model: "tiny" });
  return pool;
}

const embed = (pool: Classifier, texts: readonly string[], maxTokens = 64) =>
  pool.embed(
    texts.map((text) => ({ text, window: { maxTokens, sampling: "head" } as const })),
    {},
  );

const poolings = {
  mean: (vectors: number[][]) => vectors[0]!.map((_, at) => vectors.reduce((sum, vector) => sum + vector[at]!, 0) / vectors.length),
  cls: (vectors: number[][]) => vectors[0]!,
  last_token: (vectors: number[][]) => vectors.at(-1)!,
};
const unit = (vector: readonly number[]) => vector.map((value) => value / Math.hypot(...vector));
const expectNear = (found: ArrayLike<number>, expected: readonly number[]) => {
  expect(found).toHaveLength(expected.length);
  for (const [at, value] of expected.entries()) expect(found[at]).toBeCloseTo(value, 5);
};
const pooling1 = (mode: string) => ({ word_embedding_dimension: width, pooling_mode_mean_tokens: false, [mode]: true });

/** "ab cd" as each tokenizer reads it, by hand. */
const readings = {
  WordPiece: [2, 4, 31, 6, 33, 3],
  BPE: [0, 31, 32, 7, 2],
  Unigram: [30, 3, 31, 1],
};

describe("a published ONNX encoder", () => {
  it.each(
    (["WordPiece", "BPE", "Unigram"] as const).flatMap((tokenizer) =>
      (["mean", "cls", "last_token"] as const).map((pooling) => ({ tokenizer, pooling })),
    ),
  )("runs as it is, read by $tokenizer and pooled by $pooling", async ({ tokenizer, pooling }) => {
    await publish({}, { "tokenizer.json": tokenizers[tokenizer] });
    const pool = await serve((await adopt({ pooling })).directory);
    expect(pool.status()).toMatchObject({ dimension: width, batching: "padded" });
    const [short, long] = await embed(pool, ["ab cd", "ab cdefgh"]);
    expect(short).toMatchObject({ tokens: readings[tokenizer].length, timings: { batchSize: 2 } });
    expect(long!.tokens).toBeGreaterThan(short!.tokens);
    expectNear(short!.vector, unit(poolings[pooling](tokenVectors(readings[tokenizer]))));
  });

  it.each<{ title: string; graph: TinyGraph; withPositions?: boolean }>([
    { title: "ids alone", graph: { inputs: ["input_ids"] } },
    { title: "segments", graph: { inputs: ["input_ids", "attention_mask", "token_type_ids"] } },
    { title: "positions", graph: { inputs: ["input_ids", "position_ids"] }, withPositions: true },
    { title: "32-bit inputs", graph: { inputs: ["input_ids", "attention_mask", "position_ids"], inputType: "int32" }, withPositions: true },
    { title: "token_embeddings", graph: { output: "token_embeddings" } },
  ])("is given the inputs it asks for: $title", async ({ graph, withPositions }) => {
    await publish(graph);
    const { directory, manifest } = await adopt({ pooling: "mean", maxTokens: 64 });
    expect((manifest as AsIsManifest).inputs.map(({ name }) => name)).toEqual(graph.inputs ?? ["input_ids", "attention_mask"]);
    const [embedding] = await embed(await serve(directory), ["ab cd"]);
    expectNear(embedding!.vector, unit(poolings.mean(tokenVectors(readings.WordPiece, withPositions))));
  });

  it("is served with the vectors that its graph has pooled", async () => {
    await publish({ kind: "pooled" });
    const { directory, manifest } = await adopt({ normalize: false });
    expect(manifest).toMatchObject({ output: "sentence_embedding", pooling: "none", normalize: false });
    const pool = await serve(directory);
    expect(pool.status()).toMatchObject({ batching: "padded" });
    const [embedding] = await embed(pool, ["ab cd"]);
    expectNear(embedding!.vector, unit(poolings.mean(tokenVectors(readings.WordPiece))));
  });

  it("follows what its publisher's files say", async () => {
    await publish(
      {},
      {
        "model.onnx": null,
        "onnx/model.onnx": await tinyGraph(),
        "config.json": { model_type: "roberta", max_position_embeddings: 42, pad_token_id: 1, vocab_size: 64 },
        "modules.json": [
          { type: "sentence_transformers.models.Transformer", path: "" },
          { type: "sentence_transformers.models.Pooling", path: "1_Pooling" },
        ],
        "1_Pooling/config.json": pooling1("pooling_mode_cls_token"),
        "sentence_bert_config.json": { max_seq_length: 50 },
        "config_sentence_transformers.json": { prompts: { query: "ab " }, default_prompt_name: "query" },
      },
    );
    const { directory, manifest } = await adopt();
    expect(manifest).toMatchObject({ graph: "model.onnx", pooling: "cls", maxTokens: 40, prompt: "ab ", padId: 1, dimension: width });
    expect(await loadManifest(directory, { verify: true })).toEqual(manifest);
    const [embedding] = await embed(await serve(directory), ["cd"]);
    expect(embedding!.tokens).toBe(readings.WordPiece.length);
  });

  it("keeps its weights in the files beside the graph, whatever their names", async () => {
    const { OnnxGraph, writeOnnxModel } = await import("./onnx-model.ts");
    const graph = new OnnxGraph(
      [{ name: "input_ids", type: "int64", dims: ["batch", "sequence"] }],
      [{ name: "last_hidden_state", type: "float", dims: ["batch", "sequence", 64] }],
    );
    graph.node("Gather", [graph.weight("words", [64, 64], new Float32Array(64 * 64).fill(0.5)), "input_ids"], {
      output: "last_hidden_state",
    });
    await writePublished(published, { "tokenizer.json": tokenizers.WordPiece });
    await writeOnnxModel(graph, { directory: published, graph: "small.onnx", data: "small.weights-0001" }, () => {});
    const { directory } = await adopt({ graph: "small.onnx", pooling: "mean" });
    expect((await readdir(directory)).sort()).toEqual(["manifest.json", "small.onnx", "small.weights-0001", "tokenizer.json"]);
    const [embedding] = await embed(await serve(directory), ["ab"]);
    expectNear(
      embedding!.vector,
      Array.from({ length: 64 }, () => 1 / 8),
    );
  });

  it("is served at fewer dimensions, by its manifest or by the pool, as another space", async () => {
    await publish({});
    const { directory, manifest } = await adopt({ pooling: "mean", dimension: 6 });
    expect(manifest).toMatchObject({ dimension: 6, graphDimension: width });
    const full = poolings.mean(tokenVectors(readings.WordPiece));
    const six = await serve(directory);
    const four = await serve(directory, { dimension: 4 });
    expectNear((await embed(six, ["ab cd"]))[0]!.vector, unit(full.slice(0, 6)));
    expectNear((await embed(four, ["ab cd"]))[0]!.vector, unit(full.slice(0, 4)));
    expect(four.status()).toMatchObject({ dimension: 4, revision: `${manifest.revision}+dimension=4` });
    const seven = createClassifierPool({ modelDirectory: directory, dimension: 7, workers: 1 });
    expect(await seven.whenSettled()).toMatchObject({
      state: "unavailable",
      reason: expect.stringContaining("6 dimensions, 7 were asked for"),
    });
  });

  it("has another revision when anything that decides its vectors is another", async () => {
    await publish({});
    const revisions = [];
    for (const settings of [{ pooling: "mean" }, { pooling: "cls" }, { pooling: "mean", prompt: "ab " }, { pooling: "mean" }] as const) {
      revisions.push((await adopt(settings)).manifest.revision);
    }
    expect(new Set(revisions).size).toBe(3);
    expect(revisions[3]).toBe(revisions[0]);
  });

  it("is found again without its directory, and asked for by name when it is not there", async () => {
    const again = { name: "tiny", variant: "as-is", modelsDirectory: join(home, "models"), sources: [] } as const;
    await expect(prepareModel(again)).rejects.toMatchObject({
      code: "model_source_unreachable",
      message: expect.stringContaining("--as-is --directory DIR"),
    });
    await publish({});
    const { directory, manifest } = await adopt({ pooling: "mean" });
    expect(await prepareModel(again)).toEqual({ directory, manifest, built: false });
  });

  it.each<[string, TinyGraph, Record<string, unknown>, AsIsSettings, string, RegExp]>([
    ["an unknown pooling", {}, {}, {}, "model_unsupported", /give --pooling/],
    [
      "a pooling we lack",
      {},
      { "1_Pooling/config.json": pooling1("pooling_mode_max_tokens") },
      {},
      "model_unsupported",
      /pooling_mode_max_tokens/,
    ],
    ["an input we cannot feed", { inputs: ["input_ids", "pixel_values"] }, {}, { pooling: "mean" }, "model_unsupported", /"pixel_values"/],
    ["an unknown output", { output: "strange" }, {}, { pooling: "mean" }, "model_unsupported", /\(strange\).*--output/],
    [
      "steps behind the pooling",
      {},
      { "modules.json": [{ type: "sentence_transformers.models.Dense" }] },
      {},
      "model_unsupported",
      /Dense/,
    ],
    ["vectors that are not of length 1", {}, {}, { pooling: "mean", normalize: false }, "model_corrupt", /expected 1/],
    [
      "more tokens than it has positions",
      { inputs: ["input_ids", "position_ids"] },
      {},
      { pooling: "mean", maxTokens: 65 },
      "model_unsupported",
      /cannot read 65 tokens/,
    ],
    [
      "a tokenizer of another model",
      {},
      { "config.json": { vocab_size: 5 } },
      { pooling: "mean" },
      "model_corrupt",
      /do not belong together/,
    ],
    [
      "a file that is no graph",
      {},
      { "model.onnx": { no: "graph" } },
      { pooling: "mean" },
      "model_corrupt",
      /not an ONNX model|not a usable ONNX graph/,
    ],
    [
      "a missing tokenizer",
      {},
      { "tokenizer.json": null },
      { pooling: "mean" },
      "model_source_unreachable",
      /tokenizer\.json cannot be read/,
    ],
    ["more dimensions than it has", {}, {}, { pooling: "mean", dimension: 9 }, "model_unsupported", /have 8 numbers, 9/],
    [
      "token labels that do not fit",
      { kind: "token-logits" },
      { "config.json": { architectures: ["BertForTokenClassification"], id2label: { 0: "O", 1: "X" } } },
      {},
      "model_unsupported",
      /2 labels, the graph gives 3/,
    ],
    [
      "token labels that are all entities",
      { kind: "token-logits" },
      { "config.json": { architectures: ["BertForTokenClassification"], id2label: { 0: "A", 1: "B", 2: "C" } } },
      {},
      "model_unsupported",
      /none of the labels .* is "O"/,
    ],
    [
      "labels that do not fit",
      { kind: "logits" },
      { "config.json": { architectures: ["BertForSequenceClassification"], id2label: { 0: "a", 1: "b" } } },
      {},
      "model_unsupported",
      /2 labels, the graph gives 3/,
    ],
  ])("is refused with %s", async (_, graph, files, settings, code, message) => {
    await publish(graph, files);
    await expect(adopt(settings)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
    expect(await readdir(join(home, "models", "tiny"))).toEqual([]);
  });
});

describe("a published sequence classifier", () => {
  it("answers with its logits as a head, and refuses who wants a vector", async () => {
    await publish(
      { kind: "logits" },
      { "config.json": { architectures: ["BertForSequenceClassification"], id2label: { 0: "calm", 1: "angry", 2: "sad" } } },
    );
    const { directory, manifest } = await adopt();
    expect(manifest).toMatchObject({ dimension: 0, classification: { labels: ["calm", "angry", "sad"] } });
    const pool = await serve(directory);
    expect(pool.status()).toMatchObject({ dimension: 0, heads: [{ name: "classification", labels: ["calm", "angry", "sad"] }] });
    const window = { maxTokens: 64, sampling: "head" } as const;
    await expect(pool.embed([{ text: "cd", window }], {})).rejects.toMatchObject({
      code: "model_unsupported",
      message: expect.stringContaining("no vectors"),
    });
    const [asked] = await pool.embed([{ text: "ab cd", window, heads: ["classification"] }], {});
    expectNear(asked!.heads!.get("classification")!, textLogits(readings.WordPiece));
    expect(asked!.vector).toHaveLength(0);
  });
});

describe("a published token classifier", () => {
  const rounded = ({ entities }: TextScan) => entities.map((entity) => ({ ...entity, score: entity.score.toFixed(4) }));
  /** A word that begins with "c" begins an entity, one with "d" goes on with it, as WordPiece reads them. */
  const labelOf = (id: number) => [6, 7].indexOf(id) + 1;
  const names = { architectures: ["BertForTokenClassification"], id2label: { 0: "O", 1: "B-NAME", 2: "I-NAME" } };
  const find = async (pool: Classifier, text: string, maxTokens = 512) => {
    const [found] = await pool.embed([{ text, window: { maxTokens, sampling: "head" }, entities: true }], {});
    return found!;
  };

  it.each([
    { tokenizer: "WordPiece", begins: 6, inside: 7, text: "ab  cab dx, d ab", expected: ["cab dx", "d"] },
    // Space that is a token of its own is the first one of the word behind it.
    { tokenizer: "BPE", begins: 32, inside: 30, text: "ab cab  dx, cd", expected: ["cab  dx", "cd"] },
    { tokenizer: "Unigram", begins: 30, inside: 3, text: "cd ab c, ab", expected: ["cd", "ab c", "ab"] },
  ] as const)("finds entities in the offsets of the text, read by $tokenizer", async ({ tokenizer, begins, inside, text, expected }) => {
    await publish(
      { kind: "token-logits", labelOf: (id) => (id === begins ? 1 : id === inside ? 2 : 0) },
      { "tokenizer.json": tokenizers[tokenizer], "config.json": names },
    );
    const { directory, manifest } = await adopt();
    expect(manifest).toMatchObject({ dimension: 0, tokenLabels: ["O", "B-NAME", "I-NAME"], weightLimit: null });
    const pool = await serve(directory);
    expect(pool.status()).toMatchObject({ dimension: 0, heads: [], batching: "padded" });
    const { scan, vector, sampled } = await find(pool, text);
    expect(scan!.entities.map(({ start, end, type }) => [text.slice(start, end), type])).toEqual(expected.map((words) => [words, "NAME"]));
    expect(scan!.entities[0]!.score).toBeGreaterThan(0.99);
    expect({ sampled, scanned: scan!.scannedChars, vector: vector.length }).toEqual({ sampled: false, scanned: text.length, vector: 0 });
  });

  it("finds what stands anywhere in a text of many windows, once", async () => {
    await publish({ kind: "token-logits", labelOf }, { "config.json": names });
    const pool = await serve((await adopt({ maxTokens: 16 })).directory);
    const words = Array.from({ length: 300 }, (_, index) => (index % 7 === 3 ? "cat" : index % 7 === 4 ? "dog" : "ab"));
    const text = words.join(" ");
    const { scan, tokens } = await find(pool, text, 2_000);
    expect(tokens).toBe(words.join("").length + 2);
    expect(scan!.scannedChars).toBe(text.length);
    const found = scan!.entities.map(({ start, end }) => [start, text.slice(start, end)]);
    expect(found).toEqual(Array.from(text.matchAll(/cat dog/g), ({ 0: entity, index }) => [index, entity]));
  });

  it("says how far it has read, and reads whole words", async () => {
    await publish({ kind: "token-logits", labelOf }, { "config.json": names });
    const pool = await serve((await adopt({ maxTokens: 16 })).directory);
    const { scan, sampled, tokens } = await find(pool, "cat dog cat dog cat", 12);
    expect({ tokens, sampled, scanned: scan!.scannedChars }).toEqual({ tokens: 11, sampled: true, scanned: "cat dog cat".length });
    expect(scan!.entities).toHaveLength(2);
    const long = await find(pool, "ab ".repeat(10_000), 50_000);
    expect(long).toMatchObject({ sampled: true });
    expect(long.tokens).toBeLessThanOrEqual(8_192);
    expect(long.tokens).toBeGreaterThan(8_180);
  });

  it.each([undefined, "mask"] as const)("gives each text of a batch its own entities, and remembers them (flaw: %s)", async (flaw) => {
    // Padding counts only where its label is another than that of the words.
    const flawed = flaw === undefined ? { labelOf } : { labelOf: (id: number) => (id === 0 ? 1 : labelOf(id)), flaw };
    await publish({ kind: "token-logits", ...flawed }, { "config.json": names });
    const pool = await serve((await adopt()).directory);
    expect(pool.status()).toMatchObject({ batching: flaw === undefined ? "padded" : "equal_lengths" });
    const texts = ["ab ab cat", "cat ab ab", "ab cat abc", "ab dog ab", "cat dog b", ""];
    const items = texts.map((text) => ({ text, window: { maxTokens: 64, sampling: "head" }, entities: true }) as const);
    const answers = await pool.embed(items, {});
    expect(answers[0]!.timings.batchSize).toBeGreaterThan(4);
    const found = answers.map(({ scan }, index) => scan!.entities.map(({ start, end }) => `${start} ${texts[index]!.slice(start, end)}`));
    if (flaw === undefined) expect(found).toEqual([["6 cat"], ["0 cat"], ["3 cat"], ["3 dog"], ["0 cat dog"], []]);
    for (const [index, text] of texts.entries()) {
      const alone = await find(await serve((await adopt()).directory), text, 64);
      expect({ ...alone.scan, entities: rounded(alone.scan!) }).toEqual({
        ...answers[index]!.scan,
        entities: rounded(answers[index]!.scan!),
      });
    }
    expect((await pool.embed(items, {})).map(({ timings }) => timings.batchSize)).toEqual(texts.map(() => 0));
  });

  it("refuses who wants a vector", async () => {
    await publish({ kind: "token-logits" }, { "config.json": names });
    const pool = await serve((await adopt()).directory);
    await expect(embed(pool, ["ab"])).rejects.toMatchObject({
      code: "model_unsupported",
      message: expect.stringContaining("only entities"),
    });
  });
});

describe("a published graph with int8 weights", () => {
  const withWeights = async (values: readonly number[]) => {
    const { OnnxGraph, encodeOnnxModel } = await import("./onnx-model.ts");
    const graph = new OnnxGraph(
      [{ name: "input_ids", type: "int64", dims: ["batch", "sequence"] }],
      [{ name: "last_hidden_state", type: "float", dims: ["batch", "sequence", 2] }],
    );
    const table = graph.node("Gather", [graph.weight("words", [64, 2], new Int8Array(128).fill(127)), "input_ids"]);
    const cast = { attributes: { to: { int: 1 } } };
    const matrix = graph.node("Cast", [graph.weight("matrix", [2, 2], Int8Array.from(values))], cast);
    graph.node("MatMul", [graph.node("Cast", [table], cast), matrix], { output: "last_hidden_state" });
    return encodeOnnxModel(graph);
  };

  it.each([
    [[1, -100, 3, 4], 100],
    [[1, 2, -64, 4], 64],
  ])("has its largest multiplied weight in the manifest: %j", async (values, weightLimit) => {
    await publish({}, { "model.onnx": await withWeights(values) });
    expect((await adopt({ pooling: "mean" })).manifest).toMatchObject({ weightLimit });
  });
});

describe("an encoder whose vectors depend on their neighbours", () => {
  it.each([
    ["scale", "single"],
    ["mask", "equal_lengths"],
  ] as const)("(%s) is served %s, and every text has the vector it has alone", async (flaw, batching) => {
    await publish({ flaw });
    const { directory } = await adopt({ pooling: "mean" });
    const pool = await serve(directory, { embeddingCacheBytes: 0 });
    expect(pool.status()).toMatchObject({ batching });
    const texts = ["ab", "xyz", "cd", "a longer one", "efg", "one of many words"];
    const together = await embed(pool, texts);
    for (const [index, text] of texts.entries()) {
      const [alone] = await embed(pool, [text]);
      expectNear(together[index]!.vector, [...alone!.vector]);
    }
  });
});
