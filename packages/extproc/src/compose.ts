import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { createEmbeddedTier } from "@turnout/classifier-pool/embedded";
import {
  Lifecycle,
  RouterError,
  systemClock,
  type Classifier,
  type EncoderStatus,
  type ErrorCode,
  type ExchangeFactory,
  type Logger,
  type Metrics,
} from "@turnout/shared";
import { createManagementApi } from "./admin/management-api.ts";
import { createMetricsServer } from "./admin/metrics-server.ts";
import { gaugeStatus } from "./classifier-gauge.ts";
import { openClassifier, type PinnedEmbedder } from "./classifier.ts";
import {
  listenersOf,
  managementSettingsOf,
  poolSettingsOf,
  remoteSettingsOf,
  renderWarning,
  routingSettingsOf,
  watchConfig,
  type Environment,
  type RouterConfig,
} from "./config/index.ts";
import type { EmbeddedClassifierOptions } from "./embedded-classifier.ts";
import { createExtProcServer } from "./envoy/index.ts";
import { createBackendDirectory, type BackendDirectory } from "./gateway/backends.ts";
import { latestOnly } from "./latest-only.ts";
import { createExchangeFactory, createRoutingSnapshot, type RoutingSnapshot } from "./routing/index.ts";
import { clientCaIn } from "./tls-directory.ts";

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
  /** Resolves when the encoder is warm, or known to be unavailable, or when nothing needs it. */
  ready(): Promise<EncoderStatus>;
  /** Stops in order: refuse new work, finish open work for up to `graceMs`, close. */
  close(graceMs: number): Promise<void>;
}

/** Serving is one configuration with everything that was built from it; a reload swaps the whole of it. */
interface Serving {
  readonly config: RouterConfig;
  readonly routing: RoutingSnapshot;
  readonly backends: BackendDirectory;
  /** What its anchors and its requests are encoded by: one model revision, so that vectors of two are never compared. */
  readonly embedder: PinnedEmbedder;
}

/** How long encoding the anchors of a configuration may take: a start goes on without them, a reload is refused. */
const WARM_TIMEOUT_MS = 30_000;
const WARM_RETRY_MS = 250;
/** How soon anchors are encoded for a new model revision again after that failed. */
const RENEW_RETRY_MS = 1_000;
/** Failures of a busy encoder, worth another try. */
const PASSING_FAILURES: ReadonlySet<ErrorCode> = new Set(["overloaded", "worker_failed"]);

