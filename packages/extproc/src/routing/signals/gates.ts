/**
 * Gates: conditions on other signals that rules stand under (vSR's `composer`), and the names that rules match as. All signals are
 * evaluated at once, so a gate is judged when their results are known; where it does not hold, its rule has neither matched nor scored.
 * Pure.
 */
import type { SignalDefinition } from "@turnout/shared";
import { compileCondition, evaluateCondition, type Condition, type ConditionConfig, type SignalFacts } from "../decision/condition.ts";

/** Gate is the condition of one rule. */
export interface Gate {
  /** What the rule matches as. */
  readonly names: ReadonlySet<string>;
  readonly condition: Condition;
}

/** matchNames are what a rule matches as, and what conditions refer to: the rule itself, or each of its outcomes. */
export function matchNames({ outcomes }: Pick<SignalDefinition, "outcomes">, rule: string): readonly string[] {
  return outcomes === undefined ? [rule] : outcomes.map((outcome) => `${rule}:${outcome}`);
}

/** gatesOf the rules that have one. */
export function gatesOf(definition: SignalDefinition, rules: readonly { readonly name: string }[]): readonly Gate[] {
  const { gate } = definition;
  if (gate === undefined) return [];
  return rules.flatMap((rule) => {
    const condition = (rule as { readonly [key: string]: unknown })[gate] as ConditionConfig | undefined;
    return condition === undefined ? [] : [{ names: new Set(matchNames(definition, rule.name)), condition: compileCondition(condition) }];
  });
}

/** throughGates leaves what rules say whose gates are open. */
export function throughGates<Rule extends { readonly rule: string }>(
  said: readonly Rule[],
  gates: readonly Gate[],
  facts: SignalFacts,
): readonly Rule[] {
  const shut = gates.filter(({ condition }) => !evaluateCondition(condition, facts).matched);
  return shut.length === 0 ? said : said.filter(({ rule }) => !shut.some(({ names }) => names.has(rule)));
}
