import { join } from "node:path";
import {
  Lifecycle,
  RouterError,
  systemClock,
  type Classifier,
  type EncoderStatus,
  type ExchangeFactory,
  type Logger,
  type Metrics,
} from "@turnout/shared";
import { createManagementApi } from "./admin/management-api.ts";
import { createMetricsServer } from "./admin/metrics-server.ts";
import {
  listenersOf,
  managementSettingsOf,
  poolSettingsOf,
  renderWarning,
  routingSettingsOf,
  watchConfig,
  type Environment,
  type RouterConfig,
} from "./config/index.ts";
import { createEmbeddedClassifier, type EmbeddedClassifierOptions } from "./embedded-classifier.ts";
import { createExtProcServer } from "./envoy/index.ts";
import { createBackendDirectory, createGateway, type BackendDirectory } from "./gateway/index.ts";
import { createExchangeFactory, createRoutingSnapshot, type RoutingSnapshot } from "./routing/index.ts";

/**
 * The composition root: the only file where concrete parts meet. It reads like a parts list; what a part does is in its folder.
 */
export interface TurnoutOptions {
  readonly config: RouterConfig;
  readonly env: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly model: Pick<EmbeddedClassifierOptions, "sources" | "directory" | "onProgress">;
  /** Address and ports; an absent port is the configuration's or vSR's. 0 takes a free one. */
  readonly address: string;
  readonly extprocPort: number;
  readonly apiPort?: number;
  readonly metricsPort: number;
  /** Directory with tls.crt, tls.key and, for mTLS, ca.crt: the names of a Kubernetes TLS secret. */
  readonly certPath?: string;
}

/** Turnout is the running product. */
export interface Turnout {
  /** What listens where, by part. */
  readonly addresses: readonly { readonly part: string; readonly address: string }[];
  readonly classifier: Classifier;
  /** Resolves when the encoder is warm, or known to be unavailable. */
  ready(): Promise<EncoderStatus>;
  /** Stops in order: refuse new work, finish open work for up to `graceMs`, close. */
  close(graceMs: number): Promise<void>;
}

/** Serving is one configuration with everything that was built from it; a reload swaps the whole of it. */
interface Serving {
  readonly config: RouterConfig;
  readonly routing: RoutingSnapshot;
  readonly backends: BackendDirectory;
}

/** How long encoding the anchors of a configuration may take before routing goes on without them. */
const WARM_TIMEOUT_MS = 30_000;

