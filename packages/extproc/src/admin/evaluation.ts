import type { Route } from "../routing/index.ts";

/** A route in vSR's words, for the management API. Pure; it repeats the prompt only to the caller who sent it. */

/** evaluationBody is the answer of POST /api/v1/eval. */
export function evaluationBody(route: Route): object {
  const { trace, target, selection } = route;
  return {
    original_text: route.request.userText,
    recipe: "default",
    decision_result: decisionResult(route),
    eval_trace: trace.decisions.map(({ name, priority, tier, matched, confidence, verdict }) => ({
      decision: name,
      priority,
      tier,
      matched,
      confidence,
      rules: verdict,
    })),
    recommended_models: [target.name],
    selected_model: target.name,
    selection_method: selection?.algorithm ?? "default",
    routing_decision: route.decision?.name ?? "",
    warnings: route.warnings,
    metrics: Object.fromEntries(
      trace.signals.map(({ type, durationMs, matches }) => [
        type,
        { execution_time_ms: durationMs, confidence: Math.max(0, ...matches.map(({ confidence }) => confidence)) },
      ]),
    ),
    signal_confidences: bySignal(route, ({ matches }) => matches.map(({ rule, confidence }) => [rule, confidence])),
    signal_values: bySignal(route, ({ scores }) => scores.map(({ rule, score }) => [rule, score])),
    signal_tiers: Object.fromEntries(trace.signals.flatMap(({ type, cascade }) => (cascade === null ? [] : [[type, cascade]]))),
    signal_errors: Object.fromEntries(
      trace.signals.flatMap(({ type, error }) => (error === null ? [] : [[type, { code: error.code, message: error.message }]])),
    ),
  };
}

/** intentBody is the answer of POST /api/v1/classify/intent. */
export function intentBody(route: Route): object {
  const domain = route.trace.signals.find(({ type }) => type === "domain");
  const best = domain?.matches[0];
  return {
    classification: { category: best?.rule ?? "", confidence: best?.confidence ?? 0, processing_time_ms: domain?.durationMs ?? 0 },
    recommended_model: route.target.name,
    routing_decision: route.decision?.name ?? "",
    matched_signals: matchedSignals(route),
    decision_result: decisionResult(route),
  };
}

function decisionResult(route: Route): object {
  const { decision } = route;
  return {
    decision_name: decision?.name ?? "",
    confidence: decision?.confidence ?? 0,
    priority: decision?.priority ?? 0,
    matched_signals: matchedSignals(route),
  };
}

function matchedSignals({ trace }: Route): object {
  return Object.fromEntries(
    trace.signals.filter(({ matches }) => matches.length > 0).map(({ type, matches }) => [type, matches.map(({ rule }) => rule)]),
  );
}

/** bySignal flattens to vSR's keys, "type:rule". */
function bySignal(route: Route, entries: (signal: Route["trace"]["signals"][number]) => (readonly [string, number])[]): object {
  return Object.fromEntries(
    route.trace.signals.flatMap((signal) => entries(signal).map(([rule, value]) => [`${signal.type}:${rule}`, value])),
  );
}
