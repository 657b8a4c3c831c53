import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Featurizer, FIRST_GRAM_ROW, MAX_CHARS, readable, ROWS } from "./features.ts";

const featurizer = new Featurizer(["Latin", "Han"]);
const rowsOf = (text: string) => new Set(featurizer.features(text).rows);

describe("readable", () => {
  it.each([
    ["CAFÉ Über", "cafe uber"],
    ["ｆｕｌｌ ｗｉｄｔｈ", "full width"],
    ["ig\u200bno\u00adre", "ignore"],
    ["Straße", "straße"],
  ])("reads %j as %j", (text, expected) => expect(readable(text)).toBe(expected));

  it("reads both ends of a text that is too long", () => {
    const read = readable(`first ${"x ".repeat(MAX_CHARS)} last`);
    expect([read.startsWith("first"), read.endsWith("last"), read.length]).toEqual([true, true, MAX_CHARS + 1]);
  });
});

describe("features", () => {
  it("are words, pairs of neighbours and n-grams of words between their edges", () => {
    const { rows, words } = featurizer.features("red tree");
    // "_red_": 3 + 2 + 1 n-grams of 3 to 5; "_tree_": 4 + 3 + 2; two words, two pairs (the first with the beginning).
    expect(words).toHaveLength(2);
    expect(rows.filter((row) => row < FIRST_GRAM_ROW)).toHaveLength(4);
    expect(rows.filter((row) => row >= FIRST_GRAM_ROW)).toHaveLength(15);
  });

  it("cut scripts without spaces into runs of one to four characters", () => {
    const { rows } = featurizer.features("学校教育");
    expect(rows.filter((row) => row >= FIRST_GRAM_ROW)).toHaveLength(4 + 3 + 2 + 1);
  });

  it("take digits for one another", () => expect(rowsOf("in 1999")).toEqual(rowsOf("in 2024")));

  it("tell the order of words", () => expect(rowsOf("dog bites man")).not.toEqual(rowsOf("man bites dog")));

  it("of a text do not depend on those before it", () => {
    const first = featurizer.features("a quiet garden").rows;
    for (let i = 0; i < 600; i += 1) featurizer.features(`something else ${i}`);
    expect(featurizer.features("a quiet garden").rows).toEqual(first);
  });

  it("count letters of scripts that are not covered", () => {
    expect(featurizer.features("hello 学校").foreign).toBe(0);
    expect(featurizer.features("привет").foreign).toBe(1);
    expect(featurizer.features("дом home").foreign).toBeCloseTo(3 / 7);
    expect(featurizer.features("… 🙂 !").foreign).toBe(0);
  });

  it("are distinct rows within the table, for any text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => {
        const { rows, words } = featurizer.features(text);
        expect(new Set(rows).size).toBe(rows.length);
        expect(rows.every((row) => row < ROWS)).toBe(true);
        expect(words.every((word) => rows.includes(word))).toBe(true);
      }),
      { seed: 3, numRuns: 300 },
    );
  });
});
