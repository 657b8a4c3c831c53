/**
 * The listening side of a grpc-js server: its own socket, so that a taken port is a plain error, tolerance for cancelled calls, and
 * a drain that loses none. The ExtProc server has its like (extproc/src/envoy), which may import nothing of this package. It
 * reaches into two private fields of grpc-js, which is pinned to an exact version. Called by server.ts.
 */
import { readFile } from "node:fs/promises";
import type { ServerHttp2Session } from "node:http2";
import { createServer, type Server as NetServer, type Socket } from "node:net";
import { setTimeout as wait } from "node:timers/promises";
import { ServerCredentials, type Server } from "@grpc/grpc-js";
import { RouterError } from "@turnout/shared";

/** TlsFiles are PEM files. With a client CA, clients must show a certificate of it (mTLS). */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
  readonly clientCaPath?: string;
}

/** A front resets each call whose deadline passed. Node would take more than 33 a second for an attack and drop the connection. */
const streamResetBurst = 1_000_000_000;
const streamResetRate = 1_000_000_000;

/** What a drain gives clients to read NOT_SERVING and the GOAWAY, ms: a few round trips. */
const NOTICE_MS = 100;

/** What the last answers get to leave once no call is open, ms. */
const FLUSH_MS = 100;

/** Longest wait for destroyed connections to be gone, ms. */
const CLOSE_LIMIT_MS = 1_000;

export interface GrpcListener {
  /** Listens and resolves to the port, of use when `port` is 0. Throws RouterError "port_in_use". */
  listen(host: string, port: number): Promise<number>;
  /** Takes no new connection, asks clients to leave, waits for `idle` up to `graceMs`, then cuts what is left. */
  drain(graceMs: number, idle: () => Promise<void>): Promise<void>;
}

/** createGrpcListener takes over the sockets of `server`, to which services may still be added. */
export function createGrpcListener(server: Server, tls: TlsFiles | undefined): GrpcListener {
  tolerateResets(server);
  const sockets = new Set<Socket>();
  let listener: NetServer | null = null;

  return {
    async listen(host, port) {
      const injector = server.createConnectionInjector(await loadCredentials(tls));
      listener = createServer({ noDelay: true }, (socket) => {
        sockets.add(socket);
        socket.once("close", () => sockets.delete(socket));
        injector.injectConnection(socket);
      });
      return bind(listener, host, port);
    },
    async drain(graceMs, idle) {
      const end = performance.now() + graceMs;
      listener?.close();
      await within(Math.min(NOTICE_MS, graceMs), Promise.all(sessionsOf(server).map(announceGoaway)));
      await within(Math.max(0, end - performance.now()), idle());
      const closed = new Promise<void>((resolve) => server.tryShutdown(() => resolve()));
      // The last answers are on their way out. `closed` cannot be trusted here: a session that has read the client's GOAWAY counts as
      // closed while it still writes; and a health watch never ends by itself.
      await wait(FLUSH_MS);
      for (const socket of sockets) socket.destroy();
      await within(CLOSE_LIMIT_MS, closed);
    },
  };
}

function tolerateResets(server: Server): void {
  const http2Options: unknown = Reflect.get(server, "commonServerOptions");
  if (typeof http2Options !== "object" || http2Options === null)
    throw new RouterError("internal", "grpc-js has moved its HTTP/2 server options; Node's reset limit cannot be raised. This is a bug.");
  Object.assign(http2Options, { streamResetBurst, streamResetRate });
}

function sessionsOf(server: Server): ServerHttp2Session[] {
  const http2Servers: unknown = Reflect.get(server, "http2Servers");
  if (!(http2Servers instanceof Map)) return [];
  const entries = [...http2Servers.values()] as { sessions?: ReadonlySet<ServerHttp2Session> }[];
  return entries.flatMap((entry) => [...(entry.sessions ?? [])]);
}

/** announceGoaway asks a client to begin no more calls here; those that it began before it could read the GOAWAY are still served. */
function announceGoaway(session: ServerHttp2Session): Promise<void> {
  return new Promise((resolve) => {
    if (session.closed || session.destroyed) return resolve();
    session.once("close", resolve);
    session.goaway(0, 2 ** 31 - 1);
  });
}

function bind(listener: NetServer, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    listener.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      const message = taken
        ? `${host}:${port} is taken by another process. Stop it, or choose another port with --port.`
        : `the classifier service cannot listen on ${host}:${port}: ${error.message}`;
      reject(new RouterError(taken ? "port_in_use" : "internal", message, { cause: error }));
    });
    listener.listen({ host, port }, () => {
      const address = listener.address();
      resolve(typeof address === "object" && address !== null ? address.port : port);
    });
  });
}

async function loadCredentials(tls: TlsFiles | undefined): Promise<ServerCredentials> {
  if (tls === undefined) return ServerCredentials.createInsecure();
  const [cert_chain, private_key, clientCa] = await Promise.all([
    readPem(tls.certPath),
    readPem(tls.keyPath),
    tls.clientCaPath === undefined ? null : readPem(tls.clientCaPath),
  ]);
  return ServerCredentials.createSsl(clientCa, [{ cert_chain, private_key }], clientCa !== null);
}

async function readPem(file: string): Promise<Buffer> {
  try {
    return await readFile(file);
  } catch (error) {
    throw new RouterError("config_invalid", `${file} cannot be read; expected a PEM file`, { cause: error });
  }
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
