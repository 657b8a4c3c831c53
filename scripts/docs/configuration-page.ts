/** docs/configuration.md: every setting of the document, Turnout's own first. */
import type { JsonSchema } from "../../packages/extproc/src/config/json-schema.ts";
import { page } from "./markdown.ts";
import { schemaAt, settingsTable } from "./settings.ts";

/** Settings that docs/signals.md describes, from the same registries. */
const ON_SIGNALS_PAGE = ["routing.signals", "routing.decisions[].algorithm", "routing.decisions[].plugins"];

/** configurationPage prints the document. */
export function configurationPage(document: JsonSchema): string {
  const own = ["turnout", "version", "listeners"];
  const blocks = [...own, ...Object.keys(document.properties ?? {}).filter((key) => !own.includes(key))];
  return page("Configuration", [
    "One YAML file in the format of vLLM Semantic Router v0.3, bare or under the `config:` key of a Helm values file. What is Turnout's own stands under `turnout:`; without that block the file is vLLM Semantic Router's again. `${NAME}` and `${NAME:-default}` take environment variables, `$${` is a literal `${`.",
    "`turnout config check <file>` says everything that is wrong with a file; `turnout config schema` prints the JSON Schema for editors. A running process watches the file and takes a good change over without a restart; a bad one is refused and the old one stays. Changes of `listeners`, `turnout.classifier` and `global.services.management_api` need a restart.",
    "`[]` stands for every item of a list, `<name>` for a name of your choice. Signals, algorithms and plugins: [signals.md](signals.md).",
    ...blocks.flatMap((key) => {
      const setting = schemaAt(document, [key]);
      const root = { properties: { [key]: setting }, required: document["required"] };
      return [`## ${key}`, settingsTable(document, root, { elsewhere: ON_SIGNALS_PAGE })];
    }),
  ]);
}
