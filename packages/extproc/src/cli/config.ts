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
      const { routing } = loaded.document;
      process.stdout.write(`${file}: ok (${routing.decisions.length} decisions, ${loaded.warnings.length} warnings)\n`);
    });
  config
    .command("schema")
    .description("Print the JSON Schema of the configuration, for editors.")
    .action(() => void process.stdout.write(`${JSON.stringify(editorJsonSchema(), null, 2)}\n`));
}
