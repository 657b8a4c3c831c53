/**
 * Which classifier a front has: the pool inside this process, or, where the configuration has an endpoint, a service of its own. Each is
 * loaded only when it is chosen, so that a front with a remote pool never holds ONNX, worker threads or a model. Called by compose.ts
 * and `explain`.
 */
import type { Classifier, Embedder, EncoderIdentity, EncoderStatus, Evaluator, Logger, Metrics } from "@turnout/shared";
import { poolSettingsOf, remoteSettingsOf, type ConfigDocument, type Environment, type PoolSettings } from "./config/index.ts";
import type { RemoteClassifier } from "@turnout/classifier-pool/client";
import type { EmbeddedClassifierOptions } from "./embedded-classifier.ts";
import type { Tracing } from "./tracing/index.ts";

/** PinnedEmbedder gives the encoder's vectors of one revision only: what a configuration's anchors and its requests are compared by. */
export interface PinnedEmbedder extends Embedder, Evaluator {
  /** "model@revision"; null as long as it is not known, and for a pool whose model cannot change while it runs. */
  readonly revision: string | null;
}

/** FrontClassifier is a pool whose model may change while the front runs. */
export interface FrontClassifier extends Classifier {
  /** The revision that answers now, for one configuration's whole life. */
  pinned(): PinnedEmbedder;
  /** Said when a configuration needs vectors: a pool inside this process is prepared and loaded then, a remote one is connected already. */
  start(): void;
}

/** encoderIn gives the encoder that answers now, or null while none does. */
export const encoderIn = (status: EncoderStatus): EncoderIdentity | null => (status.state === "ready" ? status : null);

export interface ClassifierChoice {
  readonly document: ConfigDocument;
  readonly env: Environment;
  readonly model: Pick<EmbeddedClassifierOptions, "sources" | "directory" | "onProgress">;
  /** Overrides for the pool inside this process. */
  readonly pool?: Partial<PoolSettings>;
  /** Called whenever a remote pool can be asked after it could not, and when its model's revision changed. */
  readonly onReady?: () => void;
  /** Records what the classifier does; absent: nothing is traced. */
  readonly tracing?: Tracing | null;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

/** openClassifier connects to a remote pool without waiting for it, or makes an idle pool. Throws `config_invalid` where TLS files cannot be read. */
export async function openClassifier({
  document,
  env,
  model,
  pool,
  onReady,
  tracing = null,
  logger,
  metrics,
}: ClassifierChoice): Promise<FrontClassifier> {
  const remote = remoteSettingsOf(document);
  if (remote !== null) {
    const { createRemoteClassifier } = await import("@turnout/classifier-pool/client");
    const connected = createRemoteClassifier({ ...remote, ...(onReady === undefined ? {} : { onReady }), logger, metrics });
    return tracing === null ? Object.assign(connected, { start: () => undefined }) : tracedService(connected, tracing);
  }
  const { createEmbeddedClassifier } = await import("./embedded-classifier.ts");
  const settings = { ...poolSettingsOf(document), ...pool };
  const observed = tracing === null ? {} : { onBatch: tracing.onBatch };
  const embedded = createEmbeddedClassifier({ settings, env, logger, metrics, ...model, ...observed });
  const pinned: PinnedEmbedder = {
    revision: null,
    embed: (items, options) => embedded.embed(items, options),
    evaluate: (items, options) => embedded.evaluate(items, options),
  };
  return Object.assign(embedded, { pinned: () => pinned });
}

/** tracedService is a remote pool whose calls are recorded, whichever way they are made. */
function tracedService(service: RemoteClassifier, tracing: Tracing): FrontClassifier {
  return {
    ...tracing.called(service),
    status: () => service.status(),
    whenSettled: () => service.whenSettled(),
    close: () => service.close(),
    start: () => undefined,
    pinned() {
      const pinned = service.pinned();
      return {
        ...tracing.called(pinned),
        get revision() {
          return pinned.revision;
        },
      };
    },
  };
}
