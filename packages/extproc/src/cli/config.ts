import type { Command } from "commander";
import { editorJsonSchema, loadConfig } from "../config/index.ts";
import { printWarnings } from "./serve.ts";
import type { Environment } from "./program.ts";

/** addConfigCommands adds `turnout config check` and `turnout config schema`. */
export function addConfigCommands(program: Command, env: Environment): void {
  const config = program.command("config").description("Read configurations.");
  config
    .command("check")
    .description("Say whether a configuration would start, and everything that is wrong with it.")
    .argument("<file>", "configuration (v0.3), bare or a Helm values file with `config:`")
    .action(async (file: string) => {
      const loaded = await loadConfig(file, env);
      printWarnings(loaded);
      for (const { path, variable } of loaded.fromEnvironment)
        process.stdout.write(`${path.join(".")}: ${shown(loaded.document, path)} from environment variable ${variable}\n`);
      const { routing } = loaded.document;
      process.stdout.write(`${file}: ok (${routing.decisions.length} decisions, ${loaded.warnings.length} warnings)\n`);
    });
  config
    .command("schema")
    .description("Print the JSON Schema of the configuration, for editors.")
    .action(() => void process.stdout.write(`${JSON.stringify(editorJsonSchema(), null, 2)}\n`));
}

/** shown is the value in force at a path, unless its name says that it is a secret. */
function shown(document: object, path: readonly string[]): string {
  if (/(?:key|token|password|secret)$/i.test(path.at(-1) ?? "")) return "a value that is not shown";
  return JSON.stringify(path.reduce<unknown>((value, key) => (value as Readonly<Record<string, unknown>>)[key], document));
}
