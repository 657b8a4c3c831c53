import type { EmbeddedReading, EmbeddedTier } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { EmbeddedWatch, type EmbeddedStep } from "./embedded-watch.ts";

/** A tier that takes 2 ms to read, 3 to judge, and 5 to judge again. */
function slowTier() {
  let now = 100;
  const pass = (ms: number) => void (now += ms);
  const judgement = { labels: ["a"], probabilities: Float32Array.of(1), best: "a", confidence: 1, standing: "sure" } as const;
  const reading = (text: string): EmbeddedReading => ({
    text,
    coverage: 0.5,
    foreign: false,
    exam: 0.25,
    english: 1,
    classify: () => (pass(3), judgement),
    combine: () => (pass(5), judgement),
  });
  const tier: EmbeddedTier = {
    revision: "r",
    labelsOf: () => ["a"],
    thresholdOf: () => 0.5,
    encoderOf: () => null,
    read: (text) => (pass(2), reading(text)),
  };
  return { watch: new EmbeddedWatch(tier, { now: () => now, wallMs: () => now }), pass };
}

describe("EmbeddedWatch", () => {
  it("tells reading and first judgement as one step, and what comes later as its own", async () => {
    const { watch, pass } = slowTier();
    const steps: EmbeddedStep[] = [];
    await watch.during(steps, async () => {
      const reading = watch.tier.read("text");
      reading.classify("domain");
      await Promise.resolve();
      pass(100);
      reading.combine("domain", new Float32Array(1));
    });
    expect(steps).toEqual([
      { startedAt: 100, durationMs: 5, head: "domain" },
      { startedAt: 205, durationMs: 5, head: "domain" },
    ]);
  });

  it("keeps two signals apart that wait at the same time", async () => {
    const { watch } = slowTier();
    const ask = async (steps: EmbeddedStep[], head: string) => {
      const reading = watch.tier.read(head);
      await Promise.resolve();
      reading.classify(head);
      return steps;
    };
    const both = [[], []] as [EmbeddedStep[], EmbeddedStep[]];
    await Promise.all([watch.during(both[0], () => ask(both[0], "one")), watch.during(both[1], () => ask(both[1], "two"))]);
    expect(both.map((steps) => steps.map(({ head }) => head))).toEqual([["one"], ["two"]]);
  });

  it("changes nothing of what the tier says, and tells nothing where nobody listens", () => {
    const { watch } = slowTier();
    const { text, coverage, foreign, exam, english } = watch.during([], () => watch.tier.read("text"));
    expect({ text, coverage, foreign, exam, english }).toEqual({ text: "text", coverage: 0.5, foreign: false, exam: 0.25, english: 1 });
    expect(watch.tier.read("text").classify("domain").best).toBe("a");
    expect([watch.tier.revision, watch.tier.labelsOf("x"), watch.tier.thresholdOf("x", "a"), watch.tier.encoderOf("x")]).toEqual([
      "r",
      ["a"],
      0.5,
      null,
    ]);
  });
});
