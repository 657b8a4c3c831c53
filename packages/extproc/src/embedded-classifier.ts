import { createClassifierPool, type FurtherModelOptions } from "@turnout/classifier-pool";
import type { PrepareProgress, SourceName } from "@turnout/classifier-pool/prepare";
import { RouterError, type BatchRecord, type Classifier, type EncoderStatus, type Logger, type Metrics } from "@turnout/shared";
import type { FurtherModelSettings, PoolSettings } from "./config/index.ts";

/**
 * The classifier pool inside this process, together with what comes before it: preparing the model's files. Until somebody starts it,
 * it is "idle" and costs nothing; then "starting"; when a model cannot be had it is "unavailable" with the reason and the remedy, and
 * routing goes on without it.
 */
export interface EmbeddedClassifierOptions {
  readonly settings: PoolSettings;
  /** Where the model may come from, in this order; what is prepared already needs no source. */
  readonly sources: readonly SourceName[];
  /** The checkpoint's directory, for the source "directory". */
  readonly directory?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: (progress: PrepareProgress) => void;
  /** Hears of each batch; see ClassifierPoolOptions. */
  readonly onBatch?: (batch: BatchRecord) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** EmbeddedClassifier is a pool that waits to be needed. */
export interface EmbeddedClassifier extends Classifier {
  /** Begins to prepare and to load, once. `whenSettled()` resolves when texts can be encoded, or never will be; not before this call. */
  start(): void;
}

/** createEmbeddedClassifier makes an idle pool. */
export function createEmbeddedClassifier(options: EmbeddedClassifierOptions): EmbeddedClassifier {
  const { settings, logger, metrics } = options;
  const stop = new AbortController();
  const settled = Promise.withResolvers<EncoderStatus>();
  let pool: Classifier | null = null;
  let status: EncoderStatus = { state: "idle", model: settings.model };

  async function begin(): Promise<EncoderStatus> {
    try {
      const modelDirectory = settings.backend === "deterministic" ? null : await prepare(settings, options, stop.signal);
      stop.signal.throwIfAborted();
      pool = createClassifierPool({
        backend: settings.backend,
        ...(modelDirectory === null ? {} : { modelDirectory }),
        ...(settings.dimension === null ? {} : { dimension: settings.dimension }),
        workers: settings.workers,
        queueLimit: settings.queueLimit,
        maxBatchTokens: settings.maxBatchTokens,
        embeddingCacheBytes: settings.embeddingCacheBytes,
        ...(options.onBatch === undefined ? {} : { onBatch: options.onBatch }),
        models: Object.fromEntries(settings.furtherModels.map((further) => [further.name, furtherModel(further)])),
        logger,
        metrics,
      });
      return await pool.whenSettled();
    } catch (error) {
      return giveUp(RouterError.from(error).message);
    }
  }

  /** Of what the command line says, a checkpoint's directory and the progress shown belong to the encoder. */
  function furtherModel(further: FurtherModelSettings): FurtherModelOptions {
    const { sources, env } = options;
    return {
      directory: (signal) => prepare(further, { settings, sources, env, logger, metrics }, AbortSignal.any([signal, stop.signal])),
      ...(further.dimension === null ? {} : { dimension: further.dimension }),
      preload: further.preload,
    };
  }

  function giveUp(reason: string): EncoderStatus {
    status = { state: "unavailable", model: settings.model, reason };
    return status;
  }

  /** refusal is what a question gets before there is a pool. */
  function refusal(): RouterError {
    if (status.state === "unavailable") return new RouterError("encoder_unavailable", status.reason);
    const why = status.state === "idle" ? "is not loaded: no configuration has needed it" : "is still being prepared";
    return new RouterError("encoder_unavailable", `${settings.model} ${why}`);
  }

  return {
    start() {
      if (status.state !== "idle") return;
      status = { state: "starting", model: settings.model };
      void begin().then(settled.resolve);
    },
    async embed(items, callOptions) {
      if (pool === null) throw refusal();
      return pool.embed(items, callOptions);
    },
    async evaluate(items, callOptions) {
      return pool === null ? items.map(refusal) : pool.evaluate(items, callOptions);
    },
    status: () => pool?.status() ?? status,
    whenSettled: () => settled.promise,
    async close() {
      const stopping = new RouterError("cancelled", "Turnout is stopping");
      stop.abort(stopping);
      if (status.state === "idle") settled.resolve(giveUp(stopping.message));
      // First the pool: one that still loads is settled only by that.
      await pool?.close();
      await settled.promise;
    },
  };
}

async function prepare(
  { model, variant, layers }: Pick<PoolSettings, "model" | "variant" | "layers">,
  { settings, sources, directory, env, onProgress, logger }: EmbeddedClassifierOptions,
  signal: AbortSignal,
): Promise<string> {
  const { defaultModelsDirectory, prepareModel } = await import("@turnout/classifier-pool/prepare");
  const prepared = await prepareModel({
    name: model,
    variant,
    ...(layers === null ? {} : { layers }),
    modelsDirectory: settings.modelsDirectory ?? defaultModelsDirectory(env),
    sources,
    ...(directory === undefined ? {} : { directory }),
    env,
    logger,
    signal,
    ...(onProgress === undefined ? {} : { onProgress }),
  });
  return prepared.directory;
}
