/**
 * What the response cache costs and saves, as a gateway sees it. The Go client of `pnpm bench extproc` walks whole exchanges over one gRPC
 * connection, answers included, so that they are kept, against `turnout serve` in processes of its own: one without a cache, one that keeps
 * answers in memory, and with `--redis` two that keep them in a Redis on loopback, which the benchmark starts: with copies of what was served
 * lately, and without. All take turns at every point, at 1 and 8 clients. bench/README.md says what the figures mean.
 *
 *   pnpm bench cache [--json] [--requests 400] [--clients 1,8] [--rounds 3] [--words 10] [--kept 500] [--redis] [--backend onnx]
 */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { buildGenerator, type GeneratorResult, type Load } from "./extproc-generator.ts";
import { startRouter, type BenchRouter } from "./extproc-router.ts";
import { medianRatio, round } from "./figures.ts";
import { randomNumbers, sentence } from "./words.ts";

const { values: flags } = parseArgs({
  options: {
    requests: { type: "string", default: "400" },
    clients: { type: "string", default: "1,8" },
    rounds: { type: "string", default: "3" },
    words: { type: "string", default: "10" },
    kept: { type: "string", default: "500" },
    redis: { type: "boolean", default: false },
    backend: { type: "string", default: "onnx" },
  },
});
const [requests, rounds, kept, words] = [flags.requests, flags.rounds, flags.kept, flags.words].map(Number) as [
  number,
  number,
  number,
  number,
];
const WARM_UP = 50;
const BEFORE = ["Please, ", "Hi, ", "Hello! ", "Quick question: ", "Question: ", "Hey, "];
/** Words around a question that change nothing for any guard: each question can be asked in so many others. */
const WRAPPERS = ["", ", please", " Thanks!", "?", " thank you"].flatMap((after) => BEFORE.map((before) => [before, after] as const));

/** "redis alone" asks Redis every time. */
const STORES = ["none", "memory", "redis", "redis alone"] as const;
type StoreName = (typeof STORES)[number];

interface Store {
  readonly name: StoreName;
  readonly router: BenchRouter;
}

/** What is measured: which prompts, and how they are sent. */
interface Case {
  readonly what: string;
  readonly stores: readonly StoreName[];
  load(clients: number, turn: number): Pick<Load, "prompts" | "unique" | "warmUp" | "model" | "answers">;
}

const folder = mkdtempSync(join(tmpdir(), "turnout-bench-"));
const routers: BenchRouter[] = [];
let redis: ChildProcess | null = null;
const cleanUp = () => {
  for (const router of routers) router.stop();
  redis?.kill("SIGKILL");
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
  const names = STORES.filter((name) => flags.redis || !isRedis(name));
  const port = flags.redis ? await startRedis() : 0;
  const stores: Store[] = [];
  for (const name of names) {
    const own = join(folder, name.replace(" ", "-"));
    mkdirSync(own);
    const router = await startRouter(own, configuration(name, port));
    routers.push(router);
    stores.push({ name, router });
  }
  const questions = Array.from({ length: kept }, (_, seed) => sentence(words, randomNumbers(seed)));
  const asked = file("asked", questions);
  for (const { name, router } of stores) {
    console.error(`${name}: ${kept} questions are answered`);
    await generate({ address: router.address, requests: kept, warmUp: 0, clients: 4, prompts: asked, unique: false, answers: true });
  }
  for (const clients of flags.clients.split(",").map(Number)) {
    for (const one of cases(questions, asked)) await measure(generate, stores, one, clients);
  }
} finally {
  cleanUp();
}

