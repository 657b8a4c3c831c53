import { fastResponse } from "../routing/plugins/fast-response.ts";
import { signals } from "../routing/signals/index.ts";
import type { ConditionConfig } from "../routing/decision/condition.ts";
import type { SourceText } from "./config-error.ts";
import { warningAt, type ConfigWarning } from "./config-warning.ts";
import { at, type LocatedMap } from "./located.ts";
import type { ConfigDocument } from "./schema.ts";

/**
 * A decision that answers by itself (fast_response) on a safety signal lets a request through when that signal fails, unless the
 * signal's rule says `on_error: match`. Both may be wanted; which one is in force is said at start.
 */

/** SafetyRule is a rule of a signal that has an on_error. */
interface SafetyRule {
  readonly name: string;
  readonly on_error?: string;
}

/** warnLapses gives one warning for each rule that blocking decisions rely on and that counts as "no match" when it fails. */
export function warnLapses(root: LocatedMap, { routing }: ConfigDocument, source: SourceText): readonly ConfigWarning[] {
  const blocking = routing.decisions
    .filter(({ plugins }) => plugins.some(({ type, configuration }) => type === fastResponse.type && configuration.enabled))
    .map(({ name, rules }) => ({ name, leaves: leavesOf(rules) }));
  return signals.flatMap(({ type, configKey }) =>
    (routing.signals[configKey] as readonly SafetyRule[]).flatMap((rule, index) => {
      if (rule.on_error !== "no_match") return [];
      const users = blocking
        .filter(({ leaves }) => leaves.some((leaf) => leaf.type === type && leaf.name === rule.name))
        .map(({ name }) => name);
      const node = at(root, "routing", "signals", configKey, index);
      if (users.length === 0 || node === undefined) return [];
      const message = `when this signal fails or is too late, requests pass that ${users.join(", ")} would answer; on_error: match answers them instead`;
      return [warningAt(source, node, message)];
    }),
  );
}

/** leavesOf are the conditions that a failure turns from "holds" to "does not hold": those under an odd number of NOTs turn the other way. */
function leavesOf(condition: ConditionConfig | undefined, negated = false): readonly ConditionConfig[] {
  if (condition === undefined) return [];
  const { type, operator, conditions = [], predicate, on_error } = condition;
  if (type !== undefined) return negated || (predicate !== undefined && on_error === "match") ? [] : [condition];
  return conditions.flatMap((part) => leavesOf(part, negated !== (operator?.toUpperCase() === "NOT")));
}
