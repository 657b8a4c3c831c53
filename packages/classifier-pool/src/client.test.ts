import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { Server, ServerCredentials } from "@grpc/grpc-js";
import { createMetrics, silentLogger, systemClock, type InferenceItem } from "@turnout/shared";
import { HealthImplementation } from "grpc-health-check";
import { afterEach, describe, expect, it } from "vitest";
import { createRemoteClassifier, type RemoteClassifierOptions } from "./client.ts";
import { prepareTinyModels } from "./model/testing/tiny-models.ts";
import { createClassifierPool } from "./pool.ts";
import { decodeOutcome } from "./remote/codec.ts";
import { loadProtocol, PROTOCOL_VERSION, serviceName } from "./remote/protocol.ts";
import { DIMENSION, ScriptedClassifier } from "./remote/testing/scripted-classifier.ts";
import { createClassifierServer, type ClassifierServerOptions } from "./server.ts";

const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const undo of cleanUp.splice(0).toReversed()) await undo();
});

const item = (text: string): InferenceItem => ({ text, window: { maxTokens: 64, sampling: "head_middle_tail" } });

const longest = { maxTokens: 8_192, sampling: "head_middle_tail" } as const;

interface Running {
  readonly pool: ScriptedClassifier;
  readonly address: string;
  readonly port: number;
  stop(graceMs?: number): Promise<void>;
}

async function replica(options: Partial<ClassifierServerOptions> = {}, { host = "127.0.0.1", port = 0 } = {}): Promise<Running> {
  const pool = new ScriptedClassifier();
  const server = createClassifierServer({ classifier: pool, logger: silentLogger, metrics: createMetrics(), ...options });
  const bound = await server.listen(host, port);
  cleanUp.push(() => server.drain(0));
  return { pool, address: `${host}:${bound}`, port: bound, stop: (graceMs = 0) => server.drain(graceMs) };
}

function front(endpoint: string, options: Partial<RemoteClassifierOptions> = {}) {
  const classifier = createRemoteClassifier({ endpoint, settleMs: 5_000, ...options });
  cleanUp.push(() => classifier.close());
  return classifier;
}

/** Waits until `count` replicas serve, as the metric tells. */
async function serving(metrics: ReturnType<typeof createMetrics>, count: number): Promise<void> {
  await expect
    .poll(async () => (await metrics.classifierReplicas.get()).values.find(({ labels }) => labels.state === "serving")?.value, {
      timeout: 10_000,
    })
    .toBe(count);
}

async function fronted(replicas: readonly Running[], options: Partial<RemoteClassifierOptions> = {}) {
  const metrics = createMetrics();
  const classifier = front(replicas.map(({ address }) => address).join(","), { metrics, ...options });
  await serving(metrics, replicas.length);
  return {
    classifier,
    metrics,
    retries: async () => (await metrics.classifierRetries.get()).values.reduce((sum, { value }) => sum + value, 0),
  };
}

