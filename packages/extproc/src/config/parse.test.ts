import { describe, expect, it } from "vitest";
import { ProblemReport, SourceText } from "./config-error.ts";
import { toPlain } from "./located.ts";
import { parseLimits, parseYaml } from "./parse.ts";

function parse(text: string, env: Record<string, string> = {}) {
  const source = new SourceText("c.yaml", text);
  const report = new ProblemReport(source);
  const root = parseYaml(source, env, report);
  return { value: root === null ? null : (JSON.parse(JSON.stringify(toPlain(root))) as unknown), problems: report.problems };
}

describe("parseYaml", () => {
  it("reads a bare document and one under a Helm config: key alike", () => {
    const expected = { version: "v0.3", listeners: [1, null] };
    expect(parse("version: v0.3\nlisteners: [1, ~]").value).toEqual(expected);
    expect(parse("replicaCount: 2\nconfig:\n  version: v0.3\n  listeners:\n    - 1\n    -\n").value).toEqual(expected);
  });

  it("refuses settings beside config:, which would silently not count", () => {
    const { problems } = parse("config:\n  version: v0.3\nturnout: {}\n");
    expect(problems).toMatchObject([{ line: 3, column: 1, found: '"turnout" beside "config"' }]);
  });

  it("lets a variable be text, never structure", () => {
    expect(parse("a: ${X}\nb: [${X:-one}]".replace("[${X:-one}]", '["${X}"]'), { X: "{c: 1}\nd: 2" }).value).toEqual({
      a: "{c: 1}\nd: 2",
      b: ["{c: 1}\nd: 2"],
    });
    expect(parse("a${X}: 1", { X: "y" }).value).toEqual({ "a${X}": 1 });
  });

  it("points at each missing variable", () => {
    expect(parse("a: ok\nb: x-${ONE}-${TWO}\n").problems).toMatchObject([
      { line: 2, column: 6, width: 6, path: "b", advice: "Set ONE or write ${ONE:-default}." },
      { line: 2, column: 13, width: 6, path: "b" },
    ]);
  });

  it("follows aliases and merges, own keys first", () => {
    const { value, problems } = parse(
      "base: &b {x: 1, y: 2}\nuse: {y: 3, <<: *b}\nmany: {<<: [*b, {z: 4}]}\nagain: *b\nlater: &b 5\nlast: *b\n",
    );
    expect(problems).toEqual([]);
    expect(value).toEqual({
      base: { x: 1, y: 2 },
      use: { y: 3, x: 1 },
      many: { x: 1, y: 2, z: 4 },
      again: { x: 1, y: 2 },
      later: 5,
      last: 5,
    });
  });

  it.each([
    ["a: 1\nb: 2\na: 3\n", 3, 1, '"a" a second time'],
    ["a:\n  __proto__: {polluted: 1}\n", 2, 3, 'the key "__proto__"'],
    ["a: {constructor: {prototype: {x: 1}}}\n", 1, 5, 'the key "constructor"'],
    ["a: &a\n  b: *a\n", 2, 3, "an anchor that contains itself"],
    ["a: *nowhere\n", 1, 4, "alias *nowhere"],
    ["a: 1\n---\nb: 1\n", 2, 1, "broken YAML (Source contains multiple documents)"],
    ["a: !!python/object x\n", 1, 4, "broken YAML (Unresolved tag: tag:yaml.org,2002:python/object)"],
    ["a: {b: ${C}}\n", 1, 9, "broken YAML (Unexpected flow-map-start at node end)"],
    ["a: {<<: 3}\n", 1, 9, "<< with something else than a map"],
    ["- a\n", 1, 1, "no map"],
    ["", 1, 1, "an empty file"],
    ["config: []\n", 1, 9, "no map under config:"],
  ])("refuses %j at %i:%i", (text, line, column, found) => {
    expect(parse(text).problems[0]).toMatchObject({ line, column, found });
  });

  it("does not touch Object.prototype", () => {
    parse("a: {__proto__: {polluted: 1}}\n");
    expect(Object.hasOwn(Object.prototype, "polluted")).toBe(false);
  });

  it("bounds alias expansion", () => {
    const levels = ["l0: &l0 [x, x, x, x, x, x, x, x, x, x]"];
    for (let level = 1; level < 10; level++) {
      levels.push(`l${level}: &l${level} [${Array.from({ length: 10 }, () => `*l${level - 1}`).join(", ")}]`);
    }
    const { problems } = parse(levels.join("\n"));
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ found: `more than ${parseLimits.values} values` });
  });

  it("bounds depth, whether the parser or we give up first", () => {
    expect(parse(`a: ${"[".repeat(100)}${"]".repeat(100)}`).problems[0]).toMatchObject({ found: `more than ${parseLimits.depth} levels` });
    expect(parse(`a: ${"[".repeat(300_000)}`).problems.length).toBeGreaterThan(0);
  });

  it("bounds size before parsing", () => {
    expect(parse(`a: ${"x".repeat(parseLimits.bytes)}`).problems).toMatchObject([{ expected: `at most ${parseLimits.bytes} bytes` }]);
  });

  it("bounds what variables add up to", () => {
    const { problems } = parse(`a: [${'"${X}", '.repeat(100)}]`, { X: "x".repeat(100_000) });
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ found: "too much text from environment variables" });
  });
});