/** startTurnout starts all parts. When one cannot start, those before it are closed and the error is thrown. */
export async function startTurnout(options: TurnoutOptions): Promise<Turnout> {
  const { config, env, logger, metrics } = options;
  const lifecycle = new Lifecycle();
  const addresses: { part: string; address: string }[] = [];
  const stop = new AbortController();
  const report = (part: string, problem: string) => logger.error({ part, problem }, "a part did not stop cleanly");

  /** The encoder has been ready once, or is not needed; before that, warmAndServe() warms whatever is in force by then. */
  let settled = false;
  /** The configuration whose anchors are encoded. */
  let warmed: Serving | null = null;
  const embedded = createEmbeddedTier();
  const classifier = await openClassifier({ document: config.document, env, model: options.model, onReady: renew, logger, metrics });
  gaugeStatus(metrics, classifier);
  announce(config);
  let serving = build(config);
  const exchanges: ExchangeFactory = createExchangeFactory({ current: () => serving.routing, logger, metrics, clock: systemClock });

  function encoderModel(): string | null {
    const status = classifier.status();
    return status.state === "ready" ? status.model : null;
  }

  function announce({ warnings }: RouterConfig): void {
    for (const warning of warnings) logger.warn({ config: renderWarning(warning) }, "configuration warning");
  }

  function build(next: RouterConfig): Serving {
    const { providers, routing } = next.document;
    const embedder = classifier.pinned();
    return {
      config: next,
      embedder,
      routing: createRoutingSnapshot({
        config: routing,
        providers,
        settings: routingSettingsOf(next.document),
        embedder,
        embedded,
        encoderModel,
        clock: systemClock,
      }),
      backends: createBackendDirectory(providers.models, {
        defaultModel: providers.defaults.default_model,
        env,
        onWarning: (message) => logger.warn({ config: message }, "backend without credentials"),
      }),
    };
  }

  /** warm encodes the anchors. It waits for an encoder that is busy or being replaced, and rejects when that takes too long. */
  async function warm({ routing }: Serving): Promise<void> {
    const deadline = systemClock.now() + WARM_TIMEOUT_MS;
    for (;;) {
      try {
        return await routing.router.warm({ deadline, signal: stop.signal });
      } catch (error) {
        if (!PASSING_FAILURES.has(RouterError.from(error).code) || systemClock.now() + WARM_RETRY_MS > deadline) throw error;
        await wait(WARM_RETRY_MS, undefined, { signal: stop.signal });
      }
    }
  }

  function tellHealth(): void {
    extproc.setServing(!serving.routing.router.needsEncoder || warmed === serving);
  }

  /** tellIfMissing logs that a configuration has to do without the encoder. */
  function tellIfMissing({ routing }: Serving): void {
    const status = classifier.status();
    if (status.state !== "unavailable" || !routing.router.needsEncoder || stop.signal.aborted) return;
    logger.error(
      { model: status.model, problem: status.reason },
      "no encoder: embedding signals and domains of your own do not match; keywords still route, and known domains by the embedded tier",
    );
  }

  /** The configuration that is in force or is about to be. */
  let wanted = config;
  const change = latestOnly(async (next: RouterConfig) => {
    try {
      await adopt(next);
    } catch (error) {
      if (next !== serving.config) refuse(RouterError.from(error));
      else void renewLater(RouterError.from(error));
    }
  });

  /** renew encodes the anchors anew when the present configuration has none of the revision that answers now. */
  function renew(): void {
    if (!settled || !serving.routing.router.needsEncoder) return;
    if (warmed === serving && serving.embedder.revision === classifier.pinned().revision) return;
    change(wanted);
  }

  async function renewLater({ message }: RouterError): Promise<void> {
    if (stop.signal.aborted) return;
    logger.warn({ problem: message }, "the anchors could not be encoded for the classifier's present model; trying again");
    await wait(RENEW_RETRY_MS, undefined, { signal: stop.signal }).then(renew, () => undefined);
  }

  /** Resolved, and replaced, when a configuration comes that is newer than the one being adopted. */
  let newer = Promise.withResolvers<void>();

  /** adopt puts a configuration in force once it can route; while it cannot, the one before stays. */
  async function adopt(next: RouterConfig): Promise<void> {
    const renewal = next === serving.config;
    if (!renewal) announce(next);
    const candidate = build(next);
    if (candidate.routing.router.needsEncoder) {
      const overtaken = newer.promise.then(() => "overtaken" as const);
      classifier.start();
      const { state } = classifier.status();
      // The first configuration that needs it may have to wait for a download.
      if (settled && state !== "ready") logger.info({ file: next.file, encoder: state }, "the configuration waits for the encoder");
      if (settled && (await Promise.race([classifier.whenSettled(), overtaken])) === "overtaken") return;
    }
    const encoder = settled && classifier.status().state !== "unavailable";
    // What is in force may be of use again; once somebody serves, renew() is called again.
    if (renewal && !encoder) return;
    if (encoder) await warm(candidate);
    else if (settled) tellIfMissing(candidate);
    for (const setting of needsRestart(serving.config, next))
      logger.warn({ setting }, "this change needs a restart; everything else is in force");
    serving = candidate;
    if (encoder) warmed = candidate;
    tellHealth();
    if (renewal) return logger.info({ revision: candidate.embedder.revision }, "anchors encoded for the classifier's present model");
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
      : { tls: { certPath: join(certPath, "tls.crt"), keyPath: join(certPath, "tls.key"), ...(await clientCaIn(certPath)) } }),
  });
  const listeners = listenersOf(config.document);
  // Its HTTP client takes 8 MB: behind a gateway it is not loaded.
  const { createGateway } = listeners.length > 0 ? await import("./gateway/index.ts") : { createGateway: null };
  const gateway =
    createGateway?.({
      listeners,
      exchanges,
      backends: { resolve: (model) => serving.backends.resolve(model) },
      logger,
      metrics,
    }) ?? null;
  const management = managementSettingsOf(config.document);
  const api = createManagementApi({ current: () => serving.routing, classifier, clock: systemClock });
  const metricsServer = createMetricsServer(metrics);

  const ready = warmAndServe();
  async function warmAndServe(): Promise<EncoderStatus> {
    const needed = serving.routing.router.needsEncoder;
    if (needed) classifier.start();
    const status = needed ? await classifier.whenSettled() : classifier.status();
    settled = true;
    tellIfMissing(serving);
    try {
      // A reload may swap the configuration while the anchors of the one before are being encoded.
      while (status.state !== "unavailable" && warmed !== serving) {
        const candidate = serving;
        await warm(candidate);
        warmed = candidate;
      }
    } catch (error) {
      if (!stop.signal.aborted)
        logger.error({ problem: RouterError.from(error).message }, "domain and embedding signals could not be prepared");
    }
    tellHealth();
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
    if (gateway !== null) {
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

  tellHealth();
  watchConfig(config.file, env, {
    currentHash: config.hash,
    signal: stop.signal,
    onSnapshot(next) {
      newer.resolve();
      newer = Promise.withResolvers();
      wanted = next;
      change(next);
    },
    onError: refuse,
  });
  function refuse(error: RouterError): void {
    wanted = serving.config;
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
      // Both doors drain at the same time: one after the other would take twice the grace.
      void Promise.allSettled([extproc.drain(grace), gateway?.close(grace)]);
      await lifecycle.close(grace + 1_000, report);
    },
  };
}

/** needsRestart names what a running process cannot change. */
function needsRestart(before: RouterConfig, after: RouterConfig): string[] {
  const differ = (settings: (config: RouterConfig) => unknown) => JSON.stringify(settings(before)) !== JSON.stringify(settings(after));
  return [
    ...(differ(({ document }) => listenersOf(document)) ? ["listeners"] : []),
    ...(differ(({ document }) => [poolSettingsOf(document), remoteSettingsOf(document)]) ? ["turnout.classifier"] : []),
    ...(differ(({ document }) => managementSettingsOf(document)) ? ["global.services.management_api"] : []),
  ];
}