/** startTurnout starts all parts. When one cannot start, those before it are closed and the error is thrown. */
export async function startTurnout(options: TurnoutOptions): Promise<Turnout> {
  const { config, env, logger, metrics } = options;
  const lifecycle = new Lifecycle();
  const addresses: { part: string; address: string }[] = [];
  const stop = new AbortController();
  const report = (part: string, problem: string) => logger.error({ part, problem }, "a part did not stop cleanly");

  const classifier = createEmbeddedClassifier({ settings: poolSettingsOf(config.document), env, logger, metrics, ...options.model });
  let serving = build(config);
  const exchanges: ExchangeFactory = createExchangeFactory({ current: () => serving.routing, logger, metrics, clock: systemClock });

  function build(next: RouterConfig): Serving {
    for (const warning of next.warnings) logger.warn({ config: renderWarning(warning) }, "accepted without effect");
    const { providers, routing } = next.document;
    return {
      config: next,
      routing: createRoutingSnapshot({
        config: routing,
        providers,
        settings: routingSettingsOf(next.document),
        embedder: classifier,
        clock: systemClock,
      }),
      backends: createBackendDirectory(providers.models, {
        defaultModel: providers.defaults.default_model,
        env,
        onWarning: (message) => logger.warn({ config: message }, "backend without credentials"),
      }),
    };
  }

  async function warm({ routing }: Serving): Promise<void> {
    if (!routing.router.needsEncoder || classifier.status().state !== "ready") return;
    try {
      await routing.router.warm({ deadline: systemClock.now() + WARM_TIMEOUT_MS, signal: stop.signal });
    } catch (error) {
      if (!stop.signal.aborted)
        logger.error({ problem: RouterError.from(error).message }, "domain and embedding signals could not be prepared");
    }
  }

  async function adopt(next: RouterConfig): Promise<void> {
    const candidate = build(next);
    await warm(candidate);
    for (const setting of needsRestart(serving.config, next))
      logger.warn({ setting }, "this change needs a restart; everything else is in force");
    serving = candidate;
    metrics.configReloads.inc({ outcome: "adopted" });
    logger.info({ file: next.file, hash: next.hash }, "configuration reloaded");
  }

  const { certPath } = options;
  const extproc = createExtProcServer({
    exchanges,
    logger,
    metrics,
    ...(certPath === undefined
      ? {}
      : { tls: { certPath: join(certPath, "tls.crt"), keyPath: join(certPath, "tls.key"), ...(await clientCa(certPath)) } }),
  });
  const listeners = listenersOf(config.document);
  const gateway = createGateway({
    listeners,
    exchanges,
    backends: { resolve: (model) => serving.backends.resolve(model) },
    logger,
    metrics,
  });
  const management = managementSettingsOf(config.document);
  const api = createManagementApi({ current: () => serving.routing, classifier, clock: systemClock });
  const metricsServer = createMetricsServer(metrics);

  const ready = warmAndServe();
  async function warmAndServe(): Promise<EncoderStatus> {
    const status = await classifier.whenSettled();
    if (status.state === "unavailable" && serving.routing.router.needsEncoder) {
      logger.error(
        { model: status.model, problem: status.reason },
        "no encoder: domain and embedding signals do not match, keywords still route",
      );
    }
    // A reload may have swapped the snapshot while its anchors were being encoded.
    for (let warmed: Serving | null = null; warmed !== serving;) {
      warmed = serving;
      await warm(warmed);
    }
    extproc.setServing(status.state === "ready" || !serving.routing.router.needsEncoder);
    return status;
  }

  let graceMs = 0;
  const listenOn = async (part: string, listen: () => Promise<readonly { host: string; port: number }[]>, close: () => Promise<void>) => {
    await lifecycle.start({
      name: part,
      close,
      start: async () => void addresses.push(...(await listen()).map(({ host, port }) => ({ part, address: `${host}:${port}` }))),
    });
  };
  const one = (host: string, port: Promise<number>) => port.then((bound) => [{ host, port: bound }]);

  try {
    await lifecycle.start({ name: "classifier pool", close: () => classifier.close() });
    if (management.metricsEnabled) {
      await listenOn(
        "metrics",
        () => one(options.address, metricsServer.listen(options.address, options.metricsPort)),
        () => metricsServer.close(),
      );
    }
    await listenOn(
      "management API",
      () => one(management.address, api.listen(management.address, options.apiPort ?? management.port)),
      () => api.close(),
    );
    if (listeners.length > 0) {
      await listenOn(
        "HTTP gateway",
        async () => (await gateway.listen()).map(({ address, port }) => ({ host: address, port })),
        () => gateway.close(graceMs),
      );
    }
    await listenOn(
      "ExtProc",
      () => one(options.address, extproc.listen(options.address, options.extprocPort)),
      () => extproc.drain(graceMs),
    );
  } catch (error) {
    stop.abort();
    await lifecycle.close(1_000, report);
    throw error;
  }

  watchConfig(config.file, env, {
    currentHash: config.hash,
    signal: stop.signal,
    onSnapshot: (next) => void adopt(next).catch((error: unknown) => refuse(RouterError.from(error))),
    onError: refuse,
  });
  function refuse(error: RouterError): void {
    metrics.configReloads.inc({ outcome: "refused" });
    logger.error({ problem: error.message }, "the changed configuration was refused; the previous one stays in force");
  }

  return {
    addresses,
    classifier,
    ready: () => ready,
    async close(grace) {
      graceMs = grace;
      stop.abort();
      await lifecycle.close(grace + 1_000, report);
    },
  };
}

/** needsRestart names what a running process cannot change. */
function needsRestart(before: RouterConfig, after: RouterConfig): string[] {
  const differ = (settings: (config: RouterConfig) => unknown) => JSON.stringify(settings(before)) !== JSON.stringify(settings(after));
  return [
    ...(differ(({ document }) => listenersOf(document)) ? ["listeners"] : []),
    ...(differ(({ document }) => poolSettingsOf(document)) ? ["turnout.classifier"] : []),
    ...(differ(({ document }) => managementSettingsOf(document)) ? ["global.services.management_api"] : []),
  ];
}

async function clientCa(certPath: string): Promise<{ clientCaPath?: string }> {
  const path = join(certPath, "ca.crt");
  const { access } = await import("node:fs/promises");
  return access(path).then(
    () => ({ clientCaPath: path }),
    () => ({}),
  );
}
