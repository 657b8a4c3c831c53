import { describe, expect, it } from "vitest";
import { substitute } from "./substitution.ts";

const env: Record<string, string> = Object.assign(Object.create({ INHERITED: "x" }), { HOST: "db", EMPTY: "", NESTED: "${HOST}" });

describe("substitute", () => {
  it.each([
    ["no reference", "no reference"],
    ["${HOST}", "db"],
    ["${HOST}:${HOST}", "db:db"],
    ["${PORT:-80}", "80"],
    ["${HOST:-other}", "db"],
    ["${EMPTY}", ""],
    ["${EMPTY:-fallback}", "fallback"],
    ["${PORT:-}", ""],
    ["$${HOST}", "${HOST}"],
    ["$$${HOST}", "$${HOST}"],
    ["$HOST", "$HOST"],
    ["${not a name}", "${not a name}"],
    ["^a{2}$", "^a{2}$"],
  ])("reads %s as %s", (text, expected) => {
    expect(substitute(text, env)).toMatchObject({ text: expected, missing: [] });
  });

  it("does not substitute what a variable contains", () => {
    expect(substitute("${NESTED}", env).text).toBe("${HOST}");
  });

  it("names variables that have neither value nor default", () => {
    expect(substitute("${A} ${B:-b} ${C}", env).missing).toEqual(["A", "C"]);
  });

  it("reads the environment's own variables only", () => {
    expect(substitute("${INHERITED}${toString}", env).missing).toEqual(["INHERITED", "toString"]);
  });
});
