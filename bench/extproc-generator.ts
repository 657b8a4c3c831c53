/** The generator of `pnpm bench extproc` and `pnpm bench cache`: the Go client of extproc-client/, which opens ExtProc streams as a gateway does and knows no router. */
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
  /** In the request's body; absent: "auto". */
  readonly model?: string;
  /** Walks the response's half too, with an answer that can be kept; absent: leaves after the request's. */
  readonly answers?: boolean;
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
  /** Round trips by phase: request_headers, request_body, response_headers, response_body. */
  readonly phase_ms: Readonly<Record<string, Readonly<Record<string, number>> | null>>;
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

async function drive(
  binary: string,
  { address, requests, warmUp, clients, prompts, unique, model = "auto", answers = false }: Load,
): Promise<GeneratorResult> {
  const settings = { addr: address, n: requests, warmup: warmUp, concurrency: clients, prompts, model };
  const args = Object.entries(settings).flatMap(([name, value]) => [`-${name}`, String(value)]);
  if (unique) args.push("-unique");
  const child = promisify(execFile)(binary, [...args, `-response=${answers}`, "-per-prompt=false"], { maxBuffer: 1 << 24 });
  // It exits with 1 when no request was answered, and still says why on stdout.
  const { stdout } = await child.catch((error: unknown) => {
    if (error instanceof Error && "stdout" in error && error.stdout !== "") return { stdout: String(error.stdout) };
    throw error;
  });
  return JSON.parse(stdout) as GeneratorResult;
}
