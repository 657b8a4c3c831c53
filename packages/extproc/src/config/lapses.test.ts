import { expect, it } from "vitest";
import { renderWarning } from "./config-warning.ts";
import { parseConfig } from "./load.ts";

const answer = `{ type: fast_response, configuration: { message: "No." } }`;

function warningsOf(rule: string, rules: string, plugin = answer, guard = ""): readonly string[] {
  const text = `version: v0.3
providers: { defaults: { default_model: base }, models: [{ name: base }] }
routing:
  signals:
    keywords: [{ name: k, operator: OR, keywords: [word] }]
    jailbreak:
      - { name: guard${rule} }
  decisions:
    - { name: block, rules: ${rules}, plugins: [${plugin}] }
${guard}`;
  return parseConfig(text, { file: "c.yaml", env: {} }).warnings.map(renderWarning);
}

const guard = "{ type: jailbreak, name: guard }";
const keyword = "{ type: keyword, name: k }";
const lapse =
  "c.yaml:7: routing.signals.jailbreak[0]: when this signal fails or is too late, requests pass that block would answer; on_error: match answers them instead";

it.each([
  ["a leaf", guard, [lapse]],
  ["a part of an AND", `{ operator: AND, conditions: [${keyword}, ${guard}] }`, [lapse]],
  ["under two NOTs", `{ operator: NOT, conditions: [{ operator: not, conditions: [${guard}] }] }`, [lapse]],
  ["a predicate", "{ type: jailbreak, name: guard, predicate: { gte: 0.5 } }", [lapse]],
  ["a predicate that holds on error", "{ type: jailbreak, name: guard, predicate: { gte: 0.5 }, on_error: match }", []],
  ["under a NOT, which answers when the signal fails", `{ operator: NOT, conditions: [${guard}] }`, []],
  ["another signal", keyword, []],
])("warns of a rule that lets requests pass when it fails: %s", (_, rules, expected) => {
  expect(warningsOf("", rules)).toEqual(expected);
});

it("has nothing to say where the rule matches on error, or the decision does not answer", () => {
  expect(warningsOf(", on_error: match", guard)).toEqual([]);
  expect(warningsOf("", guard, `{ type: fast_response, configuration: { enabled: false, message: "No." } }`)).toEqual([]);
  expect(warningsOf("", guard, `{ type: system_prompt, configuration: { system_prompt: "Be kind." } }`)).toEqual([]);
});

it.each([
  ["block", "", []],
  ["block", ", on_error: no_match", [lapse]],
  ["allow", "", [lapse]],
])("takes vSR's prompt_guard.on_error: %s for rules that say nothing themselves (%j)", (onError, rule, expected) => {
  const guarded = `global: { model_catalog: { modules: { prompt_guard: { on_error: ${onError} } } } }\n`;
  expect(warningsOf(rule, guard, answer, guarded).filter((warning) => !warning.includes("model_catalog"))).toEqual(expected);
});