function cases(questions: readonly string[], asked: string): readonly Case[] {
  const cached = STORES.filter((name) => name !== "none");
  const fresh = { unique: true, warmUp: WARM_UP, answers: true };
  const verbatim = file(
    "verbatim",
    questions.map((text) => `${text} verbatim`),
  );
  /** By clients and round, the same for all stores: a wording is new to each of them. */
  const reworded = new Map<string, string>();
  const rewordings = (key: string): string => {
    const known = reworded.get(key);
    if (known !== undefined) return known;
    const from = reworded.size * requests;
    const path = file(
      `reworded-${key}`,
      Array.from({ length: requests }, (_, at) => rewording(questions, from + at)),
    );
    reworded.set(key, path);
    return path;
  };
  const repeated = { prompts: asked, unique: false, warmUp: WARM_UP };
  return [
    // Head and body read and answered, and nothing else: what the door and the client cost.
    { what: "named model", stores: STORES, load: () => ({ ...repeated, model: "named" }) },
    { what: "exact hit", stores: cached, load: () => repeated },
    {
      what: "semantic hit",
      stores: cached,
      load: (clients, turn) => ({ prompts: rewordings(`${clients}-${turn}`), unique: false, warmUp: 0 }),
    },
    { what: "miss, exact only", stores: STORES, load: () => ({ ...fresh, prompts: verbatim }) },
    { what: "miss", stores: STORES, load: () => ({ ...fresh, prompts: asked }) },
  ];
}

/** rewording asks the n-th question in other words. */
function rewording(questions: readonly string[], n: number): string {
  const [before, after] = WRAPPERS[Math.floor(n / questions.length) % WRAPPERS.length] ?? ["", ""];
  return `${before}${questions[n % questions.length]}${after}`;
}

/** measure sends one case to each store in turn; who begins changes from round to round. */
async function measure(
  generate: (load: Load) => Promise<GeneratorResult>,
  stores: readonly Store[],
  { what, stores: names, load }: Case,
  clients: number,
) {
  const results = new Map<StoreName, { readonly result: GeneratorResult; readonly cpuMs: number }[]>();
  const taking = stores.filter(({ name }) => names.includes(name));
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const { name, router } of turn % 2 === 0 ? taking : taking.toReversed()) {
      console.error(`${what}, ${name}, ${clients} clients, round ${turn + 1} of ${rounds}`);
      const plan = { requests, clients, address: router.address, ...load(clients, turn) };
      const before = router.cpuMs();
      const result = await generate(plan);
      const cpuMs = (router.cpuMs() - before) / (result.n + plan.warmUp);
      results.set(name, [...(results.get(name) ?? []), { result, cpuMs }]);
    }
  }
  for (const [store, runs] of results) {
    const each = (figure: (run: (typeof runs)[number]) => number | undefined) => median(runs.map((run) => figure(run) ?? Number.NaN));
    const sum = (figure: (result: GeneratorResult) => number) => runs.reduce((total, { result }) => total + figure(result), 0);
    const n = sum((result) => result.n);
    print({
      what,
      store,
      clients,
      n,
      hits: sum(({ cache_hits: hits }) => hits),
      // Head and body, both answered; for a hit that is all there is.
      turnMs: { p50: each(({ result }) => result.request_ms?.["p50"]), p99: each(({ result }) => result.request_ms?.["p99"]) },
      // The answer's last message, which must not wait for being kept; null where the client left after the request's half.
      lastBytesMs: {
        p50: each(({ result }) => result.phase_ms["response_body"]?.["p50"]),
        p99: each(({ result }) => result.phase_ms["response_body"]?.["p99"]),
      },
      requestsPerSecond: each(({ result }) => result.throughput_rps),
      cpuMsPerRequest: each(({ cpuMs }) => cpuMs),
      generatorCpuMsPerRequest: round(sum(({ cpu_ms: ms }) => ms) / n),
      errors: sum(({ errors }) => Object.values(errors).reduce((total, count) => total + count, 0)),
    });
  }
  const without = results.get("none");
  if (without === undefined) return;
  for (const [store, runs] of results) {
    if (store === "none") continue;
    const ratio = (figure: (run: (typeof runs)[number]) => number | undefined) =>
      medianRatio(runs.map((run, turn) => [figure(without[turn] ?? run) ?? Number.NaN, figure(run) ?? Number.NaN] as const));
    print({
      what,
      clients,
      ratio: `none/${store}`,
      p50: ratio(({ result }) => result.request_ms?.["p50"]),
      p99: ratio(({ result }) => result.request_ms?.["p99"]),
      cpu: ratio(({ cpuMs }) => cpuMs),
    });
  }
}

