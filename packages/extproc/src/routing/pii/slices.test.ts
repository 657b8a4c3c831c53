import { describe, expect, it } from "vitest";
import { slicesOf } from "./slices.ts";

describe("slicesOf", () => {
  it.each(["x ", "word. ", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx\n", "漢"])(
    "loses nothing that stands across a border, in a text of %j",
    (filler) => {
      const value = "4111 1111 1111 1111";
      const padding = filler.repeat(Math.ceil(70_000 / filler.length));
      for (let place = 32_000; place < 33_500; place += 3) {
        const text = `${padding.slice(0, place)} ${value} ${padding.slice(place)}`;
        expect([...slicesOf(text)].some((slice) => slice.includes(value))).toBe(true);
      }
    },
  );

  it.each(["", "short", "x".repeat(32 * 1024), "x".repeat(100_000)])("comes to the end of a text, spaces or none", (text) => {
    const slices = [...slicesOf(text)];
    expect(text.startsWith(slices[0] ?? "?")).toBe(true);
    expect(text.endsWith(slices.at(-1) ?? "?")).toBe(true);
    expect(slices.length).toBeLessThan(2 + text.length / 16_384);
  });
});
