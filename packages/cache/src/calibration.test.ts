import { describe, expect, it } from "vitest";
import { Calibration, wilsonUpper } from "./calibration.ts";

describe("wilsonUpper", () => {
  it.each([
    [0, 0, 1],
    [1, 0, 0.7302],
    [100, 0, 0.0263],
    [100, 2, 0.0587],
    [1_000, 5, 0.0102],
  ])("of %i trials with %i errors is %f", (n, wrong, bound) => {
    expect(wilsonUpper({ n, wrong })).toBeCloseTo(bound, 3);
  });
});

describe("Calibration", () => {
  it("lets a decision serve once enough trials have agreed, and no longer when they stop to", () => {
    const calibration = new Calibration(0.05);
    expect(calibration.allows("math", "r1")).toBe(false);
    for (let i = 0; i < 60; i += 1) calibration.record("math", "r1", 0.97, false);
    expect(calibration.allows("math", "r1")).toBe(true);
    expect(calibration.allows("law", "r1")).toBe(false);
    for (let i = 0; i < 3; i += 1) calibration.record("math", "r1", 0.9, true);
    expect(calibration.allows("math", "r1")).toBe(false);
  });

  it("trusts no decision that has changed since", () => {
    const calibration = new Calibration(0.05);
    for (let i = 0; i < 60; i += 1) calibration.record("math", "r1", 0.97, false);
    expect(calibration.allows("math", "r2")).toBe(false);
    calibration.record("math", "r2", 0.97, false);
    expect(calibration.report()).toMatchObject([{ decision: "math", n: 1 }]);
  });

  it("serves without any trial when there is no limit", () => {
    expect(new Calibration(null).allows("math", "r1")).toBe(true);
  });

  it("reports by steps of similarity", () => {
    const calibration = new Calibration(null);
    for (const [similarity, wrong] of [
      [0.95, false],
      [0.9549, true],
      [0.955, false],
      [1, false],
    ] as const)
      calibration.record("d", "r1", similarity, wrong);
    const [report] = calibration.report();
    expect(report?.bySimilarity.map(({ from, n, wrong }) => [Number(from.toFixed(3)), n, wrong])).toEqual([
      [0.95, 2, 1],
      [0.955, 1, 0],
      [0.995, 1, 0],
    ]);
    expect(report).toMatchObject({ decision: "d", n: 4, wrong: 1 });
  });
});
