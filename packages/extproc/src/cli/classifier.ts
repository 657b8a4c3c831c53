import { RouterError } from "@turnout/shared";
import type { Command } from "commander";

/** addClassifierCommand adds `turnout classifier`, which this version refuses by name. */
export function addClassifierCommand(program: Command): void {
  program
    .command("classifier")
    .description("Run the classifier pool as a service of its own (not in this version: the pool runs inside `serve`).")
    .action(() => {
      throw new RouterError(
        "config_unsupported",
        "the classifier pool as a service arrives with a later version; `turnout serve` runs it in its own process",
      );
    });
}
