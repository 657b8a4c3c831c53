import { describe, expect, it } from "vitest";
import { renderLine } from "./render.ts";

describe("renderLine", () => {
  it.each([
    ['{"scope":"pool","n":3,"ms":{"p50":1.5,"p99":null},"errors":{}}', "scope=pool  n=3  ms{p50=1.5 p99=null}  errors{}"],
    ["Debugger listening", "Debugger listening"],
    ["3", "3"],
  ])("prints %s as %s", (line, text) => {
    expect(renderLine(line)).toBe(text);
  });
});
