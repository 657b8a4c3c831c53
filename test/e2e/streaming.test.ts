/**
 * Streamed answers are not held back: the upstream sends the next event only after the client has told that it has the one before. A gateway
 * or router that buffers anything brings such a conversation to a standstill, whatever the clock says.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chat } from "./client.ts";
import { skipReason, startEnvoy, withoutEnvoy, type Envoy } from "./envoy.ts";
import type { ListenerName } from "./envoy-config.ts";
import { startProcessor, type Processor } from "./processor.ts";
import { scriptedExchanges, type ScriptedExchanges } from "./scripted-exchange.ts";
import { sseEvents, startUpstream, type Responder, type Upstream } from "./upstream.ts";

const STANDSTILL_MS = 5_000;
const streamingListeners = [
  "buffered",
  "responseStreamed",
  "streamed",
  "fullDuplex",
  "headersOnly",
  "direct",
] as const satisfies readonly ListenerName[];

describe.skipIf(withoutEnvoy)(`Streamed answers through real Envoy${skipReason}`, () => {
  /** How many events each case's client has, and who waits for more. */
  const confirmed = new Map<string, { count: number; notify: () => void }>();
  const confirmationOf = (id: string) => {
    const known = confirmed.get(id) ?? { count: 0, notify: () => {} };
    confirmed.set(id, known);
    return known;
  };

  const stepByStep: Responder = async (request, response) => {
    const confirmation = confirmationOf(String(request.headers["x-case"]));
    response.writeHead(200, { "content-type": "text/event-stream" });
    for (const [at, event] of sseEvents.entries()) {
      response.write(event);
      if (at === sseEvents.length - 1) break;
      const next = new Promise<"confirmed">((resolve) => (confirmation.notify = () => resolve("confirmed")));
      if (confirmation.count <= at) {
        const outcome = await Promise.race([next, standstill()]);
        if (outcome === "standstill") return void response.destroy();
      }
    }
    response.end();
  };

  let exchanges: ScriptedExchanges;
  let processor: Processor;
  let upstream: Upstream;
  let envoy: Envoy;

  beforeAll(async () => {
    exchanges = scriptedExchanges();
    [processor, upstream] = await Promise.all([startProcessor({ exchanges }), startUpstream("general", stepByStep)]);
    envoy = await startEnvoy({
      ports: { processor: processor.port, general: upstream.port, math: upstream.port },
      listeners: streamingListeners,
      gracefulClose: false,
    });
  });

  afterAll(async () => {
    await Promise.all([envoy?.stop(), processor?.close(), upstream?.close()]);
  });

  it.each(
    streamingListeners.flatMap((listener) => [
      { listener, script: "" },
      { listener, script: "observe" },
    ]),
  )("each event arrives before the next one is sent: $listener $script", async ({ listener, script }) => {
    const id = `steps-${listener}-${script}`;
    const confirmation = confirmationOf(id);
    const body = { model: "auto", stream: true, messages: [{ role: "user", content: "Which equation describes a pendulum?" }] };
    let text = "";
    const response = await chat(envoy.port(listener), id, JSON.stringify(body), {
      headers: { "x-script": script },
      onChunk(chunk) {
        text += chunk.toString("utf8");
        confirmation.count = text.split("\n\n").length - 1;
        confirmation.notify();
      },
    });
    expect({ status: response.status, body: response.body }).toEqual({ status: 200, body: sseEvents.join("") });
    if (script === "observe" && listener !== "direct" && listener !== "headersOnly")
      expect(exchanges.observed.get(id)).toBe(sseEvents.join(""));
  });
});

function standstill(): Promise<"standstill"> {
  return new Promise((resolve) => setTimeout(() => resolve("standstill"), STANDSTILL_MS).unref());
}
