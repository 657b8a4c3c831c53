import { once } from "node:events";
import { globSync, readFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { silentLogger, systemClock } from "@turnout/shared";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TracingSettings } from "../config/tracing.ts";
import type { Span } from "../routing/spans.ts";
import { openTracing, type Tracing } from "./index.ts";
import { startOtlpReceiver, type OtlpReceiver } from "./testing/otlp-receiver.ts";
import { spanTree } from "./testing/span-tree.ts";

const parent = { traceparent: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", tracestate: "vendor=1" };
const traceId = "0af7651916cd43dd8448eb211c80319c";
const unsampled = { traceparent: parent.traceparent.replace(/01$/, "00") };

let receiver: OtlpReceiver;
const opened: Tracing[] = [];
/** Of the tracing opened last: another that was closed may still be losing its spans. */
let dropped: [reason: string, spans: number][] = [];

beforeEach(async () => {
  receiver = await startOtlpReceiver();
});
afterEach(async () => {
  for (const tracing of opened.splice(0)) await tracing.close(100);
  await receiver.close();
});

async function open(changes: Partial<TracingSettings> = {}): Promise<Tracing> {
  const lost: typeof dropped = [];
  dropped = lost;
  const tracing = await openTracing(
    {
      sink: { kind: "otlp_grpc", url: receiver.grpc },
      sampling: { kind: "always_on", ratio: 1, parentBased: true },
      resource: { "service.name": "turnout" },
      queue: { maxSpans: 64, maxBatchSpans: 16, delayMs: 5, timeoutMs: 500 },
      warnings: [],
      ...changes,
    },
    { clock: systemClock, logger: silentLogger, onDropped: (reason, spans) => lost.push([reason, spans]) },
  );
  opened.push(tracing);
  return tracing;
}

const now = () => systemClock.now();
const work = (span: Span, name = "step") => span.child(name, { startedAt: now() }).end(now());

describe("spans", () => {
  it.each(["otlp_grpc", "otlp_http"] as const)("reach a collector by %s", async (kind) => {
    const { tracer } = await open({ sink: { kind, url: kind === "otlp_grpc" ? receiver.grpc : `${receiver.http}/v1/traces` } });
    const startedAt = now();
    const span = tracer.start("request", parent, {
      kind: "server",
      startedAt,
      attributes: { text: "a", count: 2, share: 0.5, yes: true, names: ["b", "c"] },
      links: [{ traceparent: "00-11111111111111111111111111111111-2222222222222222-01" }],
    });
    const child = span.child("step", { startedAt: startedAt + 1 });
    child.fail("overloaded");
    child.end(startedAt + 3);
    span.end(startedAt + 4);
    const spans = await receiver.until(({ length }) => length === 2);
    expect(spanTree(spans, traceId)).toBe("? b7ad6b7169203331\n  request\n    step !");
    const received = spans.find(({ name }) => name === "request");
    expect(received).toMatchObject({
      scope: "semantic-router",
      kind: "server",
      resource: { "service.name": "turnout", "telemetry.sdk.language": "nodejs" },
      attributes: { text: "a", count: 2, share: 0.5, yes: true, names: ["b", "c"] },
      links: [{ traceId: "1".repeat(32), spanId: "2".repeat(16) }],
    });
    expect((received?.end ?? 0) - (received?.start ?? 0)).toBe(4_000);
    expect(spans.find(({ name }) => name === "step")?.attributes).toEqual({ "error.type": "overloaded" });
  });

  it("lie within each other to the microsecond, whatever the wall clock's resolution", async () => {
    const { tracer } = await open();
    const span = tracer.start("outer", null, { startedAt: now() });
    for (let count = 0; count < 10; count += 1) work(span);
    span.end(now());
    const spans = await receiver.until(({ length }) => length === 11);
    const outer = spans.find(({ name }) => name === "outer");
    for (const { start, end } of spans) {
      expect(start).toBeGreaterThanOrEqual(outer?.start ?? Infinity);
      expect(end).toBeLessThanOrEqual(outer?.end ?? 0);
    }
    expect(Math.abs((outer?.start ?? 0) / 1_000 - Date.now())).toBeLessThan(5_000);
  });

  it("tell whoever works for them their own context, and go on with the tracestate", async () => {
    const { tracer } = await open();
    const span = tracer.start("request", parent, { startedAt: now() });
    expect(span.context.traceparent).toMatch(new RegExp(`^00-${traceId}-(?!b7ad6b7169203331)[0-9a-f]{16}-01$`));
    expect(span.context.tracestate).toBe("vendor=1");
    expect(span.child("step", { startedAt: now() }).context.traceparent).not.toBe(span.context.traceparent);
    expect(tracer.start("request", null, { startedAt: now() }).context).toEqual({ traceparent: expect.stringMatching(/-01$/) as string });
  });
});

describe("sampling", () => {
  const always = { kind: "always_on", ratio: 1 } as const;
  const never = { kind: "always_off", ratio: 0 } as const;
  it.each<[why: string, sampling: TracingSettings["sampling"], from: typeof unsampled | null, sampled: boolean]>([
    ["a parent that is not recorded is honoured", { ...always, parentBased: true }, unsampled, false],
    ["a parent that is recorded is honoured", { ...never, parentBased: true }, parent, true],
    ["without parent the sampler decides", { ...never, parentBased: true }, null, false],
    ["a sampler that is not parent-based asks no parent", { ...always, parentBased: false }, unsampled, true],
    ["a share of nothing", { kind: "ratio", ratio: 0, parentBased: true }, null, false],
    ["a share of all", { kind: "ratio", ratio: 1, parentBased: true }, null, true],
  ])("%s", async (_, sampling, from, sampled) => {
    const { tracer } = await open({ sampling });
    const span = tracer.start("request", from, { startedAt: now() });
    expect([span.sampled, span.context.traceparent.endsWith("-01")]).toEqual([sampled, sampled]);
    work(span);
    span.end(now());
    await opened[0]?.close(1_000);
    expect(receiver.spans).toHaveLength(sampled ? 2 : 0);
  });
});

describe("a collector that does not take spans", () => {
  const flood = async (tracing: Tracing, spans = 500) => {
    const span = tracing.tracer.start("request", null, { startedAt: now() });
    for (let count = 0; count < spans; count += 1) work(span);
  };
  const lost = (reason?: string) =>
    dropped.filter(([why]) => reason === undefined || why === reason).reduce((sum, [, spans]) => sum + spans, 0);

  it("and is silent: what does not fit is dropped and counted, and closing does not wait for it", async () => {
    receiver.behave("silent");
    const tracing = await open();
    await flood(tracing);
    // 64 wait, and one batch may be on its way.
    expect(lost("queue_full")).toBeGreaterThanOrEqual(500 - 64 - 16);
    const closing = now();
    await tracing.close(50);
    expect(now() - closing).toBeLessThan(5_000);
  });

  it("and refuses: all are counted", async () => {
    receiver.behave("refusing");
    const tracing = await open({ queue: { maxSpans: 1_000, maxBatchSpans: 16, delayMs: 5, timeoutMs: 500 } });
    await flood(tracing, 40);
    await tracing.close(5_000);
    expect(lost("export_failed")).toBe(40);
    expect(receiver.spans).toEqual([]);
  });

  it("and is not there: all are counted", async () => {
    const reserved = createServer().listen(0, "127.0.0.1");
    await once(reserved, "listening");
    const { port } = reserved.address() as AddressInfo;
    reserved.close();
    const tracing = await open({ sink: { kind: "otlp_http", url: `http://127.0.0.1:${port}/v1/traces` } });
    await flood(tracing, 10);
    await tracing.close(15_000);
    expect(lost()).toBe(10);
  });

  it("until it does again: then spans arrive", async () => {
    receiver.behave("refusing");
    const tracing = await open();
    await flood(tracing, 16);
    await expect.poll(() => lost("export_failed"), { timeout: 5_000 }).toBe(16);
    receiver.behave("well");
    await flood(tracing, 16);
    await receiver.until(({ length }) => length === 16);
  });
});

it("sends what waits when it closes", async () => {
  const tracing = await open({ queue: { maxSpans: 64, maxBatchSpans: 16, delayMs: 60_000, timeoutMs: 500 } });
  tracing.tracer.start("request", null, { startedAt: now() }).end(now());
  await tracing.close(5_000);
  expect(receiver.spans).toHaveLength(1);
});

it("refuses PEM files that are not there", async () => {
  const sink = { kind: "otlp_grpc", url: "https://127.0.0.1:1", tls: { caPath: "/nowhere/ca.pem" } } as const;
  await expect(open({ sink })).rejects.toMatchObject({ code: "config_invalid", message: expect.stringContaining("ca.pem") as string });
});

it("No other folder knows OpenTelemetry, so that nothing of it is loaded where nothing is traced", () => {
  const root = new URL("../../../", import.meta.url);
  const sources = globSync("*/src/**/*.ts", { cwd: root });
  const knowing = sources.filter((file) =>
    /from "@opentelemetry\/|import\("@opentelemetry\//.test(readFileSync(new URL(file, root), "utf8")),
  );
  expect(sources.length).toBeGreaterThan(100);
  expect(knowing.filter((file) => !file.startsWith("extproc/src/tracing/"))).toEqual([]);
  // The one file of it that is always loaded asks for the others when they are needed.
  expect(readFileSync(new URL("extproc/src/tracing/open.ts", root), "utf8")).not.toMatch(/^import (?!type).* from "(@opentelemetry|\.\/)/m);
});
