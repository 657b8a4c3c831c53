import { describe, expect, it } from "vitest";
import { IntentCueReader } from "./cues.ts";

const reader = new IntentCueReader();
const cuesOf = (text: string) => reader.cues(text).split(" ");

describe("cues of what a message wants", () => {
  it.each<[text: string, has: readonly string[], lacks: readonly string[]]>([
    ["Thanks, that helped!", ["xth", "yth", "ze"], ["xwr", "zq"]],
    ["That's wrong, check again", ["xwr", "wag"], ["yag"]],
    // Concepts near each other make a cue in their order; far apart they do not.
    ["draw a picture", ["drim"], ["imdr"]],
    ["draw with me in the old garden behind our house a picture", ["xdr", "xim"], ["drim"]],
    // What is quoted is spoken of, not said.
    ['is "wrong" an adverb?', ["vwr", "zr"], ["xwr"]],
    ["is 'wrong' an adverb?", ["vwr"], ["xwr"]],
    ["isn't it wrong, don't you think", ["xwr", "xng"], ["vwr"]],
    // Other languages and scripts, with and without accents or spaces.
    ["Das ist falsch", ["xwr"], []],
    ["¿Qué quieres decir?", ["xqw"], []],
    ["画一只猫", ["xdr"], []],
    ["ありがとう、助かった", ["xth"], []],
    ["धन्यवाद", ["xth"], []],
    // Form.
    ["two words", ["la"], ["zm", "zn"]],
    ["one: two\nthree", ["zk", "zm"], []],
    ["the treaty between France and Spain", ["zu", "zy"], []],
  ])("of %j", (text, has, lacks) => {
    const cues = cuesOf(text);
    expect(cues).toEqual(expect.arrayContaining([...has]));
    for (const cue of lacks) expect(cues).not.toContain(cue);
  });

  it("remember nothing of the text before", () => {
    for (const text of ["and now?", "draw a picture", "draw a picture"]) {
      expect(reader.cues(text)).toBe(new IntentCueReader().cues(text));
      reader.cues("Thanks, draw a picture of the wrong answer");
    }
  });

  it("contain no word of the text", () => {
    expect(reader.cues("my secret is xylophone")).not.toContain("xylophone");
  });

  it("of a long text are those of its beginning and its end", () => {
    const filler = "moss ".repeat(100_000);
    const cues = cuesOf(`thanks ${filler} draw ${filler} wrong`);
    expect(cues).toEqual(expect.arrayContaining(["yth", "wwr"]));
    expect(cues).not.toContain("xdr");
  });

  // An expression that backtracks takes a second for some of these, and would run into the test's timeout.
  it.each(["!", ".", "a!", "'a ", '"', " A", "1.", "? ", "; ", ",\n", "a A"])("of nothing but %j are soon read", (piece) => {
    const text = piece.repeat(1_200);
    for (let turn = 0; turn < 20; turn += 1) expect(reader.cues(text)).not.toBe("");
  });
});
