import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { partsOf } from "./preference-parts.ts";

describe("partsOf", () => {
  it.each<[string, string[]]>([
    ["keep it short", ["keep it short"]],
    ["What is TLS? Two lines, please.", ["What is TLS? Two lines, please.", "What is TLS?", "Two lines,", "please."]],
    ["什么是黑洞？请说得简单一点。", ["什么是黑洞？请说得简单一点。", "什么是黑洞？", "请说得简单一点。"]],
    ["a b", ["a b"]],
    [
      "one two three four five six seven eight nine ten eleven",
      [
        "one two three four five six seven eight nine ten eleven",
        "one two three four five six seven",
        "four five six seven eight nine ten",
        "seven eight nine ten eleven",
      ],
    ],
  ])("of %j are the whole, its clauses and stretches of them", (text, parts) => {
    expect(partsOf(text)).toEqual(parts);
  });

  it("are few, begin with the whole text, and come from both ends", () => {
    const clause = (_: unknown, index: number) => `and so it goes on for the ${index}th time without any end in sight;`;
    const padding = Array.from({ length: 200 }, clause).join(" ");
    const parts = partsOf(`Short answers only. ${padding} Make it a table.`);
    expect(parts.length).toBe(9);
    expect(parts).toContain("Short answers only.");
    expect(parts).toContain("Make it a table.");
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 400 }), (text) => {
        const some = partsOf(text);
        expect(some[0]).toBe(text);
        expect(some.length).toBeLessThanOrEqual(9);
        expect(new Set(some).size).toBe(some.length);
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});
