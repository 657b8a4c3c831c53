import type { SignalDefinition } from "@turnout/shared";
import { signals } from "../routing/signals/index.ts";
import { preference } from "../routing/signals/preference.ts";
import { surface } from "../routing/surface.ts";
import type { ProblemReport } from "./config-error.ts";
import { at, deepestAt, isEmpty, itemsOf, textOf, type Located, type LocatedMap } from "./located.ts";
import { knownAt, type JsonSchema } from "./json-schema.ts";

/**
 * What vLLM Semantic Router's v0.3 has and Turnout does not: refused by name, with what is supported instead, so that nobody
 * mistakes a missing feature for a spelling mistake or believes that it works. Implementing something means deleting its row
 * here, or adding it to a registry of `routing`. A block that asks for nothing (null, `[]`, `{}`) is taken out of the tree
 * instead.
 */

/** unsupportedKeys are keys by path; `*` stands for every item of a list. What signals, decisions and rules have is in routing/surface.ts. */
export const unsupportedKeys: readonly string[] = [
  "recipes",
  "entrypoints",
  "global.model_catalog.embeddings.semantic.endpoint",
  ...["milvus", "qdrant", "hybrid", "use_hnsw", "hnsw"].map((key) => `global.stores.response_cache.${key}`),
  "global.integrations.looper",
  "global.router.model_selection",
  "global.router.learning",
  "global.services.authz.fail_open",
  "global.services.authz.providers",
  "global.services.management_api.auth",
  "global.services.management_api.remote_exposure",
  "global.services.ratelimit",
  "global.services.startup_status",
  ...surface.routingKeys.unsupported.map((key) => `routing.${key}`),
  ...surface.signalKeys.unsupported.map((key) => `routing.signals.${key}`),
  ...surface.decisionKeys.unsupported.map((key) => `routing.decisions.*.${key}`),
  ...Object.entries(surface.ruleKeys).flatMap(([type, keys]) => keys.map((key) => `routing.signals.${configKeyOf(type)}.*.${key}`)),
];

/** unsupportedValues are values by path. */
export const unsupportedValues: Readonly<Record<string, readonly string[]>> = {
  "global.router.config_source": ["kubernetes"],
  "global.model_catalog.embeddings.semantic.embedding_config.backend": ["openai", "openai_compatible"],
  "global.stores.response_cache.backend_type": ["milvus", "qdrant", "hybrid"],
  "global.stores.response_cache.eviction_policy": ["lfu"],
  "providers.models.*.api_format": ["anthropic"],
  "routing.decisions.*.algorithm.type": surface.algorithmTypes.unsupported,
  "routing.decisions.*.plugins.*.type": surface.pluginTypes.unsupported,
};

/** refuseUnsupported reports everything in the file that is vSR's and not ours. It runs before the schema, whose complaints would be less clear. */
export function refuseUnsupported(root: LocatedMap, schema: JsonSchema, report: ProblemReport): void {
  for (const pattern of unsupportedKeys) {
    const steps = pattern.split(".");
    const key = steps.pop() ?? "";
    for (const map of matching(root, steps)) {
      const node = at(map, key);
      const supported = knownAt(schema, root, map.path).keys;
      if (node === undefined || map.kind !== "map" || supported.includes(key)) continue;
      if (isEmpty(node)) map.entries.delete(key);
      else refuse(root, node, `"${key}"`, supported, report);
    }
  }
  for (const [pattern, values] of Object.entries(unsupportedValues)) {
    const steps = pattern.split(".");
    for (const node of matching(root, steps)) {
      const value = textOf(node);
      // A wrong `type` decides what its whole block means, so one complaint answers for the block.
      const scope = steps.at(-1) === "type" ? node.path.slice(0, -1) : node.path;
      if (value !== undefined && values.includes(value))
        refuse(root, node, `"${value}"`, knownAt(schema, root, node.path).values, report, scope);
    }
  }
  for (const decision of itemsOf(at(root, "routing", "decisions"))) refuseConditions(root, at(decision, "rules"), report);
  refusePreferenceModel(root, report);
  for (const { configKey, gate } of signals as readonly SignalDefinition[]) {
    if (gate === undefined) continue;
    for (const rule of itemsOf(at(root, "routing", "signals", configKey))) refuseConditions(root, at(rule, gate), report);
  }
}

/** refusePreferenceModel: where vSR's file has a language model in this role, it is asked, and the rules are not compared. */
function refusePreferenceModel(root: LocatedMap, report: ProblemReport): void {
  if (isEmpty(at(root, "routing", "signals", preference.configKey))) return;
  for (const model of itemsOf(at(root, "global", "model_catalog", "external"))) {
    const role = at(model, "model_role");
    if (role !== undefined && textOf(role) === preference.type) {
      const supported = [`no model of this role: routing.signals.${preference.configKey} are compared by the encoder`];
      refuse(root, role, "a language model that is asked for preferences", supported, report);
    }
  }
}

function refuseConditions(root: LocatedMap, condition: Located | undefined, report: ProblemReport): void {
  if (condition?.kind !== "map") return;
  const type = condition.entries.get("type");
  const value = textOf(type);
  if (type !== undefined && value !== undefined && surface.conditionTypes.unsupported.includes(value)) {
    refuse(root, type, `a condition on "${value}"`, surface.conditionTypes.supported, report, condition.path);
  }
  for (const key of surface.conditionKeys.unsupported) {
    const node = condition.entries.get(key);
    if (node !== undefined) refuse(root, node, `"${key}"`, surface.conditionKeys.supported, report);
  }
  for (const child of itemsOf(condition.entries.get("conditions"))) refuseConditions(root, child, report);
}

function refuse(
  root: LocatedMap,
  node: Located,
  found: string,
  supported: readonly string[],
  report: ProblemReport,
  scope = node.path,
): void {
  if (report.covers(node.path)) return;
  report.add({
    kind: "unsupported",
    path: node.path,
    span: node.kind === "scalar" && node.value !== null ? node.span : (node.key ?? deepestAt(root, node.path).span),
    scope,
    found: `${found}, which Turnout does not support yet`,
    expected: supported.length === 0 ? null : supported.join(", "),
  });
}

function configKeyOf(type: string): string {
  return signals.find((signal) => signal.type === type)?.configKey ?? type;
}

function matching(node: Located, steps: readonly string[]): readonly Located[] {
  const [step, ...rest] = steps;
  if (step === undefined) return [node];
  const found = step === "*" ? itemsOf(node) : [at(node, step)].filter((child) => child !== undefined);
  return found.flatMap((child) => matching(child, rest));
}
