import type { Command } from "commander";
import { loadConfig } from "../config/index.ts";
import type { Simulator } from "../simulator/index.ts";
import { dropGarbage } from "./heap.ts";
import { parsePort } from "./options.ts";
import type { Environment } from "./program.ts";
import { describeEncoder, printWarnings, start, stopOnSignals, withServeOptions, type ServeOptions } from "./serve.ts";

const ADAPTERS = ["math-expert", "science-expert", "social-expert", "humanities-expert", "law-expert", "general-expert"];

interface QuickstartOptions extends ServeOptions {
  readonly simulatorPort: number;
}

/** addQuickstartCommand adds `turnout quickstart`, which `npm start` runs: everything in one process, with a simulated backend. */
export function addQuickstartCommand(program: Command, env: Environment): void {
  const command = program
    .command("quickstart")
    .description("Run everything on this machine, with a simulated vLLM behind it: what `npm start` does.")
    .option("--config <file>", "configuration (v0.3)", "config/quickstart.yaml")
    .option("--simulator-port <port>", "port of the simulated vLLM", parsePort, 8000);
  withServeOptions(command, { address: "127.0.0.1", grace: 1 }).action(async (options: QuickstartOptions) => {
    const config = await loadConfig(options.config, env);
    printWarnings(config);
    const { createSimulator } = await import("../simulator/index.ts");
    const simulator = createSimulator({
      model: "base-model",
      loraModules: ADAPTERS.map((name) => ({ name })),
      maxLoras: ADAPTERS.length,
      maxNumSeqs: 64,
      timeToFirstTokenMs: 20,
      interTokenLatencyMs: 5,
    });
    const backend = await simulator.listen("127.0.0.1", options.simulatorPort, "--simulator-port");
    const turnout = await start(config, { ...options, logLevel: options.logLevel ?? "warn" }, env).catch((error: unknown) =>
      abandon(simulator, error),
    );
    stopOnSignals(async () => {
      await turnout.close(options.grace * 1_000);
      await simulator.close();
    });
    const encoder = await turnout.ready();
    dropGarbage();
    printGuide(
      [...turnout.addresses, { part: "simulated vLLM", address: backend.url.replace(/^http:\/\//, "") }],
      describeEncoder(encoder),
    );
  });
}

async function abandon(simulator: Simulator, error: unknown): Promise<never> {
  await simulator.close();
  throw error;
}

function printGuide(addresses: readonly { part: string; address: string }[], encoder: string): void {
  const width = Math.max(...addresses.map(({ part }) => part.length));
  const gateway = addresses.find(({ part }) => part === "HTTP gateway")?.address ?? "127.0.0.1:8080";
  const curl = (prompt: string) =>
    `  curl -s http://${gateway}/v1/chat/completions -H 'content-type: application/json' \\\n    -d '{"model":"auto","messages":[{"role":"user","content":"${prompt}"}]}'`;
  process.stdout.write(
    [
      "",
      "Turnout is running.",
      "",
      ...addresses.map(({ part, address }) => `  ${part.padEnd(width)}  ${address}`),
      `  ${"encoder".padEnd(width)}  ${encoder}`,
      "",
      'Ask for the model "auto" and see which expert answers:',
      "",
      curl("What is the derivative of x squared?"),
      curl("How does mitosis work?"),
      "",
      "Ask the first again with curl -i: x-vsr-cache-hit says that no model was asked.",
      "",
      "Ctrl-C stops.",
      "",
      "",
    ].join("\n"),
  );
}
