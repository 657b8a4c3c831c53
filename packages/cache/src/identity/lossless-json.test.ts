import { describe, expect, it } from "vitest";
import { canonicalDecimal, canonicalText, ExactNumber, HOLE, isRecord, readJson } from "./lossless-json.ts";

function written(text: string): string {
  const read = readJson(text);
  return typeof read === "string" ? `unreadable: ${read}` : canonicalText(read.value);
}

describe("readJson", () => {
  it.each([
    ["", "malformed_json"],
    ["{", "malformed_json"],
    ['{"a":1,}', "malformed_json"],
    ["{'a':1}", "malformed_json"],
    ['{"a":01}', "malformed_json"],
    ['{"a":NaN}', "malformed_json"],
    ['{"a":1}{"b":2}', "malformed_json"],
    ['{"a":"tab\there"}', "malformed_json"],
    ['{"a":1,"a":1}', "duplicate_key"],
    ['{"a":1,"\\u0061":2}', "duplicate_key"],
    ['{"x":[{"y":{"k":1,"m":2,"k":3}}]}', "duplicate_key"],
    ['{"__proto__":1,"__proto__":2}', "duplicate_key"],
    ['{"1":0,"01":0,"1":0}', "duplicate_key"],
    ['{"a":"\\ud83d"}', "lone_surrogate"],
    ['{"a":["\\ude00\\ud83d"]}', "lone_surrogate"],
    ['{"\\ud83d":1}', "lone_surrogate"],
    [`${"[".repeat(65)}${"]".repeat(65)}`, "too_deep"],
    [`[${"1,".repeat(8_193)}1]`, "too_many_values"],
    [`[1${"0".repeat(512)}]`, "number_too_long"],
    [`[1e${"9".repeat(512)}]`, "number_too_long"],
  ])("refuses %.40s", (text, reason) => {
    expect(readJson(text)).toBe(reason);
  });

  it.each([
    ["64 levels", `${"[".repeat(64)}${"]".repeat(64)}`],
    ["brackets, colons and digits in strings", `{"a":"${"[{:,1e5".repeat(200)}\\"","b:\\\\":"]]]"}`],
    ["a pair of surrogates", '{"a":"\\ud83d\\ude00"}'],
    ["a name of Object.prototype", '{"__proto__":{"a":1},"constructor":2,"toString":3}'],
  ])("reads %s", (_name, text) => {
    expect(readJson(text)).toEqual({ value: JSON.parse(text) });
  });

  it("keeps the names of Object.prototype as members", () => {
    expect(written('{"__proto__":{"a":1}}')).not.toBe(written("{}"));
    expect(written('{"__proto__":{"a":1}}')).not.toBe(written('{"__proto__":{"a":2}}'));
  });
});

describe("canonicalText", () => {
  it.each([
    ["spaces", ' { "a" : [ 1 , true ] }\r\n', '{"a":[1,true]}'],
    ["the order of keys", '{"b":{"d":1,"c":2},"a":3}', '{"a":3,"b":{"c":2,"d":1}}'],
    ["escapes", '{"\\u0061":"\\u0041\\/\\u00e9\\ud83d\\ude00"}', '{"a":"A/é😀"}'],
    ["the spelling of a number", "[1, 0.5, 100, 0, 1e21]", "[1.0, 5e-1, 1.0E+2, -0.0, 1000000000000000000000]"],
    ["the spelling of a long number", "[18446744073709551615]", "[18446744073709551615.00]"],
  ])("does not depend on %s", (_what, one, other) => {
    expect(written(one)).toBe(written(other));
  });

  it.each([
    ["64-bit integers", "[18446744073709551615]", "[18446744073709551614]"],
    ["an integer and its double", "[9007199254740993]", "[9007199254740992]"],
    ["decimals that one double stands for", "[0.1]", "[0.1000000000000000055511151231257827]"],
    ["numbers that are no double", "[1e400]", "[1e401]"],
    ["a number that is no double and null", "[1e400]", "[null]"],
    ["numbers that vanish in a double", "[1e-400]", "[0]"],
    ["a number and its text", "[1]", '["1"]'],
    ["true and its text", "[true]", '["true"]'],
    ["null and nothing", '{"a":null}', "{}"],
    ["an empty list and an empty object", "[]", "{}"],
    ["a list in a list", "[[1],2]", "[[1,2]]"],
    ["what is inside and what is beside", '{"a":{"b":1}}', '{"a":{},"b":1}'],
    ["a text that looks like two", '["a\\"1:b"]', '["a","b"]'],
    ["a text that looks like the hole", '["$"]', "[[]]"],
    ["accents composed and not", '["\\u00e9"]', '["e\\u0301"]'],
    ["trailing space", '["a "]', '["a"]'],
  ])("tells %s apart", (_what, one, other) => {
    expect(written(one)).not.toBe(written(other));
  });

  it("writes the hole as no value is written", () => {
    expect(canonicalText([HOLE])).toBe("[$]");
    expect(["$", '"$"', "[$]"].map((text) => canonicalText([text]))).not.toContain("[$]");
  });

  it("is no record's business what an exact number is", () => {
    expect(isRecord(new ExactNumber("1e0"))).toBe(false);
  });
});

describe("canonicalDecimal", () => {
  it.each([
    ["0", "0e0"],
    ["-0.000e5", "0e0"],
    ["1", "1e0"],
    ["10e-1", "1e0"],
    ["0.1e1", "1e0"],
    ["-120.50", "-1205e-1"],
    ["1e+21", "1e21"],
    ["0.00012", "12e-5"],
    ["1e12345678901234567890", "1e12345678901234567890"],
    ["1e12345678901234567891", "1e12345678901234567891"],
  ])("writes %s as %s", (number, decimal) => {
    expect(canonicalDecimal(number)).toBe(decimal);
  });
});
