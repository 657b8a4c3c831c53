/**
 * The ExtProc server with scripted exchanges as a process of its own, for load and for being killed. Run with
 * `node --conditions=source processor-process.ts <port> <"raised" | "node-default">`; prints its port as one JSON line; SIGTERM drains.
 *
 * "node-default" takes back what the server does about Node's limit on incoming resets: the counter-experiment that shows the load test
 * would notice.
 */
import { createRequire } from "node:module";
import type Http2 from "node:http2";
import { createLogger, createMetrics } from "@turnout/shared";
import { createExtProcServer } from "@turnout/extproc/envoy";
import { scriptedExchanges } from "./scripted-exchange.ts";

const DRAIN_LIMIT_MS = 5_000;

/** grpc-js calls createServer on this same module object when it starts to listen. */
function restoreNodeResetLimits(): void {
  const http2 = createRequire(import.meta.url)("node:http2") as typeof Http2;
  http2.createServer = new Proxy(http2.createServer, {
    apply(createServer, self, [options, ...rest]: [Http2.ServerOptions, ...unknown[]]) {
      const { streamResetBurst: _burst, streamResetRate: _rate, ...others } = options;
      return Reflect.apply(createServer, self, [others, ...rest]);
    },
  });
}

const [port = "0", resetLimits = "raised"] = process.argv.slice(2);
if (resetLimits === "node-default") restoreNodeResetLimits();
const server = createExtProcServer({ exchanges: scriptedExchanges(), logger: createLogger("warn"), metrics: createMetrics() });
process.once("SIGTERM", () => void server.drain(DRAIN_LIMIT_MS).then(() => process.exit(0)));
console.log(JSON.stringify({ port: await server.listen("127.0.0.1", Number(port)) }));
server.setServing(true);
