import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { isIPv6, Socket } from "node:net";
import { RouterError, type ExchangeFactory, type Logger, type Metrics } from "@turnout/shared";
import { HeldBytes } from "../held-bytes.ts";
import { listenOn } from "../listen.ts";
import type { BackendDirectory } from "./backends.ts";
import { errorReply, refusalText, sendReply } from "./replies.ts";
import { walkRequest, type WalkParts } from "./request-walk.ts";
import { createUpstream } from "./upstream.ts";

/**
 * The HTTP gateway: Turnout's own front door for people without Envoy. It listens on the configuration's `listeners`, speaks
 * the OpenAI API and walks every request past an exchange, as the ExtProc door does. It takes no routing decision and parses no
 * body. compose.ts makes one per process.
 */

/** GatewayListener is one entry of `listeners`. */
export interface GatewayListener {
  readonly name: string;
  readonly address: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** For one whole request, ms; 300 s when absent. */
  readonly timeoutMs?: number | undefined;
}

/** BoundListener is a listener that accepts connections. */
export interface BoundListener {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly url: string;
}

/** GatewayLimits bound connections and waits; milliseconds and bytes. Limits of request bodies come from the exchanges. */
export interface GatewayLimits {
  /** Connections per listener; more are closed at once. */
  readonly maxConnections: number;
  readonly maxHeaderBytes: number;
  /** A request's head must be complete within this time, also on a connection that has sent nothing yet. */
  readonly headersTimeoutMs: number;
  /** An idle connection is closed after this time. */
  readonly keepAliveTimeoutMs: number;
  /** A client that reads nothing for this time is cut off. */
  readonly stallTimeoutMs: number;
  readonly connectTimeoutMs: number;
  /** From the request sent to the backend's head; without streaming, a whole generation. */
  readonly upstreamHeadersTimeoutMs: number;
  /** Longest silence within a backend's response. */
  readonly upstreamIdleTimeoutMs: number;
  /** Connections tried for one request. */
  readonly maxAttempts: number;
}

const DEFAULT_LIMITS: GatewayLimits = {
  maxConnections: 4096,
  maxHeaderBytes: 32 * 1024,
  headersTimeoutMs: 10_000,
  // Longer than the idle timeouts of usual clients and load balancers (60 s), so that they close first and lose no request.
  keepAliveTimeoutMs: 75_000,
  stallTimeoutMs: 60_000,
  connectTimeoutMs: 2000,
  upstreamHeadersTimeoutMs: 300_000,
  upstreamIdleTimeoutMs: 120_000,
  maxAttempts: 3,
};

const REQUEST_TIMEOUT_MS = 300_000;

export interface GatewayOptions {
  readonly listeners: readonly GatewayListener[];
  readonly exchanges: ExchangeFactory;
  readonly backends: BackendDirectory;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly limits?: Partial<GatewayLimits>;
  /** Picks among a model's backends, 0..1; for tests. */
  readonly random?: () => number;
}

export interface Gateway {
  /** Opens all listeners or none. Rejects with RouterError("port_in_use") naming the setting. */
  listen(): Promise<readonly BoundListener[]>;
  /** Takes no new connections, lets open requests finish for `graceMs`, then cuts them. */
  close(graceMs: number): Promise<void>;
}

/** The only requests that reach an exchange; /v1/models is answered by it. */
const ROUTES = new Set(["POST /v1/chat/completions", "POST /v1/completions", "GET /v1/models"]);

/** The parser takes "gzip, chunked" but undoes only the chunks: what would be forwarded is not what was sent. */
const STACKED_CODINGS = /,\s*chunked\s*$/i;

/** createGateway prepares a gateway; nothing listens before listen(). */
export function createGateway(options: GatewayOptions): Gateway {
  const { logger, metrics, exchanges, backends } = options;
  const limits: GatewayLimits = { ...DEFAULT_LIMITS, ...options.limits };
  const upstream = createUpstream(
    {
      connectTimeoutMs: limits.connectTimeoutMs,
      headersTimeoutMs: limits.upstreamHeadersTimeoutMs,
      idleTimeoutMs: limits.upstreamIdleTimeoutMs,
      maxAttempts: limits.maxAttempts,
    },
    metrics,
    options.random,
  );
  const held = new HeldBytes((bytes) => metrics.gatewayHeldBytes.set(bytes));
  const parts: WalkParts = { exchanges, backends, upstream, held, logger, metrics, stallTimeoutMs: limits.stallTimeoutMs };
  const servers = options.listeners.map((listener) => createListener(listener, parts, limits));
  let closing: Promise<void> | null = null;

  return {
    async listen() {
      const opened = await Promise.allSettled(servers.map((server) => server.listen()));
      const failed = opened.find((outcome) => outcome.status === "rejected");
      if (failed !== undefined) {
        await Promise.all(servers.map((server) => server.close(0)));
        throw failed.reason;
      }
      return opened.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
    },
    close(graceMs) {
      closing ??= (async () => {
        await Promise.all(servers.map((server) => server.close(graceMs)));
        await upstream.close();
      })();
      return closing;
    },
  };
}

