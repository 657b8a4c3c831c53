import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import { createEmbeddedTier } from "@turnout/classifier-pool/embedded";
import {
  createMetrics,
  Lifecycle,
  RouterError,
  silentLogger,
  systemClock,
  type Classifier,
  type EncoderStatus,
  type ErrorCode,
  type ExchangeFactory,
  type Logger,
  type Metrics,
} from "@turnout/shared";
import type { AdministeredCache } from "@turnout/cache";
import { createManagementApi } from "./admin/management-api.ts";
import { createMetricsServer } from "./admin/metrics-server.ts";
import { openCache } from "./cache.ts";
import { gaugeStatus } from "./classifier-gauge.ts";
import { encoderIn, openClassifier, type PinnedEmbedder } from "./classifier.ts";
import {
  cacheOptionsOf,
  listenersOf,
  managementSettingsOf,
  poolSettingsOf,
  remoteSettingsOf,
  renderWarning,
  routingSettingsOf,
  watchConfig,
  type CacheOptions,
  type Environment,
  type RouterConfig,
} from "./config/index.ts";
import type { EmbeddedClassifierOptions } from "./embedded-classifier.ts";
import { createExtProcServer } from "./envoy/index.ts";
import { createBackendDirectory, type BackendDirectory } from "./gateway/backends.ts";
import { latestOnly } from "./latest-only.ts";
import { createExchangeFactory, createRoutingSnapshot, type RoutingSnapshot } from "./routing/index.ts";
import { clientCaIn } from "./tls-directory.ts";
import { openTraces } from "./tracing/open.ts";

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
  /** Resolves when the encoder is warm, or known to be unavailable, or when nothing wants it. */
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
/** How long a stop waits for the collector to take the last spans; within the grace longer than without. */
const TRACE_FLUSH_MS = 500;
const LONGEST_TRACE_FLUSH_MS = 2_000;
/** Failures of a busy encoder, worth another try. */
const PASSING_FAILURES: ReadonlySet<ErrorCode> = new Set(["overloaded", "worker_failed"]);

/** What was started, and how it is stopped. */
interface Running {
  readonly lifecycle: Lifecycle;
  readonly stop: AbortController;
  report(this: void, part: string, problem: string): void;
}

/** startTurnout starts all parts. When one cannot start, those before it are closed and the error is thrown. */
export async function startTurnout(options: TurnoutOptions): Promise<Turnout> {
  const running: Running = {
    lifecycle: new Lifecycle(),
    stop: new AbortController(),
    report: (part, problem) => options.logger.error({ part, problem }, "a part did not stop cleanly"),
  };
  try {
    return await startParts(options, running);
  } catch (error) {
    running.stop.abort();
    await running.lifecycle.close(1_000, running.report);
    throw error;
  }
}