describe("further models behind a service", () => {
  it("answer by name, each item for itself, and are listed", async () => {
    const home = await mkdtemp(join(tmpdir(), "remote-models-"));
    cleanUp.push(() => rm(home, { recursive: true }));
    const { mood, names, encoder } = await prepareTinyModels(home);
    const models = { mood: { directory: mood }, names: { directory: names }, other: { directory: encoder }, broken: { directory: home } };
    const pool = createClassifierPool({ backend: "deterministic", dimension: DIMENSION, workers: 1, models });
    cleanUp.push(() => pool.close());
    await pool.whenSettled();
    const { classifier } = await fronted([await replica({ classifier: pool })]);
    const window = { maxTokens: 64, sampling: "head" } as const;
    const wanted: InferenceItem[] = [
      item("cat dog"),
      { text: "cat dog", window, model: "mood", heads: ["classification"] },
      { text: "ab cat dog", window, model: "names", entities: true },
      { text: "cat dog", window, model: "other" },
      { text: "cat dog", window, model: "broken" },
      { text: "cat dog", window, model: "absent" },
    ];
    const [plain, label, found, other, broken, absent] = await classifier.evaluate(wanted, {});
    const here = await pool.embed(wanted.slice(0, 4), {});
    for (const [index, answer] of [plain, label, found, other].entries())
      expect({ ...answer, timings: null }).toEqual({ ...here[index], timings: null });
    expect(found).toMatchObject({ scan: { entities: [{ start: 3, end: 10, type: "NAME" }], scannedChars: 10 } });
    expect(broken).toMatchObject({ code: "encoder_unavailable", message: expect.stringContaining('"broken"') as string });
    expect(absent).toMatchObject({ code: "model_unsupported", message: expect.stringContaining('no further model "absent"') as string });
    await expect(classifier.embed(wanted, {})).rejects.toMatchObject({ code: "encoder_unavailable" });
    const status = classifier.status();
    expect(status.state === "ready" && status.models).toMatchObject([
      { name: "mood", state: "ready", heads: [{ name: "classification", labels: ["calm", "angry", "sad"] }] },
      { name: "names", state: "ready", entityTypes: ["NAME"], dimension: 0 },
      { name: "other", state: "ready", model: "encoder", dimension: 8, entityTypes: [] },
      { name: "broken", state: "unavailable", reason: expect.stringContaining("holds no prepared model") as string },
    ]);
  });

  it("are asked of another replica alone where the first one has no room", async () => {
    const [one, two] = [await replica(), await replica()] as const;
    const { classifier, retries } = await fronted([one, two], { balancing: "round_robin" });
    one.pool.failWith("overloaded");
    const answers = await Promise.all([0, 1].map((call) => classifier.evaluate([item(`a ${call}`), item(`b ${call}`)], {})));
    for (const answer of answers.flat()) expect(answer).toMatchObject({ sampled: false });
    expect([await retries(), two.pool.asked.length]).toEqual([1, 4]);
  });

  it("are described as they are now, not as they were when the service was found", async () => {
    const one = await replica({ connectionAgeMs: 50, connectionAgeGraceMs: 100 });
    one.pool.models = [{ name: "mood", state: "starting" }];
    const { classifier } = await fronted([one]);
    expect(classifier.status()).toMatchObject({ models: [{ name: "mood", state: "starting" }] });
    one.pool.models = [{ name: "mood", state: "unavailable", reason: "no room" }];
    await expect.poll(() => classifier.status(), { timeout: 5_000 }).toMatchObject({ models: one.pool.models });
  });

  it("never answer with the encoder of a service that does not know of them", () => {
    const embedding = { vector: Buffer.alloc(32) };
    for (const wish of [{ model: "mood" }, { entities: true }])
      expect(decodeOutcome({ embedding }, { ...item("ab"), ...wish }, DIMENSION)).toMatchObject({ code: "encoder_unavailable" });
  });
});

describe("a text that takes too long", () => {
  it("leaves the others of its call what is known at the deadline", { retry: 2 }, async () => {
    const pool = createClassifierPool({ backend: new URL("backends/testing/faulty.ts", import.meta.url), workers: 1 });
    cleanUp.push(() => pool.close());
    await pool.whenSettled();
    const { classifier } = await fronted([await replica({ classifier: pool })]);
    await classifier.embed([item("known")], {});
    const answers = await classifier.evaluate([item("known"), item("held")], { deadline: systemClock.now() + 60 });
    expect(answers).toMatchObject([{ tokens: 3 }, { code: "deadline_exceeded" }]);
  });

  it("has its replica shut out when that knows nothing in time again and again, for another one is there", async () => {
    const [stuck, quick] = [await replica(), await replica()];
    const { classifier, metrics } = await fronted([stuck, quick], { balancing: "round_robin" });
    stuck.pool.failWith("deadline_exceeded");
    while (stuck.pool.asked.length < 3) await classifier.evaluate([item("late"), item("late too")], {});
    expect(stuck.pool.asked).toHaveLength(4);
    while (stuck.pool.asked.length < 6) await classifier.evaluate([item("late"), item("late too")], {});
    await serving(metrics, 1);
  });
});

