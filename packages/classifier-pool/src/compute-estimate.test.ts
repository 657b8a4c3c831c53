import { describe, expect, it } from "vitest";
import { ComputeEstimate } from "./compute-estimate.ts";

function estimateAfter(batchesMsPerToken: readonly number[]): ComputeEstimate {
  const estimate = new ComputeEstimate();
  for (const ms of batchesMsPerToken) estimate.record(100, ms * 100, 0);
  return estimate;
}

describe("the estimate of what a token costs", () => {
  it("is 0 while nothing is known", () => {
    expect(new ComputeEstimate().msPerToken(1_000)).toBe(0);
  });

  it("believes the first batch, and stays where all agree", () => {
    expect(estimateAfter([0.2]).msPerToken(0)).toBeCloseTo(0.2);
    expect(estimateAfter(Array.from({ length: 50 }, () => 0.2)).msPerToken(0)).toBeCloseTo(0.2);
  });

  it("follows a change within some ten batches", () => {
    const changed = estimateAfter([...Array.from({ length: 50 }, () => 0.1), ...Array.from({ length: 20 }, () => 0.2)]);
    expect(changed.msPerToken(0)).toBeGreaterThan(0.18);
  });

  it("is more cautious where batches differ", () => {
    const even = estimateAfter(Array.from({ length: 100 }, () => 0.2));
    const uneven = estimateAfter(Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? 0.1 : 0.3)));
    expect(uneven.msPerToken(0)).toBeGreaterThan(even.msPerToken(0) * 1.3);
  });

  it("is not thrown off by one pause of the machine", () => {
    expect(estimateAfter([0.1, 0.1, 0.1, 1_000]).msPerToken(0)).toBeLessThan(0.15);
  });

  it("halves with every half second that brings no batch, and is back with the next", () => {
    const estimate = estimateAfter([0.2]);
    expect(estimate.msPerToken(499)).toBeCloseTo(0.2);
    expect(estimate.msPerToken(500)).toBeCloseTo(0.1);
    expect(estimate.msPerToken(1_500)).toBeCloseTo(0.025);
    estimate.record(100, 20, 1_600);
    expect(estimate.msPerToken(1_600)).toBeCloseTo(0.2);
  });
});