interface ListenerServer {
  listen(): Promise<BoundListener>;
  close(graceMs: number): Promise<void>;
}

function createListener(listener: GatewayListener, parts: WalkParts, limits: GatewayLimits): ListenerServer {
  const open = new Set<ServerResponse>();
  const walks = new Set<Promise<void>>();
  let draining = false;
  const server = createServer({
    insecureHTTPParser: false,
    requireHostHeader: true,
    noDelay: true,
    maxHeaderSize: limits.maxHeaderBytes,
    headersTimeout: limits.headersTimeoutMs,
    // Bodies have their own deadline, which answers in OpenAI's shape.
    requestTimeout: 0,
    keepAliveTimeout: limits.keepAliveTimeoutMs,
    connectionsCheckingInterval: Math.min(1000, limits.headersTimeoutMs / 2),
  });
  server.maxConnections = limits.maxConnections;

  async function answer(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    // Errors of both sides are seen through 'close' and the socket; unheard 'error' events would end the process.
    request.on("error", () => {});
    response.on("error", () => {});
    open.add(response);
    parts.metrics.gatewayOpenRequests.inc();
    if (draining) response.shouldKeepAlive = false;
    try {
      await dispatch(request, response, expectsContinue);
      await closed(response, limits.stallTimeoutMs);
    } finally {
      open.delete(response);
      parts.metrics.gatewayOpenRequests.dec();
      if (draining) server.closeIdleConnections();
    }
  }

  async function dispatch(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): Promise<void> {
    const path = (request.url ?? "").split("?", 1)[0] ?? "";
    const route = `${request.method} ${path}`;
    if (STACKED_CODINGS.test(request.headers["transfer-encoding"] ?? "")) {
      const problem = new RouterError("request_invalid", "the only transfer-encoding understood is chunked");
      await sendReply(request, response, errorReply(problem));
    } else if (ROUTES.has(route)) {
      const timeoutMs = listener.timeoutMs ?? REQUEST_TIMEOUT_MS;
      await walkRequest(request, response, parts, { listener: listener.name, timeoutMs, expectsContinue });
    } else if (route === "GET /health") {
      const headers = [["content-type", "application/json"]] as const;
      await sendReply(request, response, { status: 200, headers, body: '{"status":"ok"}', details: "health" });
    } else {
      await sendReply(
        request,
        response,
        errorReply(new RouterError("route_unknown", `no ${request.method ?? "?"} ${path.slice(0, 200)} here`)),
      );
    }
  }

  const onRequest = (expectsContinue: boolean) => (request: IncomingMessage, response: ServerResponse) => {
    const walk = answer(request, response, expectsContinue)
      .catch((error: unknown) => {
        parts.logger.error({ err: error }, "a gateway request ended badly; this is a bug");
        response.destroy();
      })
      .finally(() => walks.delete(walk));
    walks.add(walk);
  };
  server.on("request", onRequest(false));
  server.on("checkContinue", onRequest(true));
  server.on("checkExpectation", (request, response) => {
    const refusal = errorReply(new RouterError("request_invalid", "the only expectation understood is 100-continue"));
    void sendReply(request, response, { ...refusal, status: 417 });
  });
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    // After bytes of an answer a refusal would be read as its continuation.
    const answering = [...open].some((response) => response.socket === socket && response.headersSent);
    if (error.code === "ECONNRESET" || !socket.writable || answering || !(socket instanceof Socket)) {
      socket.destroy();
      return;
    }
    socket.write(refusalText(parserError(error.code)));
    socket.destroySoon();
  });

  return {
    listen: () => bind(server, listener),
    async close(graceMs) {
      draining = true;
      for (const response of open) if (!response.headersSent) response.shouldKeepAlive = false;
      if (!server.listening) return;
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeIdleConnections();
      const timer = setTimeout(() => server.closeAllConnections(), graceMs);
      await closed;
      clearTimeout(timer);
      // Connections are gone; what is left are exchanges that hear of it.
      await Promise.all(walks);
    },
  };
}

/** closed waits until a response has left; a client that does not take its last bytes is cut off. */
async function closed(response: ServerResponse, timeoutMs: number): Promise<void> {
  if (response.closed) return;
  const timer = setTimeout(() => response.destroy(), timeoutMs);
  await new Promise((resolve) => response.once("close", resolve));
  clearTimeout(timer);
}

async function bind(server: Server, { name, address, port }: GatewayListener): Promise<BoundListener> {
  const bound = await listenOn(server, address, port, `listeners[].port of "${name}"`);
  return { name, address, port: bound, url: `http://${isIPv6(address) ? `[${address}]` : address}:${bound}` };
}

/** parserError explains what Node's strict parser refused: this is also where request smuggling ends. */
function parserError(code: string | undefined): RouterError {
  if (code === "HPE_HEADER_OVERFLOW") return new RouterError("headers_too_large", "the request's headers are too large");
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return new RouterError("body_too_slow", "the request's headers did not arrive in time");
  return new RouterError("request_invalid", `not a well-formed HTTP request (${code ?? "unknown"})`);
}
