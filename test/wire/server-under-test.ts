/** Starts the real ExtProc server on a free port over a scripted router, and reads its metrics. */
import { createExtProcServer, type ExtProcServer, type ExtProcServerOptions } from "@turnout/extproc/envoy";
import { createMetrics, silentLogger, type Metrics } from "@turnout/shared";
import { ScriptedExchanges } from "./scripted-exchange.ts";

export interface ServerUnderTest {
  readonly server: ExtProcServer;
  readonly address: string;
  readonly port: number;
  readonly exchanges: ScriptedExchanges;
  readonly metrics: Metrics;
  /** Sum of a metric over its labels, or of the one labelled. */
  reading(name: string, labels?: Readonly<Record<string, string>>): Promise<number>;
}

export async function startServer(options: Partial<ExtProcServerOptions> = {}): Promise<ServerUnderTest> {
  const exchanges = new ScriptedExchanges();
  const metrics = createMetrics();
  const server = createExtProcServer({ exchanges, logger: silentLogger, metrics, ...options });
  const port = await server.listen("127.0.0.1", 0);
  server.setServing(true);
  return {
    server,
    address: `127.0.0.1:${port}`,
    port,
    exchanges,
    metrics,
    async reading(name, labels = {}) {
      const metric = await metrics.registry.getSingleMetric(name)?.get();
      const wanted = metric?.values.filter((value) => Object.entries(labels).every(([key, label]) => value.labels[key] === label));
      return (wanted ?? []).reduce((sum, value) => sum + value.value, 0);
    },
  };
}
