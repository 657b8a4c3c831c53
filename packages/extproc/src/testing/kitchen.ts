import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createMetrics, silentLogger, type Logger, type Metrics } from "@turnout/shared";
import { startTurnout, type Turnout } from "../compose.ts";
import { loadConfig } from "../config/index.ts";

/** What tests of the whole product share: a small kitchen configuration, and the product running on it on free ports. */

/** kitchenConfig routes the word "oven" to an adapter and what the domain signal finds to others. `extra` goes under `turnout:`. */
export function kitchenConfig({
  backend = "127.0.0.1:9",
  adapter = "oven-expert",
  listen = false,
  extra = "classifier: { backend: deterministic, workers: 1 }",
} = {}): string {
  return `
version: v0.3
listeners: [${listen ? "{ name: http, address: 127.0.0.1, port: 0 }" : ""}]
providers:
  defaults: { default_model: base }
  models: [{ name: base, backend_refs: [{ endpoint: "${backend}" }] }]
routing:
  modelCards: [{ name: base, loras: [{ name: ${adapter} }, { name: pan-expert }] }]
  signals:
    keywords: [{ name: oven, operator: OR, keywords: [oven] }]
    domains: [{ name: pans, description: "Frying in pans" }, { name: other, description: "Everything else" }]
  decisions:
    - { name: oven, priority: 20, rules: { type: keyword, name: oven }, modelRefs: [{ model: base, lora_name: ${adapter} }] }
    - { name: pans, priority: 10, rules: { type: domain, name: pans }, modelRefs: [{ model: base, lora_name: pan-expert }] }
global:
  services: { management_api: { port: 0 } }
turnout:
  deadline_ms: 5000
  ${extra}
`;
}

export interface Kitchen {
  readonly turnout: Turnout;
  readonly metrics: Metrics;
  readonly file: string;
  /** "host:port" of a part. */
  address(part: string): string;
  /** Replaces the configuration file. */
  rewrite(config: string): Promise<void>;
  close(): Promise<void>;
}

/** startKitchen runs the product on a configuration file of its own. */
export async function startKitchen(
  config = kitchenConfig(),
  options: { extprocPort?: number; logger?: Logger; env?: Record<string, string> } = {},
): Promise<Kitchen> {
  const folder = await mkdtemp(join(tmpdir(), "turnout-kitchen-"));
  const file = join(folder, "config.yaml");
  const metrics = createMetrics();
  await writeFile(file, config);
  const env = { TURNOUT_MODELS_DIR: join(folder, "models"), ...options.env };
  const turnout = await startTurnout({
    config: await loadConfig(file, env),
    env,
    logger: options.logger ?? silentLogger,
    metrics,
    model: { sources: [] },
    address: "127.0.0.1",
    extprocPort: options.extprocPort ?? 0,
    metricsPort: 0,
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    turnout,
    metrics,
    file,
    address: (part) => turnout.addresses.find((listener) => listener.part === part)?.address ?? "",
    rewrite: (text) => writeFile(file, text),
    async close() {
      await turnout.close(100);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