describe("a submission too large for one message", () => {
  it.each([
    ["texts", Array.from({ length: 1_101 }, (_, index) => item(`text ${index}`))],
    ["bytes", Array.from({ length: 12 }, (_, index) => ({ ...item(`${index} `.padEnd(480_000, "word ")), window: longest }))],
  ])("is answered whole, however many %s it has", async (_what, items) => {
    const { classifier } = await fronted([await replica()]);
    const answers = await classifier.evaluate(items, {});
    expect(answers.filter((answer) => "vector" in answer)).toHaveLength(items.length);
  });

  it("fails one text alone that is too large by itself", async () => {
    const { classifier } = await fronted([await replica()], { maxMessageBytes: 100_000 });
    const answers = await classifier.evaluate([item("a"), { ...item("b".repeat(200_000)), window: longest }, item("c")], {});
    expect(answers).toMatchObject([{ sampled: false }, { code: "overloaded" }, { sampled: false }]);
  });
});

describe("one replica", () => {
  it("answers in the pool's own words", async () => {
    const one = await replica();
    const { classifier } = await fronted([one]);
    expect(await classifier.whenSettled()).toEqual({ state: "ready", model: "scripted", revision: "r1", dimension: DIMENSION });
    const [short, long] = await classifier.embed([{ ...item("four"), heads: ["tone"] }, item("x".repeat(100_000))], {
      deadline: systemClock.now() + 2_000,
    });
    expect([short?.vector[0], short?.tokens, short?.sampled]).toEqual([4, 1, false]);
    expect(short?.heads?.get("tone")).toEqual(Float32Array.of(1, -1, 0.5));
    expect(short?.timings).toEqual({ queueMs: 1.5, tokenizeMs: 0.25, computeMs: 2, batchSize: 1 });
    expect(long?.vector[0]).toBeLessThan(10_000);
    expect(await classifier.embed([], {})).toEqual([]);
  });

  it("is starting until the replica serves, then ready; and says why when nobody answers in time", async () => {
    const nobody = front("127.0.0.1:9", { settleMs: 300 });
    expect(nobody.status()).toEqual({ state: "starting", model: "127.0.0.1:9" });
    expect(await nobody.whenSettled()).toMatchObject({ state: "unavailable", reason: expect.stringContaining("127.0.0.1:9") as string });
    await expect(nobody.embed([item("x")], {})).rejects.toMatchObject({ code: "encoder_unavailable" });
  });

  it("comes back after the replica was away, without a new client", async () => {
    const one = await replica();
    const { classifier, metrics } = await fronted([one]);
    await one.stop();
    await serving(metrics, 0);
    expect(classifier.status()).toMatchObject({ state: "unavailable", reason: expect.stringContaining(one.address) as string });
    await replica({}, { port: one.port });
    await serving(metrics, 1);
    expect(await classifier.embed([item("back")], {})).toHaveLength(1);
  });

  it("loses no call when connections are closed by age", async () => {
    const one = await replica({ connectionAgeMs: 50, connectionAgeGraceMs: 100 });
    const { classifier } = await fronted([one]);
    const end = systemClock.now() + 1_000;
    while (systemClock.now() < end) await Promise.all(Array.from({ length: 8 }, () => classifier.embed([item("age")], {})));
  });

  it("rejects with deadline_exceeded and cancelled, and asks nobody else then", async () => {
    const [one, two] = [await replica(), await replica()];
    const { classifier, retries } = await fronted([one, two]);
    const release = [one.pool.hold(), two.pool.hold()];
    await expect(classifier.embed([item("late")], { deadline: systemClock.now() + 60 })).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    const left = new AbortController();
    const gone = classifier.embed([item("gone")], { signal: left.signal });
    await Promise.race([one.pool.whenAsked(2), two.pool.whenAsked(2), Promise.all([one.pool.whenAsked(1), two.pool.whenAsked(1)])]);
    left.abort();
    await expect(gone).rejects.toMatchObject({ code: "cancelled" });
    await expect(classifier.embed([item("never")], { signal: AbortSignal.abort() })).rejects.toMatchObject({ code: "cancelled" });
    await expect(classifier.embed([item("past")], { deadline: systemClock.now() - 1 })).rejects.toMatchObject({
      code: "deadline_exceeded",
    });
    expect([one.pool.asked.length + two.pool.asked.length, await retries()]).toEqual([2, 0]);
    await expect.poll(() => one.pool.cancelled + two.pool.cancelled).toBe(2);
    for (const go of release) go();
  });
});

