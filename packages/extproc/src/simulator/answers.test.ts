import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { generate, tokensOf } from "./answers.ts";
import { createRandom, spread } from "./random.ts";

describe("tokensOf", () => {
  it("loses nothing", () => {
    fc.assert(fc.property(fc.string({ unit: "binary" }), (text) => tokensOf(text).join("") === text));
  });

  it.each([
    ["", 0],
    ["word", 1],
    ["two words", 2],
    ["Stop, please!", 4],
    ["  leading and trailing  ", 4],
    ["你好吗", 1],
  ])("counts %j as %i", (text, count) => {
    expect(tokensOf(text)).toHaveLength(count);
  });
});

describe("generate", () => {
  it("repeats the user's text in echo mode", () => {
    expect(generate("echo", "some text.", "m", 1, null)).toEqual({ tokens: ["some", " text", "."], finishReason: "stop" });
  });

  it.each([
    [1, ["some"], "length"],
    [3, ["some", " text", "."], "stop"],
  ])("stops at %i tokens", (limit, tokens, finishReason) => {
    expect(generate("echo", "some text.", "m", 1, limit)).toEqual({ tokens, finishReason });
  });

  it("gives the same random answer for the same seed, model and prompt, and others for others", () => {
    const answer = (prompt: string, model: string, seed: number) => generate("random", prompt, model, seed, null).tokens.join("");
    expect(answer("p", "m", 1)).toBe(answer("p", "m", 1));
    const others = new Set([answer("p", "m", 1), answer("q", "m", 1), answer("p", "n", 1), answer("p", "m", 2)]);
    expect(others.size).toBe(4);
    for (const text of others) expect(text).toMatch(/^[A-Z].*\.$/);
  });
});

describe("spread", () => {
  it("stays within 70 % of the mean, around it", () => {
    const random = createRandom(3);
    const drawn = Array.from({ length: 5000 }, () => spread(100, 40, random));
    expect(Math.min(...drawn)).toBeGreaterThanOrEqual(30);
    expect(Math.max(...drawn)).toBeLessThanOrEqual(170);
    const mean = drawn.reduce((sum, value) => sum + value, 0) / drawn.length;
    expect(mean).toBeGreaterThan(97);
    expect(mean).toBeLessThan(103);
    expect(spread(100, 0, random)).toBe(100);
  });
});
