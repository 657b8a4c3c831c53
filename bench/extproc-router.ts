/** The router of `pnpm bench extproc` and `pnpm bench cache`: `turnout serve` in a process of its own, with what its log says of each request and what the kernel says of its CPU. */
import { spawn, type ChildProcess } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

/** RoutingLine is the router's log of one request. */
export interface RoutingLine {
  readonly routing_latency_ms: number;
  readonly signal_latency_ms: number;
  readonly warnings?: readonly string[];
}

export interface BenchRouter {
  readonly address: string;
  /** One line per routed request since it was last emptied. */
  readonly lines: RoutingLine[];
  /** CPU of the process with all its threads, from the kernel's clock ticks of 10 ms. */
  cpuMs(): number;
  stop(): void;
}

export interface RouterSettings {
  readonly deadlineMs: number;
  readonly variant: string;
  readonly backend: string;
}

const root = fileURLToPath(new URL("..", import.meta.url));

/** startRouter resolves once the encoder is warm, and rejects when it is not to be had. `folder` is this router's own. */
export async function startRouter(folder: string, configuration: string, env: NodeJS.ProcessEnv = {}): Promise<BenchRouter> {
  const config = join(folder, "config.yaml");
  writeFileSync(config, configuration);
  const ports = ["--port", "--api-port", "--metrics-port"].flatMap((name) => [name, "0"]);
  const child = spawn(
    process.execPath,
    [
      "--conditions=source",
      "packages/extproc/src/main.ts",
      "serve",
      "--config",
      config,
      "--address",
      "127.0.0.1",
      "--log-level",
      "info",
      ...ports,
    ],
    { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "ignore", "pipe"] },
  );
  const lines: RoutingLine[] = [];
  try {
    const port = await listeningPort(child, lines);
    return { address: `127.0.0.1:${port}`, lines, cpuMs: () => cpuMs(child.pid as number), stop: () => child.kill("SIGTERM") };
  } catch (error) {
    child.kill("SIGKILL");
    throw error;
  }
}

/** quickstart is its configuration, without the listeners and with the settings under test. */
export function quickstart({ deadlineMs, variant, backend }: RouterSettings): string {
  const policy = readFileSync(join(root, "config", "quickstart.yaml"), "utf8")
    .replace(/^listeners:\n(?: .*\n)+/m, "listeners: []\n")
    .replace(/^turnout:\n(?: .*\n|\n)*/m, "")
    // What is measured is routing; bench/cache.ts measures what need not be routed.
    .replace("backend_type: memory", "enabled: false");
  return `${policy}\nturnout:\n  deadline_ms: ${deadlineMs}\n  classifier: { variant: ${variant}, backend: ${backend} }\n`;
}

interface LogLine extends RoutingLine {
  readonly event?: string;
  readonly msg?: string;
  readonly part?: string;
  readonly address?: string;
  readonly encoder?: { readonly state: string };
}

function listeningPort(child: ChildProcess, lines: RoutingLine[]): Promise<number> {
  let port = 0;
  let said = "";
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`turnout serve exited with ${code}:\n${said}`)));
    createInterface({ input: child.stderr as NonNullable<typeof child.stderr> }).on("line", (text) => {
      if (!text.startsWith("{")) {
        said += `${text}\n`;
        return;
      }
      const line = JSON.parse(text) as LogLine;
      if (line.event === "routing_decision") lines.push(line);
      if (line.part === "ExtProc" && line.address !== undefined) port = Number(line.address.split(":").at(-1));
      if (line.msg !== "settled") return;
      if (line.encoder?.state === "ready" || line.encoder?.state === "idle") resolve(port);
      else reject(new Error("the encoder is not prepared: pnpm turnout models prepare"));
    });
  });
}

function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}