describe("several replicas", () => {
  it.each(["power_of_two", "round_robin"] as const)("shares the calls evenly by %s", async (balancing) => {
    const replicas = [await replica(), await replica(), await replica()];
    const { classifier } = await fronted(replicas, { balancing });
    for (let round = 0; round < 150; round += 1) await Promise.all(Array.from({ length: 6 }, () => classifier.embed([item("share")], {})));
    for (const { pool } of replicas) expect(Math.abs(pool.asked.length - 300)).toBeLessThanOrEqual(30);
  });

  it("asks another one once when the first is full, and gives up when that is full too", async () => {
    const [one, two] = [await replica(), await replica()];
    const { classifier, retries } = await fronted([one, two]);
    one.pool.failWith("overloaded");
    for (let call = 0; call < 10; call += 1) expect(await classifier.embed([item("retry")], {})).toHaveLength(1);
    expect(two.pool.asked).toHaveLength(10);
    two.pool.failWith("overloaded");
    const before = [one.pool.asked.length + two.pool.asked.length, await retries()] as const;
    await expect(classifier.embed([item("full")], {})).rejects.toMatchObject({ code: "overloaded" });
    expect([one.pool.asked.length + two.pool.asked.length, await retries()]).toEqual([before[0] + 2, before[1] + 1]);
  });

  it.each(["deadline_exceeded", "worker_failed", "request_invalid", "internal"] as const)(
    "does not repeat a text that failed with %s",
    async (code) => {
      const [one, two] = [await replica(), await replica()];
      const { classifier, retries } = await fronted([one, two]);
      for (const { pool } of [one, two]) pool.failWith(code);
      await expect(classifier.embed([item("once")], {})).rejects.toMatchObject({ code });
      expect([one.pool.asked.length + two.pool.asked.length, await retries()]).toEqual([1, 0]);
    },
  );

  it("leaves a replica that says NOT_SERVING before a call fails there", async () => {
    const [one, two] = [await replica(), await replica()];
    const { classifier, metrics, retries } = await fronted([one, two]);
    one.pool.breakDown("no workers left");
    await serving(metrics, 1);
    for (let call = 0; call < 20; call += 1) await classifier.embed([item("other")], {});
    expect([two.pool.asked.length, await retries()]).toEqual([20, 0]);
  });

  it("sends nothing new to a replica that drains, which finishes what it has", async () => {
    const [leaving, staying] = [await replica(), await replica()];
    const { classifier, metrics, retries } = await fronted([leaving, staying], { balancing: "round_robin" });
    const release = leaving.pool.hold();
    const open = Promise.all([classifier.embed([item("one")], {}), classifier.embed([item("two")], {})]);
    await leaving.pool.whenAsked(1);
    const stopped = leaving.stop(5_000);
    await serving(metrics, 1);
    for (let call = 0; call < 20; call += 1) await classifier.embed([item("new")], {});
    release();
    expect(await open).toHaveLength(2);
    await stopped;
    expect([leaving.pool.asked.length, staying.pool.asked.length, await retries()]).toEqual([1, 21, 0]);
  });

  it("shuts out a replica that never answers, spares requests from probing it, and takes it back when it answers again", async () => {
    const [slow, quick] = [await replica(), await replica()];
    const { classifier, metrics } = await fronted([slow, quick], { balancing: "round_robin" });
    const release = slow.pool.hold();
    let late = 0;
    while (slow.pool.asked.length < 3)
      await classifier.embed([item("slow")], { deadline: systemClock.now() + 100 }).catch((error: { code?: string }) => {
        expect(error.code).toBe("deadline_exceeded");
        late += 1;
      });
    expect(late).toBe(3);
    await serving(metrics, 1);
    const asked = slow.pool.asked.length;
    for (let call = 0; call < 20; call += 1) await classifier.embed([item("quick")], { deadline: systemClock.now() + 1_000 });
    expect(slow.pool.asked.length).toBe(asked);
    release();
    await serving(metrics, 2);
    while (slow.pool.asked.length === asked) await classifier.embed([item("again")], {});
  });

  it("never shuts out the last one for being slow", async () => {
    const one = await replica();
    const { classifier } = await fronted([one]);
    const release = one.pool.hold();
    for (let call = 0; call < 5; call += 1)
      await expect(classifier.embed([item("slow")], { deadline: systemClock.now() + 30 })).rejects.toMatchObject({
        code: "deadline_exceeded",
      });
    release();
    expect(await classifier.embed([item("there")], {})).toHaveLength(1);
  });
});

