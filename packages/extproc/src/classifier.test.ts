import { createClassifierServer } from "@turnout/classifier-pool/server";
import { createMetrics, RouterError, silentLogger, type Classifier, type EncoderStatus, type TextEmbedding } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { healthAt } from "./testing/health.ts";
import { kitchenConfig, startKitchen, type Kitchen } from "./testing/kitchen.ts";

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const part of open.splice(0).toReversed()) await part.close();
});

/** A model of words: a text's vector counts its words by length, turned by `turn` places so that two revisions never agree. */
class WordLengths implements Classifier {
  readonly revision: string;
  readonly #turn: number;
  asked = 0;

  constructor(revision: string, turn: number) {
    this.revision = revision;
    this.#turn = turn;
  }

  status(): EncoderStatus {
    return { state: "ready", model: "word-lengths", revision: this.revision, dimension: 16 };
  }

  whenSettled(): Promise<EncoderStatus> {
    return Promise.resolve(this.status());
  }

  async embed(items: Parameters<Classifier["embed"]>[0]): Promise<TextEmbedding[]> {
    this.asked += items.length;
    return items.map(({ text }) => {
      const vector = new Float32Array(16);
      for (const { length } of text.split(/\W+/)) vector[(length + this.#turn) % 16] = (vector[(length + this.#turn) % 16] ?? 0) + 1;
      const norm = Math.hypot(...vector);
      return {
        vector: vector.map((value) => value / norm),
        tokens: 3,
        sampled: false,
        timings: { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: 1 },
      };
    });
  }

  evaluate(items: Parameters<Classifier["embed"]>[0]): Promise<TextEmbedding[]> {
    return this.embed(items);
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function serve(classifier: Classifier, port = 0) {
  const server = createClassifierServer({ classifier, logger: silentLogger, metrics: createMetrics() });
  const bound = await server.listen("127.0.0.1", port);
  open.push({ close: () => server.drain(0) });
  return { port: bound, stop: () => server.drain(0) };
}

async function kitchen(endpoint: string): Promise<Kitchen> {
  const started = await startKitchen(kitchenConfig({ extra: `classifier: { endpoint: "${endpoint}" }` }));
  open.push(started);
  return started;
}

async function evaluate({ address }: Kitchen, text: string) {
  const response = await fetch(`http://${address("management API")}/api/v1/eval`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify({ text }),
  });
  const { signal_errors: errors, warnings } = (await response.json()) as { signal_errors: Record<string, unknown>; warnings: string[] };
  return { errors: Object.keys(errors), warnings };
}

describe("turnout.classifier.endpoint", () => {
  it("routes by vectors of the service, and encodes the anchors anew when another revision answers", async () => {
    const first = new WordLengths("r1", 0);
    const service = await serve(first);
    const front = await kitchen(`127.0.0.1:${service.port}`);
    expect(await front.turnout.ready()).toMatchObject({ state: "ready", model: "word-lengths", revision: "r1" });
    const anchors = first.asked;
    expect(anchors).toBeGreaterThan(0);
    expect(await evaluate(front, "Frying in pans")).toEqual({ errors: [], warnings: [] });

    await service.stop();
    await expect.poll(() => front.turnout.classifier.status().state).toBe("unavailable");
    expect(await evaluate(front, "Frying in pans")).toEqual({ errors: ["domain"], warnings: ["classifier_unavailable"] });
    // It still routes: gateways are not to turn away from it. Readiness and metrics tell what is missing.
    expect(await healthAt(front.address("ExtProc"))).toBe("SERVING");
    expect((await fetch(`http://${front.address("management API")}/ready`)).status).toBe(503);
    expect(await front.metrics.registry.metrics()).toContain('classifier_state{state="unavailable"} 1');

    const second = new WordLengths("r2", 5);
    await serve(second, service.port);
    await expect.poll(() => front.turnout.classifier.status(), { timeout: 5_000 }).toMatchObject({ state: "ready", revision: "r2" });
    await expect.poll(async () => (await evaluate(front, "Frying in pans")).warnings, { timeout: 5_000 }).toEqual([]);
    expect(second.asked).toBe(anchors + 1);
  });

  it("starts without the service, and is ready once it appears", async () => {
    const port = await unusedPort();
    const front = await kitchen(`127.0.0.1:${port}`);
    expect((await evaluate(front, "Frying in pans")).warnings).toEqual(["classifier_unavailable"]);
    await serve(new WordLengths("r1", 0), port);
    await front.turnout.ready();
    expect((await evaluate(front, "Frying in pans")).warnings).toEqual([]);
  });

  it("serves the former revision until the anchors of the next are encoded, and tries again when that fails", async () => {
    const [old, next] = [new WordLengths("r1", 0), new WordLengths("r2", 5)];
    const oldService = await serve(old);
    const ports = [await unusedPort(), await unusedPort()];
    const front = await kitchen([oldService.port, ...ports].map((port) => `127.0.0.1:${port}`).join(","));
    await front.turnout.ready();
    let failing = true;
    const embed = next.embed.bind(next);
    next.embed = (items) => (failing ? Promise.reject(new RouterError("internal", "not yet")) : embed(items));
    for (const port of ports) await serve(next, port);
    await expect.poll(() => front.turnout.classifier.status(), { timeout: 8_000 }).toMatchObject({ revision: "r2" });
    expect(await evaluate(front, "Frying in pans")).toEqual({ errors: [], warnings: [] });
    failing = false;
    await expect.poll(() => next.asked, { timeout: 5_000 }).toBeGreaterThan(1);
    const before = old.asked;
    await expect
      .poll(async () => {
        const asked = next.asked;
        await evaluate(front, "Frying in pans");
        return next.asked - asked;
      })
      .toBe(1);
    expect(old.asked - before).toBeLessThanOrEqual(10);
  });
});

async function unusedPort(): Promise<number> {
  const placeholder = await serve(new WordLengths("none", 0));
  await placeholder.stop();
  return placeholder.port;
}
