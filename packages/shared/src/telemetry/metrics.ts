import { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * All metric names in one table. Names that vSR has keep vSR's spelling (dashboards read them). Label values come from the
 * configuration or from closed lists, never from users.
 */
const SUB_MILLISECOND_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5];

const AGE_BUCKETS = [1, 10, 60, 300, 900, 3_600, 14_400, 86_400, 604_800];

export type Metrics = ReturnType<typeof createMetrics>;

/** createMetrics registers every metric on a registry of its own, so that two processes' worth can live in one test. */
export function createMetrics() {
  const registry = new Registry();
  const registers = [registry];
  const counter = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Counter<Label>({ name, help, labelNames, registers });
  const gauge = <Label extends string>(name: string, help: string, labelNames: readonly Label[] = []) =>
    new Gauge<Label>({ name, help, labelNames, registers });
  const histogram = <Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[] = [],
    buckets = SUB_MILLISECOND_BUCKETS,
  ) => new Histogram<Label>({ name, help, labelNames, buckets, registers });

  return {
    registry,
    modelRequests: counter("llm_model_requests_total", "Requests forwarded, by final model", ["model"]),
    routingModifications: counter("llm_model_routing_modifications_total", "Requests whose model was rewritten", [
      "source_model",
      "target_model",
    ]),
    promptTokens: counter("llm_model_prompt_tokens_total", "Prompt tokens that upstreams reported, by model", ["model"]),
    completionTokens: counter("llm_model_completion_tokens_total", "Completion tokens that upstreams reported, by model", ["model"]),
    tokens: counter("llm_model_tokens_total", "Prompt and completion tokens that upstreams reported, by model", ["model"]),
    routingLatency: histogram("llm_model_routing_latency_seconds", "Time from the request body to the routing answer"),
    signalExtractions: counter("llm_signal_extraction_total", "Signal types evaluated", ["signal_type"]),
    signalLatency: histogram("llm_signal_extraction_latency_seconds", "Evaluation time by signal type", ["signal_type"]),
    signalMatches: counter("llm_signal_match_total", "Rules matched", ["signal_type", "signal_name"]),
    signalErrors: counter("turnout_signal_errors_total", "Signals that could not be evaluated, by error code", ["signal_type", "code"]),
    signalCascade: counter(
      "turnout_signal_cascade_total",
      "Who answered a signal that the embedded tier can answer alone: it, or the encoder too, and whether they agreed",
      ["signal_type", "tier", "agreed"],
    ),
    decisionMatches: counter("llm_decision_match_total", "Decisions taken", ["decision_name"]),
    decisionLatency: histogram("llm_decision_evaluation_latency_seconds", "Decision time once signals are known"),
    pluginExecutions: counter("llm_plugin_execution_total", "Plugins run", ["plugin_type", "decision_name", "status"]),
    deadlineExpired: counter("turnout_deadline_expired_total", "Requests that went on with what was known when their deadline passed"),
    degradedRequests: counter(
      "turnout_degraded_requests_total",
      "Requests routed with less than all signals, by what was missing (x-vsr-response-warnings)",
      ["step"],
    ),
    unroutedBodies: counter("turnout_unrouted_bodies_total", "Bodies forwarded unrouted, by reason", ["reason"]),
    extprocStreams: counter("extproc_streams_total", "ExtProc streams opened"),
    extprocOpenStreams: gauge("extproc_open_streams", "ExtProc streams open now"),
    extprocConnections: counter("extproc_connections_total", "HTTP/2 connections accepted"),
    extprocCancelled: counter("extproc_cancelled_streams_total", "Streams that ended before we had answered"),
    extprocHeldBytes: gauge("extproc_held_bytes", "Body bytes held over all streams"),
    extprocErrors: counter("extproc_stream_errors_total", "Streams with a protocol slip or an internal error", ["reason"]),
    classifierState: gauge("classifier_state", "1 for what the encoder is now: idle (nothing needs it), starting, ready or unavailable", [
      "state",
    ]),
    classifierQueueDepth: gauge("classifier_queue_depth", "Texts waiting for a worker"),
    classifierBatchSize: histogram("classifier_batch_size", "Texts per batch", [], [1, 2, 4, 8, 16, 32]),
    classifierQueueSeconds: histogram("classifier_queue_seconds", "Waiting time of a text"),
    classifierComputeSeconds: histogram("classifier_compute_seconds", "Encoder time of a batch"),
    classifierRefused: counter("classifier_refused_total", "Texts refused or dropped, by code", ["code"]),
    classifierServiceCalls: counter("classifier_service_calls_total", "Calls that the classifier service answered", ["method"]),
    classifierReplicas: gauge("classifier_replicas", "Classifier replicas that the front knows", ["state"]),
    classifierRetries: counter("classifier_retries_total", "Calls repeated on another classifier replica, by what the first answered", [
      "code",
    ]),
    classifierWorkerRestarts: counter("classifier_worker_restarts_total", "Workers replaced, by cause", ["cause"]),
    classifierCacheHits: counter("classifier_embedding_cache_hits_total", "Texts answered from the embedding cache"),
    classifierCacheMisses: counter("classifier_embedding_cache_misses_total", "Texts that were not in the embedding cache"),
    classifierCacheBytes: gauge("classifier_embedding_cache_bytes", "Memory of the embedding cache, estimated"),
    classifierBatching: gauge(
      "classifier_batching",
      "1 for what the encoder bears, found at warm-up: any texts padded together, texts of equal_lengths, a single text",
      ["mode"],
    ),
    classifierModelBytes: gauge(
      "classifier_model_bytes",
      "Memory of a model's files, estimated: weights that all workers map once, and what every worker that has loaded it holds for itself",
      ["model"],
    ),
    classifierWorkerUtilization: gauge("classifier_worker_utilization", "Share of the latest interval in which a worker was busy, 0 to 1", [
      "worker",
    ]),
    classifierWorkerHeapBytes: gauge("classifier_worker_heap_bytes", "JavaScript heap of a worker; weights and tensors are outside of it", [
      "worker",
    ]),
    gatewayRequests: counter("turnout_gateway_requests_total", "HTTP requests that the gateway finished, by outcome", [
      "listener",
      "outcome",
    ]),
    gatewayOpenRequests: gauge("turnout_gateway_open_requests", "HTTP requests in the gateway now"),
    gatewayHeldBytes: gauge("turnout_gateway_held_bytes", "Request body bytes held over all HTTP requests"),
    gatewayConnectFailures: counter(
      "turnout_gateway_connect_failures_total",
      "Connections to a backend that failed before a request was sent",
      ["backend"],
    ),
    gatewayFailures: counter("turnout_gateway_failures_total", "HTTP requests that the gateway could not serve, by error code", ["code"]),
    cacheOperations: counter("llm_cache_operations_total", "Calls of the cache's store, by outcome", ["backend", "operation", "status"]),
    cacheOperationSeconds: histogram("llm_cache_operation_duration_seconds", "Time of a call of the cache's store", [
      "backend",
      "operation",
    ]),
    cacheEntries: gauge("llm_cache_entries_total", "Answers that this replica can find", ["backend"]),
    cachePluginHits: counter("llm_cache_plugin_hits_total", "Requests answered from the cache", ["decision_name", "plugin_type"]),
    cachePluginMisses: counter("llm_cache_plugin_misses_total", "Requests that the cache was asked about in vain", [
      "decision_name",
      "plugin_type",
    ]),
    cacheWriteSkipped: counter("llm_cache_write_skipped_total", "Answers that were not kept, by reason", ["reason"]),
    responseCacheSeconds: histogram(
      "llm_response_cache_operation_duration_seconds",
      "Time that a request spends with the cache, its own vector and the store's answers included",
      ["backend", "operation", "protocol", "hit_kind", "source", "status"],
    ),
    responseCacheAge: histogram("llm_response_cache_entry_age_seconds", "Age of an answer when it is served", [], AGE_BUCKETS),
    responseCacheWaiters: counter("llm_response_cache_singleflight_waiters_total", "Requests that waited for another's answer", [
      "backend",
      "outcome",
    ]),
    responseCacheInvalidations: counter("llm_response_cache_invalidations_total", "Invalidations asked for, by kind", ["kind"]),
    cacheLookups: counter(
      "turnout_cache_lookups_total",
      "What became of requests that the cache was asked about; a reason where it was not used",
      ["result"],
    ),
    cacheGuards: counter("turnout_cache_guard_rejections_total", "Near questions that ask something else, by the guard that saw it", [
      "guard",
    ]),
    cacheShadow: counter("turnout_cache_shadow_total", "Semantic hits that were not served but compared with the model's own answer", [
      "decision_name",
      "outcome",
    ]),
    cacheErrors: counter("turnout_cache_errors_total", "Failures of the cache, each of which was a miss or an answer not kept", [
      "operation",
      "code",
    ]),
    cacheStoreEvents: counter(
      "turnout_cache_store_events_total",
      "What the cache's Redis backend met: calls failed or refused, its breaker, bytes not served, its log read anew",
      ["event", "reason"],
    ),
    cacheState: gauge("turnout_cache_backend_state", "1 for what the cache's store is now: ready, syncing or unavailable", ["state"]),
    cacheLag: gauge("turnout_cache_sync_lag_seconds", "Time since this replica last knew that it had heard of every change"),
    cacheIndexBytes: gauge("turnout_cache_index_bytes", "Memory of the vectors' index"),
    traceSpansDropped: counter(
      "turnout_trace_spans_dropped_total",
      "Spans that no collector got: too many waited, or it did not take them",
      ["reason"],
    ),
    configReloads: counter("turnout_config_reloads_total", "Configuration reloads", ["outcome"]),
  } as const;
}
