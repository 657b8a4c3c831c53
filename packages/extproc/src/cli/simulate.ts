import type { Command } from "commander";
import { parseSimulatorFlags, simulatorFlagHelp } from "../simulator/flags.ts";
import { stopOnSignals } from "./serve.ts";

/** addSimulateCommand adds `turnout simulate`, whose flags are llm-d-inference-sim's. */
export function addSimulateCommand(program: Command): void {
  program
    .command("simulate")
    .description("Run a simulated vLLM backend with LoRA adapters; takes the flags of llm-d-inference-sim.")
    .argument("[flags...]", "see below")
    .allowUnknownOption()
    .passThroughOptions()
    .addHelpText("after", () => `\nFlags:\n${simulatorFlagHelp()}`)
    .action(async (flags: string[]) => {
      const { settings, port } = parseSimulatorFlags(flags);
      const { createSimulator } = await import("../simulator/index.ts");
      const simulator = createSimulator(settings);
      const { url } = await simulator.listen("0.0.0.0", port);
      stopOnSignals(() => simulator.close());
      process.stdout.write(`simulating ${settings.model} with ${settings.loraModules.length} adapters on ${url}\n`);
    });
}
