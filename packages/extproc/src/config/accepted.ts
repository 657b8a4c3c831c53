import type { z as Zod } from "zod";
import { z } from "zod";
import type { SourceText } from "./config-error.ts";
import { warningAt, type ConfigWarning } from "./config-warning.ts";
import { at, isEmpty, itemsOf, type Located, type LocatedMap } from "./located.ts";

/**
 * The one table of blocks that vLLM Semantic Router's files have and that Turnout reads without acting on them yet: each is
 * accepted and gives one warning at start. Whoever implements a block deletes its row; schema.ts then no longer compiles until
 * the block has a schema of its own.
 */

/** acceptedBlocks maps the path of a block to what it would do. */
export const acceptedBlocks = {
  "global.services.api.batch_classification": "set limits of the batch classification API",
  "global.services.response_api": "keep conversations of the Responses API",
  "global.services.router_replay": "record routing decisions for replay",
  "global.services.observability.metrics.windowed_metrics": "compute metrics over sliding windows",
  "global.stores.memory": "remember users' conversations",
  "global.stores.vector_store": "index uploaded files for retrieval",
  "global.model_catalog.embeddings.semantic.embedding_config.prototype_scoring":
    "tune how the candidates of an embedding rule are summed up",
  "global.model_catalog.system": "choose the models of vLLM Semantic Router's classifiers",
  "global.model_catalog.modules":
    "tune vLLM Semantic Router's classifiers (of it are read: prompt_guard.on_error, and what rules of signals.md name as their module's)",
  "global.model_catalog.external": "declare language models that classify",
  "global.model_catalog.kbs": "declare knowledge bases for the kb signal",
  "global.integrations.tools": "choose tools by similarity to the prompt",
} as const satisfies Record<string, string>;

/** acceptedModelSettings is the same for settings of `providers.models[]`. */
export const acceptedModelSettings = {
  pricing: "count what requests cost",
  reliability: "retry, check and eject backends of Turnout's own gateway",
} as const satisfies Record<string, string>;

/** AcceptedPath is the closed list of accepted blocks. */
export type AcceptedPath = keyof typeof acceptedBlocks;

/** acceptedBlock is the schema of one accepted block: any map, described for editors. */
export function acceptedBlock(path: AcceptedPath): Zod.ZodOptional<Zod.ZodType<Readonly<Record<string, unknown>>>> {
  return z
    .looseObject({})
    .nullable()
    .transform((block): Readonly<Record<string, unknown>> => block ?? {})
    .describe(describeAccepted(path))
    .optional();
}

/** acceptedList is the same for a block that is a list. */
export function acceptedList(path: AcceptedPath): Zod.ZodOptional<Zod.ZodType<readonly unknown[]>> {
  return z
    .array(z.unknown())
    .nullable()
    .transform((list): readonly unknown[] => list ?? [])
    .describe(describeAccepted(path))
    .optional();
}

function describeAccepted(path: AcceptedPath): string {
  return `Accepted without effect: would ${acceptedBlocks[path]}; arrives with a later version.`;
}

/** warnAccepted gives one warning for each accepted block that the file uses; what is switched off would do nothing anyway. */
export function warnAccepted(root: LocatedMap, source: SourceText): readonly ConfigWarning[] {
  const warnings: ConfigWarning[] = [];
  for (const [path, purpose] of Object.entries(acceptedBlocks)) {
    const node = at(root, ...path.split("."));
    if (node !== undefined && !isEmpty(node) && !isOff(node))
      warnings.push(warningAt(source, node, `accepted without effect: would ${purpose}; arrives with a later version`));
  }
  const models = itemsOf(at(root, "providers", "models"));
  for (const [key, purpose] of Object.entries(acceptedModelSettings)) {
    const users = models.flatMap((model) => at(model, key) ?? []).filter((setting) => !isEmpty(setting));
    warnings.push(...warnOnce(users, key, purpose, "model", source));
  }
  return warnings;
}

/** warnOnce warns at the first of those that use something, and counts the others. */
function warnOnce(
  [first, ...others]: readonly Located[],
  what: string,
  purpose: string,
  user: string,
  source: SourceText,
): ConfigWarning[] {
  if (first === undefined) return [];
  const more = others.length === 0 ? "" : ` (also in ${others.length} more ${user}${others.length === 1 ? "" : "s"})`;
  return [warningAt(source, first, `${what} accepted without effect${more}: would ${purpose}; arrives with a later version`)];
}

function isOff(block: Located | undefined): boolean {
  const enabled = at(block, "enabled");
  return enabled?.kind === "scalar" && enabled.value === false;
}
