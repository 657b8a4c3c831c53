/** A collector that takes every span and looks at none: what exporting costs the router is measured, not what becomes of it. */
import { once } from "node:events";
import { createServer } from "node:http2";
import type { AddressInfo } from "node:net";

export interface SpanSink {
  readonly url: string;
  /** Exports that have come in. */
  readonly exports: number;
  close(): void;
}

/** An empty message of gRPC: not compressed, no bytes. */
const EMPTY_MESSAGE = Buffer.alloc(5);

/** startSpanSink speaks as much gRPC as an exporter needs. */
export async function startSpanSink(): Promise<SpanSink> {
  let exports = 0;
  const server = createServer();
  server.on("stream", (stream) => {
    stream.on("error", () => undefined);
    stream.on("end", () => {
      exports += 1;
      stream.respond({ ":status": 200, "content-type": "application/grpc" }, { waitForTrailers: true });
      stream.on("wantTrailers", () => stream.sendTrailers({ "grpc-status": "0" }));
      stream.end(EMPTY_MESSAGE);
    });
    stream.resume();
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const sessions = new Set<{ destroy(): void }>();
  server.on("session", (session) => sessions.add(session));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get exports() {
      return exports;
    },
    close() {
      for (const session of sessions) session.destroy();
      server.close();
    },
  };
}
