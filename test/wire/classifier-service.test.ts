/** Several `turnout classifier` processes behind one name, and a front's client on them: spread, loss, growth, drain, faults, mTLS. */
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { createRemoteClassifier, type RemoteClassifier } from "@turnout/classifier-pool/client";
import { createClassifierPool } from "@turnout/classifier-pool";
import { createClassifierServer } from "@turnout/classifier-pool/server";
import { createMetrics, RouterError, silentLogger, systemClock } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { startNode, type NodeProcess } from "../e2e/node-process.ts";

const CLI = "packages/extproc/src/main.ts";
const window = { maxTokens: 32, sampling: "head" } as const;
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

interface Replica extends NodeProcess {
  readonly host: string;
  readonly port: number;
  /** Calls that it has answered, as its metrics say. */
  calls(): Promise<number>;
}

/** startReplica runs the command; loopback has an address for each, so that they share a port as the pods of a Service do. */
async function startReplica(index: number, port: number): Promise<Replica> {
  const host = `127.0.0.${index}`;
  let bound = 0;
  let metrics = "";
  const args = [
    "classifier",
    "--backend",
    "deterministic",
    "--workers",
    "1",
    "--address",
    host,
    "--port",
    String(port),
    "--metrics-port",
    "0",
  ];
  const child = await startNode(CLI, [...args, "--grace", "5"], (line) => {
    if (!line.startsWith("{")) return false;
    const { msg, part, address } = JSON.parse(line) as { msg?: string; part?: string; address?: string };
    if (msg === "listening" && part === "metrics") metrics = address ?? "";
    if (msg === "listening" && part === "classifier") bound = Number(address?.split(":").at(-1));
    return msg === "settled";
  });
  cleanUp.push(() => child.stop(0));
  return {
    ...child,
    host,
    port: bound,
    async calls() {
      const text = await (await fetch(`http://${metrics}/metrics`)).text();
      return Number(/^classifier_service_calls_total\{method="Evaluate"\} (\d+)$/m.exec(text)?.[1] ?? 0);
    },
  };
}

interface Fleet {
  readonly replicas: readonly Replica[];
  readonly classifier: RemoteClassifier;
  /** What the name resolves to; a test changes it as endpoints of a Service change. */
  readonly hosts: Set<string>;
  serving(count: number): Promise<void>;
}

async function startFleet(count: number): Promise<Fleet> {
  const first = await startReplica(1, 0);
  const others = await Promise.all(Array.from({ length: count - 1 }, (_, index) => startReplica(index + 2, first.port)));
  const replicas = [first, ...others];
  const hosts = new Set(replicas.map(({ host }) => host));
  const metrics = createMetrics();
  const classifier = createRemoteClassifier({
    endpoint: `dns:///pool.test:${first.port}`,
    metrics,
    lookup: async () => [...hosts].map((address) => ({ address, family: 4 })),
  });
  cleanUp.push(() => classifier.close());
  const serving = async (wanted: number) =>
    expect
      .poll(async () => (await metrics.classifierReplicas.get()).values.find(({ labels }) => labels.state === "serving")?.value, {
        timeout: 10_000,
      })
      .toBe(wanted);
  await serving(count);
  return { replicas, classifier, hosts, serving };
}

/** load keeps `clients` calls open until it is stopped, and tells what became of them. */
function load(classifier: RemoteClassifier, { clients = 8, deadlineMs = 5_000 } = {}) {
  const over = new AbortController();
  let answered = 0;
  const failures: string[] = [];
  const waiting: { readonly total: number; readonly resolve: () => void }[] = [];
  const client = async (id: number) => {
    for (let round = 0; !over.signal.aborted; round += 1) {
      try {
        await classifier.embed([{ text: `client ${id} asks for the ${round}th time`, window }], {
          deadline: systemClock.now() + deadlineMs,
        });
        answered += 1;
      } catch (error) {
        failures.push(RouterError.from(error).message);
        // A refusal may come without any I/O; a loop of them would let nothing else run.
        await setImmediate();
      }
      for (const { total, resolve } of waiting) if (answered >= total) resolve();
    }
  };
  const done = Promise.all(Array.from({ length: clients }, (_, id) => client(id)));
  return {
    failures,
    /** more resolves after that many further answers. */
    more: (count: number) => new Promise<void>((resolve) => waiting.push({ total: answered + count, resolve })),
    async stop() {
      over.abort();
      await done;
      return failures;
    },
  };
}

