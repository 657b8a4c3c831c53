/** The words every package speaks: contracts, errors, lifecycle, telemetry. No network, no threads, no opinion about routing. */
export type { CallOptions } from "./contracts/call-options.ts";
export { systemClock, type Clock } from "./contracts/clock.ts";
export type { EmbeddedReading, EmbeddedTier, EncoderIdentity, TextClassification, TextStanding } from "./contracts/embedded.ts";
export type {
  BodyVerdict,
  Exchange,
  ExchangeFactory,
  ExchangeLimits,
  HeadVerdict,
  HeaderChanges,
  HeaderEntry,
  HttpHead,
  Reply,
  ResponseHead,
} from "./contracts/exchange.ts";
export type {
  BatchMember,
  BatchRecord,
  Classifier,
  ClassifierHead,
  Embedder,
  EncoderBatching,
  EncoderStatus,
  Evaluator,
  FurtherModel,
  InferenceItem,
  InferenceTimings,
  TextEmbedding,
  TextEntity,
  TextScan,
  TextWindow,
} from "./contracts/inference.ts";
export { definePlugin, type Effect, type Plugin, type PluginDefinition, type PluginRequest } from "./contracts/plugin.ts";
export type {
  CacheControls,
  CacheDirective,
  CacheHit,
  CachePolicy,
  CacheRoute,
  CacheRouting,
  CacheScope,
  CacheSession,
  CacheSubject,
  RenderOptions,
  ResponseCache,
} from "./contracts/response-cache.ts";
export type { ChatMessage, MessageRole, RoutingRequest } from "./contracts/routing-request.ts";
export {
  defineAlgorithm,
  type AlgorithmDefinition,
  type Candidate,
  type Selection,
  type SelectionAlgorithm,
  type SelectionContext,
} from "./contracts/selection.ts";
export {
  defineSignal,
  type RequestInference,
  type CascadeStep,
  type SignalContext,
  type SignalDefinition,
  type SignalEvaluation,
  type SignalEvaluator,
  type SignalMatch,
  type SignalScore,
  type SignalSettings,
} from "./contracts/signal.ts";
export { errorCatalogue, RouterError, type ErrorCode } from "./errors.ts";
export { Lifecycle, type Part } from "./lifecycle.ts";
export { createLogger, silentLogger, type Logger } from "./telemetry/logger.ts";
export { createMetrics, type Metrics } from "./telemetry/metrics.ts";
export { isSampled, parseTraceContext, traceContextIn, type TraceContext } from "./telemetry/trace-context.ts";
