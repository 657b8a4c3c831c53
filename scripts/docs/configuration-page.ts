/** docs/configuration.md: every setting of the document, Turnout's own first. */
import { environmentSettings } from "../../packages/extproc/src/config/environment.ts";
import type { JsonSchema } from "../../packages/extproc/src/config/json-schema.ts";
import { code, page, table } from "./markdown.ts";
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
    "## Environment variables",
    "What a deployment decides need not be written into the file: every setting of `turnout` and `global` that is one value, or a list of words (separated by commas), has an environment variable. Its name is the path in capitals with `__` for each dot, `TURNOUT__` in front; settings of `global` begin with `TURNOUT__GLOBAL__`. A variable wins over the file and is checked as the file is; an empty one counts as not set. A name that begins with `TURNOUT__` and is no setting is refused, with the nearest that is. Values are never printed in errors. `turnout config check <file>` says which are set.",
    "`routing`, `providers` and `listeners` are the file's alone; inside them `${NAME}` takes a variable of your choice. `turnout classifier` reads the same variables, with and without a file.",
    table(
      ["environment variable", "setting"],
      environmentSettings(document).map(({ variable, path }) => [code(variable), code(path.join("."))]),
    ),
  ]);
}