describe("who does not count", () => {
  it("ignores an address that accepts connections and never answers", async () => {
    const silent = createServer(() => undefined);
    await new Promise<void>((resolve) => void silent.listen(0, "127.0.0.1", resolve));
    cleanUp.push(() => silent.close());
    const good = await replica();
    const classifier = front(`127.0.0.1:${(silent.address() as AddressInfo).port},${good.address}`);
    expect((await classifier.whenSettled()).state).toBe("ready");
    for (let call = 0; call < 20; call += 1) await classifier.embed([item("x")], { deadline: systemClock.now() + 1_000 });
    expect(good.pool.asked).toHaveLength(20);
    const alone = front(`127.0.0.1:${(silent.address() as AddressInfo).port}`, { settleMs: 2_500 });
    expect(await alone.whenSettled()).toMatchObject({ state: "unavailable", reason: expect.stringContaining("does not answer") as string });
  });

  it("refuses a replica that speaks a protocol two versions ahead, and says so", async () => {
    const { Classifier } = loadProtocol();
    const server = new Server();
    new HealthImplementation({ [serviceName]: "SERVING" }).addToServer(server);
    server.addService(Classifier.service, {
      Models: (_call: unknown, callback: (error: null, reply: object) => void) =>
        callback(null, { replica: { protocolVersion: PROTOCOL_VERSION + 2 }, models: [{ name: "m", revision: "r", dimension: 8 }] }),
      Evaluate: () => expect.unreachable("it must not be asked"),
      EvaluateBatch: () => expect.unreachable("it must not be asked"),
    });
    const port = await new Promise<number>((resolve) => {
      server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (_error, bound) => resolve(bound));
    });
    cleanUp.push(() => server.forceShutdown());
    const classifier = front(`127.0.0.1:${port}`, { settleMs: 500 });
    expect(await classifier.whenSettled()).toMatchObject({
      state: "unavailable",
      reason: expect.stringContaining(`speaks protocol ${PROTOCOL_VERSION + 2}, this front ${PROTOCOL_VERSION}`) as string,
    });
  });
});

