import * as fc from "fast-check";
import { expect, it } from "vitest";
import { CALL_ITEMS, splitCalls } from "./call-size.ts";

const LIMIT = 10_000;

it("keeps all texts in order, in calls of bounded size, and as few of them as may be for short texts", () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5_000 }), { maxLength: 40 }), (lengths) => {
      const questions = lengths.map((length) => ({ wire: { text: "é".repeat(length) } }));
      const calls = splitCalls(questions, LIMIT);
      expect(calls.flat()).toEqual(questions);
      for (const call of calls) {
        const bytes = call.reduce((sum, { wire }) => sum + Buffer.byteLength(wire.text), 0);
        expect(call.length === 1 || bytes <= LIMIT).toBe(true);
      }
    }),
    { seed: 4, numRuns: 200 },
  );
  const short = Array.from({ length: 2 * CALL_ITEMS + 1 }, () => ({ wire: { text: "" } }));
  expect(splitCalls(short, 4 * 1024 * 1024).map(({ length }) => length)).toEqual([CALL_ITEMS, CALL_ITEMS, 1]);
  expect(splitCalls([], LIMIT)).toEqual([]);
});
