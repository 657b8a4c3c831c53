import { execFile } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { credentials } from "@grpc/grpc-js";
import { createClassifierServer } from "@turnout/classifier-pool/server";
import {
  createLogger,
  createMetrics,
  RouterError,
  silentLogger,
  type Classifier,
  type EncoderStatus,
  type TextEmbedding,
} from "@turnout/shared";
import { afterEach, describe, expect, it, vi } from "vitest";
import { loadProtocol } from "./envoy/protocol.ts";
import { createSimulator } from "./simulator/index.ts";
import { healthAt } from "./testing/health.ts";
import { kitchenConfig, startKitchen, type Kitchen } from "./testing/kitchen.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

async function kitchen(...args: Parameters<typeof startKitchen>): Promise<Kitchen> {
  const started = await startKitchen(...args);
  open.push(started);
  return started;
}

/** A logger whose lines can be awaited: reloads are told by the log, not guessed by time. */
function listeningLogger() {
  const waiting: { text: string; resolve: (line: Record<string, unknown>) => void }[] = [];
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger("info", {
    write(text) {
      const entry = JSON.parse(text) as Record<string, unknown>;
      lines.push(entry);
      const heard = waiting.filter((listener) => text.includes(listener.text));
      for (const listener of heard) {
        waiting.splice(waiting.indexOf(listener), 1);
        listener.resolve(entry);
      }
    },
  });
  return { logger, lines, line: (text: string) => new Promise<Record<string, unknown>>((resolve) => waiting.push({ text, resolve })) };
}

/** A service's encoder that is ready and fails until it is told not to. */
class FailingClassifier implements Classifier {
  failing = true;

  status(): EncoderStatus {
    return { state: "ready", model: "failing", revision: "r1", dimension: 4 };
  }

  whenSettled(): Promise<EncoderStatus> {
    return Promise.resolve(this.status());
  }

  async embed(items: Parameters<Classifier["embed"]>[0]): Promise<TextEmbedding[]> {
    if (this.failing) throw new RouterError("internal", "told to fail");
    const timings = { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: 1 };
    return items.map(() => ({ vector: Float32Array.of(1, 0, 0, 0), tokens: 3, sampled: false, timings }));
  }

  evaluate(items: Parameters<Classifier["embed"]>[0]): Promise<TextEmbedding[]> {
    return this.embed(items);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function evaluate({ address }: Kitchen, text: string) {
  const response = await fetch(`http://${address("management API")}/api/v1/eval`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text }),
  });
  return (await response.json()) as { selected_model: string; warnings: string[]; signal_errors: Record<string, { message: string }> };
}

const health = (kitchen: Kitchen) => healthAt(kitchen.address("ExtProc"));

/** The state of the encoder as the metrics tell it. */
async function state({ metrics }: Kitchen): Promise<unknown> {
  const { values } = await metrics.classifierState.get();
  return values.find(({ value }) => value === 1)?.labels.state;
}

const reloaded = "configuration reloaded";
const noEncoder = "log_level: info";
/** Domains that the embedded tier was trained on: the encoder is only asked where that is unsure. */
const knownDomains = (config: string) =>
  config.replace("name: pans, description", "name: law, description").replace("domain, name: pans", "domain, name: law");
const onlyKeywords = (config: string) => config.replace(/    domains: .*\n/, "").replace(/.*name: pans, priority.*\n/, "");

