import { describe, expect, it } from "vitest";
import { duration, durationMs } from "./duration.ts";

describe("duration", () => {
  it.each([
    ["300s", 300_000],
    ["1m30s", 90_000],
    ["250ms", 250],
    ["1.5h", 5_400_000],
    ["2m", 120_000],
  ])("reads %s as %d ms", (text, expected) => {
    expect(durationMs(duration.parse(text))).toBe(expected);
  });

  it.each(["", "300", "5 s", "-1s", "1d"])("refuses %j", (text) => {
    expect(duration.safeParse(text).success).toBe(false);
  });
});