function print(figures: object): void {
  console.log(JSON.stringify({ scope: "cache", words, kept, ...figures }));
}

function median(values: readonly number[]): number | null {
  const sorted = values.filter((value) => Number.isFinite(value)).toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  return middle === undefined ? null : round(middle);
}

function file(name: string, lines: readonly string[]): string {
  const path = join(folder, `${name}.txt`);
  writeFileSync(path, lines.join("\n"));
  return path;
}

/**
 * configuration routes every prompt by its words, as the domain signal looks on: as much work as usual, and always a decision that caches.
 * What ends in "verbatim" is not compared with other questions.
 */
function configuration(store: StoreName, redisPort: number): string {
  const decision = (name: string, priority: number, signal: string, mode: string) => ({
    name,
    priority,
    rules: { operator: "OR", conditions: [{ type: signal, name }] },
    modelRefs: [{ model: "named" }],
    plugins: [{ type: "response_cache", configuration: { scope: "global", mode } }],
  });
  const domains = ["business", "law", "history", "math", "other"];
  // YAML reads JSON.
  return JSON.stringify({
    version: "v0.3",
    listeners: [],
    providers: { defaults: { default_model: "named" }, models: [{ name: "named", backend_refs: [{ endpoint: "127.0.0.1:9" }] }] },
    routing: {
      modelCards: [{ name: "named" }],
      signals: {
        keywords: [
          { name: "verbatim", operator: "OR", keywords: ["verbatim"] },
          { name: "anything", operator: "OR", method: "regex", keywords: ["\\w"] },
        ],
        domains: domains.map((name) => ({ name, description: `Questions of ${name}` })),
      },
      decisions: [
        decision("verbatim", 30, "keyword", "exact"),
        decision("anything", 20, "keyword", "exact_then_semantic"),
        ...domains.map((name) => decision(name, 10, "domain", "exact_then_semantic")),
      ],
    },
    global: {
      stores: {
        response_cache: {
          enabled: store !== "none",
          backend_type: isRedis(store) ? "redis" : "memory",
          max_entries: 100_000,
          ...(isRedis(store) ? { redis: { connection: { host: "127.0.0.1", port: redisPort } } } : {}),
        },
      },
    },
    turnout: {
      // Nothing is to be late: an answer that was routed with less than everything is not kept.
      deadline_ms: 5_000,
      classifier: { backend: flags.backend },
      response_cache: {
        writes_per_minute: 1_000_000,
        lookup_budget_ms: 1_000,
        // The least there is: room for one answer.
        ...(store === "redis alone" ? { max_bytes: 1_024 } : {}),
        ...(isRedis(store) ? { redis: { key_prefix: store.replace(" ", "-") } } : {}),
      },
    },
  });
}

function isRedis(store: StoreName): boolean {
  return store.startsWith("redis");
}

/** startRedis starts the machine's own Redis on a free port, with nothing on disk. */
async function startRedis(): Promise<number> {
  const script = fileURLToPath(new URL("../scripts/redis-servers.mjs", import.meta.url));
  const [command = "", ...args] = JSON.parse(
    execFileSync(process.execPath, [script, "redis", "--command"], { encoding: "utf8" }),
  ) as string[];
  const port = await freePort();
  redis = spawn(command, [...args, "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"], {
    stdio: ["ignore", "pipe", "inherit"],
    cwd: folder,
  });
  const child = redis;
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", (code) => reject(new Error(`redis-server exited with ${code}`)));
    child.stdout?.on("data", (text: Buffer) => {
      if (text.includes("Ready to accept connections")) resolve(port);
    });
  });
}

/** freePort is free when it is asked; Redis cannot be told to choose. */
async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
