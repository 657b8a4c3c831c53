/** vLLM Semantic Router's own values file with its tracing switched on, towards a collector that is not there: it starts, serves and stops. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig, startTurnout } from "@turnout/extproc";
import { createMetrics, silentLogger } from "@turnout/shared";
import { expect, it } from "vitest";
import { GatewaySimulator } from "../wire/gateway-simulator.ts";

const fixture = fileURLToPath(new URL("fixtures/vsr-agentgateway-values.yaml", import.meta.url));

it("serves with tracing enabled though nobody takes the spans", async () => {
  const folder = await mkdtemp(join(tmpdir(), "turnout-compat-tracing-"));
  const file = join(folder, "values.yaml");
  const text = await readFile(fixture, "utf8");
  await writeFile(file, text.replace(/(tracing:\n\s+enabled:) false/, "$1 true"));
  const config = await loadConfig(file, {});
  expect(config.document.global.services.observability.tracing).toMatchObject({
    enabled: true,
    exporter: { type: "otlp", endpoint: "jaeger:4317", insecure: true },
    resource: { service_name: "vllm-semantic-router" },
  });
  const turnout = await startTurnout({
    config,
    env: { TURNOUT_MODELS_DIR: join(folder, "models"), OTEL_BSP_SCHEDULE_DELAY: "5" },
    logger: silentLogger,
    metrics: createMetrics(),
    model: { sources: [] },
    address: "127.0.0.1",
    extprocPort: 0,
    apiPort: 0,
    metricsPort: 0,
  });
  const gateway = new GatewaySimulator(turnout.addresses.find(({ part }) => part === "ExtProc")?.address ?? "", "agentgateway");
  try {
    for (let count = 0; count < 3; count += 1) {
      const chunks = [Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content: `a question, number ${count}` }] }))];
      const { status, upstream } = await gateway.send({ chunks }, () => ({ chunks: [Buffer.from("{}")] }));
      expect([status, upstream?.headers.get("traceparent")]).toEqual([200, expect.stringMatching(/^00-.*-01$/)]);
    }
  } finally {
    gateway.close();
    await turnout.close(0);
    await rm(folder, { recursive: true, force: true });
  }
});
