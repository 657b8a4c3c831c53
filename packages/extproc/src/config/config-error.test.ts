import { describe, expect, it } from "vitest";
import { ConfigError, ProblemReport, renderProblem, SourceText, type ConfigProblem } from "./config-error.ts";

const text = "routing:\n\tsignals:\r\n    keyword: []\n  api_key: sk-abcdef\n  other_key: ${KEY}";

function spanOf(word: string) {
  const start = text.indexOf(word);
  return { start, end: start + word.length };
}

function problemAt(word: string, rest: Partial<Pick<ConfigProblem, "kind">> = {}): ConfigProblem {
  const report = new ProblemReport(new SourceText("c.yaml", text));
  report.add({ kind: rest.kind ?? "invalid", path: ["a"], span: spanOf(word), found: "x", expected: "y" });
  const [problem] = report.problems;
  if (problem === undefined) throw new Error("nothing was reported");
  return problem;
}

describe("renderProblem", () => {
  it("shows place, judgement, advice, the line and a caret under the word", () => {
    const report = new ProblemReport(new SourceText("c.yaml", text));
    report.add({
      path: ["routing", "list", 3, "computer science"],
      span: spanOf("keyword"),
      found: 'the unknown key "keyword"',
      expected: "keywords, domains",
      nearest: "keywords",
      advice: "Rename it.",
    });
    expect(report.problems.map(renderProblem)).toEqual([
      [
        'c.yaml:3:5: routing.list[3]["computer science"]',
        '  found the unknown key "keyword"; expected keywords, domains. Did you mean "keywords"? Rename it.',
        "  3 |     keyword: []",
        "    |     ^^^^^^^",
      ].join("\n"),
    ]);
  });

  it("keeps tabs, so that the caret stands under its word, and drops carriage returns", () => {
    expect(renderProblem(problemAt("signals")).split("\n").slice(2)).toEqual(["  2 | \tsignals:", "    | \t^^^^^^^"]);
  });

  it("does not print a literal secret, but does print a variable's name", () => {
    expect(renderProblem(problemAt("api_key"))).not.toContain("sk-abcdef");
    expect(renderProblem(problemAt("other_key"))).toContain("${KEY}");
  });

  it("underlines at most to the end of the line", () => {
    expect(problemAt("keyword: []\n  api_key")).toMatchObject({ line: 3, column: 5, width: 11 });
  });
});

describe("ProblemReport", () => {
  const report = new ProblemReport(new SourceText("c.yaml", text));
  report.add({ path: ["routing", "z", 0, "type"], scope: ["routing", "z", 0], span: spanOf("api_key"), found: "b", expected: null });
  report.add({ path: ["routing", "a"], span: spanOf("signals"), found: "a", expected: null });

  it("gives problems in the order of the file", () => {
    expect(report.problems.map(({ line }) => line)).toEqual([2, 4]);
  });

  it("answers for everything below what was reported", () => {
    expect(report.covers(["routing", "z", 0, "configuration", "x"])).toBe(true);
    expect(report.covers(["routing", "z", 1])).toBe(false);
    expect(report.covers(["routing"])).toBe(false);
    expect(report.coversAnyIn(["routing"])).toBe(true);
    expect(report.coversAnyIn(["routing", "z"])).toBe(true);
    expect(report.coversAnyIn([])).toBe(false);
  });
});

describe("ConfigError", () => {
  it("is config_unsupported only when nothing is simply wrong", () => {
    const unsupported = problemAt("signals", { kind: "unsupported" });
    expect(new ConfigError([unsupported]).code).toBe("config_unsupported");
    expect(new ConfigError([unsupported, problemAt("signals")]).code).toBe("config_invalid");
  });

  it("shows fifty problems and counts the rest", () => {
    const { message } = new ConfigError(Array.from({ length: 60 }, () => problemAt("signals")));
    expect(message).toContain("c.yaml: 60 problems");
    expect(message).toContain("… and 10 more");
    expect(message.match(/found/g)).toHaveLength(50);
  });
});
