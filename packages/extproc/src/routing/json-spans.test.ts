import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { firstElement, hasMoreValues, objectMembers } from "./json-spans.ts";

/** Random JSON texts with the whitespace and escapes that serializers do not write. */
const space = fc.constantFrom("", " ", "\r\n", "\t ");
const string = fc.oneof(
  fc.string({ unit: "binary" }).map((text) => JSON.stringify(text)),
  fc.array(fc.constantFrom("\\\\", '\\"', "\\u0022", "{", "]", ",", ":", "\u2028"), { maxLength: 6 }).map((parts) => `"${parts.join("")}"`),
);
const { value } = fc.letrec<{ value: string; array: string; object: string }>((tie) => {
  const padded = (text: fc.Arbitrary<string>) => fc.tuple(space, text, space).map((parts) => parts.join(""));
  const items = (item: fc.Arbitrary<string>) =>
    fc.oneof(
      space,
      fc.array(padded(item), { minLength: 1, maxLength: 4 }).map((list) => list.join(",")),
    );
  return {
    value: fc.oneof(
      { depthSize: "small" },
      string,
      fc.constantFrom("0", "-1.5e+300", "true", "null", "9007199254740993"),
      tie("array"),
      tie("object"),
    ),
    array: items(tie("value")).map((list) => `[${list}]`),
    object: items(fc.tuple(string, space, space, tie("value")).map(([name, s1, s2, v]) => `${name}${s1}:${s2}${v}`)).map(
      (list) => `{${list}}`,
    ),
  };
});

describe("objectMembers", () => {
  it("finds every member of any object, spans exact", () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(string, space, value)), space, (members, before) => {
        const text = `${before}{${before}${members.map(([name, s, v]) => `${name}${s}:${s}${v}`).join(`${before},`)}${before}} `;
        JSON.parse(text);
        const found = objectMembers(text, 0);
        expect(found.map((member) => [member.name, text.slice(member.value.start, member.value.end)])).toEqual(
          members.map(([name, , v]) => [JSON.parse(name), v]),
        );
        expect(found.map(({ span }) => text.slice(span.start, span.end))).toEqual(members.map(([name, s, v]) => `${name}${s}:${s}${v}`));
      }),
      { seed: 1, numRuns: 1_000 },
    );
  });

  it("starts where it is told", () => {
    expect(objectMembers('[{"a":1}]', 1).map(({ name }) => name)).toEqual(["a"]);
    expect(() => objectMembers("[]", 0)).toThrow("This is a bug.");
  });
});

describe("firstElement", () => {
  it("finds the first element of any array", () => {
    fc.assert(
      fc.property(fc.array(value), space, (elements, before) => {
        const text = `[${before}${elements.join(`,${before}`)}${before}]`;
        const found = firstElement(text, 0);
        expect(found === null ? undefined : text.slice(found.start, found.end)).toBe(elements[0]);
      }),
      { seed: 2, numRuns: 500 },
    );
  });
});

describe("hasMoreValues", () => {
  /** Containers, and the items of each beyond its first. */
  function values(json: unknown): number {
    if (typeof json !== "object" || json === null) return 0;
    const items: unknown[] = Object.values(json);
    return items.reduce((sum: number, item) => sum + values(item), Math.max(items.length, 1));
  }

  it("counts what stands outside of strings", () => {
    fc.assert(
      fc.property(fc.json({ stringUnit: fc.constantFrom(",", "[", "{", '"', "\\", "a", "é") }), (text) => {
        const count = values(JSON.parse(text));
        const bytes = Buffer.from(text);
        expect([hasMoreValues(bytes, count), count === 0 || hasMoreValues(bytes, count - 1)]).toEqual([false, true]);
      }),
      { seed: 3, numRuns: 1_000 },
    );
  });

  it.each(["", '"', '"\\"', '{"a', "\\\\"])("reads %j without an end", (text) => {
    expect(hasMoreValues(Buffer.from(text), 10)).toBe(false);
  });
});
