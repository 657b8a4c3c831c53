/**
 * What a request costs, as a gateway sees it. A Go client opens ExtProc streams over one gRPC connection, as Envoy does, against
 * `turnout serve` in a process of its own; prompts of 10, 60 and 200 words, each new (nothing is coalesced), at 1, 8 and 32 clients.
 * `requestMs` is the request half measured by the client (headers and body answered); `signalsMs` and `routingMs` are the router's
 * own figures from its log; `cpuMsPerRequest` is the CPU of the whole router process, front and workers. `degraded` counts requests
 * that went on without all signals, by what was missing; `goodPerSecond` are the others. `--repeat` sends the same ten prompts
 * again and again instead, which the router's embedding cache answers. The client shares the machine: on 2 cores it takes its part.
 *
 *   pnpm bench extproc [--requests 400] [--deadline-ms 80] [--words 10,60,200] [--clients 1,8,32] [--variant int8] [--repeat]
 */
import { execFile, execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs, promisify } from "node:util";

const { values: flags } = parseArgs({
  options: {
    requests: { type: "string", default: "400" },
    "deadline-ms": { type: "string", default: "80" },
    words: { type: "string", default: "10,60,200" },
    clients: { type: "string", default: "1,8,32" },
    variant: { type: "string", default: "int8" },
    repeat: { type: "boolean", default: false },
  },
});
const requests = Number(flags.requests);
const WARM_UP = 20;
const root = fileURLToPath(new URL("..", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
const client = buildClient();
const router = await startRouter();

try {
  for (const words of flags.words.split(",").map(Number)) {
    const prompts = join(folder, `prompts-${words}.txt`);
    writeFileSync(prompts, Array.from({ length: flags.repeat ? WARM_UP / 2 : 50 }, (_, seed) => prompt(words, seed)).join("\n"));
    for (const clients of flags.clients.split(",").map(Number)) {
      console.error(`${words} words, ${clients} clients`);
      router.lines.length = 0;
      const cpuBefore = cpuMs(router.pid);
      const measured = await runClient(prompts, clients);
      const cpu = cpuMs(router.pid) - cpuBefore;
      // The client's warm-up requests are in the log and the CPU too; they are few.
      const lines = router.lines.slice(-measured.n);
      console.log(
        JSON.stringify({
          scope: "extproc",
          words,
          clients,
          ...(flags.repeat ? { repeat: true } : {}),
          n: measured.n,
          requestsPerSecond: measured.throughput_rps,
          requestMs: percentiles(measured.request_ms),
          routingMs: quantiles(lines.map(({ routing_latency_ms }) => routing_latency_ms)),
          signalsMs: quantiles(lines.map(({ signal_latency_ms }) => signal_latency_ms)),
          cpuMsPerRequest: round(cpu / (measured.n + WARM_UP)),
          goodPerSecond: round((measured.throughput_rps * lines.filter((line) => missing(line).length === 0).length) / measured.n),
          degraded: Object.fromEntries(
            [...Map.groupBy(lines.flatMap(missing), (step) => step)].map(([step, { length }]) => [step, length]),
          ),
          errors: measured.errors,
        }),
      );
    }
  }
} finally {
  router.child.kill("SIGTERM");
  rmSync(folder, { recursive: true, force: true });
}

interface ClientResult {
  readonly n: number;
  readonly throughput_rps: number;
  readonly request_ms: Readonly<Record<string, number>>;
  readonly errors: Readonly<Record<string, number>>;
}

interface RoutingLine {
  readonly routing_latency_ms: number;
  readonly signal_latency_ms: number;
  readonly warnings?: readonly string[];
}

/** missing names what a request had to do without. */
function missing({ warnings = [] }: RoutingLine): readonly string[] {
  return warnings.filter((warning) => warning !== "text_sampled");
}

function buildClient(): string {
  const binary = join(folder, "extproc-client");
  console.error("building the Go client");
  execFileSync("go", ["build", "-o", binary, "."], { cwd: join(root, "bench", "extproc-client"), stdio: ["ignore", "inherit", "inherit"] });
  return binary;
}

async function startRouter(): Promise<{ child: ChildProcess; pid: number; port: number; lines: RoutingLine[] }> {
  const config = join(folder, "config.yaml");
  const quickstart = readFileSync(join(root, "config", "quickstart.yaml"), "utf8").replace(/^listeners:\n(?: .*\n)+/m, "listeners: []\n");
  writeFileSync(
    config,
    `${quickstart.replace(/^turnout:\n(?: .*\n|\n)*/m, "")}\nturnout:\n  deadline_ms: ${flags["deadline-ms"]}\n  classifier: { variant: ${flags.variant} }\n`,
  );
  const child = spawn(
    process.execPath,
    [
      "packages/extproc/dist/main.js",
      "serve",
      "--config",
      config,
      "--address",
      "127.0.0.1",
      "--port",
      "0",
      "--api-port",
      "0",
      "--metrics-port",
      "0",
      "--log-level",
      "info",
    ],
    { cwd: root, stdio: ["ignore", "ignore", "pipe"] },
  );
  const lines: RoutingLine[] = [];
  let port = 0;
  await new Promise<void>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`turnout serve exited with ${code}; build first (pnpm build)`)));
    createInterface({ input: child.stderr as NonNullable<typeof child.stderr> }).on("line", (line) => {
      if (!line.startsWith("{")) return;
      const entry = JSON.parse(line) as {
        event?: string;
        msg?: string;
        part?: string;
        address?: string;
        encoder?: { state: string };
      } & RoutingLine;
      if (entry.event === "routing_decision") lines.push(entry);
      if (entry.part === "ExtProc" && entry.address !== undefined) port = Number(entry.address.split(":").at(-1));
      if (entry.msg !== "settled") return;
      if (entry.encoder?.state === "ready") resolve();
      else reject(new Error("the encoder is not prepared: pnpm turnout models prepare"));
    });
  });
  child.removeAllListeners("exit");
  return { child, pid: child.pid as number, port, lines };
}

async function runClient(prompts: string, clients: number): Promise<ClientResult> {
  const args = [
    "-addr",
    `127.0.0.1:${router.port}`,
    "-n",
    String(requests),
    "-warmup",
    String(WARM_UP),
    "-concurrency",
    String(clients),
    "-prompts",
    prompts,
    ...(flags.repeat ? [] : ["-unique"]),
    "-response=false",
    "-per-prompt=false",
  ];
  const { stdout } = await promisify(execFile)(client, args, { maxBuffer: 1 << 24 });
  return JSON.parse(stdout) as ClientResult;
}

/** cpuMs of a process with all its threads, from the kernel's clock ticks of 10 ms. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? [];
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** prompt of so many everyday words, the same for the same seed. */
function prompt(words: number, seed: number): string {
  const vocabulary =
    "please compare summer winter travel plans train ticket price garden tools kitchen music report update server error customer order delivery why how does".split(
      " ",
    );
  let state = seed * 7919 + 17;
  const next = () => (state = (state * 1103515245 + 12345) % 2147483648);
  return Array.from({ length: words }, () => vocabulary[next() % vocabulary.length]).join(" ");
}

function percentiles({ p50 = 0, p99 = 0 }: Readonly<Record<string, number>>) {
  return { p50, p99 };
}

function quantiles(values: readonly number[]) {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number) => round(sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? 0);
  return { p50: at(0.5), p99: at(0.99) };
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
