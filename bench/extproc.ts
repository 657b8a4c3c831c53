/**
 * What a request costs, as a gateway sees it. A Go client opens ExtProc streams over one gRPC connection, as Envoy does, against
 * `turnout serve` in a process of its own; prompts of 10, 60 and 200 words, each new (nothing is coalesced), at 1, 8 and 32 clients.
 * `--repeat` sends the same ten prompts again and again instead, which the router's embedding cache answers. With `--against` every
 * load is also sent to another ExtProc server, the two taking turns, and their ratio is printed; of that server nothing is known but
 * its address. With `--tracing` two more routers take their turns, one that records no request and one that records and exports every one,
 * and are compared with the one that does not trace. The client shares the machine: on 2 cores it takes its part. bench/README.md says what the figures mean.
 *
 *   pnpm bench extproc [--json] [--requests 400] [--words 10,60,200] [--clients 1,8,32] [--rounds 1, or 2 with --against]
 *     [--repeat] [--tracing] [--against HOST:PORT] [--deadline-ms 80] [--variant int8] [--backend onnx]
 */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { buildGenerator, type GeneratorResult, type Load } from "./extproc-generator.ts";
import { quickstart, startRouter, type BenchRouter, type RoutingLine } from "./extproc-router.ts";
import { startSpanSink, type SpanSink } from "./span-sink.ts";
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
    tracing: { type: "boolean", default: false },
    "deadline-ms": { type: "string", default: "80" },
    variant: { type: "string", default: "int8" },
    backend: { type: "string", default: "onnx" },
  },
});
const WARM_UP = 20;
const { repeat, against, tracing } = flags;
const rounds = Number(flags.rounds ?? (against === undefined && !tracing ? 1 : 2));

const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
const routers: BenchRouter[] = [];
let sink: SpanSink | null = null;
const cleanUp = () => {
  for (const router of routers) router.stop();
  sink?.close();
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
  const contenders = [await startContender("turnout")];
  if (tracing) {
    sink = await startSpanSink();
    const exported = { OTEL_EXPORTER_OTLP_ENDPOINT: sink.url, OTEL_EXPORTER_OTLP_PROTOCOL: "grpc" };
    for (const sampler of ["always_off", "always_on"])
      contenders.push(await startContender(sampler, { ...exported, OTEL_TRACES_SAMPLER: `parentbased_${sampler}` }));
  }
  if (against !== undefined) contenders.push({ target: "against", address: against, router: null });
  for (const words of flags.words.split(",").map(Number)) {
    const prompts = promptFile(words);
    for (const clients of flags.clients.split(",").map(Number)) {
      await compare(generate, contenders, { words, clients, prompts });
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

/** Contender is a server that takes its turns; of one that is not ours only the address is known. */
interface Contender {
  readonly target: string;
  readonly address: string;
  readonly router: BenchRouter | null;
}

async function startContender(target: string, env: NodeJS.ProcessEnv = {}): Promise<Contender> {
  const own = join(folder, target);
  mkdirSync(own);
  const configuration = quickstart({ deadlineMs: Number(flags["deadline-ms"]), variant: flags.variant, backend: flags.backend });
  const router = await startRouter(own, configuration, env);
  routers.push(router);
  return { target, address: router.address, router };
}

/** compare measures one point for each server in turn, the first against each other; who begins changes from round to round. */
async function compare(
  generate: (load: Load) => Promise<GeneratorResult>,
  contenders: readonly Contender[],
  { words, clients, prompts }: Point,
) {
  const load = { requests: Number(flags.requests), warmUp: WARM_UP, clients, prompts, unique: !repeat };
  const point = { scope: "extproc", words, clients, ...(repeat ? { repeat } : {}) };
  const turns = contenders.map(({ target, address, router }) => ({
    target,
    results: [] as GeneratorResult[],
    cpuMs: [] as number[],
    async measure() {
      if (router !== null) router.lines.length = 0;
      const cpuBefore = router?.cpuMs() ?? 0;
      const result = await generate({ ...load, address });
      const cpuMs = (router?.cpuMs() ?? 0) - cpuBefore;
      this.results.push(result);
      this.cpuMs.push(cpuMs);
      return { target, ...measured(result), ...(router === null ? {} : fromInside(result, router.lines, cpuMs)) };
    },
  }));
  for (let index = 0; index < rounds; index += 1) {
    console.error(`${words} words, ${clients} clients, round ${index + 1} of ${rounds}`);
    for (const turn of index % 2 === 0 ? turns : turns.toReversed())
      console.log(JSON.stringify({ ...point, round: index, ...(await turn.measure()) }));
  }
  const [ours, ...others] = turns;
  for (const { target, results, cpuMs } of others) {
    if (ours === undefined) return;
    const pairs = (figure: (result: GeneratorResult) => number) =>
      ours.results.map((our, index) => [figure(results[index] ?? our), figure(our)] as const);
    console.log(
      JSON.stringify({
        ...point,
        ratio: `${target}/turnout`,
        p50: medianRatio(pairs(({ request_ms: ms }) => ms?.["p50"] ?? Number.NaN)),
        p99: medianRatio(pairs(({ request_ms: ms }) => ms?.["p99"] ?? Number.NaN)),
        // Turned over, so that above 1 always speaks for Turnout.
        requestsPerSecond: medianRatio(pairs(({ throughput_rps: rate }) => 1 / rate)),
        ...(target === "against" ? {} : { cpu: medianRatio(ours.cpuMs.map((our, index) => [cpuMs[index] ?? our, our] as const)) }),
      }),
    );
    if (results.every(({ n }) => n === 0)) {
      console.error(`${target === "against" ? against : target} has answered nothing; its errors are above`);
      process.exitCode = 1;
    }
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
