import * as fc from "fast-check";
import { expect, it } from "vitest";
import { excerpt } from "../tokens/window.ts";
import { thin } from "./thin.ts";

it("leaves what the pool reads of a text exactly as it was, whatever the pool's own limit", () => {
  const words = fc.array(fc.stringMatching(/^[a-z.,é]{1,40}$/), { minLength: 1, maxLength: 60 });
  fc.assert(
    fc.property(
      words,
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer({ min: 1, max: 12 }),
      fc.constantFrom("head" as const, "head_middle_tail" as const),
      (words, repeats, asked, limit, sampling) => {
        const text = Array.from({ length: repeats }, (_, round) => `${round} ${words.join(" ")}`).join("\n");
        const window = { maxTokens: Math.min(asked, limit), sampling };
        expect(excerpt(thin(text, { maxTokens: asked, sampling }), window)).toEqual(excerpt(text, window));
      },
    ),
    { seed: 4, numRuns: 500 },
  );
});

it("sends kilobytes of a megabyte", () => {
  expect(thin("word ".repeat(200_000), { maxTokens: 128, sampling: "head" })).toHaveLength(2_048);
  expect(thin("word ".repeat(200_000), { maxTokens: 128, sampling: "head_middle_tail" }).length).toBeLessThan(6_200);
});
