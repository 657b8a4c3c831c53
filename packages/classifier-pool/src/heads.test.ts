import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { applyHeads, loadHeads, type HeadMatrix } from "./heads.ts";
import { createClassifierPool } from "./pool.ts";

const dimension = 384;
const shapes = [
  { name: "topic", labels: 14 },
  { name: "tone", labels: 3 },
  { name: "language", labels: 1 },
];
const random = seededFloats(5);
const parts = new Map(shapes.map(({ name, labels }) => [name, { weights: random(labels * dimension), biases: random(labels) }]));
let directory: string;
let matrix: HeadMatrix;

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "turnout-heads-"));
  for (const [name, { weights, biases }] of parts)
    await writeFile(join(directory, `${name}.f32`), new Float32Array([...weights, ...biases]));
  matrix = await loadHeads({
    heads: shapes.map((shape) => ({ ...shape, file: `${shape.name}.f32` })),
    dimension,
    modelDirectory: directory,
  });
});
afterAll(() => rm(directory, { recursive: true }));

/** The definition, in doubles. */
function expected(name: string, vector: Float32Array): number[] {
  const { weights, biases } = parts.get(name)!;
  return Array.from(biases, (bias, label) => vector.reduce((sum, value, at) => sum + value * weights[label * dimension + at]!, bias));
}

describe("applyHeads", () => {
  it.each([[["topic"]], [["tone", "topic"]], [["language"]], [["topic", "tone", "language"]]])(
    "gives the logits of %j for every row",
    (asked) => {
      const rows = 5;
      const vectors = random(rows * dimension);
      const { spans, width, values } = applyHeads(matrix, new Set(asked), vectors, rows)!;
      expect(new Set(spans.map(({ name }) => name))).toEqual(new Set(asked));
      expect(values).toHaveLength(rows * width);
      for (const { name, start, labels } of spans) {
        for (let row = 0; row < rows; row += 1) {
          const logits = values.subarray(row * width + start, row * width + start + labels);
          for (const [label, logit] of expected(name, vectors.subarray(row * dimension, (row + 1) * dimension)).entries())
            expect(logits[label]).toBeCloseTo(logit, 4);
        }
      }
    },
  );

  it("does nothing when no head is asked for, or none that the model has", () => {
    expect(applyHeads(matrix, new Set(), random(dimension), 1)).toBeNull();
    expect(applyHeads(matrix, new Set(["unknown"]), random(dimension), 1)).toBeNull();
  });
});

describe("loadHeads", () => {
  it.each([
    ["is missing", null, /cannot be read/],
    ["is too short", new Float32Array(dimension), /has 1536 bytes, expected 1540/],
    ["holds a NaN", new Float32Array(dimension + 1).fill(Number.NaN), /not finite/],
  ])("refuses a file that %s", async (_, floats, message) => {
    const file = "broken.f32";
    await (floats === null ? rm(join(directory, file), { force: true }) : writeFile(join(directory, file), floats));
    await expect(loadHeads({ heads: [{ name: "x", labels: 1, file }], dimension, modelDirectory: directory })).rejects.toMatchObject({
      code: "model_corrupt",
      message: expect.stringMatching(message),
    });
  });
});

describe("a pool with heads", () => {
  it("answers each text with the heads it asked for, from one encoding", async () => {
    await writeManifest();
    const pool = createClassifierPool({ backend: "deterministic", modelDirectory: directory, workers: 1 });
    try {
      expect(await pool.whenSettled()).toMatchObject({
        state: "ready",
        heads: shapes.map(({ name }) => ({ name, labels: expect.any(Array) })),
      });
      const window = { maxTokens: 64, sampling: "head" } as const;
      const [plain, topic, tone] = await pool.embed(
        [
          { text: "a text", window },
          { text: "a text", window, heads: ["topic"] },
          { text: "another", window, heads: ["tone", "language"] },
        ],
        {},
      );
      expect(plain!.timings.batchSize).toBe(2);
      expect(topic!.heads!.get("topic")![3]).toBeCloseTo(expected("topic", topic!.vector)[3]!, 4);
      expect(tone!.heads!.get("tone")![2]).toBeCloseTo(expected("tone", tone!.vector)[2]!, 4);
      const [again, more] = await Promise.all([
        pool.embed([{ text: "a text", window, heads: ["topic"] }], {}),
        pool.embed(
          [
            { text: "lonely", window },
            { text: "lonely", window, heads: ["topic"] },
          ],
          {},
        ),
      ]);
      expect([again[0]!.timings.batchSize, more[1]!.timings.batchSize]).toEqual([0, 1]);
      expect(more[1]!.heads!.has("topic")).toBe(true);
      await expect(pool.embed([{ text: "a text", window, heads: ["topics"] }], {})).rejects.toMatchObject({
        code: "model_unsupported",
        message: expect.stringContaining("topic, tone, language"),
      });
    } finally {
      await pool.close();
    }
  });
});

async function writeManifest(): Promise<void> {
  const names = ["graph.onnx", "tokenizer.json"];
  for (const name of names) await writeFile(join(directory, name), "{}");
  const file = (path: string, bytes: number) => ({ path, bytes, sha256: "0".repeat(64) });
  const manifest = {
    format: 1,
    name: "tiny",
    revision: "r1",
    variant: "fp32",
    recipe: 1,
    architecture: {
      type: "bert",
      layers: 1,
      heads: 1,
      hiddenSize: dimension,
      intermediateSize: 8,
      vocabularySize: 8,
      positions: 64,
      layerNormEpsilon: 1e-12,
    },
    dimension,
    maxTokens: 64,
    pooling: "mean",
    normalize: true,
    weightLimit: null,
    graph: "graph.onnx",
    tokenizer: "tokenizer.json",
    heads: shapes.map(({ name, labels }) => ({
      name,
      labels: Array.from({ length: labels }, (_, index) => `label ${index}`),
      weights: `${name}.f32`,
    })),
    files: [...names.map((name) => file(name, 2)), ...shapes.map(({ name, labels }) => file(`${name}.f32`, labels * (dimension + 1) * 4))],
    source: "test",
    createdBy: "test",
  };
  await writeFile(join(directory, "manifest.json"), JSON.stringify(manifest));
}

function seededFloats(seed: number): (count: number) => Float32Array {
  let state = seed;
  const next = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 31 - 1;
  };
  return (count) => Float32Array.from({ length: count }, next);
}
