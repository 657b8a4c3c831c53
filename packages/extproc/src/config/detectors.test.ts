import { describe, expect, it } from "vitest";
import { ConfigError } from "./config-error.ts";
import { parseConfig } from "./load.ts";

const parse = (modules: string, signals: string) =>
  parseConfig(
    `version: v0.3
providers: {defaults: {default_model: base}, models: [{name: base}]}
routing: {signals: {${signals}}}
global: {model_catalog: {modules: {${modules}}}}
`,
    { file: "c.yaml", env: {} },
  ).document.routing.signals;

function problemOf(modules: string, signals: string) {
  try {
    parse(modules, signals);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems[0];
  }
  return undefined;
}

describe("modules that say for all rules of a signal how they are detected", () => {
  it("reach the rules", () => {
    const modules =
      "modality_detector: {method: keyword, keywords: [woodcut], both_keywords: [picture book], confidence_threshold: 0.6}, " +
      "feedback_detector: {threshold: 0.7}, hallucination_mitigation: {fact_check: {threshold: 0.65}}";
    const signals = parse(
      modules,
      "modality: [{name: AR}, {name: BOTH}], user_feedbacks: [{name: satisfied}], fact_check: [{name: needs_fact_check}]",
    );
    const detector = { method: "keyword", keywords: ["woodcut"], both_keywords: ["picture book"], threshold: 0.6 };
    expect(signals.modality).toEqual([
      { name: "AR", ...detector },
      { name: "BOTH", ...detector },
    ]);
    expect(signals.user_feedbacks).toEqual([{ name: "satisfied", threshold: 0.7 }]);
    expect(signals.fact_check).toEqual([{ name: "needs_fact_check", threshold: 0.65 }]);
  });

  it("give way to a rule's own word", () => {
    const { user_feedbacks: rules } = parse("feedback_detector: {threshold: 0.7}", "user_feedbacks: [{name: satisfied, threshold: 0.2}]");
    expect(rules).toEqual([{ name: "satisfied", threshold: 0.2 }]);
  });

  it.each(["feedback_detector: {threshold: 0}", "feedback_detector: {threshold: null}", "feedback_detector: {}", ""])(
    "say nothing by {%s}",
    (modules) => {
      expect(parse(modules, "user_feedbacks: [{name: satisfied}]").user_feedbacks).toEqual([{ name: "satisfied" }]);
    },
  );

  it.each<[modules: string, signals: string, expected: object]>([
    ["modality_detector: {method: fuzzy}", "modality: [{name: AR}]", { line: 4, path: "routing.signals.modality[0].method" }],
    ["feedback_detector: {threshold: 7}", "user_feedbacks: [{name: satisfied}]", { line: 4 }],
    ['modality_detector: {keywords: [a, ""]}', "modality: [{name: AR}]", { line: 4, path: "routing.signals.modality[0].keywords[1]" }],
    ["modality_detector: {method: keyword}", "modality: [{name: AR}]", { path: "routing.signals.modality[0].keywords" }],
  ])("are judged like a rule's own words: {%s}", (modules, signals, expected) => {
    expect(problemOf(modules, signals)).toMatchObject(expected);
  });
});

describe("rules with fixed names", () => {
  it.each<[signals: string, path: string, nearest: string]>([
    ["fact_check: [{name: need_fact_check}]", "routing.signals.fact_check[0].name", "needs_fact_check"],
    ["user_feedbacks: [{name: wrong_answers}]", "routing.signals.user_feedbacks[0].name", "wrong_answer"],
    ["modality: [{name: DIFUSION}]", "routing.signals.modality[0].name", "DIFFUSION"],
    ["modality: [{name: AR, keyword: [a]}]", "routing.signals.modality[0].keyword", "keywords"],
  ])("refuse another: {%s}", (signals, path, nearest) => {
    expect(problemOf("", signals)).toMatchObject({ path, nearest });
  });
});
