import { Counter, Gauge, Histogram, Registry } from "prom-client";

/**
 * All metric names in one table. Names that vSR has keep vSR's spelling (dashboards read them). Label values come from the
 * configuration or from closed lists, never from users.
 */
const SUB_MILLISECOND_BUCKETS = [0.0001, 0.00025, 0.0005, 0.001, 0.002, 0.003, 0.005, 0.0075, 0.01, 0.02, 0.03, 0.05, 0.1, 0.25, 0.5, 1, 5];

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
    configReloads: counter("turnout_config_reloads_total", "Configuration reloads", ["outcome"]),
  } as const;
}