describe("three replicas", () => {
  it("share the calls within 10 % of even", async () => {
    const { replicas, classifier } = await startFleet(3);
    const traffic = load(classifier);
    await traffic.more(1_500);
    expect(await traffic.stop()).toEqual([]);
    const calls = await Promise.all(replicas.map((replica) => replica.calls()));
    const even = calls.reduce((sum, count) => sum + count, 0) / 3;
    for (const count of calls) expect(Math.abs(count - even) / even).toBeLessThan(0.1);
  });

  it("lose no call when one is killed, use its successor, and lose none when one is drained", async () => {
    const { replicas, classifier, hosts, serving } = await startFleet(3);
    const traffic = load(classifier);
    await traffic.more(300);
    replicas[0]?.kill("SIGKILL");
    await serving(2);
    await traffic.more(300);
    expect(traffic.failures).toEqual([]);

    hosts.delete("127.0.0.1");
    const successor = await startReplica(4, replicas[1]?.port ?? 0);
    const began = systemClock.now();
    hosts.add(successor.host);
    await expect.poll(() => successor.calls(), { timeout: 10_000 }).toBeGreaterThan(0);
    expect(systemClock.now() - began).toBeLessThan(10_000);
    await traffic.more(300);

    replicas[1]?.kill("SIGTERM");
    expect(await replicas[1]?.exited).toBe(0);
    await traffic.more(300);
    expect(await traffic.stop()).toEqual([]);
  });

  it("go on without one that has stopped answering but keeps its connections", async () => {
    const { replicas, classifier, serving } = await startFleet(3);
    const traffic = load(classifier, { clients: 4, deadlineMs: 300 });
    await traffic.more(100);
    replicas[2]?.kill("SIGSTOP");
    await serving(2);
    const late = traffic.failures.length;
    await traffic.more(300);
    // What was on its way there when it was shut out may still come late.
    expect(late).toBeLessThanOrEqual(12);
    expect((await traffic.stop()).length).toBeLessThanOrEqual(late + 4);
    replicas[2]?.kill("SIGCONT");
    await serving(3);
  });
});

describe("mTLS", () => {
  const file = (name: string) => fileURLToPath(new URL(`fixtures/tls/${name}`, import.meta.url));

  it("lets in who shows a certificate of the authority, and nobody else", async () => {
    const classifier = createClassifierPool({ backend: "deterministic", workers: 1 });
    cleanUp.push(() => classifier.close());
    const tls = { certPath: file("server.pem"), keyPath: file("server.key"), clientCaPath: file("ca.pem") };
    const server = createClassifierServer({ classifier, logger: silentLogger, metrics: createMetrics(), tls });
    const port = await server.listen("127.0.0.1", 0);
    cleanUp.push(() => server.drain(0));
    const connect = async (own: { certPath?: string; keyPath?: string }) => {
      const client = createRemoteClassifier({
        endpoint: `dns:///localhost:${port}`,
        tls: { caPath: file("ca.pem"), ...own },
        settleMs: 1_500,
        lookup: async () => [{ address: "127.0.0.1", family: 4 }],
      });
      cleanUp.push(() => client.close());
      return (await client.whenSettled()).state;
    };
    expect(await connect({ certPath: file("client.pem"), keyPath: file("client.key") })).toBe("ready");
    expect(await connect({})).toBe("unavailable");
    expect(await connect({ certPath: file("other-client.pem"), keyPath: file("other-client.key") })).toBe("unavailable");
  });
});

it("a front with an endpoint serves without ever loading ONNX or worker threads", async () => {
  const replica = await startReplica(1, 0);
  const folder = await mkdtemp(join(tmpdir(), "turnout-front-"));
  cleanUp.push(() => rm(folder, { recursive: true, force: true }));
  const config = join(folder, "config.yaml");
  await writeFile(
    config,
    `
version: v0.3
listeners: []
providers: { defaults: { default_model: base }, models: [{ name: base, backend_refs: [{ endpoint: "127.0.0.1:9" }] }] }
routing:
  modelCards: [{ name: base }]
  signals: { domains: [{ name: pans, description: "Frying in pans" }, { name: other, description: "Everything else" }] }
  decisions: [{ name: pans, priority: 10, rules: { type: domain, name: pans }, modelRefs: [{ model: base }] }]
turnout: { classifier: { endpoint: "${replica.host}:${replica.port}" } }
`,
  );
  const flags = ["--address", "127.0.0.1", "--port", "0", "--api-port", "0", "--metrics-port", "0", "--log-level", "silent"];
  const script = `
    const { createProgram } = await import(${JSON.stringify(new URL("../../packages/extproc/src/cli/program.ts", import.meta.url).href)});
    await createProgram(process.env).parseAsync(["node", "turnout", "serve", "--config", ${JSON.stringify(config)}, ...${JSON.stringify(flags)}]);
    const { createRequire } = await import("node:module");
    const loaded = [...Object.keys(createRequire(import.meta.url).cache), ...process.report.getReport().sharedObjects];
    console.log(JSON.stringify({ loaded, workers: process.report.getReport().workers.length }));
    process.exit(0);`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", "--input-type=module", "--eval", script]);
  const { loaded, workers } = JSON.parse(stdout) as { loaded: string[]; workers: number };
  expect(loaded.some((path) => path.includes("grpc-js"))).toBe(true);
  expect(loaded.filter((path) => /onnxruntime|piscina/.test(path))).toEqual([]);
  expect(workers).toBe(0);
  expect(await replica.calls()).toBeGreaterThan(0);
});
