import { describe, expect, it } from "vitest";
import { digest, digestBytes, keyedDigest, type Field } from "./framing.ts";

const HEADER_OF_NOTHING = "\u0001\u0000\u0000\u0000\u0000";

describe("digest", () => {
  it.each<[string, readonly Field[], readonly Field[]]>([
    ["where a field ends", ["ab", "c"], ["a", "bc"]],
    ["a boundary written as text", [`a${HEADER_OF_NOTHING}b`, "c"], ["a", `b${HEADER_OF_NOTHING}c`]],
    ["how many fields there are", ["a"], ["a", ""]],
    ["absent and empty", [null], [""]],
    ["text and its bytes", ["a"], [Buffer.from("a")]],
    ["lone surrogates", ["\ud83d"], ["\ud83e"]],
    ["a lone surrogate and what UTF-8 makes of it", ["\ud83d"], ["\ufffd"]],
    ["a lone surrogate and a text of its bytes", ["\ud83d"], ["=\u00d8"]],
    ["accents composed and not", ["\u00e9"], ["e\u0301"]],
    ["the order of fields", ["a", "b"], ["b", "a"]],
  ])("tells %s apart", (_what, one, other) => {
    expect(digest("test", one)).not.toBe(digest("test", other));
    expect(keyedDigest("key", "test", one)).not.toBe(keyedDigest("key", "test", other));
  });

  it("is of one domain", () => {
    expect(digest("one", ["a"])).not.toBe(digest("other", ["a"]));
    expect(digest("one", ["a"])).not.toBe(digest("", ["one", "a"]));
  });

  it("is the same as text and as bytes, and another with a key", () => {
    expect(Buffer.from(digestBytes("test", ["a"])).toString("base64url")).toBe(digest("test", ["a"]));
    expect(keyedDigest("", "test", ["a"])).not.toBe(digest("test", ["a"]));
  });

  it("stays what it is from version to version: entries of before must be found again", () => {
    expect(digest("test", ["a", null, Buffer.from([1]), "\ud83d"])).toBe("Znm8wfbJQli5EBLWJORL8rcqv4QHfXw9M1bVto80bXo");
  });
});
