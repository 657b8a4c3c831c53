/** Every protocol case over the wire: a real client, a real Envoy, our real ExtProc server, a recording upstream. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { chat, send } from "./client.ts";
import { skipReason, startEnvoy, withoutEnvoy, type Envoy } from "./envoy.ts";
import { listeners, type ListenerName } from "./envoy-config.ts";
import { startProcessor, type Processor } from "./processor.ts";
import { casesElsewhere, protocolCases } from "./protocol-cases.ts";
import { CHOSEN_MODEL, scriptedExchanges, type ScriptedExchanges } from "./scripted-exchange.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

const LAST_CASE = 28;
/** How long a condition may take to come true on a busy machine. */
const POLL_LIMIT_MS = 15_000;

describe.skipIf(withoutEnvoy)(`ExtProc through real Envoy${skipReason}`, () => {
  let exchanges: ScriptedExchanges;
  let processor: Processor;
  let general: Upstream;
  let math: Upstream;
  let envoy: Envoy;

  beforeAll(async () => {
    exchanges = scriptedExchanges();
    processor = await startProcessor({ exchanges });
    [general, math] = await Promise.all([startUpstream("general"), startUpstream("math")]);
    envoy = await startEnvoy({
      ports: { processor: processor.port, general: general.port, math: math.port },
      listeners: Object.keys(listeners) as ListenerName[],
      gracefulClose: false,
    });
  });

  afterAll(async () => {
    await Promise.all([envoy?.stop(), processor?.close(), general?.close(), math?.close()]);
  });

  it("has every case of the list, here or elsewhere", () => {
    const here = new Set(protocolCases.map(({ number }) => number));
    const missing = Array.from({ length: LAST_CASE }, (_, at) => at + 1).filter(
      (number) => !here.has(number) && !casesElsewhere.has(number),
    );
    expect(missing).toEqual([]);
  });

  it.each(protocolCases.map((one, at) => ({ ...one, id: `case-${at}` })))("$number: $name", async (one) => {
    const response = await send(envoy.port(one.listener), {
      ...one.request,
      headers: { "content-type": "application/json", ...one.request.headers, "x-case": one.id },
    });
    const access = await envoy.accessLogOf(one.id);
    expect({ ...access, status: response.status }).toMatchObject({ ...one.access, status: one.status });

    const reached = [...general.requestsOf(one.id), ...math.requestsOf(one.id)];
    if (one.upstream === null) {
      expect(reached).toEqual([]);
    } else {
      const [request] = reached;
      expect(reached).toHaveLength(1);
      expect({ upstream: request?.upstream, method: request?.method, path: request?.path }).toEqual({
        upstream: one.upstream.name,
        method: one.upstream.method ?? one.request.method ?? "POST",
        path: one.upstream.path ?? one.request.path ?? "/v1/chat/completions",
      });
      // Compared as bytes first: a failing comparison of 5 MB strings would print them.
      const expected = Buffer.from(one.upstream.body ?? one.request.body ?? "");
      if (!expected.equals(request?.body ?? Buffer.alloc(0))) {
        expect(request?.body.toString("utf8").slice(0, 1_000)).toEqual(expected.toString("utf8").slice(0, 1_000));
        expect(request?.body.length).toEqual(expected.length);
        expect.fail("the body differs after its first 1000 characters");
      }
      for (const [name, value] of Object.entries(one.upstream.headers ?? {})) expect([name, request?.headers[name]]).toEqual([name, value]);
      if (one.upstream.trailers !== undefined) expect(request?.trailers).toEqual(one.upstream.trailers);
    }
    for (const [name, value] of Object.entries(one.responseHeaders ?? {})) expect([name, response.headers[name]]).toEqual([name, value]);
    if (one.responseBody !== undefined) expect(response.body).toEqual(one.responseBody);
    if (one.observed !== undefined) expect(exchanges.observed.get(one.id)).toEqual(one.observed);
  });

  it("6: STREAMED: chunks are held one by one, the last answer brings the result", async () => {
    const held = async () => (await processor.metrics.extprocHeldBytes.get()).values[0]?.value;
    const body = (model: string) => [`{"model":"${model}","prompt":"half `, 'an equation"}'] as const;
    const [start, end] = body("auto");
    const response = await send(envoy.port("streamed"), {
      headers: { "content-type": "application/json", "x-case": "slow" },
      parts: (async function* () {
        yield start;
        await expect.poll(held, { timeout: POLL_LIMIT_MS }).toBe(start.length);
        yield end;
      })(),
    });
    expect(response.status).toBe(200);
    expect(await held()).toBe(0);
    const [request, ...more] = [...general.requestsOf("slow"), ...math.requestsOf("slow")];
    expect(more).toEqual([]);
    expect({ upstream: request?.upstream, body: request?.body.toString() }).toEqual({
      upstream: "general",
      body: body(CHOSEN_MODEL).join(""),
    });
  });

  const stalled = { model: "auto", messages: [{ role: "user", content: "wait" }] };
  /** Resolves once the exchange of a stalled request is waiting for its decision. */
  const untilStalling = (count: number) => expect.poll(() => exchanges.counts.stalling, { timeout: POLL_LIMIT_MS }).toBe(count);

  it.each(["buffered", "fullDuplex", "streamed"] as const)(
    "16: a client that leaves during the decision cancels it, %s",
    async (listener) => {
      const before = { ...exchanges.counts };
      const leave = new AbortController();
      const gone = Promise.allSettled(
        Array.from({ length: 50 }, (_, at) =>
          chat(envoy.port(listener), `leaver-${listener}-${at}`, stalled, { headers: { "x-script": "stall" }, signal: leave.signal }),
        ),
      );
      await untilStalling(50);
      leave.abort();
      await gone;
      await expect.poll(() => exchanges.counts.aborted - before.aborted, { timeout: POLL_LIMIT_MS }).toBe(50);
      await expect.poll(() => exchanges.counts.opened - exchanges.counts.closed, { timeout: POLL_LIMIT_MS }).toBe(0);
      expect(general.requestsOf(`leaver-${listener}-0`)).toEqual([]);
    },
  );

  it("18: Envoy's message timeout ends a stalled request with 504, and its decision is cancelled", async () => {
    const before = { ...exchanges.counts };
    const response = await chat(envoy.port("shortTimeout"), "timeout", stalled, { headers: { "x-script": "stall" } });
    expect(response.status).toBe(504);
    await expect.poll(() => exchanges.counts.aborted - before.aborted, { timeout: POLL_LIMIT_MS }).toBe(1);
  });

  it("18: with failure_mode_allow a stalled request goes on as it came", async () => {
    const response = await chat(envoy.port("shortTimeoutAllow"), "timeout-allow", stalled, { headers: { "x-script": "stall" } });
    expect(response.status).toBe(200);
    expect(general.requestsOf("timeout-allow")[0]?.body.toString()).toBe(JSON.stringify(stalled));
  });

  it("24: grpc.health.v1 answers on the same port, and says when it does not serve", async () => {
    expect(await processor.health()).toBe("SERVING");
    processor.setServing(false);
    expect(await processor.health()).toBe("NOT_SERVING");
    processor.setServing(true);
    expect(await processor.health()).toBe("SERVING");
  });

  it.each(["buffered", "fullDuplex"] as const)(
    "25: 200 requests at once keep their own bodies while a stalled one waits, %s",
    async (listener) => {
      const leave = new AbortController();
      const waiting = chat(envoy.port(listener), `stalled-${listener}`, stalled, {
        headers: { "x-script": "stall" },
        signal: leave.signal,
      }).catch(() => "left");
      await untilStalling(1);
      const ids = Array.from({ length: 200 }, (_, at) => `parallel-${listener}-${at}`);
      const body = (model: string, id: string) => JSON.stringify({ model, messages: [{ role: "user", content: `equation ${id}` }] });
      const responses = await Promise.all(ids.map((id) => chat(envoy.port(listener), id, body("auto", id))));
      expect(responses.filter(({ status }) => status !== 200)).toEqual([]);
      for (const id of ids) expect(math.requestsOf(id).map((request) => request.body.toString())).toEqual([body(CHOSEN_MODEL, id)]);
      leave.abort();
      expect(await waiting).toBe("left");
    },
  );

  it("leaves no exchange open", async () => {
    await expect.poll(() => exchanges.counts.opened - exchanges.counts.closed, { timeout: POLL_LIMIT_MS }).toBe(0);
  });
});
