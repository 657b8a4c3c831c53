/** docs/signals.md: signals, selection algorithms and plugins from their registries, and what vLLM Semantic Router has beside them. */
import type { SignalDefinition } from "../../packages/shared/src/index.ts";
import { acceptedBlocks, acceptedModelSettings } from "../../packages/extproc/src/config/accepted.ts";
import type { JsonSchema } from "../../packages/extproc/src/config/json-schema.ts";
import { unsupportedKeys, unsupportedValues } from "../../packages/extproc/src/config/unsupported.ts";
import { HEADER } from "../../packages/extproc/src/routing/headers.ts";
import { plugins } from "../../packages/extproc/src/routing/plugins/index.ts";
import { algorithms } from "../../packages/extproc/src/routing/selection/index.ts";
import { signals } from "../../packages/extproc/src/routing/signals/index.ts";
import { surface } from "../../packages/extproc/src/routing/surface.ts";
import { code, codes, list, page, table } from "./markdown.ts";
import { itemsOf, schemaAt, settingsTable } from "./settings.ts";

/** signalsPage prints what the registries hold. */
export function signalsPage(document: JsonSchema): string {
  return page("Signals, algorithms, plugins", [
    "A **signal** says something of a request; **decisions** combine signals with AND, OR and NOT; a **selection algorithm** picks one of the decision's models; **plugins** change the request or answer it. Only signals that some decision asks for are evaluated.",
    "## Signals",
    overview(signals.map(({ type, summary }) => [type, summary])),
    ...signals.flatMap((signal) => signalBlocks(document, signal)),
    "## Selection algorithms",
    "`routing.decisions[].algorithm.type`; its options stand beside it, under the type's name. A decision with one candidate needs none.",
    overview(algorithms.map(({ type, summary }) => [type, summary])),
    ...algorithms.flatMap(({ type }) => algorithmBlocks(document, type)),
    "## Plugins",
    "`routing.decisions[].plugins[]`, each with `type` and `configuration`. They run in the order in which they are written, those that may answer a request themselves before a model is selected.",
    overview(plugins.map(({ type, summary }) => [type, summary])),
    ...plugins.flatMap((plugin) => pluginBlocks(document, plugin)),
    "## What vLLM Semantic Router has and Turnout does not",
    "Refused by name when a configuration uses it, with path, line and what is supported; a block that asks for nothing (`[]`, `{}`) is let through.",
    list([
      `Conditions on ${codes(surface.conditionTypes.unsupported)}, and their key ${codes(surface.conditionKeys.unsupported)}.`,
      `Algorithms ${codes(surface.algorithmTypes.unsupported)}.`,
      `Plugins ${codes(surface.pluginTypes.unsupported)}.`,
      `Keys ${codes(unsupportedKeys.map((key) => key.replaceAll(".*", "[]")))}.`,
      ...otherValues().map(([path, values]) => `${code(path)}: ${codes(values)}.`),
    ]),
    "Accepted without effect, with one warning at start:",
    table(
      ["block", "what it would do"],
      [
        ...Object.entries(acceptedBlocks).map(([path, purpose]) => [code(path), purpose]),
        ...Object.entries(acceptedModelSettings).map(([key, purpose]) => [code(`providers.models[].${key}`), purpose]),
      ],
    ),
  ]);
}

function overview(entries: readonly (readonly [string, string])[]): string {
  return table(
    ["type", "what it does"],
    entries.map(([type, summary]) => [`[${code(type)}](#${type})`, summary]),
  );
}

/** needsWords say what a signal needs beside the front itself. */
const needsWords: Readonly<Record<SignalDefinition["needs"], string>> = {
  nothing: "nothing: evaluated in the front",
  wanted: "nothing; with some rules better with an embedding from the classifier pool",
  embedding: "an embedding from the classifier pool",
};

function signalBlocks(document: JsonSchema, { type, configKey, header, needs, outcomes }: SignalDefinition): string[] {
  const [rule = {}] = itemsOf(schemaAt(document, ["routing", "signals", configKey]));
  return [
    `### ${code(type)}`,
    table(
      ["rules", "condition", "header", "needs"],
      [
        [
          code(`routing.signals.${configKey}`),
          outcomes === undefined
            ? code(`{ type: ${type}, name: … }`)
            : outcomes.map((outcome) => code(`{ type: ${type}, name: "…:${outcome}" }`)).join(", "),
          header === null ? "–" : code(HEADER.matchedPrefix + header),
          needsWords[needs],
        ],
      ],
    ),
    settingsTable(document, rule),
  ];
}

function algorithmBlocks(document: JsonSchema, type: string): string[] {
  const { items: decision } = schemaAt(document, ["routing", "decisions"]);
  const algorithm = (decision as JsonSchema).properties?.["algorithm"];
  const options = algorithm?.oneOf?.find(({ properties }) => properties?.["type"]?.const === type)?.properties?.[type];
  return [`### ${code(type)}`, settingsOrNone(document, options)];
}

function pluginBlocks(
  document: JsonSchema,
  { type, aliases = [], when }: { type: string; aliases?: readonly string[]; when: string },
): string[] {
  const { items: decision } = schemaAt(document, ["routing", "decisions"]);
  const list = (decision as JsonSchema).properties?.["plugins"] ?? {};
  const plugin = itemsOf(list).find(({ properties }) => properties?.["type"]?.const === type);
  return [
    `### ${code(type)}`,
    `Runs ${when === "beforeSelection" ? "before" : "after"} selection.${aliases.length === 0 ? "" : ` Also read as ${codes(aliases)}.`}`,
    settingsOrNone(document, plugin?.properties?.["configuration"]),
  ];
}

function settingsOrNone(document: JsonSchema, options: JsonSchema | undefined): string {
  return Object.keys(options?.properties ?? {}).length === 0 ? "No options." : settingsTable(document, options ?? {});
}

/** otherValues are the refused values that no list above has. */
function otherValues(): readonly (readonly [string, readonly string[]])[] {
  return Object.entries(unsupportedValues)
    .filter(([path]) => !path.startsWith("routing.decisions"))
    .map(([path, values]) => [path.replaceAll(".*", "[]"), values] as const);
}
