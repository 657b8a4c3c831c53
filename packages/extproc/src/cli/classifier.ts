import { join } from "node:path";
import { createLogger, createMetrics, systemClock } from "@turnout/shared";
import type { SourceName } from "@turnout/classifier-pool/prepare";
import { InvalidArgumentError, Option, type Command } from "commander";
import { createMetricsServer } from "../admin/metrics-server.ts";
import { gaugeStatus } from "../classifier-gauge.ts";
import { deploymentSettings, loadConfig, poolSettingsOf, type PoolSettings } from "../config/index.ts";
import { clientCaIn } from "../tls-directory.ts";
import { openTraces } from "../tracing/open.ts";
import { dropGarbage } from "./heap.ts";
import { logLevelOption, parsePort, parseSeconds, sourceOption } from "./options.ts";
import type { Environment } from "./program.ts";
import { showPreparation } from "./progress.ts";
import { stopOnSignals } from "./serve.ts";

/** How long a stop waits for the collector to take the last spans. */
const TRACE_FLUSH_MS = 1_000;

interface ClassifierFlags {
  readonly config?: string;
  readonly address: string;
  readonly port: number;
  readonly metricsPort: number;
  readonly model?: string;
  readonly variant?: PoolSettings["variant"];
  readonly backend?: "onnx" | "deterministic";
  readonly workers?: number | "auto";
  readonly source: readonly SourceName[];
  readonly modelDirectory?: string;
  readonly secure: boolean;
  readonly certPath?: string;
  readonly grace: number;
  readonly logLevel?: string;
}

/** addClassifierCommand adds `turnout classifier`: the classifier pool as a gRPC service, for fronts with `turnout.classifier.endpoint`. */
export function addClassifierCommand(program: Command, env: Environment): void {
  const command = program
    .command("classifier")
    .description(
      "Run the classifier pool as a gRPC service of its own (classifier.v1, health, reflection); fronts find it by turnout.classifier.endpoint.",
    )
    .option("--config <file>", "configuration (v0.3), of which turnout.classifier and turnout.log_level are read; flags win")
    .option("--address <host>", "address of the gRPC and metrics ports", "0.0.0.0")
    .option("--port <port>", "gRPC port", parsePort, 50_052)
    .option("--metrics-port <port>", "Prometheus port", parsePort, 9190)
    .option("--model <name>", "encoder; `turnout models list` knows the names")
    .addOption(new Option("--variant <variant>", "variant of the encoder").choices(["int8", "fp32", "as-is"]))
    .addOption(new Option("--backend <backend>", "what runs it").choices(["onnx", "deterministic"]))
    .option("--workers <count>", "worker threads, or auto", parseWorkers)
    .addOption(sourceOption())
    .option("--model-directory <dir>", "a local checkpoint, for --source directory")
    .option("--secure", "serve over TLS", false)
    .option("--cert-path <dir>", "directory with tls.crt and tls.key, and ca.crt to require client certificates")
    .option("--grace <seconds>", "how long open calls may go on after SIGTERM", parseSeconds, 30)
    .addOption(logLevelOption());
  command.action(async (flags: ClassifierFlags) => {
    if (flags.secure !== (flags.certPath !== undefined))
      command.error("--secure and --cert-path (a directory with tls.crt and tls.key) belong together");
    await runClassifier(flags, env);
  });
}

async function runClassifier(flags: ClassifierFlags, env: Environment): Promise<void> {
  const document = flags.config === undefined ? deploymentSettings(env) : (await loadConfig(flags.config, env)).document;
  const settings: PoolSettings = { ...poolSettingsOf(document), ...chosen(flags) };
  const logger = createLogger(flags.logLevel ?? document.turnout.log_level);
  const metrics = createMetrics();
  const { createEmbeddedClassifier } = await import("../embedded-classifier.ts");
  const { createClassifierServer } = await import("@turnout/classifier-pool/server");
  const tracing = await openTraces(document, { env, logger, metrics, clock: systemClock, part: "classifier" });
  const progress = await showPreparation(settings.model);
  const classifier = createEmbeddedClassifier({
    settings,
    sources: flags.source,
    ...(flags.modelDirectory === undefined ? {} : { directory: flags.modelDirectory }),
    env,
    onProgress: progress.onProgress,
    ...(tracing === null ? {} : { onBatch: tracing.onBatch }),
    logger,
    metrics,
  });
  gaugeStatus(metrics, classifier);
  classifier.start();
  const server = createClassifierServer({
    classifier: tracing?.served(classifier) ?? classifier,
    logger,
    metrics,
    ...(flags.certPath === undefined ? {} : { tls: await tlsIn(flags.certPath) }),
  });
  const metricsServer = createMetricsServer(metrics);
  const close = async (graceMs: number) => {
    await server.drain(graceMs);
    await Promise.all([classifier.close(), metricsServer.close()]);
    await tracing?.close(TRACE_FLUSH_MS);
  };
  try {
    const metricsPort = await metricsServer.listen(flags.address, flags.metricsPort);
    logger.info({ part: "metrics", address: `${flags.address}:${metricsPort}` }, "listening");
    const port = await server.listen(flags.address, flags.port);
    logger.info({ part: "classifier", address: `${flags.address}:${port}` }, "listening");
  } catch (error) {
    await close(0);
    throw error;
  }
  stopOnSignals(() => close(flags.grace * 1_000));
  const status = await classifier.whenSettled();
  dropGarbage();
  progress.stop();
  logger.info({ encoder: status }, "settled");
}

/** chosen is what the flags say of the pool. */
function chosen({ model, variant, backend, workers }: ClassifierFlags): Partial<PoolSettings> {
  return {
    ...(model === undefined ? {} : { model }),
    ...(variant === undefined ? {} : { variant }),
    ...(backend === undefined ? {} : { backend }),
    ...(workers === undefined ? {} : { workers }),
  };
}

async function tlsIn(directory: string) {
  return { certPath: join(directory, "tls.crt"), keyPath: join(directory, "tls.key"), ...(await clientCaIn(directory)) };
}

function parseWorkers(text: string): number | "auto" {
  if (text === "auto") return "auto";
  const workers = Number(text);
  if (!Number.isInteger(workers) || workers < 1 || workers > 256) throw new InvalidArgumentError("expected auto, or 1 to 256.");
  return workers;
}
