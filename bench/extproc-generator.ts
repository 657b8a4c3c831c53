/** The generator of `pnpm bench extproc`: the Go client of extproc-client/, which opens ExtProc streams as a gateway does and knows no router. */
import { execFile, execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** Load is one measurement: what is sent, and how often. */
export interface Load {
  readonly address: string;
  readonly requests: number;
  readonly warmUp: number;
  readonly clients: number;
  /** File with one prompt per line. */
  readonly prompts: string;
  /** True: a serial number makes every prompt a new one. */
  readonly unique: boolean;
}

/** GeneratorResult is what the client saw. */
export interface GeneratorResult {
  /** Requests that were answered at all. */
  readonly n: number;
  /** Those among them that were given a model, in the body or in a header, or a response. */
  readonly answered: number;
  readonly throughput_rps: number;
  /** Request half: headers and body answered. Null when nothing was. */
  readonly request_ms: Readonly<Record<string, number>> | null;
  readonly errors: Readonly<Record<string, number>>;
  readonly cache_hits: number;
  /** The client's own CPU. */
  readonly cpu_ms: number;
}

/** buildGenerator compiles the client into a folder. */
export function buildGenerator(folder: string): (load: Load) => Promise<GeneratorResult> {
  const binary = join(folder, "extproc-client");
  const sources = fileURLToPath(new URL("extproc-client", import.meta.url));
  execFileSync("go", ["build", "-o", binary, "."], { cwd: sources, stdio: ["ignore", "inherit", "inherit"] });
  return (load) => drive(binary, load);
}

async function drive(binary: string, { address, requests, warmUp, clients, prompts, unique }: Load): Promise<GeneratorResult> {
  const settings = { addr: address, n: requests, warmup: warmUp, concurrency: clients, prompts };
  const args = Object.entries(settings).flatMap(([name, value]) => [`-${name}`, String(value)]);
  if (unique) args.push("-unique");
  const child = promisify(execFile)(binary, [...args, "-response=false", "-per-prompt=false"], { maxBuffer: 1 << 24 });
  // It exits with 1 when no request was answered, and still says why on stdout.
  const { stdout } = await child.catch((error: unknown) => {
    if (error instanceof Error && "stdout" in error && error.stdout !== "") return { stdout: String(error.stdout) };
    throw error;
  });
  return JSON.parse(stdout) as GeneratorResult;
}
