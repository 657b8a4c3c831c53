import { autoModelNames, type RoutingSettings } from "../routing/snapshot.ts";
import { durationMs } from "./duration.ts";
import { catalogedEncoder, softMatchThresholdOf } from "./model-catalog.ts";
import type { ConfigDocument } from "./schema.ts";

/**
 * The document as plain options for the parts: only here do names of the file become names of the code. Router, pool, gateway and
 * management API never see the document.
 */

/** routingSettingsOf is what the router reads beside `routing` and `providers`. */
export function routingSettingsOf({ global, turnout }: ConfigDocument): RoutingSettings {
  const { router, services } = global;
  const { max_bytes: maxBytes, timeout_sec: timeoutSeconds, enabled: streamedBody } = router.streamed_body;
  return {
    strategy: router.strategy ?? "priority",
    deadlineMs: turnout.deadline_ms,
    window: { maxTokens: turnout.signals.max_tokens, sampling: turnout.signals.sampling },
    softMatchThreshold: softMatchThresholdOf(global.model_catalog),
    domainCascade: turnout.classifier.domain.cascade,
    autoModelNames: autoModelNames(router),
    includeConfigModels: router.include_config_models_in_list,
    unknownModel: turnout.unknown_model,
    observeUsage: turnout.observe_usage,
    trustIdentityHeaders: services.authz.identity !== undefined,
    identityHeaders: services.authz.identity === undefined ? [] : Object.values(services.authz.identity),
    skipProcessingEnabled: router.skip_processing.enabled,
    limits: {
      // 0 means "no value" in Go's structs, and so in vSR's files.
      maxBodyBytes: maxBytes === undefined || maxBytes === 0 ? turnout.limits.max_body_bytes : maxBytes,
      bodyTimeoutMs: timeoutSeconds === undefined || timeoutSeconds === 0 ? turnout.limits.body_timeout_ms : timeoutSeconds * 1000,
      maxHeldBytes: turnout.limits.max_held_bytes,
      streamedBody,
      clearRouteCache: router.clear_route_cache,
      gateway: turnout.gateway,
    },
  };
}

/** FurtherModelSettings is one of `turnout.classifier.models`. */
export interface FurtherModelSettings extends Pick<PoolSettings, "model" | "variant" | "dimension" | "layers"> {
  /** Name by which signals ask for it. */
  readonly name: string;
  readonly preload: boolean;
}

/** PoolSettings is what the classifier pool inside the process is made from. */
export interface PoolSettings {
  readonly model: string;
  readonly variant: "int8" | "fp32" | "as-is";
  /** Null: the model's own. */
  readonly dimension: number | null;
  /** Null: all of the encoder's. */
  readonly layers: number | null;
  readonly backend: "onnx" | "deterministic";
  /** Null: the default directory. */
  readonly modelsDirectory: string | null;
  readonly workers: number | "auto";
  readonly queueLimit: number;
  readonly maxBatchTokens: number;
  readonly embeddingCacheBytes: number;
  /** Beside the encoder. */
  readonly furtherModels: readonly FurtherModelSettings[];
}

export function poolSettingsOf({ turnout: { classifier }, global }: Pick<ConfigDocument, "turnout" | "global">): PoolSettings {
  const cataloged = catalogedEncoder(global.model_catalog, classifier.model);
  return {
    model: classifier.model,
    variant: classifier.variant,
    dimension: classifier.dimension ?? cataloged.dimension,
    // A published graph runs whole, whatever the catalog says of its layers.
    layers: classifier.layers ?? (classifier.variant === "as-is" ? null : cataloged.layers),
    backend: classifier.backend,
    modelsDirectory: classifier.models_directory ?? null,
    workers: classifier.workers,
    queueLimit: classifier.queue_limit,
    maxBatchTokens: classifier.max_batch_tokens,
    embeddingCacheBytes: classifier.embedding_cache_bytes,
    furtherModels: Object.entries(classifier.models).map(([name, { model, variant, dimension, layers, preload }]) => ({
      name,
      model,
      variant,
      dimension: dimension ?? null,
      layers: layers ?? null,
      preload,
    })),
  };
}

/** RemoteSettings is where the classifier pool is when it is a service of its own. */
export interface RemoteSettings {
  readonly endpoint: string;
  readonly balancing: "power_of_two" | "round_robin";
  readonly tls?: { readonly caPath?: string; readonly certPath?: string; readonly keyPath?: string; readonly serverName?: string };
}

/** remoteSettingsOf is null when the pool is inside the process. */
export function remoteSettingsOf({ turnout: { classifier } }: Pick<ConfigDocument, "turnout">): RemoteSettings | null {
  const { endpoint, balancing, tls } = classifier;
  if (endpoint === undefined) return null;
  if (tls === undefined) return { endpoint, balancing };
  return {
    endpoint,
    balancing,
    tls: {
      ...(tls.ca_file === undefined ? {} : { caPath: tls.ca_file }),
      ...(tls.cert_file === undefined ? {} : { certPath: tls.cert_file }),
      ...(tls.key_file === undefined ? {} : { keyPath: tls.key_file }),
      ...(tls.server_name === undefined ? {} : { serverName: tls.server_name }),
    },
  };
}

/** ListenerSettings is one address of Turnout's own HTTP gateway. */
export interface ListenerSettings {
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly timeoutMs?: number;
}

export function listenersOf({ listeners }: ConfigDocument): readonly ListenerSettings[] {
  return listeners.map(({ name, address, port, timeout }) => ({
    name,
    address,
    port,
    ...(timeout === undefined ? {} : { timeoutMs: durationMs(timeout) }),
  }));
}

/** ManagementSettings is where the management API listens, and whether metrics are served. */
export interface ManagementSettings {
  readonly address: string;
  readonly port: number;
  readonly metricsEnabled: boolean;
}

export function managementSettingsOf({ global: { services } }: ConfigDocument): ManagementSettings {
  const { management_api: api, observability } = services;
  return { address: api.bind_address, port: api.port, metricsEnabled: observability.metrics.enabled };
}
