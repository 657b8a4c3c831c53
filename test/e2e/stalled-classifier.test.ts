/**
 * A classifier that stalls or fails costs a request its signals and never its answer: the real router behind a real Envoy with Envoy's own
 * message timeout of 200 ms, and an embedder that the test holds up.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createExchangeFactory, createRoutingSnapshot } from "@turnout/extproc/routing";
import { createMetrics, silentLogger, systemClock } from "@turnout/shared";
import { chat } from "./client.ts";
import { skipReason, startEnvoy, withoutEnvoy, type Envoy } from "./envoy.ts";
import { HeldEmbedder, heldProviders, heldRouting, heldSettings } from "./held-embedder.ts";
import { startProcessor, type Processor } from "./processor.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

describe.skipIf(withoutEnvoy)(`A stalled classifier${skipReason}`, () => {
  const embedder = new HeldEmbedder();
  const metrics = createMetrics();
  let processor: Processor;
  let upstream: Upstream;
  let envoy: Envoy;

  beforeAll(async () => {
    const snapshot = createRoutingSnapshot({
      config: heldRouting(),
      providers: heldProviders,
      settings: heldSettings,
      embedder,
      clock: systemClock,
    });
    await snapshot.router.warm({});
    const exchanges = createExchangeFactory({ current: () => snapshot, logger: silentLogger, metrics, clock: systemClock });
    [processor, upstream] = await Promise.all([startProcessor({ exchanges }), startUpstream("models")]);
    envoy = await startEnvoy({
      ports: { processor: processor.port, general: upstream.port, math: upstream.port },
      listeners: ["defaultTimeout", "fullDuplex"],
      gracefulClose: false,
    });
  });

  afterAll(async () => {
    await Promise.all([envoy?.stop(), processor?.close(), upstream?.close()]);
  });

  let asked = 0;
  /** One request; `models` are the names that reached the model server. */
  async function ask(listener: "defaultTimeout" | "fullDuplex", text: string) {
    const id = `asked-${(asked += 1)}`;
    const response = await chat(envoy.port(listener), id, { model: "auto", messages: [{ role: "user", content: text }] });
    const models = upstream.requestsOf(id).map(({ body }) => (JSON.parse(body.toString()) as { model: string }).model);
    return { status: response.status, models, warnings: response.headers["x-vsr-response-warnings"] };
  }

  // Envoy's 200 ms run on the real clock: a machine that stands still for the 120 ms between the two deadlines fails a try.
  const onRealClock = { retry: 2 };
  const pans = "Which pan for an omelette?";
  const pendulum = "How long must a pendulum be?";

  it.each(["defaultTimeout", "fullDuplex"] as const)(
    "18: the default model before Envoy's timeout; the late result is ignored, %s",
    onRealClock,
    async (listener) => {
      embedder.behaviour = "stalls";
      const stalled = await ask(listener, pans);
      expect(embedder.release()).toBeGreaterThan(0);
      expect(stalled).toMatchObject({ status: 200, models: ["base-model"], warnings: expect.stringContaining("deadline") as string });
      embedder.behaviour = "answers";
      expect(await ask(listener, pans)).toMatchObject({ status: 200, warnings: undefined });
    },
  );

  it("18: what is known by then still decides", onRealClock, async () => {
    embedder.behaviour = "stalls";
    expect(await ask("defaultTimeout", pendulum)).toMatchObject({ status: 200, models: ["mechanics-expert"] });
    embedder.release();
  });

  it.each(["defaultTimeout", "fullDuplex"] as const)("19: a dead classifier: the default model, keywords as ever, %s", async (listener) => {
    embedder.behaviour = "fails";
    expect(await ask(listener, pans)).toMatchObject({ status: 200, models: ["base-model"], warnings: expect.any(String) as string });
    expect(await ask(listener, pendulum)).toMatchObject({ status: 200, models: ["mechanics-expert"] });
  });
});
