import type { CascadeStep } from "@turnout/shared";
import type { Route } from "../routing/index.ts";

/** renderRoute tells a route as text for people, from signals to effects, with milliseconds. Pure. */
export function renderRoute(route: Route): string {
  const { trace, decision, selection, target } = route;
  const { signalsMs, decisionMs, selectionMs, pluginsMs } = trace.timings;
  return [
    `signals (${ms(signalsMs)})`,
    ...trace.signals.flatMap(signalLines),
    `decision (${ms(decisionMs)})`,
    ...trace.decisions
      .filter(({ matched }) => matched)
      .map(
        (judged) =>
          `  ${judged.name === decision?.name ? "→" : " "} ${judged.name}  priority ${judged.priority}, confidence ${judged.confidence.toFixed(4)}  ${verdictText(judged.verdict)}`,
      ),
    ...(decision === null ? ["  → none matched: the default model"] : []),
    `model (${ms(selectionMs)})`,
    `  → ${target.name}${target.name === target.model ? "" : ` on ${target.model}`}  ${selection === null ? "default_model" : `${selection.algorithm}: ${selection.why}`}`,
    ...(target.reasoning === null ? [] : [`    reasoning ${target.reasoning.enabled ? `on, effort ${target.reasoning.effort}` : "off"}`]),
    `plugins (${ms(pluginsMs)})`,
    ...trace.plugins.map(
      ({ type, effects, error }) =>
        `    ${type}: ${error === null ? effects.map(({ kind }) => kind).join(", ") || "nothing to do" : error.message}`,
    ),
    ...(route.warnings.length === 0 ? [] : [`warnings: ${route.warnings.join(", ")}`]),
    "",
  ].join("\n");
}

const ms = (value: number) => `${value.toFixed(value < 10 ? 2 : 1)} ms`;

/** How many scores of one signal are worth reading. */
const SHOWN_SCORES = 5;

function signalLines({ type, matches, scores, sampled, cascade, error, durationMs }: Route["trace"]["signals"][number]): string[] {
  const head = `  ${type} (${ms(durationMs)})${sampled ? ", text sampled" : ""}${cascade === null ? "" : cascadeText(cascade)}`;
  const failure = error === null ? [] : [`    ${error.code}: ${error.message}`];
  if (error !== null && matches.length === 0) return [`${head}: not evaluated`, ...failure];
  const matched = matches.map(({ rule, confidence }) => `    ✓ ${rule}  confidence ${confidence.toFixed(4)}`);
  const best = scores.toSorted((a, b) => b.score - a.score).slice(0, SHOWN_SCORES);
  return [
    head,
    ...failure,
    ...(matched.length === 0 ? ["    no match"] : matched),
    ...best.map(({ rule, score }) => `      ${score.toFixed(3)}  ${rule}`),
  ];
}

/** cascadeText says who answered. */
function cascadeText(cascade: CascadeStep): string {
  if (cascade.tier === "embedded") return ", embedded tier";
  return `, embedded tier and encoder ${cascade.agreed ? "agree" : "differ"}`;
}

function verdictText({ label, matched, parts }: Route["trace"]["decisions"][number]["verdict"]): string {
  const mark = matched ? "✓" : "✗";
  return parts.length === 0 ? `${mark} ${label}` : `${mark} ${label}(${parts.map(verdictText).join(", ")})`;
}
