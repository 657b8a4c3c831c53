import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeFeatures, encodeFeatures, featuresOf, MAX_FEATURE_BYTES, type GuardFeatures } from "./features.ts";

const text = "Would a 2 kg turkey from Leeds, 'free range', need less than 90 minutes at 180 degrees, not more?";

describe("features of a question", () => {
  it("come back as they were stored, within the bound", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.lorem({ mode: "sentences", maxCount: 3 })), (question) => {
        const features = featuresOf(question);
        if (features === null) return;
        const bytes = encodeFeatures(features);
        expect(bytes.length).toBeLessThanOrEqual(MAX_FEATURE_BYTES);
        expect(decodeFeatures(bytes)).toEqual(features);
      }),
      { seed: 6, numRuns: 300 },
    );
  });

  it("hold no word of the question", () => {
    const bytes = Buffer.from(encodeFeatures(featuresOf(text) as GuardFeatures))
      .toString("latin1")
      .toLowerCase();
    for (const word of ["turkey", "leeds", "free", "range"]) expect(bytes).not.toContain(word);
  });

  it("are refused for a question that has too many words", () => {
    expect(featuresOf("one more word ".repeat(80))).toBeNull();
  });

  it("are not read from another version, nor from broken bytes", () => {
    const bytes = encodeFeatures(featuresOf(text) as GuardFeatures);
    expect(decodeFeatures(bytes.with(0, (bytes[0] as number) + 1))).toBeNull();
    expect(decodeFeatures(new Uint8Array(0))).toBeNull();
    for (let length = 0; length < bytes.length; length += 1) expect(decodeFeatures(bytes.subarray(0, length))).toBeNull();
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (noise) => {
        decodeFeatures(noise);
      }),
      { seed: 6 },
    );
  });
});
