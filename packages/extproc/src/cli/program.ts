import { Command } from "commander";
import { addCacheCommands } from "./cache.ts";
import { addClassifierCommand } from "./classifier.ts";
import { addConfigCommands } from "./config.ts";
import { addEvalCommand } from "./eval.ts";
import { addExplainCommand } from "./explain.ts";
import { addModelsCommands } from "./models.ts";
import { addQuickstartCommand } from "./quickstart.ts";
import { addServeCommand } from "./serve.ts";
import { addSimulateCommand } from "./simulate.ts";

/** Environment is what commands read variables from. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** createProgram is the command line: one file per command, all with `--help`. */
export function createProgram(env: Environment): Command {
  const program = new Command("turnout")
    .description("A semantic router for AI gateways: Envoy ExtProc, batched ONNX classification, vLLM Semantic Router configuration.")
    .version("0.1.0")
    .showHelpAfterError()
    .showSuggestionAfterError()
    .enablePositionalOptions();
  addServeCommand(program, env);
  addQuickstartCommand(program, env);
  addExplainCommand(program, env);
  addEvalCommand(program, env);
  addConfigCommands(program, env);
  addModelsCommands(program, env);
  addSimulateCommand(program);
  addCacheCommands(program);
  addClassifierCommand(program, env);
  return program;
}