async function startParts(options: TurnoutOptions, { lifecycle, stop, report }: Running): Promise<Turnout> {
  const { config, env, logger, metrics } = options;
  const addresses: { part: string; address: string }[] = [];

  /** The encoder has been ready once, or is not wanted; before that, warmAndServe() warms whatever is in force by then. */
  let settled = false;
  /** The configuration whose anchors are encoded. */
  let warmed: Serving | null = null;
  let graceMs = 0;
  // Opened first, so that it is closed last: what the other parts do until then is told too.
  const tracing = await openTraces(config.document, { env, logger, metrics, clock: systemClock });
  await lifecycle.start({ name: "traces", close: () => tracing?.close(Math.min(graceMs, LONGEST_TRACE_FLUSH_MS) + TRACE_FLUSH_MS) });
  const embedded = createEmbeddedTier();
  const classifier = await openClassifier({
    document: config.document,
    env,
    model: options.model,
    onReady: renew,
    tracing,
    logger,
    metrics,
  });
  // A pool has threads or connections: whatever fails from here on must close it.
  await lifecycle.start({ name: "classifier pool", close: () => classifier.close() });
  gaugeStatus(metrics, classifier);
  announce(config);
  /** Opened by the first configuration that wants one; it outlives reloads, and what is kept in it with it. */
  let cache: AdministeredCache | null = null;
  /** Headers by which that cache tells whose an answer is. */
  let identity: CacheOptions["settings"]["identityHeaders"] | null = null;
  await lifecycle.start({ name: "response cache", close: async () => cache?.close() });
  await openCacheFor(config);
  let serving = build(config);
  const exchanges: ExchangeFactory = createExchangeFactory({
    current: () => serving.routing,
    logger,
    metrics,
    clock: systemClock,
    tracer: tracing?.tracer ?? null,
  });

  function announce({ warnings }: RouterConfig): void {
    for (const warning of warnings) logger.warn({ config: renderWarning(warning) }, "configuration warning");
  }

  async function openCacheFor({ document }: RouterConfig): Promise<void> {
    const options = cacheOptionsOf(document, env);
    if (cache !== null || options === null) return;
    cache = await openCache(options, { metrics, logger, clock: systemClock });
    identity = options.settings.identityHeaders;
  }

  /** cacheFor a configuration. One that has others name the user gets none: the cache would go on believing headers that nobody guards any more. */
  function cacheFor({ document }: RouterConfig): AdministeredCache | null {
    const options = cacheOptionsOf(document, env);
    if (options === null) return null;
    if (isDeepStrictEqual(options.settings.identityHeaders, identity)) return cache;
    logger.warn({ setting: "global.services.authz.identity" }, "this change needs a restart; until then no answer is cached");
    return null;
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
        encoderModel: () => encoderIn(classifier.status()),
        cache: cacheFor(next),
        traced: tracing !== null,
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

  /** canServe is true of what routes as its configuration says, if need be less exactly. */
  function canServe(candidate: Serving): boolean {
    return !candidate.routing.router.needsEncoder || warmed === candidate;
  }

  /** warmingFailure warms, and says why that failed; null: it did not. */
  function warmingFailure(candidate: Serving): Promise<RouterError | null> {
    return warm(candidate).then(() => null, RouterError.from);
  }

  function tellHealth(): void {
    extproc.setServing(canServe(serving));
  }

  /** tellIfMissing logs that a configuration has to do without the encoder. */
  function tellIfMissing({ routing: { router } }: Serving): void {
    const status = classifier.status();
    if (status.state !== "unavailable" || !router.wantsEncoder || stop.signal.aborted) return;
    const { model, reason: problem } = status;
    if (router.needsEncoder) {
      logger.error(
        { model, problem },
        "no encoder: embedding signals and domains of your own do not match; keywords still route, and known domains by the embedded tier",
      );
    } else {
      logger.warn(
        { model, problem },
        "no encoder: known domains are answered by the embedded tier alone, and from the cache only the same question",
      );
    }
  }

  /** startEncoder loads an idle encoder, and has the anchors encoded of what is in force by the time it is ready. */
  function startEncoder(): void {
    if (classifier.status().state !== "idle") return;
    classifier.start();
    void classifier.whenSettled().then(() => {
      tellIfMissing(serving);
      renew();
    });
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
    if (!settled || !serving.routing.router.wantsEncoder) return;
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
    await openCacheFor(next);
    const candidate = build(next);
    const { needsEncoder, wantsEncoder } = candidate.routing.router;
    if (wantsEncoder) startEncoder();
    // What serves goes on serving while the encoder comes, which may have to be downloaded first.
    const waits = needsEncoder && canServe(serving);
    if (waits) {
      const overtaken = newer.promise.then(() => "overtaken" as const);
      const { state } = classifier.status();
      if (state !== "ready") logger.info({ file: next.file, encoder: state }, "the configuration waits for the encoder");
      if ((await Promise.race([classifier.whenSettled(), overtaken])) === "overtaken") return;
    }
    const { state } = classifier.status();
    const encoder = needsEncoder ? (settled || waits) && state !== "unavailable" : wantsEncoder && state === "ready";
    // What is in force may be of use again; once somebody serves, renew() is called again.
    if (renewal && !encoder) return;
    const failure = encoder ? await warmingFailure(candidate) : null;
    // What routes without its anchors, if less exactly, is put in force all the same.
    if (failure !== null && (needsEncoder || renewal)) throw failure;
    if (!encoder) tellIfMissing(candidate);
    for (const setting of needsRestart(serving.config, next))
      logger.warn({ setting }, "this change needs a restart; everything else is in force");
    serving = candidate;
    if (encoder && failure === null) warmed = candidate;
    if (failure !== null) void renewLater(failure);
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
  const uncounted = createExchangeFactory({
    current: () => serving.routing,
    logger: silentLogger,
    metrics: createMetrics(),
    clock: systemClock,
  });
  const management = managementSettingsOf(config.document);
  const api = createManagementApi({ current: () => serving.routing, classifier, cache: () => cache, uncounted, clock: systemClock });
  const metricsServer = createMetricsServer(metrics);

  const ready = warmAndServe();
  async function warmAndServe(): Promise<EncoderStatus> {
    const { wantsEncoder } = serving.routing.router;
    if (wantsEncoder) classifier.start();
    const status = wantsEncoder ? await classifier.whenSettled() : classifier.status();
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

  const listenOn = async (part: string, listen: () => Promise<readonly { host: string; port: number }[]>, close: () => Promise<void>) => {
    await lifecycle.start({
      name: part,
      close,
      start: async () => void addresses.push(...(await listen()).map(({ host, port }) => ({ part, address: `${host}:${port}` }))),
    });
  };
  const one = (host: string, port: Promise<number>) => port.then((bound) => [{ host, port: bound }]);

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
    ...(differ(({ document: { global, turnout } }) => [global.stores.response_cache, turnout.response_cache])
      ? ["global.stores.response_cache, turnout.response_cache"]
      : []),
    ...(differ(({ document }) => document.global.services.management_api) ? ["global.services.management_api"] : []),
    ...(differ(({ document }) => document.global.services.observability.tracing) ? ["global.services.observability.tracing"] : []),
    ...(differ(({ document }) => managementSettingsOf(document).metricsEnabled) ? ["global.services.observability.metrics.enabled"] : []),
  ];
}
