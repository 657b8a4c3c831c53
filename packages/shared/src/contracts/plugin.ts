import type { z } from "zod";
import type { CallOptions } from "./call-options.ts";
import type { CachePolicy } from "./response-cache.ts";
import type { RoutingRequest } from "./routing-request.ts";
import type { Selection } from "./selection.ts";

/** Effect is one thing a plugin wants done. Effects are data: tested without a body, listed in `explain`, applied once by mutation.ts. */
export type Effect =
  | { readonly kind: "setRequestHeader"; readonly name: string; readonly value: string }
  | { readonly kind: "removeRequestHeader"; readonly name: string }
  | { readonly kind: "setSystemPrompt"; readonly text: string; readonly mode: "insert" | "replace" }
  /** Ends the request here with a completion that carries `text`; JSON or SSE, as the client asked. */
  | { readonly kind: "respondWithText"; readonly text: string };

/** PluginRequest is what a plugin sees. `selection` is null for plugins that run before selection. */
export interface PluginRequest {
  readonly request: RoutingRequest;
  readonly decision: string;
  readonly selection: Selection | null;
}

/** Plugin acts on one request by returning effects. */
export interface Plugin {
  /** How the answers of the decision are cached; absent: they are not. */
  readonly cachePolicy?: CachePolicy;
  onRequest(state: PluginRequest, options: CallOptions): readonly Effect[] | Promise<readonly Effect[]>;
}

/** PluginDefinition is the whole of one plugin: its config type, aliases, schema, when it runs, and its maker. */
export interface PluginDefinition<Type extends string = string, Configuration extends z.ZodType = z.ZodType> {
  readonly type: Type;
  /** Older spellings that vSR accepts. */
  readonly aliases?: readonly string[];
  readonly summary: string;
  /** Plugins that may end the request run before an algorithm that could cost a model call. */
  readonly when: "beforeSelection" | "afterSelection";
  readonly configuration: Configuration;
  create(configuration: z.output<Configuration>): Plugin;
}

/** definePlugin keeps the literal types of a definition. */
export function definePlugin<const Type extends string, Configuration extends z.ZodType>(
  definition: PluginDefinition<Type, Configuration>,
): PluginDefinition<Type, Configuration> {
  return definition;
}
