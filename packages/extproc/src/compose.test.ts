import { once } from "node:events";
import { createServer } from "node:net";
import { credentials } from "@grpc/grpc-js";
import { createLogger } from "@turnout/shared";
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
  const logger = createLogger("info", {
    write(text) {
      const entry = JSON.parse(text) as Record<string, unknown>;
      const heard = waiting.filter((listener) => text.includes(listener.text));
      for (const listener of heard) {
        waiting.splice(waiting.indexOf(listener), 1);
        listener.resolve(entry);
      }
    },
  });
  return { logger, line: (text: string) => new Promise<Record<string, unknown>>((resolve) => waiting.push({ text, resolve })) };
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
