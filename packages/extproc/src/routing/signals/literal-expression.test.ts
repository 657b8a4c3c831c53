import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { literalExpression } from "./literal-expression.ts";

/** The rule, keyword by keyword and place by place. */
function occurs(keyword: string, text: string): boolean {
  const isWord = (character: string | undefined) => character !== undefined && /[\p{L}\p{M}\p{N}_]/u.test(character);
  const [word, letters] = [Array.from(keyword), Array.from(text)];
  const bounded = !/\p{Script=Han}/u.test(keyword);
  return letters.some((_, at) => {
    if (!word.every((character, index) => letters[at + index] === character)) return false;
    if (bounded && isWord(word[0]) && isWord(letters[at - 1])) return false;
    return !(bounded && isWord(word.at(-1)) && isWord(letters[at + word.length]));
  });
}

describe("literalExpression", () => {
  const piece = fc.constantFrom("a", "b", "ab", " ", "-", ".", "+", "é", "水", "\u{1F600}", "(", "\\", "?");
  const text = (maxLength: number) => fc.array(piece, { minLength: 1, maxLength }).map((pieces) => pieces.join(""));

  it("finds what a search keyword by keyword finds", () => {
    fc.assert(
      fc.property(fc.array(text(5), { minLength: 1, maxLength: 8 }), text(14), (keywords, searched) => {
        expect(literalExpression(keywords, true).test(searched)).toBe(keywords.some((keyword) => occurs(keyword, searched)));
      }),
      { numRuns: 500 },
    );
  });

  it("takes thirty thousand keywords", () => {
    const keywords = Array.from({ length: 30_000 }, (_, index) => ((index + 1) * 7_368_787_297).toString(36));
    const expression = literalExpression(keywords, false);
    expect(expression.test(`x ${keywords[22_222]?.toUpperCase()} y`)).toBe(true);
    expect(expression.test(`x ${keywords[22_222]}0 y`)).toBe(false);
  });

  it("takes keywords with long common beginnings", () => {
    const keywords = Array.from({ length: 1_000 }, (_, index) => "a".repeat(index + 1));
    const expression = literalExpression(keywords, true);
    expect([expression.test("a".repeat(1_000)), expression.test("a".repeat(1_001))]).toEqual([true, false]);
  });
});
