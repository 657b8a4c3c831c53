import { describe, expect, it } from "vitest";
import { encodeSafetensors, tinyBert } from "../testing/tiny-bert.ts";
import { parseArchitecture } from "./architecture.ts";
import { readEncoderWeights } from "./encoder-weights.ts";
import { parseSafetensors } from "./safetensors.ts";
import { calibrateSmoothing } from "./smooth.ts";

const OUTLIER = 5;
const { config, tensors } = tinyBert(41);
tensors.get("embeddings.LayerNorm.weight")!.values[OUTLIER] = 50;
const architecture = parseArchitecture(JSON.stringify(config));
const weights = readEncoderWeights(parseSafetensors(encodeSafetensors(tensors)), architecture);
const [layer] = weights.layers;

describe("calibrateSmoothing", () => {
  it("divides a channel by more, the larger its activations are", async () => {
    const smoothing = await calibrateSmoothing(weights, architecture, [[2, 10, 20, 30, 3]], () => undefined);
    const factors = smoothing.get(layer!.query.name)!;
    expect(factors.indexOf(Math.max(...factors))).toBe(OUTLIER);
    expect(factors[OUTLIER]!).toBeGreaterThan(3);
  });

  it("is even on average, and shared by what reads the same activations", async () => {
    const smoothing = await calibrateSmoothing(weights, architecture, [[2, 10, 3]], () => undefined);
    const factors = smoothing.get(layer!.query.name)!;
    expect(factors.reduce((sum, factor) => sum + Math.log(factor), 0)).toBeCloseTo(0, 3);
    expect(smoothing.get(layer!.key.name)).toBe(factors);
    expect(smoothing.get(layer!.value.name)).toBe(factors);
    expect([...smoothing.keys()]).not.toContain(layer!.attentionOutput.name);
  });

  it("stops between sequences when aborted", async () => {
    const abort = new AbortController();
    const seen: number[] = [];
    const progress = (done: number) => {
      seen.push(done);
      abort.abort();
    };
    await expect(calibrateSmoothing(weights, architecture, [[2], [3], [4]], progress, abort.signal)).rejects.toMatchObject({
      name: "AbortError",
    });
    expect(seen).toEqual([1]);
  });
});
