/**
 * What a request costs, as a gateway sees it. A Go client opens ExtProc streams over one gRPC connection, as Envoy does, against
 * `turnout serve` in a process of its own; prompts of 10, 60 and 200 words, each new (nothing is coalesced), at 1, 8 and 32 clients.
 * `--repeat` sends the same ten prompts again and again instead, which the router's embedding cache answers. With `--against` every
 * load is also sent to another ExtProc server, the two taking turns, and their ratio is printed; of that server nothing is known but
 * its address. The client shares the machine: on 2 cores it takes its part. bench/README.md says what the figures mean.
 *
 *   pnpm bench extproc [--json] [--requests 400] [--words 10,60,200] [--clients 1,8,32] [--rounds 1, or 2 with --against]
 *     [--repeat] [--against HOST:PORT] [--deadline-ms 80] [--variant int8] [--backend onnx]
 */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildGenerator, type GeneratorResult, type Load } from "./extproc-generator.ts";
import { quickstart, startRouter, type BenchRouter, type RoutingLine } from "./extproc-router.ts";
import { medianRatio, p50p99, round } from "./figures.ts";
import { randomNumbers, sentence } from "./words.ts";

const { values: flags } = parseArgs({
  options: {
    requests: { type: "string", default: "400" },
    words: { type: "string", default: "10,60,200" },
    clients: { type: "string", default: "1,8,32" },
    rounds: { type: "string" },
    repeat: { type: "boolean", default: false },
    against: { type: "string" },
    "deadline-ms": { type: "string", default: "80" },
    variant: { type: "string", default: "int8" },
    backend: { type: "string", default: "onnx" },
  },
});
const WARM_UP = 20;
const { repeat, against } = flags;
const rounds = Number(flags.rounds ?? (against === undefined ? 1 : 2));

const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
let router: BenchRouter | null = null;
const cleanUp = () => {
  router?.stop();
  rmSync(folder, { recursive: true, force: true });
};
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    cleanUp();
    process.exit(1);
  });
}
try {
  console.error("building the Go client");
  const generate = buildGenerator(folder);
  router = await startRouter(
    folder,
    quickstart({ deadlineMs: Number(flags["deadline-ms"]), variant: flags.variant, backend: flags.backend }),
  );
  for (const words of flags.words.split(",").map(Number)) {
    const prompts = promptFile(words);
    for (const clients of flags.clients.split(",").map(Number)) {
      await compare(generate, router, { words, clients, prompts });
    }
  }
} finally {
  cleanUp();
}

interface Point {
  readonly words: number;
  readonly clients: number;
  readonly prompts: string;
}

/** compare measures one point for each server in turn; who begins changes from round to round. */
async function compare(generate: (load: Load) => Promise<GeneratorResult>, turnout: BenchRouter, { words, clients, prompts }: Point) {
  const load = { requests: Number(flags.requests), warmUp: WARM_UP, clients, prompts, unique: !repeat };
  const ours: GeneratorResult[] = [];
  const others: GeneratorResult[] = [];
  const targets = [
    async () => {
      turnout.lines.length = 0;
      const cpuBefore = turnout.cpuMs();
      const result = await generate({ ...load, address: turnout.address });
      const cpuMs = turnout.cpuMs() - cpuBefore;
      ours.push(result);
      return { target: "turnout", ...measured(result), ...fromInside(result, turnout.lines, cpuMs) };
    },
    async () => {
      const result = await generate({ ...load, address: against ?? "" });
      others.push(result);
      return { target: "against", ...measured(result) };
    },
  ].slice(0, against === undefined ? 1 : 2);
  for (let index = 0; index < rounds; index += 1) {
    console.error(`${words} words, ${clients} clients, round ${index + 1} of ${rounds}`);
    for (const measure of index % 2 === 0 ? targets : targets.toReversed()) {
      const figures = await measure();
      console.log(JSON.stringify({ scope: "extproc", words, clients, ...(repeat ? { repeat } : {}), round: index, ...figures }));
    }
  }
  if (against === undefined) return;
  const pairs = (figure: (result: GeneratorResult) => number) =>
    ours.map((our, index) => [figure(others[index] ?? our), figure(our)] as const);
  console.log(
    JSON.stringify({
      scope: "extproc",
      words,
      clients,
      ...(repeat ? { repeat } : {}),
      ratio: "against/turnout",
      p50: medianRatio(pairs(({ request_ms: ms }) => ms?.["p50"] ?? Number.NaN)),
      p99: medianRatio(pairs(({ request_ms: ms }) => ms?.["p99"] ?? Number.NaN)),
      // Turned over, so that above 1 always speaks for Turnout.
      requestsPerSecond: medianRatio(pairs(({ throughput_rps: rate }) => 1 / rate)),
    }),
  );
  if (others.every(({ n }) => n === 0)) {
    console.error(`${against} has answered nothing; its errors are above`);
    process.exitCode = 1;
  }
}

/** measured is what can be seen from outside, of any server. */
function measured(result: GeneratorResult) {
  const { n, answered, throughput_rps: requestsPerSecond, request_ms: ms, errors, cache_hits: cacheHits, cpu_ms: generatorMs } = result;
  return {
    n,
    answered,
    requestsPerSecond,
    requestMs: { p50: ms?.["p50"] ?? null, p99: ms?.["p99"] ?? null },
    generatorCpuMsPerRequest: n === 0 ? null : round(generatorMs / n),
    ...(cacheHits === 0 ? {} : { cacheHits }),
    errors,
  };
}

/** fromInside is what only our own process tells. The client's warm-up requests are in the log and the CPU too; they are few. */
function fromInside({ n, throughput_rps: rate }: GeneratorResult, logged: readonly RoutingLine[], cpuMs: number) {
  const lines = logged.slice(-n);
  const cpuMsPerRequest = cpuMs / (n + WARM_UP);
  const degraded = lines.flatMap(missing);
  return {
    routingMs: p50p99(lines.map(({ routing_latency_ms: ms }) => ms)),
    signalsMs: p50p99(lines.map(({ signal_latency_ms: ms }) => ms)),
    cpuMsPerRequest: round(cpuMsPerRequest),
    capacityPerSecond: Math.round((availableParallelism() * 1000) / cpuMsPerRequest),
    goodPerSecond: round((rate * lines.filter((line) => missing(line).length === 0).length) / n),
    degraded: Object.fromEntries([...Map.groupBy(degraded, (step) => step)].map(([step, { length }]) => [step, length])),
  };
}

/** missing names what a request had to do without. */
function missing({ warnings = [] }: RoutingLine): readonly string[] {
  return warnings.filter((warning) => warning !== "text_sampled");
}

function promptFile(words: number): string {
  const file = join(folder, `prompts-${words}.txt`);
  const lines = Array.from({ length: repeat ? WARM_UP / 2 : 50 }, (_, seed) => sentence(words, randomNumbers(seed)));
  writeFileSync(file, lines.join("\n"));
  return file;
}
