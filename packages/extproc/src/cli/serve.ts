import { createLogger, createMetrics, type EncoderStatus } from "@turnout/shared";
import type { SourceName } from "@turnout/classifier-pool/prepare";
import type { Command } from "commander";
import type { Turnout } from "../compose.ts";
import { loadConfig, renderWarning, type RouterConfig } from "../config/index.ts";
import { dropGarbage } from "./heap.ts";
import { logLevelOption, parsePort, parseSeconds, sourceOption } from "./options.ts";
import type { Environment } from "./program.ts";
import { showPreparation } from "./progress.ts";

/** ServeOptions are the flags that `serve` and `quickstart` share; the port flags are vSR's. */
export interface ServeOptions {
  readonly config: string;
  readonly address: string;
  readonly port: number;
  readonly apiPort?: number;
  readonly metricsPort: number;
  readonly secure: boolean;
  readonly certPath?: string;
  readonly source: readonly SourceName[];
  readonly modelDirectory?: string;
  readonly logLevel?: string;
  readonly grace: number;
}

/** withServeOptions adds the shared flags. */
export function withServeOptions(command: Command, defaults: { readonly address: string; readonly grace: number }): Command {
  return command
    .option("--address <host>", "address of the ExtProc and metrics ports", defaults.address)
    .option("--port <port>", "ExtProc port", parsePort, 50_051)
    .option("--api-port <port>", "management API port (default: global.services.management_api.port)", parsePort)
    .option("--metrics-port <port>", "Prometheus port", parsePort, 9190)
    .addOption(logLevelOption())
    .addOption(sourceOption())
    .option("--model-directory <dir>", "a local checkpoint, for --source directory")
    .option("--grace <seconds>", "how long open requests may go on after SIGTERM", parseSeconds, defaults.grace);
}

/** addServeCommand adds `turnout serve`. */
export function addServeCommand(program: Command, env: Environment): void {
  const command = program
    .command("serve")
    .description(
      "Run the router: ExtProc server, classifier pool, HTTP gateway (where the configuration has listeners), management API, metrics.",
    )
    .requiredOption("--config <file>", "configuration (v0.3), watched for changes")
    .option("--secure", "serve ExtProc over TLS", false)
    .option("--cert-path <dir>", "directory with tls.crt and tls.key, and ca.crt to require client certificates");
  withServeOptions(command, { address: "0.0.0.0", grace: 30 }).action(async (options: ServeOptions) => {
    if (options.secure && options.certPath === undefined) command.error("--secure needs --cert-path, a directory with tls.crt and tls.key");
    if (!options.secure && options.certPath !== undefined) command.error("--cert-path needs --secure: without it ExtProc is not encrypted");
    const config = await loadConfig(options.config, env);
    const turnout = await start(config, options, env);
    stopOnSignals(() => turnout.close(options.grace * 1_000));
    await turnout.ready();
    dropGarbage();
  });
}

/** start runs everything and logs what listens where. */
export async function start(config: RouterConfig, options: ServeOptions, env: Environment): Promise<Turnout> {
  const logger = createLogger(options.logLevel ?? config.document.turnout.log_level);
  const { startTurnout } = await import("../compose.ts");
  const progress = await showPreparation(config.document.turnout.classifier.model);
  const turnout = await startTurnout({
    config,
    env,
    logger,
    metrics: createMetrics(),
    model: {
      sources: options.source,
      onProgress: progress.onProgress,
      ...(options.modelDirectory === undefined ? {} : { directory: options.modelDirectory }),
    },
    address: options.address,
    extprocPort: options.port,
    metricsPort: options.metricsPort,
    ...(options.apiPort === undefined ? {} : { apiPort: options.apiPort }),
    ...(options.secure && options.certPath !== undefined ? { certPath: options.certPath } : {}),
  });
  for (const { part, address } of turnout.addresses) logger.info({ part, address }, "listening");
  void turnout.ready().then((status) => {
    progress.stop();
    logger.info({ encoder: status }, "settled");
  });
  return turnout;
}

/** stopOnSignals stops in order on Ctrl-C or SIGTERM; a second signal stops at once. */
export function stopOnSignals(close: () => Promise<void>): void {
  let stopping = false;
  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    process.on(signal, () => {
      if (stopping) process.exit(1);
      stopping = true;
      void close().finally(() => process.exit(0));
    });
  }
}

/** describeEncoder says for people what the encoder's state means. */
export function describeEncoder(status: EncoderStatus): string {
  switch (status.state) {
    case "ready":
      return `${status.model} (${status.revision})`;
    case "idle":
      return `${status.model} is not loaded: no signal of the configuration needs it`;
    case "starting":
      return `${status.model} is starting`;
    case "unavailable":
      return `none; only keywords and the embedded tier route. ${status.reason}`;
  }
}

/** printWarnings prints a configuration's warnings for people. */
export function printWarnings(config: RouterConfig): void {
  for (const warning of config.warnings) process.stderr.write(`warning: ${renderWarning(warning)}\n`);
}
