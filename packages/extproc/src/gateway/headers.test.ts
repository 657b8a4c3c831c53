import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { applyChanges, entriesOf, rawOf, requestIdOf, wireValue, withoutHopByHop } from "./headers.ts";

describe("withoutHopByHop", () => {
  it("drops the connection's own headers and those that Connection names, in any case", () => {
    const kept = withoutHopByHop(
      entriesOf([
        "Connection",
        "keep-alive, X-Private",
        "Keep-Alive",
        "timeout=5",
        "X-Private",
        "secret",
        "TE",
        "trailers",
        "Trailer",
        "x-sum",
        "Transfer-Encoding",
        "chunked",
        "Upgrade",
        "h2c",
        "Proxy-Authorization",
        "Basic eA==",
        "Proxy-Connection",
        "close",
        "X-Public",
        "stays",
        "Connection",
        "x-second",
        "X-Second",
        "goes",
      ]),
    );
    expect(kept).toEqual([["x-public", "stays"]]);
  });

  it("keeps repeated headers and their order", () => {
    const raw = ["set-cookie", "a=1", "x", "y", "set-cookie", "b=2"];
    expect(rawOf(withoutHopByHop(entriesOf(raw)))).toEqual(raw);
  });
});

describe("applyChanges", () => {
  it("removes first, then sets, overwriting every occurrence", () => {
    const changed = applyChanges(
      [
        ["a", "1"],
        ["b", "1"],
        ["a", "2"],
        ["c", "1"],
      ],
      { set: [["a", "new"]], remove: ["b"] },
    );
    expect(changed).toEqual([
      ["c", "1"],
      ["a", "new"],
    ]);
  });

  it("sets a header that is also removed", () => {
    expect(applyChanges([["a", "1"]], { set: [["a", "2"]], remove: ["a"] })).toEqual([["a", "2"]]);
  });
});

describe("wireValue", () => {
  it("never lets a value end its line, and loses no text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const value = wireValue(text);
        expect(value).not.toMatch(/[^\t\x20-\x7e\x80-\xff]/);
      }),
    );
    expect(wireValue("a\r\nx-evil: 1")).toBe("a  x-evil: 1");
    expect(Buffer.from(wireValue("模型"), "latin1").toString("utf8")).toBe("模型");
  });
});

describe("requestIdOf", () => {
  it.each([
    ["a-1_b", "a-1_b"],
    ["", undefined],
    ["with blank", undefined],
    ["x".repeat(129), undefined],
    ["\u00e9", undefined],
  ])("reads %j as %j", (given, expected) => {
    expect(requestIdOf([["x-request-id", given]])).toBe(expected);
  });
});
