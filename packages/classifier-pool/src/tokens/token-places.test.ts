import { Tokenizer } from "@huggingface/tokenizers";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { tokenizers } from "../model/testing/tiny-onnx.ts";
import { createTokenPlacer, type TokenizerDocument } from "./token-places.ts";

type Kind = keyof typeof tokenizers;

function placerOf(document: object) {
  const tokenizer = new Tokenizer(document, {});
  return { tokenizer, place: createTokenPlacer(tokenizer, document as TokenizerDocument) };
}

/** slices are the stretches of a text that its tokens are said to be made of. */
function slices(document: object, text: string): { found: string; of: string[] } | null {
  const placed = placerOf(document).place(text);
  return placed === null
    ? null
    : { found: placed.found, of: placed.ids.map((_, token) => text.slice(placed.starts[token], placed.ends[token])) };
}

const metaspaceFirst = {
  ...tokenizers.Unigram,
  pre_tokenizer: { type: "Metaspace", replacement: "\u2581", prepend_scheme: "first", split: true },
};
const prefixSpace = { ...tokenizers.BPE, pre_tokenizer: { ...tokenizers.BPE.pre_tokenizer, add_prefix_space: true } };
/** As Llama's: the space before the text is the normalizer's, so that a word alone is not read as in the text. */
const prepended = {
  ...tokenizers.Unigram,
  normalizer: {
    type: "Sequence",
    normalizers: [
      { type: "Prepend", prepend: "\u2581" },
      { type: "Replace", pattern: { String: " " }, content: "\u2581" },
    ],
  },
  pre_tokenizer: null,
};

describe("places of tokens", () => {
  it.each<[string, object, string, string[], string]>([
    ["WordPiece: letters of a word, and marks", tokenizers.WordPiece, "ab, c", ["a", "b", ",", "c"], "words"],
    [
      "WordPiece: capitals and accents, composed or not",
      tokenizers.WordPiece,
      "\u00c9a e\u0301b",
      ["\u00c9", "a", "e\u0301", "b"],
      "words",
    ],
    ["WordPiece: an unknown word whole", tokenizers.WordPiece, "a \u{1f600}\u{1f600}b c", ["a", "\u{1f600}\u{1f600}b", "c"], "words"],
    ["WordPiece: what the normalizer takes out", tokenizers.WordPiece, "a\u200bb\ta", ["a", "b", "a"], "words"],
    ["WordPiece: ideographs, each its own word", tokenizers.WordPiece, "a\u6771\u4eacb", ["a", "\u6771", "\u4eac", "b"], "words"],
    ["BPE: without the space before it", tokenizers.BPE, "ab cd", ["ab", "c", "d"], "words"],
    ["BPE: space of its own, empty, at the word behind it", tokenizers.BPE, "a b", ["a", "", "b"], "words"],
    ["BPE with a space put before", prefixSpace, "ab cd", ["", "ab", "c", "d"], "words"],
    ["Unigram", tokenizers.Unigram, "ab  cd", ["ab", "", "", "cd"], "words"],
    ["Unigram: an unknown letter", tokenizers.Unigram, "a\u{1f600}b", ["", "a", "\u{1f600}", "b"], "words"],
    ["Unigram with the first space alone put before", metaspaceFirst, "ab cd", ["ab", "", "cd"], "words"],
    ["Unigram whose space the normalizer puts before: word by word", prepended, "ab cdc", ["ab", "cdc", "cdc", "cdc"], "words"],
    ["Unigram with a space put before what follows a line's end: the text at once", tokenizers.Unigram, "ab\ncd", ["ab", "", "cd"], "text"],
  ])("%s", (_, document, text, of, found) => {
    expect(slices(document, text)).toEqual({ found, of });
  });

  it("knows where a space that is a token stands: before its own word, or behind the one before", () => {
    const { place } = placerOf(tokenizers.BPE);
    expect([...place("a  cb  ")!.starts]).toEqual([0, 1, 3, 4, 5, 5]);
    expect([...place("a b")!.starts]).toEqual([0, 2, 2]);
    expect(place("  ")).toMatchObject({ found: "text", ids: [30, 30] });
  });

  it("has each byte of a letter stand for the letter, even one that alone would be a space", () => {
    const bytes = new Tokenizer(tokenizers.BPE, {}).pre_tokenizer!.pre_tokenize_text("\u03a0b")[0]!;
    const vocab = Object.fromEntries(Array.from(bytes, (byte, id) => [byte, id]));
    const document = { ...tokenizers.BPE, model: { ...tokenizers.BPE.model, vocab, merges: [] } };
    expect(slices(document, "\u03a0b")).toEqual({ found: "words", of: ["\u03a0", "\u03a0", "b"] });
  });

  it("gives a text up rather than guess", () => {
    expect(slices(prepended, "ab  cd")).toBeNull();
  });

  const alphabet = fc.constantFrom(
    ..."abcd  ,.\n\t-",
    "\u00e9",
    "e\u0301",
    "\u00df",
    "\u6771",
    "\u{1f600}",
    "\u00a0",
    "\u0130",
    "[SEP]",
    "\ufb01",
  );
  it.each(["WordPiece", "BPE", "Unigram"] satisfies Kind[])(
    "%s: tokens stand in their order, inside the text, on whole characters",
    (kind) => {
      const { tokenizer, place } = placerOf(tokenizers[kind]);
      fc.assert(
        fc.property(fc.array(alphabet, { maxLength: 40 }), (pieces) => {
          const text = pieces.join("");
          const placed = place(text);
          if (placed === null) return;
          expect(placed.ids).toEqual(tokenizer.encode(text, { add_special_tokens: false }).ids);
          let before = 0;
          for (const [token, start] of placed.starts.entries()) {
            const end = placed.ends[token]!;
            expect(start).toBeGreaterThanOrEqual(Math.min(before, start));
            expect(end).toBeGreaterThanOrEqual(start);
            expect(end).toBeLessThanOrEqual(text.length);
            expect(text.slice(start, end).isWellFormed()).toBe(true);
            before = start;
          }
        }),
        { seed: 11, numRuns: 500 },
      );
    },
  );

  it.each(["WordPiece", "BPE", "Unigram"] satisfies Kind[])("%s: a token's place has the token's letters", (kind) => {
    const { tokenizer, place } = placerOf(tokenizers[kind]);
    fc.assert(
      fc.property(fc.stringMatching(/^[abcd ]{0,30}$/), (text) => {
        const placed = place(text)!;
        const letters = placed.ids.map((id) => tokenizer.id_to_token(id)!.replace(/^##|\u0120|\u2581/g, ""));
        expect(placed.ids.map((_, token) => text.slice(placed.starts[token], placed.ends[token]))).toEqual(letters);
      }),
      { seed: 12, numRuns: 500 },
    );
  });
});
