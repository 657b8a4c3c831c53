/**
 * The error catalogue: every failure Turnout names, with its HTTP and gRPC face. docs/errors.md is printed from it.
 * Nothing else in the project throws a bare Error for a foreseeable failure.
 */

/** ErrorFacts is one row of the catalogue. */
interface ErrorFacts {
  readonly http: number;
  readonly grpc: string;
  /** What has happened. */
  readonly help: string;
  /** What to do about it. */
  readonly remedy: string;
}

const catalogue = {
  config_invalid: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    help: "The configuration file was refused; the message names file, line, path and what was expected.",
    remedy: "Mend the place that the message names; `turnout config check <file>` shows every problem at once.",
  },
  config_unsupported: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    help: "The configuration asks for something Turnout does not implement yet; the message lists what is supported.",
    remedy: "Remove the key, or use what the message lists; docs/signals.md has the whole list.",
  },
  request_invalid: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    help: "The client's request is malformed.",
    remedy: "Mend the request; the message says what was expected.",
  },
  model_unknown: {
    http: 400,
    grpc: "INVALID_ARGUMENT",
    help: "The client named a model that the configuration does not know.",
    remedy: "Ask for a configured model, or set `turnout.unknown_model: pass_through`.",
  },
  route_unknown: {
    http: 404,
    grpc: "NOT_FOUND",
    help: "No such path or method here.",
    remedy: "Check method, path and port.",
  },
  headers_too_large: {
    http: 431,
    grpc: "RESOURCE_EXHAUSTED",
    help: "The request's headers are over the limit.",
    remedy: "Send fewer or smaller headers.",
  },
  body_too_large: {
    http: 413,
    grpc: "RESOURCE_EXHAUSTED",
    help: "The request body is over the configured limit.",
    remedy: "Send less, or raise `turnout.limits.max_body_bytes` (or `global.router.streamed_body.max_bytes`, which wins).",
  },
  body_too_slow: {
    http: 408,
    grpc: "DEADLINE_EXCEEDED",
    help: "The request body did not arrive in time.",
    remedy: "Look for a slow client, or raise `turnout.limits.body_timeout_ms` (or `global.router.streamed_body.timeout_sec`, which wins).",
  },
  encoding_refused: {
    http: 415,
    grpc: "INVALID_ARGUMENT",
    help: "The request's content-encoding is broken or inflates beyond the limit.",
    remedy: "Send the body uncompressed, or compressed correctly; what it inflates to counts against the body limit.",
  },
  overloaded: {
    http: 503,
    grpc: "RESOURCE_EXHAUSTED",
    help: "A bounded queue is full; the work was refused at once instead of waiting.",
    remedy: "Retry after a moment; when it goes on, add workers (`turnout.classifier.workers`) or pods.",
  },
  deadline_exceeded: {
    http: 504,
    grpc: "DEADLINE_EXCEEDED",
    help: "The work's own deadline passed.",
    remedy: "Look for overload first (`classifier_queue_depth`); then raise `turnout.deadline_ms`, or the listener's `timeout`.",
  },
  cancelled: { http: 499, grpc: "CANCELLED", help: "The caller left.", remedy: "Nothing: nobody waits for the answer any more." },
  encoder_unavailable: {
    http: 503,
    grpc: "UNAVAILABLE",
    help: "No encoder is loaded; start-up said why and what to do.",
    remedy:
      "Run `turnout models prepare`, then restart; until then only signals that need no encoder match, and known domains by the embedded tier.",
  },
  worker_failed: {
    http: 503,
    grpc: "UNAVAILABLE",
    help: "A classifier worker crashed, ran out of memory or got stuck, and was replaced.",
    remedy: "Nothing, once; when `classifier_worker_restarts_total` keeps rising, the log has the cause of each.",
  },
  model_source_unreachable: {
    http: 500,
    grpc: "UNAVAILABLE",
    help: "None of the sources of a model answered.",
    remedy: "Check the network, name another source with `--source`, or give a local checkpoint with `--source directory`.",
  },
  model_corrupt: {
    http: 500,
    grpc: "DATA_LOSS",
    help: "A model file's checksum or shape is not the expected one.",
    remedy: "Prepare it again: `turnout models prepare --force`.",
  },
  model_unsupported: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    help: "A model is not one that Turnout can serve here, or is asked for what it does not give; the message says why.",
    remedy: "Do what the message says, or choose another model (docs/models.md).",
  },
  upstream_unreachable: {
    http: 502,
    grpc: "UNAVAILABLE",
    help: "No backend of the chosen model could be reached.",
    remedy: "Check `backend_refs` of the chosen model, and that its server runs.",
  },
  upstream_failed: {
    http: 502,
    grpc: "UNAVAILABLE",
    help: "The backend took the request, then broke the connection before it answered.",
    remedy: "See the log of the model's server; the request is not repeated, because it may have been served.",
  },
  upstream_timeout: {
    http: 504,
    grpc: "DEADLINE_EXCEEDED",
    help: "The backend did not answer in time.",
    remedy: "See the load of the model's server, or raise `timeout` of the listener.",
  },
  cache_unavailable: {
    http: 503,
    grpc: "UNAVAILABLE",
    help: "The response cache's store cannot be used now. Requests are served without it.",
    remedy: "Look at the store: reachable, loaded, not full, password right (`stores.response_cache.redis`); the log names the reason.",
  },
  cache_timeout: {
    http: 504,
    grpc: "DEADLINE_EXCEEDED",
    help: "The response cache's store did not answer in time. The request is served without it.",
    remedy: "Look for a slow store or network, or raise `stores.response_cache.redis.command_timeout_ms`.",
  },
  text_unscanned: {
    http: 503,
    grpc: "RESOURCE_EXHAUSTED",
    help: "A safety signal has not read a request's texts whole, because they are too long for it.",
    remedy: "Let the rule say `on_error: match`, or use a method that reads everything (`classifier` for jailbreak).",
  },
  port_in_use: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    help: "A port is taken; the message names the setting that changes it.",
    remedy: "Stop the other process, or change the setting that the message names.",
  },
  vector_invalid: {
    http: 500,
    grpc: "DATA_LOSS",
    help: "A vector has another length than expected, or is no direction: all zeros, or not numbers. The cache does not keep it.",
    remedy: "Prepare the encoder again (`turnout models prepare --force`); if the vector came from the cache's store, flush the cache.",
  },
  internal: { http: 500, grpc: "INTERNAL", help: "This is a bug.", remedy: "Report it, with the log line that has the stack." },
} as const satisfies Record<string, ErrorFacts>;

/** ErrorCode is the closed list of codes. */
export type ErrorCode = keyof typeof catalogue;

/** errorCatalogue is read by docs and tests. */
export const errorCatalogue: Readonly<Record<ErrorCode, ErrorFacts>> = catalogue;

/** RouterError is the one error class. Its message says what was expected, what came and what to do; the code picks status and metric. */
export class RouterError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "RouterError";
    this.code = code;
  }

  get httpStatus(): number {
    return catalogue[this.code].http;
  }

  /** from is the single gate from "anything thrown" to a RouterError. */
  static from(thrown: unknown): RouterError {
    if (thrown instanceof RouterError) return thrown;
    if (thrown instanceof Error && thrown.name === "AbortError") return new RouterError("cancelled", "the caller left", { cause: thrown });
    return new RouterError("internal", thrown instanceof Error ? thrown.message : String(thrown), { cause: thrown });
  }
}
