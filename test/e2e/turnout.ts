/** The product as an operator runs it: `turnout serve` and `turnout simulate` as processes, from the sources, on ports of the system's choice. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startNode } from "./node-process.ts";
import type { Responder } from "./upstream.ts";

const CLI = "packages/extproc/src/main.ts";

export interface RunningTurnout {
  readonly extprocPort: number;
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number | string>;
  stop(): Promise<void>;
}

/** startTurnout runs `turnout serve` with this configuration (YAML) and waits until its encoder is warm, or known to be unavailable. */
export async function startTurnout(config: string): Promise<RunningTurnout> {
  const folder = await mkdtemp(join(tmpdir(), "turnout-serve-"));
  const file = join(folder, "config.yaml");
  await writeFile(file, config);
  let extprocPort = 0;
  const args = ["serve", "--config", file, "--address", "127.0.0.1", "--port", "0", "--api-port", "0", "--metrics-port", "0"];
  const child = await startNode(CLI, [...args, "--log-level", "info", "--grace", "5"], (line) => {
    if (!line.startsWith("{")) return false;
    const { msg, part, address } = JSON.parse(line) as { msg?: string; part?: string; address?: string };
    if (msg === "listening" && part === "ExtProc") extprocPort = Number(address?.split(":").at(-1));
    return msg === "settled";
  }).catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return {
    extprocPort,
    kill: child.kill,
    exited: child.exited,
    async stop() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface RunningSimulator {
  /** Hands a recorded request on to the simulator and its answer back, so that an upstream can record in front of it. */
  readonly forward: Responder;
  stop(): Promise<void>;
}

/** startSimulator runs `turnout simulate`: a vLLM that answers 404 to names it does not serve. */
export async function startSimulator(model: string, adapters: readonly string[]): Promise<RunningSimulator> {
  const modules = adapters.map((name) => JSON.stringify({ name }));
  const args = ["simulate", "--port", "0", "--model", model, "--mode", "echo", "--max-loras", String(adapters.length)];
  const child = await startNode(CLI, [...args, "--lora-modules", ...modules], (line) => line.includes("http://"));
  const port = Number(child.ready.split(":").at(-1));
  return {
    stop: () => child.stop(),
    async forward(request, response) {
      const answer = await fetch(`http://127.0.0.1:${port}${request.path}`, {
        method: request.method,
        headers: { "content-type": String(request.headers["content-type"] ?? "application/json") },
        body: request.method === "GET" ? null : new Uint8Array(request.body),
      });
      response.writeHead(answer.status, { "content-type": answer.headers.get("content-type") ?? "text/plain" });
      for await (const chunk of answer.body ?? []) response.write(chunk);
      response.end();
    },
  };
}
