import { createServer } from "node:http";
import type { Metrics } from "@turnout/shared";
import { listenOn } from "../listen.ts";

/** The Prometheus endpoint: `GET /metrics` on a port of its own (vSR's 9190). Serves nothing else. */
export interface MetricsServer {
  listen(host: string, port: number): Promise<number>;
  close(): Promise<void>;
}

/** createMetricsServer exposes a registry; a scrape that fails answers 500 and leaves the process alone. */
export function createMetricsServer(metrics: Metrics): MetricsServer {
  const server = createServer((request, response) => {
    if (request.method !== "GET" || request.url?.split("?")[0] !== "/metrics") {
      response.writeHead(404, { "content-type": "text/plain" }).end("GET /metrics\n");
      return;
    }
    metrics.registry.metrics().then(
      (text) => response.writeHead(200, { "content-type": metrics.registry.contentType }).end(text),
      (error: unknown) => response.writeHead(500, { "content-type": "text/plain" }).end(`${String(error)}\n`),
    );
  });
  return {
    listen: (host, port) => listenOn(server, host, port, "--metrics-port"),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
