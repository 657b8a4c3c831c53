import type { Readable } from "node:stream";
import { RouterError, type HeaderEntry, type Metrics } from "@turnout/shared";
import { Agent, buildConnector, errors, type Dispatcher } from "undici";
import type { Backend } from "./backends.ts";
import { entriesOf, rawOf } from "./headers.ts";

/**
 * The upstream client of the HTTP gateway: one keep-alive pool per origin, a backend chosen by weight, another one tried while no
 * byte of the request has been sent. It never retries a request that a backend may have begun to work on: completions are
 * neither idempotent nor cheap. The gateway's request walk is the only caller.
 */

/** UpstreamLimits bound every wait; milliseconds. */
export interface UpstreamLimits {
  readonly connectTimeoutMs: number;
  /** From the request sent to the response's head: without streaming, the whole generation. */
  readonly headersTimeoutMs: number;
  /** Longest silence between two chunks of a response. */
  readonly idleTimeoutMs: number;
  /** Connections tried for one request, over all backends. */
  readonly maxAttempts: number;
}

/** UpstreamRequest is what goes out; `path` is the client's, each backend maps it to its own. */
export interface UpstreamRequest {
  readonly method: string;
  readonly path: string;
  readonly headers: readonly HeaderEntry[];
  /** Bytes can be sent again to another backend; a stream is sent once. */
  readonly body: Uint8Array | Readable | null;
}

/** UpstreamResponse is a response whose head has arrived. `body` errors when the backend breaks off, and must be read or destroyed. */
export interface UpstreamResponse {
  readonly backend: Backend;
  readonly status: number;
  readonly headers: readonly HeaderEntry[];
  readonly body: Readable;
}

/** Upstream sends requests to backends. */
export interface Upstream {
  /**
   * Sends to one of the backends and resolves with the response's head. Rejects with RouterError upstream_unreachable (no byte
   * was sent), upstream_failed (broken off before the head), upstream_timeout, or with the signal's reason.
   */
  send(backends: readonly Backend[], request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse>;
  /** Cuts every connection; open responses error. */
  close(): Promise<void>;
}

/** ConnectFailure marks errors from before a connection existed: the only ones after which a request may be sent again. */
class ConnectFailure extends Error {}

/** createUpstream makes the client; `random` (0..1) picks among backends and is injectable for tests. */
export function createUpstream(limits: UpstreamLimits, metrics: Metrics, random: () => number = Math.random): Upstream {
  const connector = buildConnector({ timeout: limits.connectTimeoutMs, allowH2: false });
  const connect: buildConnector.connector = (options, callback) => {
    connector(options, (...[error, socket]) => {
      if (error === null) callback(null, socket);
      else callback(new ConnectFailure(reasonOf(error), { cause: error }), null);
    });
  };
  // No `connections` limit: each request in the gateway has one upstream call at most, and the listeners bound the requests.
  const agent = new Agent({
    connect,
    allowH2: false,
    headersTimeout: limits.headersTimeoutMs,
    bodyTimeout: limits.idleTimeoutMs,
    // Below uvicorn's 5 s, vLLM's default: a socket that the backend is about to close is not picked up again.
    keepAliveTimeout: 4000,
  });

  async function once(backend: Backend, request: UpstreamRequest, signal: AbortSignal): Promise<UpstreamResponse> {
    const response = await agent.request({
      origin: backend.origin,
      path: backend.pathFor(request.path),
      method: request.method as Dispatcher.HttpMethod,
      headers: rawOf(backend.headersFor(request.headers)),
      body: request.body,
      responseHeaders: "raw",
      signal,
    });
    // With responseHeaders "raw" undici gives the flat list; its types do not say so.
    const raw = response.headers as unknown as string[];
    // Readers hear of errors while they read; before and after, an unheard 'error' would end the process.
    response.body.on("error", () => {});
    return { backend, status: response.statusCode, headers: entriesOf(raw), body: response.body };
  }

  return {
    async send(backends, request, signal) {
      const attempts = request.body === null || request.body instanceof Uint8Array ? limits.maxAttempts : 1;
      const failures: string[] = [];
      for (const backend of inTurn(backends, attempts, random)) {
        try {
          return await once(backend, request, signal);
        } catch (error) {
          signal.throwIfAborted();
          if (!(error instanceof ConnectFailure)) throw failureOf(error, backend);
          metrics.gatewayConnectFailures.inc({ backend: backend.id });
          failures.push(`${backend.id}: ${error.message}`);
        }
      }
      const tried = failures.length === 0 ? "it has no backend_refs" : `tried ${failures.join(", ")}`;
      throw new RouterError("upstream_unreachable", `no backend of the model could be reached; ${tried}`);
    },
    close: () => agent.destroy(),
  };
}

/** inTurn yields backends for one request: the first by weight, then the ones not yet tried by weight, then from the beginning. */
export function* inTurn(backends: readonly Backend[], attempts: number, random: () => number): Generator<Backend, void, undefined> {
  let left: Backend[] = [];
  for (let attempt = 0; attempt < attempts && backends.length > 0; attempt++) {
    if (left.length === 0) left = [...backends];
    let ticket = random() * left.reduce((sum, backend) => sum + backend.weight, 0);
    const index = left.findIndex((backend) => (ticket -= backend.weight) < 0);
    yield* left.splice(index, 1);
  }
}

function failureOf(error: unknown, backend: Backend): RouterError {
  const waited = error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError;
  return waited
    ? new RouterError("upstream_timeout", `backend ${backend.id} did not answer in time`, { cause: error })
    : new RouterError("upstream_failed", `backend ${backend.id} broke the connection before it answered (${reasonOf(error)})`, {
        cause: error,
      });
}

/** reasonOf names a failure by its code: messages of sockets carry addresses, which clients should not learn. */
function reasonOf(error: unknown): string {
  if (typeof error === "object" && error !== null) {
    if ("code" in error && typeof error.code === "string") return error.code;
    if (error instanceof AggregateError) return reasonOf(error.errors[0]);
    if ("name" in error && typeof error.name === "string") return error.name;
  }
  return "unknown";
}
