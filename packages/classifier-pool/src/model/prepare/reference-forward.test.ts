import { describe, expect, it } from "vitest";
import { encodeSafetensors, tinyBert } from "../testing/tiny-bert.ts";
import { parseArchitecture } from "./architecture.ts";
import { readEncoderWeights } from "./encoder-weights.ts";
import { referenceForward } from "./reference-forward.ts";
import { parseSafetensors } from "./safetensors.ts";

const { config, tensors } = tinyBert(3);
const architecture = parseArchitecture(JSON.stringify(config));
const weights = readEncoderWeights(parseSafetensors(encodeSafetensors(tensors)), architecture);

describe("referenceForward", () => {
  it("gives a unit vector that depends on the order of tokens", () => {
    const forth = referenceForward(weights, architecture, [5, 6, 7, 8]);
    const back = referenceForward(weights, architecture, [8, 7, 6, 5]);
    expect(Math.hypot(...forth)).toBeCloseTo(1, 12);
    expect([...forth]).not.toEqual([...back]);
  });

  it("shows each linear's input to the observer, in the order of the computation", () => {
    const seen: string[] = [];
    referenceForward(weights, architecture, [5, 6, 7], ({ name, inputs }, input) => {
      expect(input.length).toBe(3 * inputs);
      seen.push(name);
    });
    expect(seen).toHaveLength(12);
    expect(seen.slice(0, 6)).toEqual(
      [
        "attention.self.query",
        "attention.self.key",
        "attention.self.value",
        "attention.output.dense",
        "intermediate.dense",
        "output.dense",
      ].map((name) => `encoder.layer.0.${name}`),
    );
  });
});
