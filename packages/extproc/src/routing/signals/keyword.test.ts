import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { keyword } from "./keyword.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";

const settings = signalSettings();

async function matches(rule: object, text: string): Promise<boolean> {
  const evaluator = keyword.create([keyword.rule.parse({ name: "rule", operator: "OR", ...rule })], settings);
  const evaluation = await evaluator.evaluate(promptRequest(text), signalContext());
  return evaluation.matches.length > 0;
}

describe("keyword literals", () => {
  it.each([
    [["frost"], "Will there be frost?", true],
    [["frost"], "FROST tonight", true],
    [["frost"], "defrosted", false],
    [["frost"], "frosty", false],
    [["frost"], "frost_free", false],
    [["late frost"], "a late frost came", true],
    [["a.b"], "axb", false],
    [["a.b"], "see a.b", true],
    [["c++"], "I write c++ code", true],
    [["c++"], "abc++", false],
    [["über"], "das ist über alles", true],
    [["über"], "darüber", false],
    [["срочно"], "ответь срочно!", true],
    [["срочно"], "несрочно", false],
    [["紧急"], "这很紧急吗", true],
    [["急ぎ"], "お急ぎですか", true],
    [["ด่วน"], "งานด่วนมาก", true],
    [["?!"], "what?!", true],
    [["$5 (each)"], "it is $5 (each)", true],
    [["step-by-step"], "go step-by-step", true],
    [["step-by-step"], "go step by step", false],
    [["a/b", "[x]", "{y}", "z\\", "^|"], "either a/b or nothing", true],
  ])("%j in %j: %s", async (keywords, text, expected) => {
    expect(await matches({ keywords }, text)).toBe(expected);
  });

  it("keeps case when case_sensitive", async () => {
    expect(await matches({ keywords: ["IT"], case_sensitive: true }, "is it raining")).toBe(false);
    expect(await matches({ keywords: ["IT"], case_sensitive: true }, "our IT people")).toBe(true);
  });
});

describe("keyword operators", () => {
  it.each([
    ["OR", "red", true],
    ["OR", "none of them", false],
    ["AND", "red and blue", true],
    ["AND", "red alone", false],
    ["NOR", "green", true],
    ["NOR", "blue", false],
  ])("%s on %j: %s", async (operator, text, expected) => {
    expect(await matches({ operator, keywords: ["red", "blue"] }, text)).toBe(expected);
    expect(await matches({ operator, keywords: ["re[d]", "b.ue"], method: "regex" }, text)).toBe(expected);
  });

  it("emits every rule that matches, in the order of the configuration", async () => {
    const rules = ["b", "a", "c"].map((name) =>
      keyword.rule.parse({ name, operator: "OR", keywords: [name === "c" ? "nothing" : "tree"] }),
    );
    const { matches } = await keyword.create(rules, settings).evaluate(promptRequest("a tree"), signalContext());
    expect(matches).toEqual([
      { rule: "b", confidence: 1 },
      { rule: "a", confidence: 1 },
    ]);
  });
});

describe("keyword patterns", () => {
  it("reads them as RE2, anywhere in the text, ignoring case unless told otherwise", async () => {
    expect(await matches({ method: "regex", keywords: [String.raw`[a-z.]+@[a-z.]+\.[a-z]{2,}`] }, "write to Ann.Lee@Example.org")).toBe(
      true,
    );
    expect(await matches({ method: "regex", keywords: ["^ORD-\\d+$"], case_sensitive: true }, "ord-12")).toBe(false);
  });

  it("stays linear on a pattern that backtracking engines explode on", async () => {
    expect(await matches({ method: "regex", keywords: ["(a+)+$"] }, `${"a".repeat(20_000)}b`)).toBe(false);
  });
});

describe("keyword schema", () => {
  const problems = (rule: object) => keyword.rule.safeParse({ name: "r", operator: "OR", keywords: ["x"], ...rule }).error?.issues ?? [];

  it.each([
    [{ method: "bm25" }, ["method"], 'keyword method "bm25" is not implemented yet'],
    [{ method: "ngram" }, ["method"], "not implemented yet"],
    [{ method: "fuzzy" }, ["method"], "not implemented yet"],
    [{ method: "glob" }, ["method"], 'unknown keyword method "glob"'],
    [{ fuzzy_match: true }, ["fuzzy_match"], "not implemented yet"],
    [{ method: "regex", keywords: ["ok", "(broken"] }, ["keywords", 1], "not an RE2 pattern"],
    [{ method: "regex", keywords: ["(?<=a)b"] }, ["keywords", 0], "not an RE2 pattern"],
    [{ keywords: ["x".repeat(100_000)] }, ["keywords"], "too long"],
    [{ operator: "or" }, ["operator"], "AND"],
    [{ keywords: [] }, ["keywords"], ""],
  ])("refuses %j", (rule, path, message) => {
    const [issue] = problems(rule);
    expect(issue?.path).toEqual(path);
    expect(issue?.message).toContain(message);
  });

  it("accepts fuzzy_match: false and method: regex", () => {
    expect(problems({ fuzzy_match: false, method: "regex" })).toEqual([]);
  });
});
