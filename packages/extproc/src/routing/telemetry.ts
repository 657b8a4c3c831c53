/** Writes a route into metrics and log. Label values come from the configuration; the prompt is never written. Called by the exchange. */
import type { CacheHit, CascadeStep, Clock, ErrorCode, Logger, Metrics, RouterError } from "@turnout/shared";
import type { ModelTarget } from "./models.ts";
import type { Usage } from "./response/usage.ts";
import type { Route } from "./router.ts";

/** recordRoute counts what happened on the way to a route. */
export function recordRoute(metrics: Metrics, { decision, warnings, trace }: Route): void {
  for (const { type, matches, cascade, error, durationMs } of trace.signals) {
    metrics.signalExtractions.inc({ signal_type: type });
    metrics.signalLatency.observe({ signal_type: type }, durationMs / 1_000);
    for (const { rule } of matches) metrics.signalMatches.inc({ signal_type: type, signal_name: rule });
    if (cascade !== null) metrics.signalCascade.inc({ signal_type: type, tier: cascade.tier, agreed: agreedLabel(cascade) });
    if (error !== null) metrics.signalErrors.inc({ signal_type: type, code: error.code });
  }
  metrics.decisionLatency.observe(trace.timings.decisionMs / 1_000);
  if (warnings.includes("deadline_exceeded")) metrics.deadlineExpired.inc();
  // A sampled text is as much as was wanted: nothing was missing.
  for (const step of warnings) if (step !== "text_sampled") metrics.degradedRequests.inc({ step });
  if (decision === null) return;
  metrics.decisionMatches.inc({ decision_name: decision.name });
  for (const { type, error } of trace.plugins) {
    metrics.pluginExecutions.inc({ plugin_type: type, decision_name: decision.name, status: error === null ? "success" : "error" });
  }
}

/** agreedLabel says whether the two tiers were of one mind; "" where only one was asked. */
const agreedLabel = (cascade: CascadeStep) => (cascade.tier === "embedded" ? "" : String(cascade.agreed));

/** How long a signal's failure of one kind is not told again, milliseconds. */
const FAILURE_SILENCE_MS = 60_000;

/**
 * SignalFailureLog tells of signals that fail by a bug, a model or the configuration: somebody has to mend those. What load and deadlines
 * do is for the metrics alone. Each kind of failure is told once a minute at most, however many requests meet it.
 */
export class SignalFailureLog {
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** When each kind was last told; as many as there are signal types times codes. */
  readonly #told = new Map<string, number>();

  constructor(logger: Logger, clock: Clock) {
    this.#logger = logger;
    this.#clock = clock;
  }

  /** tell logs the failures of one route. */
  tell({ trace }: Pick<Route, "trace">): void {
    for (const { type, error } of trace.signals) {
      if (error === null || !isForOperators(error.code)) continue;
      const kind = `${type} ${error.code}`;
      const now = this.#clock.now();
      if (now - (this.#told.get(kind) ?? -Infinity) < FAILURE_SILENCE_MS) continue;
      this.#told.set(kind, now);
      this.#logger.warn(
        { signal: type, code: error.code, ...reasonOf(error) },
        "a signal failed and counts as no match or as on_error says",
      );
    }
  }
}

const isForOperators = (code: ErrorCode) => code === "internal" || code.startsWith("model_") || code.startsWith("config_");

/**
 * reasonOf is the message, where it is ours. What a library or the language throws may quote the text that it was given, so of a bug
 * only the error's name and the places of its stack are told.
 */
function reasonOf(error: RouterError): { readonly problem: string } | { readonly error: string; readonly stack: string } {
  if (error.code !== "internal") return { problem: error.message };
  const thrown = error.cause instanceof Error ? error.cause : error;
  const places = (thrown.stack ?? "").replace(thrown.message, () => "").split("\n");
  return { error: thrown.name, stack: places.filter((line) => line.startsWith("    at ")).join("\n") };
}

/** RoutingLine is what the log line of one routed request says. */
export interface RoutingLine {
  readonly requestId: string;
  readonly originalModel: string;
  readonly target: ModelTarget;
  /** Null: the client named the model. */
  readonly route: Route | null;
  readonly latencyMs: number;
}

/** logRouting writes the line `routing_decision` with vSR's fields. */
export function logRouting(logger: Logger, { requestId, originalModel, target, route, latencyMs }: RoutingLine): void {
  if (!logger.isLevelEnabled("info")) return;
  logger.info({
    event: "routing_decision",
    reason_code: route === null ? "model_specified" : "auto_routing",
    request_id: requestId,
    original_model: originalModel,
    selected_model: target.name,
    decision: route?.decision?.name ?? "",
    reasoning_enabled: target.reasoning?.enabled ?? false,
    reasoning_effort: target.reasoning?.enabled === true ? target.reasoning.effort : "",
    routing_latency_ms: rounded(latencyMs),
    ...(route === null ? {} : { signal_latency_ms: rounded(route.trace.timings.signalsMs) }),
    ...(route !== null && route.warnings.length > 0 ? { warnings: route.warnings } : {}),
  });
}

/** recordCacheHit counts an answer that no model had to give. */
export function recordCacheHit(metrics: Metrics, { decision }: CacheHit): void {
  metrics.cachePluginHits.inc({ decision_name: decision, plugin_type: "response_cache" });
}

/** CacheHitLine is what the log line of one answer from the cache says. */
export interface CacheHitLine {
  readonly requestId: string;
  readonly originalModel: string;
  readonly hit: CacheHit;
  readonly latencyMs: number;
}

/** logCacheHit writes the line `cache_hit`. */
export function logCacheHit(logger: Logger, { requestId, originalModel, hit, latencyMs }: CacheHitLine): void {
  if (!logger.isLevelEnabled("info")) return;
  logger.info({
    event: "cache_hit",
    request_id: requestId,
    original_model: originalModel,
    selected_model: hit.model,
    decision: hit.decision,
    kind: hit.kind,
    similarity: rounded(hit.similarity),
    age_seconds: Math.round(hit.ageSeconds),
    routing_latency_ms: rounded(latencyMs),
  });
}

const rounded = (ms: number) => Math.round(ms * 1_000) / 1_000;

/** recordUsage adds an upstream's token counts to its model. */
export function recordUsage(metrics: Metrics, model: string, { promptTokens, completionTokens }: Usage): void {
  metrics.promptTokens.inc({ model }, promptTokens);
  metrics.completionTokens.inc({ model }, completionTokens);
  metrics.tokens.inc({ model }, promptTokens + completionTokens);
}
