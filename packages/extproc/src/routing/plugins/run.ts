/**
 * Runs a decision's plugins in the order in which they are written and collects their effects. A plugin that fails is recorded and
 * left out: the request goes on. A `respondWithText` effect ends the run. Called by the router, once for each half.
 */
import {
  RouterError,
  type CallOptions,
  type Clock,
  type Effect,
  type Plugin,
  type PluginDefinition,
  type PluginRequest,
} from "@turnout/shared";
import type { PluginConfig } from "../schema.ts";
import { plugins } from "./index.ts";

/** When says which half of the plugins: those that may end the request, or those that shape it. */
export type When = PluginDefinition["when"];

/** RunnablePlugin is a plugin of one decision, ready. */
export interface RunnablePlugin {
  readonly type: string;
  readonly when: When;
  readonly plugin: Plugin;
}

/** PluginRun is what became of one plugin. */
export interface PluginRun {
  readonly type: string;
  readonly effects: readonly Effect[];
  readonly error: RouterError | null;
  /** In milliseconds of the clock. */
  readonly startedAt: number;
  readonly durationMs: number;
}

/** createPlugins makes the plugins of one decision. */
export function createPlugins(configs: readonly PluginConfig[]): readonly RunnablePlugin[] {
  return configs.map((config) => {
    const definition = plugins.find(({ type }) => type === config.type);
    if (definition === undefined)
      throw new RouterError("internal", `plugin ${config.type} passed the schema and is not registered. This is a bug.`);
    // As with signals: the union of `create`s is called with the configuration that its own schema gave.
    const create = definition.create as (configuration: unknown) => Plugin;
    return { type: definition.type, when: definition.when, plugin: create(config.configuration) };
  });
}

/** runPlugins rejects only when `options.signal` aborts. */
export async function runPlugins(
  list: readonly RunnablePlugin[],
  when: When,
  state: PluginRequest,
  clock: Clock,
  options: CallOptions,
): Promise<readonly PluginRun[]> {
  const runs: PluginRun[] = [];
  for (const { type, plugin, when: its } of list) {
    if (its !== when) continue;
    const startedAt = clock.now();
    let effects: readonly Effect[] = [];
    let error: RouterError | null = null;
    try {
      effects = await plugin.onRequest(state, options);
    } catch (thrown) {
      options.signal?.throwIfAborted();
      error = RouterError.from(thrown);
    }
    runs.push({ type, effects, error, startedAt, durationMs: clock.now() - startedAt });
    if (effects.some(({ kind }) => kind === "respondWithText")) break;
  }
  return runs;
}
