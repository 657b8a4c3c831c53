/**
 * Everything vLLM Semantic Router v0.3 has a name for, whether or not Turnout implements it, as plain data. The configuration
 * loader reads it to refuse by name ("not implemented yet") what would otherwise be reported as a spelling mistake. What is
 * implemented is never listed here: that is derived from the registries, so an addition only touches its registry.
 */
import { plugins } from "./plugins/index.ts";
import { algorithms } from "./selection/index.ts";
import { signals } from "./signals/index.ts";

const VSR_SIGNALS: readonly (readonly [type: string, configKey: string])[] = [
  ["keyword", "keywords"],
  ["embedding", "embeddings"],
  ["domain", "domains"],
  ["fact_check", "fact_check"],
  ["user_feedback", "user_feedbacks"],
  ["reask", "reasks"],
  ["preference", "preferences"],
  ["language", "language"],
  ["context", "context"],
  ["structure", "structure"],
  ["complexity", "complexity"],
  ["modality", "modality"],
  ["authz", "role_bindings"],
  ["jailbreak", "jailbreak"],
  ["pii", "pii"],
  ["kb", "kb"],
  ["conversation", "conversation"],
  ["event", "events"],
  ["metadata", "metadata"],
  ["classifier", "classifiers"],
];

const VSR_ALGORITHMS = [
  "static",
  "router_dc",
  "automix",
  "hybrid",
  "latency_aware",
  "multi_factor",
  "prompt",
  "knn",
  "kmeans",
  "svm",
  "mlp",
  "elo",
  "rl_driven",
  "gmtrouter",
  "session_aware",
  "confidence",
  "ratings",
  "remom",
  "fusion",
  "workflows",
];

const VSR_PLUGINS = [
  "response_cache",
  "system_prompt",
  "header_mutation",
  "fast_response",
  "request_params",
  "router_replay",
  "hallucination",
  "response_jailbreak",
  "memory",
  "rag",
  "image_gen",
  "tools",
  "tool_selection",
  "context_compression",
];

/** SurfaceList is one vocabulary of the configuration: what may be written, and what vSR knows beside that. */
export interface SurfaceList {
  readonly supported: readonly string[];
  readonly unsupported: readonly string[];
}

function split(known: readonly string[], supported: readonly string[]): SurfaceList {
  return { supported, unsupported: known.filter((name) => !supported.includes(name)) };
}

/** surface answers, for each vocabulary, "is this name supported, known to vSR, or a mistake?". */
export const surface = {
  /** Keys of `routing.signals`. */
  signalKeys: split(
    VSR_SIGNALS.map(([, key]) => key),
    signals.map((signal) => signal.configKey),
  ),
  /** `type` of a condition in `decisions[].rules`. */
  conditionTypes: split(
    [...VSR_SIGNALS.map(([type]) => type), "projection"],
    signals.map((signal) => signal.type),
  ),
  /** `decisions[].algorithm.type`. */
  algorithmTypes: split(
    VSR_ALGORITHMS,
    algorithms.map((algorithm) => algorithm.type),
  ),
  /** `decisions[].plugins[].type`, aliases not included. */
  pluginTypes: split(
    VSR_PLUGINS,
    plugins.map((plugin) => plugin.type),
  ),
  /** Keys of `routing`. */
  routingKeys: { supported: ["strategy", "modelCards", "signals", "decisions"], unsupported: ["projections"] },
  /** Keys of one decision. */
  decisionKeys: {
    supported: ["name", "description", "priority", "tier", "rules", "modelRefs", "algorithm", "plugins", "annotations"],
    unsupported: ["output_contract", "output_contract_spec", "adaptations", "candidateIterations", "emits"],
  },
  /** Keys of one condition. `label` belongs to the `classifier` signal. */
  conditionKeys: { supported: ["type", "name", "operator", "conditions", "predicate", "on_error"], unsupported: ["label"] },
  /** Keys of one rule, by signal type, that vSR has and we refuse. */
  ruleKeys: {
    complexity: ["hard.image_candidates", "easy.image_candidates"],
    keyword: ["fuzzy_threshold", "bm25_threshold", "ngram_threshold", "ngram_arity"],
  },
} as const;

/** pluginAliases maps the older spellings of plugin types to the present ones. */
export const pluginAliases: ReadonlyMap<string, string> = new Map(
  plugins.flatMap((plugin) => (plugin.aliases ?? []).map((alias) => [alias, plugin.type] as const)),
);
