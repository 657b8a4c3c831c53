import { randomUUID } from "node:crypto";
import { once } from "node:events";
import type { IncomingMessage, ServerResponse } from "node:http";
import { PassThrough, type Readable } from "node:stream";
import { RouterError, type Exchange, type ExchangeFactory, type HeaderEntry, type Logger, type Metrics, type Reply } from "@turnout/shared";
import type { HeldBytes } from "../held-bytes.ts";
import type { BackendDirectory } from "./backends.ts";
import { applyChanges, entriesOf, headerValue, rawOf, requestIdOf, withoutHopByHop } from "./headers.ts";
import { errorReply, hasBody, sendReply } from "./replies.ts";
import { readBody } from "./request-body.ts";
import type { Upstream } from "./upstream.ts";

/**
 * One HTTP request's walk through the gateway: head, body, backend, response. It asks the exchange what to do and knows nothing
 * of routing; it forwards bytes first and lets the exchange look at them afterwards. server.ts is the only caller.
 */

/** WalkParts are what all requests share. */
export interface WalkParts {
  readonly exchanges: ExchangeFactory;
  readonly backends: BackendDirectory;
  readonly upstream: Upstream;
  readonly held: HeldBytes;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** How long a client may leave the response unread, ms. */
  readonly stallTimeoutMs: number;
}

/** WalkLimits belong to one request. */
export interface WalkLimits {
  readonly listener: string;
  /** For everything, from the head to the response's last byte, ms. */
  readonly timeoutMs: number;
  /** The client sent `expect: 100-continue` and waits for it before its body. */
  readonly expectsContinue: boolean;
}

/** Outcome is a metric label. */
type Outcome = "forwarded" | "replied" | "failed" | "cancelled";

/** Walk is one request on its way. */
interface Walk {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly method: string;
  readonly path: string;
  /** The client's headers without the connection's own, with a request id. */
  readonly headers: readonly HeaderEntry[];
  readonly requestId: string;
  readonly parts: WalkParts;
  readonly limits: WalkLimits;
  /** Aborts when the client leaves or the listener's timeout passes; its reason is a RouterError. */
  readonly signal: AbortSignal;
}

/** walkRequest serves one request to its end; it never rejects. */
export async function walkRequest(request: IncomingMessage, response: ServerResponse, parts: WalkParts, limits: WalkLimits): Promise<void> {
  const { logger, metrics } = parts;
  const startedAt = performance.now();
  const abort = new AbortController();
  const deadline = setTimeout(() => {
    abort.abort(new RouterError("deadline_exceeded", `the request took longer than the listener's timeout of ${limits.timeoutMs} ms`));
  }, limits.timeoutMs);
  response.once("close", () => {
    if (!response.writableFinished) abort.abort(new RouterError("cancelled", "the client left"));
  });

  const { method = "GET", url: path = "/" } = request;
  // Before the exchange adds anything: a client's `connection` header must not be able to name, and so remove, what is ours.
  const headers = withRequestId(withoutHopByHop(entriesOf(request.rawHeaders)));
  const requestId = headerValue(headers, "x-request-id") as string;
  const walk: Walk = { request, response, method, path, headers, requestId, parts, limits, signal: abort.signal };
  let exchange: Exchange | null = null;
  let outcome: Outcome;
  try {
    // Nobody has authenticated who speaks to this door: what clients say of who they are is not believed.
    exchange = parts.exchanges.open("untrusted");
    outcome = await serve(walk, exchange);
  } catch (thrown) {
    // A torn stream is reported as whatever broke first; the reason of our own abort is the true one.
    outcome = await fail(walk, RouterError.from(abort.signal.aborted ? abort.signal.reason : thrown));
  } finally {
    clearTimeout(deadline);
    exchange?.close();
  }
  metrics.gatewayRequests.inc({ listener: limits.listener, outcome });
  if (logger.isLevelEnabled("debug")) {
    const ms = Math.round(performance.now() - startedAt);
    const { statusCode: status } = response;
    logger.debug({ requestId, listener: limits.listener, method, path: path.split("?", 1)[0], status, outcome, ms }, "gateway request");
  }
}

async function serve(walk: Walk, exchange: Exchange): Promise<Outcome> {
  const { request, response, method, path, headers, limits, signal } = walk;
  const bodyFollows = hasBody(request);
  const head = exchange.onRequestHead({ method, path, headers, endOfStream: !bodyFollows });
  if (head.kind === "reply") return reply(walk, head.reply);
  const changed = applyChanges(headers, head.changes);
  if (limits.expectsContinue) response.writeContinue();

  if (head.kind === "passThrough") {
    // undici destroys the body of a call that failed: that must not be the request, whose socket carries our answer.
    const body = bodyFollows ? request.pipe(new PassThrough()) : null;
    return forward(walk, exchange, changed, body, null);
  }
  if (!bodyFollows) return route(walk, exchange, changed, new Uint8Array());
  const { exchanges, held } = walk.parts;
  const body = await readBody(request, exchanges.limits(), held, signal);
  if (body.kind === "refused") return reply(walk, exchange.onBodyRefused(body.reason));
  try {
    return await route(walk, exchange, changed, body.bytes);
  } finally {
    // Not before the response's end: undici keeps the body of a request as long as the request.
    body.release();
  }
}

