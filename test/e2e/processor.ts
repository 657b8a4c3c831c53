/** Our real ExtProc server inside the test's process, so that a test can script its exchanges and see what they were told. */
import { Client, credentials } from "@grpc/grpc-js";
import { createMetrics, silentLogger, type ExchangeFactory, type Metrics } from "@turnout/shared";
import { createExtProcServer } from "@turnout/extproc/envoy";

export interface Processor {
  readonly port: number;
  readonly metrics: Metrics;
  setServing(serving: boolean): void;
  /** What grpc.health.v1 answers for the whole server. */
  health(): Promise<"SERVING" | "NOT_SERVING" | "UNKNOWN">;
  close(): Promise<void>;
}

/** startProcessor listens on a free loopback port and serves at once. */
export async function startProcessor(options: { readonly exchanges: ExchangeFactory }): Promise<Processor> {
  const metrics = createMetrics();
  const server = createExtProcServer({ ...options, logger: silentLogger, metrics });
  const port = await server.listen("127.0.0.1", 0);
  server.setServing(true);
  return {
    port,
    metrics,
    setServing: (serving) => server.setServing(serving),
    health: () => checkHealth(port),
    close: () => server.drain(0),
  };
}

/** checkHealth asks grpc.health.v1. The question is an empty message, the answer one enum in field 1: no .proto is worth it. */
function checkHealth(port: number): Promise<"SERVING" | "NOT_SERVING" | "UNKNOWN"> {
  const client = new Client(`127.0.0.1:${port}`, credentials.createInsecure());
  return new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (empty: Buffer) => empty,
      (answer: Buffer) => answer.at(1),
      Buffer.alloc(0),
      { deadline: Date.now() + 5_000 },
      (error, status) => {
        client.close();
        if (error !== null) reject(error);
        else resolve(status === 1 ? "SERVING" : status === 2 ? "NOT_SERVING" : "UNKNOWN");
      },
    );
  });
}
