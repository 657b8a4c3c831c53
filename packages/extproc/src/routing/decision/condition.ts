/**
 * Conditions are the rule trees of decisions: leaves name a signal's rule, nodes combine with AND, OR, NOT. Evaluation follows
 * vSR's arithmetic to the letter, odd corners included, because routing of existing configurations depends on it. Pure.
 */
import { z } from "zod";
import { signals } from "../signals/index.ts";

const bounds = z
  .strictObject({ gt: z.number().optional(), gte: z.number().optional(), lt: z.number().optional(), lte: z.number().optional() })
  .refine((bounds) => Object.values(bounds).some((bound) => bound !== undefined), "a predicate needs gt, gte, lt or lte");

/** ConditionConfig is a condition as written: a leaf (`type`, `name`) or a node (`operator`, `conditions`). */
export interface ConditionConfig {
  readonly type?: string | undefined;
  readonly name?: string | undefined;
  readonly predicate?: z.output<typeof bounds> | undefined;
  readonly on_error?: "match" | "no_match" | undefined;
  readonly operator?: string | undefined;
  readonly conditions?: readonly ConditionConfig[] | undefined;
}

/** conditionSchema is one object for leaf and node alike, so that a mistake is reported at its own key and not as "no union member fits". */
export const conditionSchema: z.ZodType<ConditionConfig> = z
  .strictObject({
    type: z
      .enum(signals.map((signal) => signal.type))
      .optional()
      .describe("Leaf: a signal type."),
    name: z.string().min(1).optional().describe("Leaf: the name of one of its rules."),
    predicate: bounds.optional().describe("Leaf: compare the rule's raw score instead of asking whether it matched."),
    on_error: z
      .enum(["match", "no_match"])
      .optional()
      .describe("Leaf with a predicate: what a signal that could not be evaluated counts as."),
    operator: z.string().optional().describe("Node: AND, OR or NOT (of exactly one); anything else counts as OR, as in vSR."),
    get conditions() {
      return z.array(conditionSchema).optional().describe("Node: the conditions it combines.");
    },
  })
  .superRefine((condition, issues) => {
    const refuse = (path: string, message: string) => issues.addIssue({ code: "custom", path: [path], message });
    const isNode = condition.operator !== undefined || condition.conditions !== undefined;
    if (isNode && condition.type !== undefined)
      refuse("type", "a condition is either a leaf (type, name) or a node (operator, conditions)");
    if (condition.type !== undefined && condition.name === undefined) refuse("name", "a condition with a type needs the name of a rule");
    if (condition.name !== undefined && condition.type === undefined) refuse("type", "a condition with a name needs the type of a signal");
    if (operatorOf(condition) === "NOT" && condition.conditions?.length !== 1) refuse("conditions", "NOT takes exactly one condition");
  });

/** Condition is the compiled tree. */
export type Condition =
  | { readonly kind: "always" }
  | {
      readonly kind: "signal";
      readonly type: string;
      readonly name: string;
      readonly predicate: z.output<typeof bounds> | null;
      readonly matchOnError: boolean;
    }
  | { readonly kind: "AND" | "OR" | "NOT"; readonly conditions: readonly Condition[] };

/** operatorOf reads an operator as vSR does: upper-cased, and OR when empty or unknown. */
function operatorOf({ operator }: ConditionConfig): "AND" | "OR" | "NOT" {
  const upper = operator?.toUpperCase();
  return upper === "AND" || upper === "NOT" ? upper : "OR";
}

/** compileCondition turns what is written into a tree; no rules at all is a match of confidence 0. */
export function compileCondition(config: ConditionConfig | undefined): Condition {
  if (config === undefined) return { kind: "always" };
  const { type, name, predicate, on_error, operator, conditions } = config;
  if (type !== undefined && name !== undefined) {
    return { kind: "signal", type, name, predicate: predicate ?? null, matchOnError: on_error === "match" };
  }
  if (operator === undefined && conditions === undefined) return { kind: "always" };
  return { kind: operatorOf(config), conditions: (conditions ?? []).map(compileCondition) };
}

/** signalTypes that a condition asks for. */
export function signalTypes(condition: Condition): readonly string[] {
  switch (condition.kind) {
    case "always":
      return [];
    case "signal":
      return [condition.type];
    default:
      return condition.conditions.flatMap(signalTypes);
  }
}

/** SignalFacts is what conditions may ask of evaluated signals. */
export interface SignalFacts {
  /** Confidence of a matched rule, or undefined when it did not match. */
  confidence(type: string, rule: string): number | undefined;
  /** Raw score of a rule, matched or not, where the signal has one. */
  value(type: string, rule: string): number | undefined;
  failed(type: string): boolean;
}

/** Verdict is what became of one condition, with its parts, for people to read. */
export interface Verdict {
  readonly matched: boolean;
  readonly confidence: number;
  /** "domain:math" for a leaf, the operator for a node. */
  readonly label: string;
  readonly parts: readonly Verdict[];
}

/** evaluateCondition judges a tree. */
export function evaluateCondition(condition: Condition, facts: SignalFacts): Verdict {
  if (condition.kind === "always") return { matched: true, confidence: 0, label: "always", parts: [] };
  if (condition.kind === "signal") return evaluateLeaf(condition, facts);
  const parts = condition.conditions.map((part) => evaluateCondition(part, facts));
  return { ...combine(condition.kind, parts), label: condition.kind, parts };
}

function combine(kind: "AND" | "OR" | "NOT", parts: readonly Verdict[]): { matched: boolean; confidence: number } {
  switch (kind) {
    case "AND": {
      if (!parts.every((part) => part.matched)) return { matched: false, confidence: 0 };
      const sum = parts.reduce((sum, part) => sum + part.confidence, 0);
      return { matched: true, confidence: parts.length === 0 ? 0 : sum / parts.length };
    }
    case "OR": {
      const matched = parts.filter((part) => part.matched);
      return { matched: matched.length > 0, confidence: matched.reduce((best, part) => Math.max(best, part.confidence), 0) };
    }
    case "NOT": {
      const matched = parts.length === 1 && parts[0]?.matched === false;
      return { matched, confidence: matched ? 1 : 0 };
    }
  }
}

function evaluateLeaf(leaf: Extract<Condition, { kind: "signal" }>, facts: SignalFacts): Verdict {
  const { type, name, predicate } = leaf;
  const confidence = facts.confidence(type, name);
  const verdict = (matched: boolean, confidence: number): Verdict => ({ matched, confidence, label: `${type}:${name}`, parts: [] });
  if (predicate === null) return confidence === undefined ? verdict(false, 0) : verdict(true, confidence);
  const value = facts.value(type, name) ?? confidence;
  const matched = value === undefined ? leaf.matchOnError && facts.failed(type) : within(value, predicate);
  return verdict(matched, matched ? 1 : 0);
}

function within(value: number, { gt, gte, lt, lte }: z.output<typeof bounds>): boolean {
  return value > (gt ?? -Infinity) && value >= (gte ?? -Infinity) && value < (lt ?? Infinity) && value <= (lte ?? Infinity);
}
