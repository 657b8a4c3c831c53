/**
 * What we need of grpc-js that it has no option for. It reaches into two private fields of Server (grpc-js is pinned to an exact
 * version); should a new version move them, tolerateResets throws at start-up and the wire tests fail. Called by server.ts.
 */
import type { ServerHttp2Session } from "node:http2";
import type { Server } from "@grpc/grpc-js";
import { RouterError } from "@turnout/shared";

/**
 * Envoy ends every ext_proc stream with RST_STREAM. Node's guard against reset floods (burst 1000, then 33 per second) would
 * take that for an attack and drop the gateway's connection about once per thousand requests. Needs Node 22 or later.
 */
const streamResetBurst = 1_000_000_000;
const streamResetRate = 1_000_000_000;

/** tolerateResets raises the limits for HTTP/2 servers that `server` makes from now on; only its own, nothing global is touched. */
export function tolerateResets(server: Server): void {
  const http2Options: unknown = Reflect.get(server, "commonServerOptions");
  if (typeof http2Options !== "object" || http2Options === null) {
    throw new RouterError("internal", "grpc-js has moved its HTTP/2 server options; Node's reset limit cannot be raised. This is a bug.");
  }
  Object.assign(http2Options, { streamResetBurst, streamResetRate });
}

/** sessionsOf lists the server's open HTTP/2 connections; empty should grpc-js keep them elsewhere one day. */
export function sessionsOf(server: Server): ServerHttp2Session[] {
  const http2Servers: unknown = Reflect.get(server, "http2Servers");
  if (!(http2Servers instanceof Map)) return [];
  const entries = [...http2Servers.values()] as { sessions?: ReadonlySet<ServerHttp2Session> }[];
  return entries.flatMap((entry) => [...(entry.sessions ?? [])]);
}
