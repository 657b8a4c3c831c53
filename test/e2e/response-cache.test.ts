/**
 * The response cache behind a real Envoy, in each way in which Envoy hands bodies over: what is kept of an answer that went by, in which
 * form it is given again, what is never kept, and that nobody waits for being overheard.
 */
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Kitchen } from "../../packages/extproc/src/testing/kitchen.ts";
import { skipReason, startEnvoy, withoutEnvoy, type Envoy } from "./envoy.ts";
import type { ListenerName } from "./envoy-config.ts";
import {
  ask,
  cachingConfig,
  eventsOf,
  portOf,
  readingOf,
  startCachingTurnout,
  startNumberedModels,
  type AnswerKind,
  type NumberedModels,
} from "./response-cache-rig.ts";

const STANDSTILL_MS = 5_000;
const listeners = ["buffered", "bufferedPartial", "responseStreamed", "streamed", "fullDuplex"] as const satisfies readonly ListenerName[];

let questions = 0;
const question = (word = "oven") => `How is the ${word} of house number ${(questions += 1)} cleaned?`;

describe.skipIf(withoutEnvoy)(`The response cache behind a real Envoy${skipReason}`, () => {
  /** How many events each streamed question's client has, and who waits for more. */
  const confirmed = new Map<string, { count: number; notify: () => void }>();
  let models: NumberedModels;
  let kitchen: Kitchen;
  let envoy: Envoy;

  beforeAll(async () => {
    models = await startNumberedModels((request, response) => {
      const confirmation = confirmed.get(String(request.headers["x-case"]));
      if (confirmation === undefined) return false;
      response.writeHead(200, { "content-type": "text/event-stream" });
      void stepByStep(confirmation, (event) => response.write(event)).then((outcome) =>
        outcome === "standstill" ? response.destroy() : response.end(),
      );
      return true;
    });
    kitchen = await startCachingTurnout();
    envoy = await startEnvoy({
      ports: { processor: portOf(kitchen, "ExtProc"), general: models.port, math: models.port },
      listeners: [...listeners, "headersOnly"],
      gracefulClose: false,
    });
  });
  afterAll(async () => {
    await Promise.all([envoy?.stop(), models?.close(), kitchen?.close()]);
  });

  const skipped = (reason: string) => readingOf(kitchen.metrics, "llm_cache_write_skipped_total", { reason });
  const open = () => readingOf(kitchen.metrics, "extproc_open_streams");

  describe.each(listeners)("%s", (listener) => {
    const askHere = (...[text, options]: [string, Parameters<typeof ask>[2]?]) => ask(envoy.port(listener), text, options);

    it.each([
      { kept: "JSON", given: "JSON" },
      { kept: "JSON", given: "a stream" },
      { kept: "a stream", given: "JSON" },
      { kept: "a stream", given: "a stream" },
    ])("an answer that came as $kept is given again as $given, and the model is asked once", async ({ kept, given }) => {
      const text = question();
      const first = await askHere(text, { stream: kept === "a stream" });
      expect(first).toMatchObject({ status: 200, hit: false, content: expect.stringMatching(/^answer \d+$/) as string });
      expect(first.headers["x-vsr-response-path"]).toBe("upstream");

      const again = await askHere(text, { stream: given === "a stream", headers: [["x-vsr-debug", "true"]] });
      expect(again).toMatchObject({ status: 200, hit: true, content: first.content });
      expect(again.headers).toMatchObject({
        "content-type": given === "a stream" ? "text/event-stream" : "application/json",
        age: expect.stringMatching(/^\d+$/) as string,
        "x-vsr-cache-hit": "true",
        "x-vsr-cache-kind": "exact",
        "x-vsr-response-path": "cache",
        "x-vsr-selected-decision": "oven",
        "x-vsr-selected-model": "oven-expert",
      });
      expect(again.headers["x-upstream"]).toBeUndefined();
      if (given === "a stream") expect(again.body.endsWith("data: [DONE]\n\n")).toBe(true);
      expect(models.requestsOf(text)).toHaveLength(1);
      expect(models.requestsOf(text)[0]?.headers["accept-encoding"]).toBe("identity");
    });

    it("a body in many pieces is found by what it says", async () => {
      const text = `${question()} ${"It is very dirty. ".repeat(3_000)}`;
      const asked = await askHere("in pieces", { body: { messages: [{ role: "user", content: text }] } });
      const again = await askHere("in pieces", { body: { messages: [{ role: "user", content: text }] }, stream: true });
      expect([asked.hit, again.hit, again.content]).toEqual([false, true, asked.content]);
    });

    it.each<[what: AnswerKind, stream: boolean, reason: string]>([
      ["error", false, "status"],
      ["error", true, "status"],
      ["gzip", false, "content_type"],
      ["gzip", true, "content_type"],
      ["reset", false, "aborted"],
      ["reset stream", true, "aborted"],
      ["cut short", false, "length"],
      ["cut short", true, "aborted"],
    ])("is never kept: %s, stream %s", async (answer, stream, reason) => {
      const text = question();
      const before = await skipped(reason);
      await ask(envoy.port(listener), text, { answer, stream }).catch(() => undefined);
      await expect.poll(() => skipped(reason), { interval: 5, timeout: 5_000 }).toBe(before + 1);
      await expect.poll(open, { interval: 5, timeout: 5_000 }).toBe(0);
      expect((await askHere(text, { stream })).hit).toBe(false);
      expect((await askHere(text, { stream })).hit).toBe(true);
    });

    it("is never kept: an answer whose client left in the middle", async () => {
      const text = question();
      const before = await skipped("aborted");
      confirmed.set(text, { count: 0, notify: () => undefined });
      const client = new AbortController();
      await expect(askHere(text, { stream: true, signal: client.signal, onChunk: () => client.abort() })).rejects.toThrow("abort");
      confirmed.get(text)?.notify();
      confirmed.delete(text);
      await expect.poll(() => skipped("aborted"), { interval: 5, timeout: 5_000 }).toBe(before + 1);
      expect((await askHere(text)).hit).toBe(false);
    });

    it("each event of a long stream arrives before the next one is sent, and the whole is kept", async () => {
      const text = question();
      const confirmation = { count: 0, notify: () => undefined as void };
      confirmed.set(text, confirmation);
      let received = "";
      const streamed = await askHere(text, {
        stream: true,
        onChunk(chunk) {
          received += chunk.toString("utf8");
          confirmation.count = received.split("\n\n").length - 1;
          confirmation.notify();
        },
      });
      expect(streamed).toMatchObject({ status: 200, body: longStream.join("") });
      expect(await askHere(text)).toMatchObject({ hit: true, content: LONG });
    });
  });

  it("of a listener that shows no responses nothing is kept, and requests pass", async () => {
    const text = question();
    for (let times = 0; times < 2; times += 1)
      expect(await ask(envoy.port("headersOnly"), text)).toMatchObject({ status: 200, hit: false });
    // What others left is served there too.
    const { content } = await ask(envoy.port("buffered"), text);
    expect(await ask(envoy.port("headersOnly"), text)).toMatchObject({ hit: true, content });
  });

  it("says in Envoy's access log who answered", async () => {
    const text = question();
    await ask(envoy.port("buffered"), text);
    expect((await ask(envoy.port("buffered"), text)).hit).toBe(true);
    await expect.poll(async () => (await envoy.accessLogOf(text)).details, { timeout: 5_000 }).toContain("turnout_cache_hit");
  });

  it("the official client reads what the cache gives, whole and streamed", async () => {
    const client = new OpenAI({ apiKey: "unused", baseURL: `http://127.0.0.1:${envoy.port("buffered")}/v1`, maxRetries: 0 });
    const messages = [{ role: "user" as const, content: question() }];
    const first = await client.chat.completions.create({ model: "auto", messages });
    const asked = models.asked;

    const whole = await client.chat.completions.create({ model: "auto", messages }).withResponse();
    expect(whole.response.headers.get("x-vsr-cache-hit")).toBe("true");
    expect(whole.data.choices).toEqual(first.choices);
    expect(whole.data.usage).toEqual(first.usage);
    expect(whole.data.id).not.toBe(first.id);

    const stream = await client.chat.completions.create({ model: "auto", messages, stream: true, stream_options: { include_usage: true } });
    let text = "";
    let usage = null;
    for await (const chunk of stream) {
      text += chunk.choices[0]?.delta.content ?? "";
      usage = chunk.usage ?? usage;
    }
    expect([text, usage]).toEqual([first.choices[0]?.message.content, first.usage]);
    expect(models.asked).toBe(asked);
  });

  it("a reload of a decision's model forgets its answers and no others", async () => {
    const oven = question("oven");
    const pan = question("pan");
    for (const text of [oven, pan]) await ask(envoy.port("buffered"), text);
    const adopted = await readingOf(kitchen.metrics, "turnout_config_reloads_total", { outcome: "adopted" });
    await kitchen.rewrite(cachingConfig().replace("lora_name: oven-expert", "lora_name: sink-expert"));
    await expect
      .poll(() => readingOf(kitchen.metrics, "turnout_config_reloads_total", { outcome: "adopted" }), { timeout: 10_000 })
      .toBe(adopted + 1);
    expect((await ask(envoy.port("buffered"), oven)).hit).toBe(false);
    expect((await ask(envoy.port("buffered"), pan)).hit).toBe(true);
  });
});

const LONG = Array.from({ length: 60 }, (_, index) => `word${index} `).join("");
const longStream = eventsOf(LONG);

/** stepByStep sends the next event only once the client has the one before. */
async function stepByStep(
  confirmation: { count: number; notify: () => void },
  send: (event: string) => void,
): Promise<"sent" | "standstill"> {
  for (const [at, event] of longStream.entries()) {
    send(event);
    if (at === longStream.length - 1) break;
    const next = new Promise<"confirmed">((resolve) => (confirmation.notify = () => resolve("confirmed")));
    if (confirmation.count > at) continue;
    const timeout = new Promise<"standstill">((resolve) => setTimeout(() => resolve("standstill"), STANDSTILL_MS).unref());
    if ((await Promise.race([next, timeout])) === "standstill") return "standstill";
  }
  return "sent";
}
