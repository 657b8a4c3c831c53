/** Configuration: the v0.3 document from file to frozen snapshot. Only extproc reads it; the parts get plain options from snapshot.ts. */
export { ConfigError, renderProblem, renderProblems, type ConfigProblem } from "./config-error.ts";
export { renderWarning, type ConfigWarning } from "./config-warning.ts";
export { editorJsonSchema, type JsonSchema } from "./json-schema.ts";
export { loadConfig, parseConfig, type RouterConfig } from "./load.ts";
export type { ConfigDocument } from "./schema.ts";
export {
  listenersOf,
  managementSettingsOf,
  poolSettingsOf,
  routingSettingsOf,
  type ListenerSettings,
  type ManagementSettings,
  type PoolSettings,
} from "./snapshot.ts";
export type { Environment } from "./substitution.ts";
export { watchConfig, type WatchOptions } from "./watch.ts";
