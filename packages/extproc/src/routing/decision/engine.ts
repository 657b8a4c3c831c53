/** The decision engine: every decision's condition is judged, and of those that hold the strategy takes one. Pure. */
import type { DecisionConfig } from "../schema.ts";
import { compileCondition, evaluateCondition, signalTypes, type SignalFacts, type Verdict } from "./condition.ts";
import { best } from "./strategy.ts";

/** JudgedDecision is one decision and what became of its condition. */
export interface JudgedDecision {
  readonly name: string;
  readonly priority: number;
  readonly tier: number;
  readonly matched: boolean;
  readonly confidence: number;
  readonly verdict: Verdict;
}

/** Judgement is the outcome over all decisions: the chosen one, or null. */
export interface Judgement {
  readonly chosen: JudgedDecision | null;
  readonly candidates: readonly JudgedDecision[];
}

/** DecisionEngine judges facts. */
export interface DecisionEngine {
  /** Signal types that some condition asks for; no other needs to be evaluated. */
  readonly usedSignals: ReadonlySet<string>;
  judge(facts: SignalFacts): Judgement;
}

/** createDecisionEngine compiles the decisions once. */
export function createDecisionEngine(decisions: readonly DecisionConfig[], strategy: "priority" | "confidence"): DecisionEngine {
  const compiled = decisions.map((decision) => ({ decision, condition: compileCondition(decision.rules) }));
  return {
    usedSignals: new Set(compiled.flatMap(({ condition }) => signalTypes(condition))),
    judge(facts) {
      const candidates = compiled.map(({ decision: { name, priority, tier }, condition }): JudgedDecision => {
        const verdict = evaluateCondition(condition, facts);
        return { name, priority, tier, matched: verdict.matched, confidence: verdict.confidence, verdict };
      });
      return {
        chosen: best(
          candidates.filter(({ matched }) => matched),
          strategy,
        ),
        candidates,
      };
    },
  };
}
