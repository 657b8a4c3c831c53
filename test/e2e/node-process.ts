/** Processes of this project in tests: sources run as they are, under the Node that runs the tests. */
import { fileURLToPath } from "node:url";
import { startChild, until, type Child } from "./child-process.ts";

const START_LIMIT_MS = 30_000;

export interface NodeProcess extends Child {
  /** The first line that `ready` recognised. */
  readonly ready: string;
}

/** startNode runs a source file (a path from the repository's root) and waits for the line that says it is ready. */
export async function startNode(file: string, args: readonly string[], ready: (line: string) => boolean): Promise<NodeProcess> {
  const root = fileURLToPath(new URL("../../", import.meta.url));
  let seen: string | null = null;
  let gone = false;
  const child = startChild({
    command: process.execPath,
    args: ["--conditions=source", `${root}${file}`, ...args],
    onLine(line) {
      if (seen === null && ready(line)) seen = line;
    },
  });
  void child.exited.then(() => (gone = true));
  const line = await until(
    () => `${file} is not ready:\n${child.tail()}`,
    START_LIMIT_MS,
    () => {
      if (gone) throw new Error(`${file} ended:\n${child.tail()}`);
      return Promise.resolve(seen);
    },
  ).catch(async (error: unknown) => {
    await child.stop();
    throw error;
  });
  return { ...child, ready: line };
}

/** startProcessorProcess starts processor-process.ts; `port` 0 lets the system choose. */
export async function startProcessorProcess(
  resetLimits: "raised" | "node-default",
  port = 0,
): Promise<NodeProcess & { readonly port: number }> {
  const child = await startNode("test/e2e/processor-process.ts", [String(port), resetLimits], (line) => line.startsWith('{"port"'));
  return { ...child, port: (JSON.parse(child.ready) as { port: number }).port };
}
