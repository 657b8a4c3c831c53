/**
 * A snapshot is one configuration, ready to route with: what was read, and what was built from it. It never changes; a reload
 * makes a new one, and an exchange keeps the one it began with.
 */
import type { Clock, Embedder, EmbeddedTier, ExchangeLimits, ResponseCache, SignalSettings, TextWindow } from "@turnout/shared";
import { createCaching, type Caching } from "./caching.ts";
import { createModelDirectory, type ModelDirectory } from "./models.ts";
import { createRouter, type Router } from "./router.ts";
import type { ProvidersConfig, RoutingConfig } from "./schema.ts";
import { EmbeddedWatch } from "./signals/embedded-watch.ts";

/** RoutingSettings is everything that routing reads from outside the `routing` and `providers` blocks. */
export interface RoutingSettings {
  /** `global.router.strategy`; `routing.strategy` overrides it. */
  readonly strategy: "priority" | "confidence";
  /** How long a request may be held for its routing, ms. */
  readonly deadlineMs: number;
  /** What domain and embedding signals read of a text. */
  readonly window: TextWindow;
  /** Who answers the domain signal; see SignalSettings. */
  readonly domainCascade: SignalSettings["domainCascade"];
  /** Score from which embedding rules match softly, or null; see SignalSettings. */
  readonly softMatchThreshold: number | null;
  /** Model names that mean "choose for me"; see autoModelNames. */
  readonly autoModelNames: readonly string[];
  /** `global.router.include_config_models_in_list`: GET /v1/models lists the models behind too. */
  readonly includeConfigModels: boolean;
  /** A model nobody knows: 400 as in vSR, or forwarded untouched. */
  readonly unknownModel: "refuse" | "pass_through";
  /** Reads token counts out of responses. */
  readonly observeUsage: boolean;
  /** A gateway in front authenticates clients and sets `x-authz-*` itself; otherwise those headers are removed. */
  readonly trustIdentityHeaders: boolean;
  /** Names of those headers, lower-case, beside `x-authz-*`. */
  readonly identityHeaders: readonly string[];
  /** `global.router.skip_processing.enabled`: `x-vsr-skip-processing: true` is honoured. */
  readonly skipProcessingEnabled: boolean;
  /** What doors enforce while they hold bytes. */
  readonly limits: ExchangeLimits;
}

/** RoutingSnapshot is what an exchange takes when it opens. */
export interface RoutingSnapshot {
  readonly config: RoutingConfig;
  readonly providers: ProvidersConfig;
  readonly settings: RoutingSettings;
  readonly models: ModelDirectory;
  readonly router: Router;
  /** Where answers are kept; null: nowhere. */
  readonly cache: ResponseCache | null;
  /** Null: no decision caches answers. */
  readonly caching: Caching | null;
  /** The encoder of this snapshot, and what it is now. */
  readonly embedder: Embedder;
  readonly encoderModel: SignalSettings["encoderModel"];
}

/** SnapshotParts is what a snapshot is built from. */
export interface SnapshotParts {
  readonly config: RoutingConfig;
  readonly providers: ProvidersConfig;
  readonly settings: RoutingSettings;
  readonly embedder: Embedder;
  /** The embedded tier; without it every learned signal asks the encoder. */
  readonly embedded?: EmbeddedTier;
  /** Name of the encoder that answers now, or null before one has been ready. */
  readonly encoderModel?: SignalSettings["encoderModel"];
  /** Where answers are kept; absent: nowhere. */
  readonly cache?: ResponseCache | null;
  /** Requests are traced: what the embedded tier does is told too. */
  readonly traced?: boolean;
  readonly clock: Clock;
}

/** createRoutingSnapshot builds the router of a valid configuration. `snapshot.router.warm()` still has to encode its anchors. */
export function createRoutingSnapshot({
  config,
  providers,
  settings,
  embedder,
  embedded,
  encoderModel = () => null,
  cache = null,
  traced = false,
  clock,
}: SnapshotParts): RoutingSnapshot {
  const models = createModelDirectory(config, providers);
  const { window, domainCascade, softMatchThreshold } = settings;
  const embeddedWatch = traced && embedded !== undefined ? new EmbeddedWatch(embedded, clock) : null;
  const signals = { window, domainCascade, softMatchThreshold, embedded: embeddedWatch?.tier ?? embedded ?? null, encoderModel };
  const keepsAnswers = cache !== null;
  const router = createRouter(config, {
    models,
    embedder,
    clock,
    strategy: config.strategy ?? settings.strategy,
    signals,
    embeddedWatch,
    keepsAnswers,
  });
  const { strategy, autoModelNames } = settings;
  const beside = () => [strategy, window, domainCascade, softMatchThreshold, autoModelNames, embedded?.revision];
  const caching = createCaching({ config, providers, router, beside });
  return Object.freeze({
    config,
    providers,
    settings,
    models,
    router,
    cache: caching === null ? null : cache,
    caching,
    embedder,
    encoderModel,
  });
}

/** autoModelNames reads `global.router`: an explicit list stands alone; otherwise vSR's two names and `auto_model_name` (MoM). */
export function autoModelNames(router: {
  readonly auto_model_name?: string | undefined;
  readonly auto_model_names?: readonly string[] | undefined;
}): readonly string[] {
  if (router.auto_model_names !== undefined && router.auto_model_names.length > 0) return router.auto_model_names;
  return [...new Set(["vllm-sr/auto", "auto", router.auto_model_name ?? "MoM"])];
}
