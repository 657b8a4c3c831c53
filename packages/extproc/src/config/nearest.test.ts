import { describe, expect, it } from "vitest";
import { nearest } from "./nearest.ts";

const known = ["keywords", "domains", "response_cache", "envoy", "and"];

describe("nearest", () => {
  it.each([
    ["keyword", "keywords"],
    ["Domains", "domains"],
    ["response-cache", "response_cache"],
    ["envoi", "envoy"],
    ["adn", null],
    ["unrelated", null],
    ["", null],
  ])("suggests for %s: %s", (word, expected) => {
    expect(nearest(word, known)).toBe(expected);
  });
});