describe("dns:///", () => {
  it("finds new addresses, forgets old ones, and keeps what it knows while the name cannot be asked", async () => {
    const one = await replica({}, { host: "127.0.0.1" });
    const two = await replica({}, { host: "127.0.0.2", port: one.port });
    const metrics = createMetrics();
    let found: readonly string[] | null = ["127.0.0.1"];
    const classifier = front(`dns:///pool.test:${one.port}`, {
      metrics,
      resolveIntervalMs: 500,
      lookup: async () => {
        if (found === null) throw new Error("SERVFAIL");
        return found.map((address) => ({ address, family: 4 }));
      },
    });
    await serving(metrics, 1);
    found = ["127.0.0.1", "127.0.0.2"];
    await serving(metrics, 2);
    found = ["127.0.0.2"];
    await serving(metrics, 1);
    found = null;
    for (let call = 0; call < 5; call += 1) await classifier.embed([item("x")], {});
    expect([one.pool.asked.length, two.pool.asked.length]).toEqual([0, 5]);
  });
});

describe("model revisions", () => {
  it("never mixes two in one pinned embedder, and moves on when the newer one has the majority", async () => {
    const replicas = [await replica(), await replica(), await replica()];
    for (const { pool } of replicas.slice(1)) pool.breakDown("not yet");
    const metrics = createMetrics();
    const revisions: string[] = [];
    const classifier = front(replicas.map(({ address }) => address).join(","), {
      metrics,
      onReady: () => {
        const status = classifier.status();
        if (status.state === "ready") revisions.push(status.revision);
      },
    });
    await serving(metrics, 1);
    const old = classifier.pinned();
    await old.embed([item("bound")], {});
    for (const { pool } of replicas.slice(1)) {
      pool.revision = "r2";
      pool.breakDown(null);
    }
    await expect.poll(() => revisions, { timeout: 5_000 }).toEqual(["r1", "r2"]);
    const fresh = classifier.pinned();
    for (let call = 0; call < 10; call += 1) await Promise.all([old.embed([item("old")], {}), fresh.embed([item("new")], {})]);
    expect(replicas[0]?.pool.asked.map(({ text }) => text)).toEqual(["bound", ...Array.from({ length: 10 }, () => "old")]);
    expect(replicas.slice(1).flatMap(({ pool }) => pool.asked.map(({ text }) => text))).toEqual(Array.from({ length: 10 }, () => "new"));
    await replicas[0]?.stop();
    await serving(metrics, 2);
    await expect(old.embed([item("orphan")], {})).rejects.toMatchObject({ code: "encoder_unavailable" });
  });

  it("refuses an answer of another revision than the replica was chosen for", async () => {
    const one = await replica();
    const { classifier } = await fronted([one]);
    const pinned = classifier.pinned();
    await pinned.embed([item("r1")], {});
    one.pool.revision = "r2";
    await expect(pinned.embed([item("r2")], {})).rejects.toMatchObject({ code: "encoder_unavailable" });
    await expect.poll(() => classifier.status(), { timeout: 5_000 }).toMatchObject({ state: "ready", revision: "r2" });
    expect(await classifier.embed([item("anew")], {})).toHaveLength(1);
    await expect(pinned.embed([item("still r1")], {})).rejects.toMatchObject({ code: "encoder_unavailable" });
  });
});

it("loads neither ONNX nor worker threads", async () => {
  const script = `
    await import("@turnout/classifier-pool/client");
    const { createRequire } = await import("node:module");
    const loaded = [...Object.keys(createRequire(import.meta.url).cache), ...process.report.getReport().sharedObjects];
    console.log(JSON.stringify(loaded));`;
  const { stdout } = await promisify(execFile)(process.execPath, ["--conditions=source", "--input-type=module", "--eval", script], {
    cwd: fileURLToPath(new URL("..", import.meta.url)),
  });
  const loaded = JSON.parse(stdout) as string[];
  expect(loaded.some((file) => file.includes("grpc-js"))).toBe(true);
  expect(loaded.filter((file) => /onnxruntime|piscina/.test(file))).toEqual([]);
});