async function route(walk: Walk, exchange: Exchange, headers: readonly HeaderEntry[], body: Uint8Array): Promise<Outcome> {
  const verdict = await exchange.onRequestBody(body, { signal: walk.signal });
  if (verdict.kind === "reply") return reply(walk, verdict.reply);
  return forward(walk, exchange, applyChanges(headers, verdict.changes), verdict.body ?? body, verdict.backendModel);
}

async function forward(
  { method, path, parts, signal, response, requestId }: Walk,
  exchange: Exchange,
  headers: readonly HeaderEntry[],
  body: Uint8Array | Readable | null,
  model: string | null,
): Promise<Outcome> {
  signal.throwIfAborted();
  const backends = parts.backends.resolve(model);
  const answer = await parts.upstream.send(backends, { method, path, headers: headersToSend(headers, body), body }, signal);
  try {
    let back = withoutHopByHop(answer.headers);
    if (exchange.wantsResponseHead) back = applyChanges(back, exchange.onResponseHead({ status: answer.status, headers: back }));
    if (headerValue(back, "x-request-id") === undefined) back.push(["x-request-id", requestId]);
    response.writeHead(answer.status, rawOf(back));
    // A response of unknown length is a stream: its head tells the client that generation has begun.
    if (headerValue(back, "content-length") === undefined) response.flushHeaders();

    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      const flowing = response.write(chunk);
      observe(exchange, chunk, false, parts.logger);
      if (!flowing) await drained(response, parts.stallTimeoutMs, signal);
    }
    response.end();
    observe(exchange, new Uint8Array(), true, parts.logger);
  } finally {
    answer.body.destroy();
  }
  return "forwarded";
}

async function reply({ request, response, requestId }: Walk, answer: Reply): Promise<Outcome> {
  await sendReply(request, response, answer, requestId);
  return "replied";
}

async function fail({ request, response, requestId, parts }: Walk, error: RouterError): Promise<Outcome> {
  const { logger, metrics } = parts;
  const cancelled = error.code === "cancelled";
  if (!cancelled) metrics.gatewayFailures.inc({ code: error.code });
  if (error.code === "internal") logger.error({ requestId, err: error }, "gateway request failed");
  else if (!cancelled) logger.warn({ requestId, code: error.code, problem: error.message }, "gateway request failed");
  if (response.headersSent || response.destroyed) breakOff(request, response);
  else await sendReply(request, response, errorReply(error), requestId);
  return cancelled ? "cancelled" : "failed";
}

/** observe lets the exchange look at bytes that are already on their way; its mistakes must not cost the client its answer. */
function observe(exchange: Exchange, chunk: Uint8Array, endOfStream: boolean, logger: Logger): void {
  if (exchange.responseBody === "none") return;
  try {
    exchange.onResponseChunk(chunk, endOfStream);
  } catch (error) {
    logger.error({ err: error, requestId: exchange.requestId }, "reading a response failed; this is a bug");
  }
}

/** drained waits until a slow client has taken what was written; nothing more is read from the backend meanwhile. */
async function drained(response: ServerResponse, timeoutMs: number, signal: AbortSignal): Promise<void> {
  const stalled = new AbortController();
  const timer = setTimeout(() => stalled.abort(), timeoutMs);
  try {
    await once(response, "drain", { signal: AbortSignal.any([signal, stalled.signal]) });
  } catch (error) {
    if (!stalled.signal.aborted) throw error;
    throw new RouterError("cancelled", `the client read nothing for ${timeoutMs} ms`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}

/** breakOff ends a response that cannot be completed, so that no client takes the part for the whole. */
function breakOff(request: IncomingMessage, response: ServerResponse): void {
  // HTTP/1.0 knows the end of a body by the end of the connection: only a reset tells the difference.
  if (request.httpVersion === "1.0") request.socket.resetAndDestroy();
  else response.destroy();
}

/** withRequestId leaves exactly one id, so that client, log and backend speak of the same. */
function withRequestId(headers: HeaderEntry[]): HeaderEntry[] {
  return [...headers.filter(([name]) => name !== "x-request-id"), ["x-request-id", requestIdOf(headers) ?? randomUUID()]];
}

/** The backend gets its own host, and a length that undici counts: for a stream the client's, when it gave one. */
function headersToSend(headers: readonly HeaderEntry[], body: Uint8Array | Readable | null): HeaderEntry[] {
  const counted = body === null || body instanceof Uint8Array;
  return headers.filter(([name]) => name !== "host" && name !== "expect" && !(counted && name === "content-length"));
}
