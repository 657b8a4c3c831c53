/**
 * The ExtProc server: one port with ext_proc, grpc.health.v1 and reflection. It owns the listener, so that a taken port is a
 * plain error and connections can be counted, and injects the sockets into grpc-js. It routes nothing itself.
 */
import { X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import type { ServerHttp2Session } from "node:http2";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { createSecureContext } from "node:tls";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { loadSync } from "@grpc/proto-loader";
import { ReflectionService } from "@grpc/reflection";
import { RouterError, type ExchangeFactory, type Logger, type Metrics } from "@turnout/shared";
import { HealthImplementation, protoPath as healthProtoPath } from "grpc-health-check";
import { listenOn } from "../listen.ts";
import { sessionsOf, tolerateResets } from "./grpc-internals.ts";
import { HeldBytes } from "../held-bytes.ts";
import { loadProtocol, serviceName } from "./protocol.ts";
import { createProcessService, tolerant } from "./service.ts";

export interface TlsFiles {
  /** PEM files. With a client CA, clients must show a certificate of it (mTLS). */
  readonly certPath: string;
  readonly keyPath: string;
  readonly clientCaPath?: string;
}

export interface ExtProcServerOptions {
  readonly exchanges: ExchangeFactory;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly tls?: TlsFiles;
  /** Largest gRPC message either way, bytes. Default 64 MiB: above the body limits that gateways and exchanges have. */
  readonly maxMessageBytes?: number;
  /** Streams one connection may have open. Default 10000; gateways queue or open another connection beyond it. */
  readonly maxConcurrentStreams?: number;
  /** An idle connection is pinged this often, ms (default 60000), and dropped when no answer comes within keepaliveTimeoutMs (default 20000). */
  readonly keepaliveTimeMs?: number;
  readonly keepaliveTimeoutMs?: number;
}

export interface ExtProcServer {
  /** Listens and resolves to the port, of use when `port` is 0. Throws RouterError "port_in_use". */
  listen(host: string, port: number): Promise<number>;
  /** What the health service says; NOT_SERVING until told otherwise. */
  setServing(serving: boolean): void;
  /** Streams open now. */
  readonly openStreams: number;
  /** Says NOT_SERVING and GOAWAY, lets open streams finish for up to `graceMs`, then cuts them. Safe to call twice. */
  drain(graceMs: number): Promise<void>;
}

/** What a drain gives gateways to read the GOAWAY, ms: a few round trips. */
const noticeMs = 100;

/** Longest wait for the last answers to leave once no stream is open, ms. */
const flushMs = 1000;

export function createExtProcServer(options: ExtProcServerOptions): ExtProcServer {
  const { logger, metrics } = options;
  const maxMessageBytes = options.maxMessageBytes ?? 64 * 1024 * 1024;
  const protocol = loadProtocol();
  const service = createProcessService({
    exchanges: options.exchanges,
    held: new HeldBytes((total) => metrics.extprocHeldBytes.set(total)),
    logger,
    metrics,
  });
  const health = new HealthImplementation({ "": "NOT_SERVING", [serviceName]: "NOT_SERVING" });
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.max_concurrent_streams": options.maxConcurrentStreams ?? 10_000,
    "grpc.keepalive_time_ms": options.keepaliveTimeMs ?? 60_000,
    "grpc.keepalive_timeout_ms": options.keepaliveTimeoutMs ?? 20_000,
    "grpc.enable_channelz": 0,
  });
  tolerateResets(server);
  server.addService(tolerant(protocol.ExternalProcessor.service), service.handlers);
  health.addToServer(server);
  new ReflectionService({ ...protocol.packageDefinition, ...loadSync(healthProtoPath) }).addToServer(server);

  let listener: NetServer | null = null;
  const sockets = new Set<Socket>();
  let draining: Promise<void> | null = null;

  function setServing(serving: boolean): void {
    const status = serving && draining === null ? "SERVING" : "NOT_SERVING";
    health.setStatus("", status);
    health.setStatus(serviceName, status);
  }

  async function shutDown(graceMs: number): Promise<void> {
    const end = performance.now() + graceMs;
    setServing(false);
    listener?.close();
    await within(Math.min(noticeMs, graceMs), Promise.all(sessionsOf(server).map(announceGoaway)));
    // Refuses new streams, and closes each connection once its last stream is over.
    const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
    await within(Math.max(0, end - performance.now()), service.whenIdle());
    if (service.openStreams > 0) logger.warn({ open: service.openStreams }, "streams were still open when the drain's time was up");
    // The last answers are still on their way out; a health watcher, though, never ends by itself.
    else await within(flushMs, closed);
    for (const socket of sockets) socket.destroy();
    await closed;
    await within(flushMs, service.whenIdle());
  }

  return {
    async listen(host, port) {
      const injector = server.createConnectionInjector(await loadCredentials(options.tls));
      const accepting = createServer({ noDelay: true }, (socket) => {
        metrics.extprocConnections.inc();
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        injector.injectConnection(socket);
      });
      const bound = await listenOn(accepting, host, port, "--address and --port");
      accepting.on("error", (error) => logger.error({ err: error }, "the ExtProc listener failed to accept a connection"));
      listener = accepting;
      return bound;
    },
    setServing,
    get openStreams() {
      return service.openStreams;
    },
    drain(graceMs) {
      draining ??= Promise.resolve().then(() => shutDown(graceMs));
      return draining;
    },
  };
}

async function loadCredentials(tls: TlsFiles | undefined): Promise<ServerCredentials> {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const read = async (file: string, what: string): Promise<Buffer> => {
    try {
      return await readFile(file);
    } catch (error) {
      throw new RouterError("config_invalid", `the ${what} ${file} cannot be read`, { cause: error });
    }
  };
  const [cert_chain, private_key, clientCa] = await Promise.all([
    read(tls.certPath, "TLS certificate"),
    read(tls.keyPath, "TLS key"),
    tls.clientCaPath === undefined ? null : read(tls.clientCaPath, "client CA"),
  ]);
  try {
    // Said now: grpc-js would say it in a way that nobody can read, and a client CA that is none would only refuse every client.
    createSecureContext({ cert: cert_chain, key: private_key });
    if (clientCa !== null) new X509Certificate(clientCa).toString();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const files = [tls.certPath, tls.keyPath, ...(tls.clientCaPath === undefined ? [] : [tls.clientCaPath])];
    throw new RouterError("config_invalid", `the TLS files ${files.join(", ")} cannot be used: ${reason}`, { cause: error });
  }
  return ServerCredentials.createSsl(clientCa, [{ cert_chain, private_key }], clientCa !== null);
}

/**
 * announceGoaway asks a client to open no more streams here; resolves when the connection is closed, as gateways do once it is
 * idle. Until then streams are still served: one that the client opened before it could read the GOAWAY must not be refused.
 */
function announceGoaway(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    if (session.closed || session.destroyed) return resolve();
    session.once("close", resolve);
    session.goaway(0, 2 ** 31 - 1);
  });
}

/** within waits for `work`, but no longer than `ms`. */
async function within(ms: number, work: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, ms);
  });
  await Promise.race([work, late]);
  clearTimeout(timer);
}
