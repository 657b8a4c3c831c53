/** Configuration: the v0.3 document from file to frozen snapshot. Only extproc reads it; the parts get plain options from snapshot.ts. */
export { ConfigError } from "./config-error.ts";
export { cacheOptionsOf, type CacheOptions, type CacheStorage } from "./response-cache.ts";
export { renderWarning } from "./config-warning.ts";
export { editorJsonSchema } from "./json-schema.ts";
export { deploymentSettings, loadConfig, parseConfig, type RouterConfig } from "./load.ts";
export type { ConfigDocument } from "./schema.ts";
export {
  listenersOf,
  managementSettingsOf,
  poolSettingsOf,
  remoteSettingsOf,
  routingSettingsOf,
  type FurtherModelSettings,
  type PoolSettings,
} from "./snapshot.ts";
export type { Environment } from "./substitution.ts";
export { tracingSettingsOf } from "./tracing.ts";
export { watchConfig } from "./watch.ts";
