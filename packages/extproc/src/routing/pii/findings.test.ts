import { expect, it } from "vitest";
import { PiiFindings } from "./findings.ts";

const nothing: ReadonlySet<string> = new Set();

it("keeps the surest of each type, from detectors and from a model's labels alike", () => {
  const findings = new PiiFindings();
  expect(findings.surestBeside(nothing)).toBe(0);
  findings.addDetections([
    { start: 0, end: 9, type: "US_SSN", confidence: 0.99 },
    { start: 10, end: 19, type: "US_SSN", confidence: 0.85 },
  ]);
  expect(findings.surestBeside(nothing)).toBe(0.99);
  expect(findings.surestBeside(new Set(["US_SSN"]))).toBe(0);
  findings.addEntities([
    { start: 0, end: 2, type: "GIVENNAME", score: 0.7 },
    { start: 3, end: 5, type: "person", score: 0.6 },
    { start: 6, end: 7, type: "SHOE_SIZE", score: 0.5 },
  ]);
  expect(findings.surestBeside(new Set(["US_SSN"]))).toBe(0.7);
  expect(findings.surestBeside(new Set(["US_SSN", "PERSON"]))).toBe(0.5);
});
