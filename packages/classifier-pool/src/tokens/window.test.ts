import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { TextWindow } from "@turnout/shared";
import { excerpt } from "./window.ts";

const head: TextWindow = { maxTokens: 16, sampling: "head" };
const thirds: TextWindow = { maxTokens: 16, sampling: "head_middle_tail" };

describe("excerpt", () => {
  it.each([head, thirds])("leaves a text that fits untouched ($sampling)", (window) => {
    expect(excerpt("a short text", window)).toEqual({ parts: ["a short text"], cut: false });
    expect(excerpt("", window)).toEqual({ parts: [""], cut: false });
  });

  it("keeps the beginning of a long text", () => {
    const text = "first ".repeat(10_000);
    const { parts, cut } = excerpt(text, head);
    expect(cut).toBe(true);
    expect(parts).toHaveLength(1);
    expect(text.startsWith(parts[0])).toBe(true);
  });

  it("keeps beginning, middle and end, each from the start of a word", () => {
    const text = `${"alpha ".repeat(1000)}${"middle ".repeat(1000)}${"omega ".repeat(1000)}`;
    const { parts, cut } = excerpt(text, thirds);
    expect(cut).toBe(true);
    expect(parts[0]).toMatch(/^alpha alpha/);
    expect(parts[1]).toMatch(/^middle middle/);
    expect(parts[2]).toMatch(/^omega .*omega $/);
  });

  it("does no more work for a megabyte than for a few kilobytes", () => {
    for (const text of ["x".repeat(1 << 20), "\u{1f600}".repeat(1 << 19), "a b ".repeat(1 << 18)]) {
      const { parts } = excerpt(text, { maxTokens: 128, sampling: "head_middle_tail" });
      expect(parts.join("").length).toBeLessThan(2_000);
    }
  });

  it("cuts no surrogate pair in two and invents no text", () => {
    fc.assert(
      fc.property(
        fc.string({ unit: "grapheme", minLength: 40, maxLength: 400 }),
        fc.integer({ min: 2, max: 12 }),
        fc.constantFrom("head", "head_middle_tail"),
        (text, maxTokens, sampling) => {
          for (const part of excerpt(text, { maxTokens, sampling }).parts) {
            expect(part.isWellFormed()).toBe(true);
            expect(text.includes(part)).toBe(true);
          }
        },
      ),
      { seed: 7 },
    );
  });
});
