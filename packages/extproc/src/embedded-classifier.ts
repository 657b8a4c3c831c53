import { createClassifierPool } from "@turnout/classifier-pool";
import { defaultModelsDirectory, prepareModel, type PrepareProgress, type SourceName } from "@turnout/classifier-pool/prepare";
import { RouterError, type Classifier, type EncoderStatus, type Logger, type Metrics } from "@turnout/shared";
import type { PoolSettings } from "./config/index.ts";

/**
 * The classifier pool inside this process, together with what comes before it: preparing the model's files. Until both are done it
 * is "starting"; when a model cannot be had it is "unavailable" with the reason and the remedy, and routing goes on without it.
 */
export interface EmbeddedClassifierOptions {
  readonly settings: PoolSettings;
  /** Where the model may come from, in this order; what is prepared already needs no source. */
  readonly sources: readonly SourceName[];
  /** The checkpoint's directory, for the source "directory". */
  readonly directory?: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly onProgress?: (progress: PrepareProgress) => void;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** createEmbeddedClassifier starts preparing and returns at once; `whenSettled()` resolves when texts can be encoded, or never will be. */
export function createEmbeddedClassifier(options: EmbeddedClassifierOptions): Classifier {
  const { settings, logger, metrics } = options;
  const stop = new AbortController();
  let pool: Classifier | null = null;
  let status: EncoderStatus = { state: "starting", model: settings.model };

  async function begin(): Promise<EncoderStatus> {
    try {
      const modelDirectory = settings.backend === "deterministic" ? null : await prepare(options, stop.signal);
      stop.signal.throwIfAborted();
      pool = createClassifierPool({
        backend: settings.backend,
        ...(modelDirectory === null ? {} : { modelDirectory }),
        ...(settings.dimension === null ? {} : { dimension: settings.dimension }),
        workers: settings.workers,
        queueLimit: settings.queueLimit,
        maxBatchTokens: settings.maxBatchTokens,
        embeddingCacheBytes: settings.embeddingCacheBytes,
        logger,
        metrics,
      });
      return await pool.whenSettled();
    } catch (error) {
      status = { state: "unavailable", model: settings.model, reason: RouterError.from(error).message };
      return status;
    }
  }
  const settled = begin();

  return {
    async embed(items, callOptions) {
      if (pool !== null) return pool.embed(items, callOptions);
      const why = status.state === "unavailable" ? status.reason : `${settings.model} is still being prepared`;
      throw new RouterError("encoder_unavailable", why);
    },
    status: () => pool?.status() ?? status,
    whenSettled: () => settled,
    async close() {
      stop.abort(new RouterError("cancelled", "Turnout is stopping"));
      await settled;
      await pool?.close();
    },
  };
}

async function prepare(
  { settings, sources, directory, env, onProgress, logger }: EmbeddedClassifierOptions,
  signal: AbortSignal,
): Promise<string> {
  const prepared = await prepareModel({
    name: settings.model,
    variant: settings.variant,
    ...(settings.layers === null ? {} : { layers: settings.layers }),
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
