import { createHash } from "node:crypto";
import { mkdtemp, rm, truncate, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { ModelManifest } from "./manifest.ts";
import { loadManifest, manifestFile } from "./manifest.ts";

const contents = { "model.onnx": "graph", "model.data": "weights", "tokenizer.json": "{}" };
const manifest: ModelManifest = {
  format: 1,
  name: "tiny",
  revision: "abc",
  variant: "int8",
  recipe: 1,
  architecture: {
    type: "bert",
    layers: 1,
    heads: 1,
    hiddenSize: 8,
    intermediateSize: 8,
    vocabularySize: 9,
    positions: 16,
    layerNormEpsilon: 1e-12,
  },
  dimension: 8,
  maxTokens: 16,
  pooling: "mean",
  normalize: true,
  weightLimit: 127,
  graph: "model.onnx",
  tokenizer: "tokenizer.json",
  files: Object.entries(contents).map(([path, text]) => ({
    path,
    bytes: Buffer.byteLength(text),
    sha256: createHash("sha256").update(text).digest("hex"),
  })),
  source: "a test",
  createdBy: "a test",
};

let directory: string;
const write = (document: unknown) => writeFile(join(directory, manifestFile), JSON.stringify(document));
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "manifest-"));
  for (const [path, text] of Object.entries(contents)) await writeFile(join(directory, path), text);
  await write(manifest);
});
afterEach(() => rm(directory, { recursive: true }));

describe("loadManifest", () => {
  it("reads an intact model's manifest, with and without checksums", async () => {
    expect(await loadManifest(directory)).toEqual(manifest);
    expect(await loadManifest(directory, { verify: true })).toEqual(manifest);
  });

  it.each<[string, () => Promise<unknown>, RegExp]>([
    ["no manifest", () => rm(join(directory, manifestFile)), /holds no prepared model/],
    ["a manifest that is not JSON", () => writeFile(join(directory, manifestFile), "{"), /is not JSON/],
    ["a manifest that lacks a field", () => write({ ...manifest, dimension: undefined }), /dimension/],
    ["a newer layout", () => write({ ...manifest, format: 2 }), /format/],
    ["a path out of the directory", () => write({ ...manifest, graph: "../model.onnx" }), /plain file name/],
    ["a graph that is not listed", () => write({ ...manifest, graph: "other.onnx" }), /"other.onnx" is not in its list/],
    ["a missing file", () => rm(join(directory, "model.data")), /model.data is missing/],
    ["a truncated file", () => truncate(join(directory, "model.data"), 3), /has 3 bytes, expected 7/],
  ])("refuses %s and says what to run", async (_, damage, message) => {
    await damage();
    await expect(loadManifest(directory)).rejects.toMatchObject({ code: "model_corrupt", message: expect.stringMatching(message) });
    await expect(loadManifest(directory)).rejects.toThrow(/turnout models prepare/);
  });

  it("finds changed bytes only when asked to verify", async () => {
    await writeFile(join(directory, "model.data"), "WEIGHTS");
    await expect(loadManifest(directory)).resolves.toEqual(manifest);
    await expect(loadManifest(directory, { verify: true })).rejects.toMatchObject({ code: "model_corrupt" });
  });
});
