/**
 * The error catalogue: every failure Turnout names, with its HTTP and gRPC face. docs/errors.md is printed from it.
 * Nothing else in the project throws a bare Error for a foreseeable failure.
 */
const catalogue = {
  config_invalid: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    help: "The configuration file was refused; the message names file, line, path and what was expected.",
  },
  config_unsupported: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    help: "The configuration asks for something Turnout does not implement yet; the message lists what is supported.",
  },
  request_invalid: { http: 400, grpc: "INVALID_ARGUMENT", help: "The client's request is malformed." },
  model_unknown: { http: 400, grpc: "INVALID_ARGUMENT", help: "The client named a model that the configuration does not know." },
  route_unknown: { http: 404, grpc: "NOT_FOUND", help: "No such path or method here." },
  headers_too_large: { http: 431, grpc: "RESOURCE_EXHAUSTED", help: "The request's headers are over the limit." },
  body_too_large: { http: 413, grpc: "RESOURCE_EXHAUSTED", help: "The request body is over the configured limit." },
  body_too_slow: { http: 408, grpc: "DEADLINE_EXCEEDED", help: "The request body did not arrive in time." },
  encoding_refused: { http: 415, grpc: "INVALID_ARGUMENT", help: "The request's content-encoding is broken or inflates beyond the limit." },
  overloaded: { http: 503, grpc: "RESOURCE_EXHAUSTED", help: "A bounded queue is full; the work was refused at once instead of waiting." },
  deadline_exceeded: { http: 504, grpc: "DEADLINE_EXCEEDED", help: "The work's own deadline passed." },
  cancelled: { http: 499, grpc: "CANCELLED", help: "The caller left." },
  encoder_unavailable: { http: 503, grpc: "UNAVAILABLE", help: "No encoder is loaded; start-up said why and what to do." },
  worker_failed: { http: 503, grpc: "UNAVAILABLE", help: "A classifier worker crashed, ran out of memory or got stuck, and was replaced." },
  model_source_unreachable: { http: 500, grpc: "UNAVAILABLE", help: "None of the sources of a model answered." },
  model_corrupt: { http: 500, grpc: "DATA_LOSS", help: "A model file's checksum or shape is not the expected one." },
  model_unsupported: {
    http: 500,
    grpc: "FAILED_PRECONDITION",
    help: "A model's architecture or pooling is not one that Turnout can prepare.",
  },
  upstream_unreachable: { http: 502, grpc: "UNAVAILABLE", help: "No backend of the chosen model could be reached." },
  upstream_failed: { http: 502, grpc: "UNAVAILABLE", help: "The backend took the request, then broke the connection before it answered." },
  upstream_timeout: { http: 504, grpc: "DEADLINE_EXCEEDED", help: "The backend did not answer in time." },
  port_in_use: { http: 500, grpc: "FAILED_PRECONDITION", help: "A port is taken; the message names the setting that changes it." },
  internal: { http: 500, grpc: "INTERNAL", help: "This is a bug." },
} as const satisfies Record<string, { http: number; grpc: string; help: string }>;

/** ErrorCode is the closed list of codes. */
export type ErrorCode = keyof typeof catalogue;

/** errorCatalogue is read by docs and tests. */
export const errorCatalogue: Readonly<Record<ErrorCode, { readonly http: number; readonly grpc: string; readonly help: string }>> =
  catalogue;

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
