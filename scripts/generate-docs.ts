/**
 * Prints the pages of docs/ that follow from the sources: registries, schemas, catalogues. `--check` writes nothing and fails when a
 * committed page is stale. Usage: node --conditions=source scripts/generate-docs.ts [--check]
 */
import { readFile, writeFile } from "node:fs/promises";
import { format } from "oxfmt";
import { documentJsonSchema } from "../packages/extproc/src/config/json-schema.ts";
import { configurationPage } from "./docs/configuration-page.ts";
import { errorsPage } from "./docs/errors-page.ts";
import { headersAndMetricsPage } from "./docs/headers-and-metrics-page.ts";
import { signalsPage } from "./docs/signals-page.ts";

const document = documentJsonSchema();
const pages: Readonly<Record<string, string>> = {
  "docs/errors.md": errorsPage(),
  "docs/signals.md": signalsPage(document),
  "docs/configuration.md": configurationPage(document),
  "docs/headers-and-metrics.md": headersAndMetricsPage(),
};

const root = new URL("../", import.meta.url);
const formatting = JSON.parse(await readFile(new URL(".oxfmtrc.json", root), "utf8")) as { printWidth: number };
const check = process.argv.includes("--check");

for (const [path, text] of Object.entries(pages)) {
  const file = new URL(path, root);
  const { code } = await format(path, text, { printWidth: formatting.printWidth });
  if (!check) await writeFile(file, code);
  else if ((await readFile(file, "utf8").catch(() => null)) !== code) {
    console.error(`${path} is stale: run pnpm run docs (node --conditions=source scripts/generate-docs.ts)`);
    process.exitCode = 1;
  }
}
