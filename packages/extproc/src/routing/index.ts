/** The routing sub-path: pure routing of OpenAI-style requests. A new export is a decision. */
export { cacheQuestion, offerAnswer } from "./cache-question.ts";
export { embedIn } from "./caching.ts";
export { promptRequest, textOf } from "./chat-request.ts";
export type { ConditionConfig, Verdict } from "./decision/condition.ts";
export type { JudgedDecision } from "./decision/engine.ts";
export { createExchangeFactory, type ExchangeParts } from "./exchange.ts";
export type { ModelDirectory, ModelTarget, ReasoningSwitch } from "./models.ts";
export { plugins } from "./plugins/index.ts";
export {
  DEFAULT_PII_THRESHOLD,
  DEFAULT_PII_TYPES,
  PII_TYPES,
  STRUCTURED_PII_TYPES,
  type Detection,
  type PiiType,
} from "./pii/detection.ts";
export { loadPii } from "./pii/load.ts";
export { piiTypeOf } from "./pii/vocabulary.ts";
export type { PluginRun } from "./plugins/run.ts";
export { modelListReply } from "./replies.ts";
export { createRouter, type Route, type Router, type RouterParts, type RouteTrace, type RouteWarning } from "./router.ts";
export {
  providersSchema,
  routingSchema,
  type DecisionConfig,
  type ProviderModel,
  type ProvidersConfig,
  type RoutingConfig,
} from "./schema.ts";
export { algorithms } from "./selection/index.ts";
export { createEvaluators, evaluateSignals, type SignalOutcome } from "./signals/evaluate.ts";
export { DOMAIN_DEFAULTS } from "./signals/domain.ts";
export { signals } from "./signals/index.ts";
export { autoModelNames, createRoutingSnapshot, type RoutingSettings, type RoutingSnapshot, type SnapshotParts } from "./snapshot.ts";
export type { Span, SpanAttributes, SpanOptions, Tracer } from "./spans.ts";
export { pluginAliases, surface, type SurfaceList } from "./surface.ts";
