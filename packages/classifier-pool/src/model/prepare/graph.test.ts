import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GraphSession } from "../testing/graph-session.ts";
import { cosine, largestDifference, openGraph } from "../testing/graph-session.ts";
import { encodeSafetensors, seededRandom, tinyBert } from "../testing/tiny-bert.ts";
import { parseArchitecture } from "./architecture.ts";
import { readEncoderWeights } from "./encoder-weights.ts";
import type { Precision } from "./graph.ts";
import { buildEncoderGraph } from "./graph.ts";
import { writeOnnxModel } from "./onnx-model.ts";
import { referenceForward } from "./reference-forward.ts";
import { parseSafetensors } from "./safetensors.ts";
import { safeWeightLimit } from "./saturation.ts";
import { calibrateSmoothing } from "./smooth.ts";

const { config, tensors } = tinyBert(11);
const architecture = parseArchitecture(JSON.stringify(config));
const weights = readEncoderWeights(parseSafetensors(encodeSafetensors(tensors)), architecture);
const random = seededRandom(5);
const sequence = (length: number) => Array.from({ length }, () => 4 + Math.floor(random() * (architecture.vocabularySize - 4)));
const sequences = [1, 2, 3, 7, 16, 31, 64, 128].map(sequence);

let directory: string;
const open: GraphSession[] = [];

async function session(precision: Precision): Promise<GraphSession> {
  const name = `${precision.variant}-${"weightLimit" in precision ? precision.weightLimit : ""}`;
  const graph = buildEncoderGraph(weights, architecture, precision);
  await writeOnnxModel(graph, { directory, graph: `${name}.onnx`, data: `${name}.data` }, () => undefined);
  const opened = await openGraph(join(directory, `${name}.onnx`));
  open.push(opened);
  return opened;
}

async function int8(weightLimit: 64 | 127): Promise<Precision> {
  const smoothing = await calibrateSmoothing(weights, architecture, [sequence(40), sequence(25)], () => undefined);
  return { variant: "int8", smoothing, weightLimit };
}

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "graph-"));
});
afterAll(async () => {
  for (const opened of open) await opened.release();
  await rm(directory, { recursive: true });
});

describe("the fp32 graph", () => {
  it("equals the reference forward pass", async () => {
    const { run } = await session({ variant: "fp32" });
    for (const ids of sequences) {
      const [embedding] = await run([ids]);
      expect(largestDifference(embedding!, referenceForward(weights, architecture, ids))).toBeLessThan(1e-5);
    }
  });
});

describe.each([127, 64] as const)("the int8 graph with weights up to %d", (weightLimit) => {
  it("stays near the reference forward pass", async () => {
    const { run } = await session(await int8(weightLimit));
    for (const ids of sequences) {
      const [embedding] = await run([ids]);
      expect(cosine(embedding!, referenceForward(weights, architecture, ids))).toBeGreaterThan(0.99);
    }
  });
});

describe.each(["fp32", "int8"] as const)("the %s graph", (variant) => {
  it("embeds a text alike whatever its neighbours in the batch", async () => {
    const { run } = await session(variant === "fp32" ? { variant } : await int8(127));
    for (let round = 0; round < 20; round++) {
      const batch = Array.from({ length: 2 + Math.floor(random() * 7) }, () => sequence(1 + Math.floor(random() * 100)));
      const together = await run(batch);
      for (const [index, ids] of batch.entries()) {
        const [alone] = await run([ids]);
        expect(largestDifference(together[index]!, alone!)).toBeLessThan(1e-6);
      }
    }
  });

  it("gives zeros, not NaN, for a row without tokens", async () => {
    const { run } = await session(variant === "fp32" ? { variant } : await int8(127));
    const [empty, full] = await run([[], sequence(3)]);
    expect(empty!.every((value) => value === 0)).toBe(true);
    expect(Math.hypot(...full!)).toBeCloseTo(1, 5);
  });
});

describe("writeOnnxModel", () => {
  it("keeps the weights in the data file, at page boundaries", async () => {
    await session({ variant: "fp32" });
    const [graph, data] = await Promise.all([readFile(join(directory, "fp32-.onnx")), readFile(join(directory, "fp32-.data"))]);
    const parameters = [...tensors.values()].reduce((sum, { values }) => sum + values.byteLength, 0);
    expect(graph.byteLength).toBeLessThan(40_000);
    expect(data.byteLength % 4096).toBe(0);
    expect(graph.byteLength + data.byteLength).toBeGreaterThan(parameters);
    const table = Buffer.from(weights.words.buffer, weights.words.byteOffset, weights.words.byteLength);
    expect(data.indexOf(table) % 4096).toBe(0);
  });

  it("writes the same bytes for the same weights", async () => {
    const precision = await int8(127);
    const written = ["first", "second"].map(async (name) => {
      const files = { directory, graph: `${name}.onnx`, data: "same.data" };
      await writeOnnxModel(buildEncoderGraph(weights, architecture, precision), files, () => undefined);
      return readFile(join(directory, files.graph));
    });
    const [first, second] = await Promise.all(written);
    expect(first!.equals(second!)).toBe(true);
  });

  it("stops when aborted", async () => {
    const graph = buildEncoderGraph(weights, architecture, { variant: "fp32" });
    const files = { directory, graph: "aborted.onnx", data: "aborted.data" };
    await expect(writeOnnxModel(graph, files, () => undefined, AbortSignal.abort())).rejects.toThrow("aborted");
  });
});

describe("safeWeightLimit", () => {
  it("answers with a limit under which this processor's products are exact", async () => {
    expect([64, 127]).toContain(await safeWeightLimit());
  });
});