describe("startTurnout", () => {
  it("runs the same routing behind its HTTP gateway, in front of a backend that refuses unknown names", async () => {
    const simulator = createSimulator({ model: "base", loraModules: [{ name: "oven-expert" }, { name: "pan-expert" }] });
    const { url } = await simulator.listen("127.0.0.1", 0);
    open.push(simulator);
    const { address, turnout } = await kitchen(kitchenConfig({ backend: url.replace("http://", ""), listen: true }));
    await turnout.ready();
    const body = JSON.stringify({ model: "auto", messages: [{ role: "user", content: "is the oven hot" }] });
    const response = await fetch(`http://${address("HTTP gateway")}/v1/chat/completions`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect([
      response.status,
      ((await response.json()) as { model: string }).model,
      response.headers.get("x-vsr-selected-decision"),
    ]).toEqual([200, "oven-expert", "oven"]);
  });

  it("routes by a changed configuration without a restart", async () => {
    const { logger, line } = listeningLogger();
    const running = await kitchen(kitchenConfig(), { logger });
    await running.turnout.ready();
    expect((await evaluate(running, "oven")).selected_model).toBe("oven-expert");
    const reloaded = line("configuration reloaded");
    await running.rewrite(kitchenConfig({ adapter: "new-oven-expert" }));
    await reloaded;
    expect((await evaluate(running, "oven")).selected_model).toBe("new-oven-expert");
  });

  it("keeps the former configuration when the changed one is wrong, says why, and counts it", async () => {
    const { logger, line } = listeningLogger();
    const running = await kitchen(kitchenConfig(), { logger });
    const refused = line("refused");
    await running.rewrite(kitchenConfig().replace("keyword, name: oven", "keyword, name: stove"));
    expect(String((await refused)["problem"])).toContain("stove");
    expect((await evaluate(running, "oven")).selected_model).toBe("oven-expert");
    expect(await running.metrics.registry.metrics()).toContain('turnout_config_reloads_total{outcome="refused"} 1');
  });

  it("names settings that only a restart can change", async () => {
    const { logger, line } = listeningLogger();
    const running = await kitchen(kitchenConfig(), { logger });
    const told = line("needs a restart");
    await running.rewrite(kitchenConfig({ extra: "classifier: { backend: deterministic, workers: 2 }" }));
    expect((await told)["setting"]).toBe("turnout.classifier");
  });

  it.each([
    ["management_api: { port: 1 }", "global.services.management_api"],
    ["management_api: { port: 0 }, observability: { metrics: { enabled: false } }", "global.services.observability.metrics.enabled"],
  ])("names the block that only a restart can change, and no other: %s", async (services, setting) => {
    const { logger, line, lines } = listeningLogger();
    const running = await kitchen(kitchenConfig(), { logger });
    const done = line(reloaded);
    await running.rewrite(kitchenConfig().replace("management_api: { port: 0 }", services));
    await done;
    expect(lines.filter(({ msg }) => String(msg).includes("needs a restart")).map((entry) => entry["setting"])).toEqual([setting]);
  });

  it("routes on keywords when no encoder can be had, and says so in the answer, in readiness and in the log", async () => {
    const { logger, line } = listeningLogger();
    const told = line("keywords still route");
    const running = await kitchen(kitchenConfig({ extra: "log_level: info" }), { logger });
    expect((await running.turnout.ready()).state).toBe("unavailable");
    expect(String((await told)["problem"])).toContain("models prepare");
    expect((await evaluate(running, "is the oven hot")).selected_model).toBe("oven-expert");
    const unsure = await evaluate(running, "how do I fry an egg");
    expect([unsure.selected_model, unsure.warnings]).toEqual(["base", ["classifier_unavailable"]]);
    const ready = await fetch(`http://${running.address("management API")}/ready`);
    expect([ready.status, ((await ready.json()) as { status: string }).status]).toEqual([503, "unavailable"]);
  });

  it("is SERVING for gateways while it can route by the configuration in force", async () => {
    const { logger, line } = listeningLogger();
    const running = await kitchen(kitchenConfig({ extra: noEncoder }), { logger });
    await running.turnout.ready();
    expect(await health(running)).toBe("NOT_SERVING");
    let done = line(reloaded);
    await running.rewrite(onlyKeywords(kitchenConfig({ extra: noEncoder })));
    await done;
    expect(await health(running)).toBe("SERVING");
    done = line(reloaded);
    const told = line("keywords still route");
    await running.rewrite(kitchenConfig({ extra: noEncoder }));
    await done;
    await told;
    expect(await health(running)).toBe("NOT_SERVING");
  });

  it("is SERVING and ready without an encoder where known domains want one and nothing needs it, and says so", async () => {
    const { logger, line } = listeningLogger();
    const told = line("by the embedded tier alone");
    const running = await kitchen(knownDomains(kitchenConfig({ extra: noEncoder })), { logger });
    expect(await health(running)).toBe("SERVING");
    expect((await running.turnout.ready()).state).toBe("unavailable");
    expect(String((await told)["problem"])).toContain("models prepare");
    expect(await health(running)).toBe("SERVING");
    const ready = await fetch(`http://${running.address("management API")}/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true, encoder: { state: "unavailable" } }]);
    expect((await evaluate(running, "Can my landlord keep the deposit under the tenancy contract?")).selected_model).toBe("pan-expert");
  });

  it("adopts known domains while the encoder that they want cannot be had, and goes on serving", async () => {
    const { logger, line } = listeningLogger();
    const running = await kitchen(onlyKeywords(kitchenConfig({ extra: noEncoder })), { logger });
    await running.turnout.ready();
    const done = line(reloaded);
    const told = line("by the embedded tier alone");
    await running.rewrite(knownDomains(kitchenConfig({ extra: noEncoder })));
    await done;
    await told;
    expect(await health(running)).toBe("SERVING");
  });

  it("loads the encoder that an adopted configuration wants, and encodes its anchors once that is warm", async () => {
    const { logger, line } = listeningLogger();
    const running = await kitchen(onlyKeywords(kitchenConfig()), { logger });
    await running.turnout.ready();
    const done = line(reloaded);
    const encoded = line("anchors encoded");
    await running.rewrite(
      knownDomains(kitchenConfig({ extra: "classifier: { backend: deterministic, workers: 1, domain: { cascade: encoder } }" })),
    );
    await done;
    await encoded;
    expect(await state(running)).toBe("ready");
    expect((await evaluate(running, "Can my landlord keep the deposit?")).warnings).toEqual([]);
  });

  it("adopts known domains whose anchors cannot be encoded, and encodes them once that is possible", async () => {
    const { logger, line } = listeningLogger();
    const embedder = new FailingClassifier();
    const server = createClassifierServer({ classifier: embedder, logger: silentLogger, metrics: createMetrics() });
    const port = await server.listen("127.0.0.1", 0);
    open.push({ close: () => server.drain(0) });
    const extra = `classifier: { endpoint: "127.0.0.1:${port}" }`;
    const connected = line("classifier replicas serve");
    const running = await kitchen(onlyKeywords(kitchenConfig({ extra })), { logger });
    await connected;
    const told = line("could not be encoded");
    const done = line(reloaded);
    await running.rewrite(knownDomains(kitchenConfig({ extra })));
    await done;
    await told;
    expect(await health(running)).toBe("SERVING");
    const encoded = line("anchors encoded");
    embedder.failing = false;
    await encoded;
  });

  it("keeps serving by known domains while a configuration that needs the encoder waits for it from the start", async () => {
    const { logger, line } = listeningLogger();
    const extra = 'classifier: { endpoint: "127.0.0.1:9" }';
    const running = await kitchen(knownDomains(kitchenConfig({ extra })), { logger });
    expect(await health(running)).toBe("SERVING");
    const waits = line("waits for the encoder");
    await running.rewrite(kitchenConfig({ extra, adapter: "second-expert" }));
    await waits;
    expect(await health(running)).toBe("SERVING");
    expect((await evaluate(running, "oven")).selected_model).toBe("oven-expert");
  });

  it("loads no encoder as long as nothing needs one, and adopts what needs one once that is warm", async () => {
    const { logger, line } = listeningLogger();
    const running = await kitchen(onlyKeywords(kitchenConfig()), { logger });
    expect((await running.turnout.ready()).state).toBe("idle");
    const ready = await fetch(`http://${running.address("management API")}/ready`);
    expect([ready.status, await ready.json()]).toMatchObject([200, { ready: true, encoder: { state: "idle" } }]);
    expect(await health(running)).toBe("SERVING");
    expect(await state(running)).toBe("idle");
    expect((await evaluate(running, "is the oven hot")).selected_model).toBe("oven-expert");

    const warm = line("classifier worker is warm");
    const done = line(reloaded);
    await running.rewrite(kitchenConfig());
    expect(await Promise.race([warm.then(() => "warm"), done.then(() => "reloaded")])).toBe("warm");
    await done;
    expect(await state(running)).toBe("ready");
    expect(await health(running)).toBe("SERVING");
    expect((await evaluate(running, "how do I fry an egg")).warnings).toEqual([]);
  });

  it("gives up a configuration that still waits for its encoder when a newer one comes", async () => {
    const { logger, line } = listeningLogger();
    const extra = 'classifier: { endpoint: "127.0.0.1:9" }';
    const running = await kitchen(onlyKeywords(kitchenConfig({ extra })), { logger });
    await running.turnout.ready();
    const waits = line("waits for the encoder");
    await running.rewrite(kitchenConfig({ extra, adapter: "second-expert" }));
    await waits;
    expect((await evaluate(running, "oven")).selected_model).toBe("oven-expert");
    const done = line(reloaded);
    await running.rewrite(onlyKeywords(kitchenConfig({ extra, adapter: "third-expert" })));
    await done;
    expect((await evaluate(running, "oven")).selected_model).toBe("third-expert");
    expect(running.turnout.classifier.status().state).toBe("starting");
  });

  it("stops taking HTTP requests while an ExtProc stream is still open", async () => {
    const running = await kitchen(kitchenConfig({ listen: true }));
    const client = new (loadProtocol().ExternalProcessor)(running.address("ExtProc"), credentials.createInsecure());
    const stream = client.Process().on("error", () => {});
    stream.write({ requestHeaders: {} });
    await once(stream, "data");
    const closed = running.turnout.close(60_000);
    const url = `http://${running.address("HTTP gateway")}/health`;
    const refused = () =>
      fetch(url).then(
        () => Promise.reject(new Error("still answers")),
        () => undefined,
      );
    await vi.waitFor(refused, { timeout: 10_000 });
    stream.end();
    await closed;
    client.close();
  });

  it("leaves nothing that keeps the process alive when a part cannot be made", { timeout: 30_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), "turnout-compose-"));
    open.push({ close: () => rm(folder, { recursive: true, force: true }) });
    const file = join(folder, "config.yaml");
    // The client of a classifier service tries to connect for as long as it lives.
    await writeFile(file, kitchenConfig({ backend: "user:secret@127.0.0.1:9", extra: 'classifier: { endpoint: "127.0.0.1:9" }' }));
    const main = fileURLToPath(new URL("main.ts", import.meta.url));
    const served = promisify(execFile)(process.execPath, ["--conditions=source", main, "serve", "--config", file], { timeout: 20_000 });
    await expect(served).rejects.toMatchObject({ killed: false, code: 1, stderr: expect.stringContaining("api_key_env") as string });
  });

  it("refuses to start on a taken port, names the setting, and leaves nothing listening", async () => {
    const squatter = createServer().listen(0, "127.0.0.1");
    await once(squatter, "listening");
    open.push({ close: async () => void squatter.close() });
    const address = squatter.address();
    const extprocPort = typeof address === "object" && address !== null ? address.port : 0;
    await expect(startKitchen(kitchenConfig(), { extprocPort })).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringContaining("--port") as string,
    });
  });
});
