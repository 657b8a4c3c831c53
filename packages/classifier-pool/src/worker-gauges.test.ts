import { Worker } from "node:worker_threads";
import { afterEach, describe, expect, it } from "vitest";
import { createMetrics, type Metrics } from "@turnout/shared";
import { WorkerGauges } from "./worker-gauges.ts";

const workers: Worker[] = [];
afterEach(() => Promise.all(workers.splice(0).map((worker) => worker.terminate())));

/** A thread that spins for as many milliseconds as it is told, and says when it is done. */
async function thread(): Promise<Worker> {
  const source = `const { parentPort } = require("node:worker_threads");
    parentPort.on("message", (ms) => {
      for (const end = performance.now() + ms; performance.now() < end; );
      parentPort.postMessage("done");
    });
    parentPort.postMessage("ready");`;
  const worker = new Worker(source, { eval: true });
  workers.push(worker);
  await answer(worker);
  return worker;
}

const answer = (worker: Worker) => new Promise<unknown>((resolve) => worker.once("message", resolve));

async function values(
  metrics: Metrics,
  name: "classifierWorkerUtilization" | "classifierWorkerHeapBytes",
): Promise<Record<string, number>> {
  const { values: rows } = await metrics[name].get();
  return Object.fromEntries(rows.map(({ labels, value }) => [String(labels.worker), value]));
}

describe("worker gauges", () => {
  it("tell the busy worker from the idle one, each since the last sample", async () => {
    const metrics = createMetrics();
    const threads = [await thread(), await thread()];
    const gauges = new WorkerGauges(() => threads, metrics);
    await gauges.sample();
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, no window
    threads[1]!.postMessage(100);
    await answer(threads[1]!);
    await gauges.sample();
    const { 0: idle, 1: busy } = await values(metrics, "classifierWorkerUtilization");
    expect(busy).toBeGreaterThan(idle! + 0.3);
    gauges.close();
  });

  it("show each worker's heap", async () => {
    const metrics = createMetrics();
    const threads = [await thread()];
    const gauges = new WorkerGauges(() => threads, metrics);
    await gauges.sample();
    expect((await values(metrics, "classifierWorkerHeapBytes"))["0"]).toBeGreaterThan(1_000_000);
    gauges.close();
  });

  it("survive a worker that has ended, and name its successor by its place", async () => {
    const metrics = createMetrics();
    const threads = [await thread()];
    const gauges = new WorkerGauges(() => threads, metrics);
    await threads[0]!.terminate();
    await gauges.sample();
    threads[0] = await thread();
    await gauges.sample();
    expect(Object.keys(await values(metrics, "classifierWorkerHeapBytes"))).toEqual(["0"]);
    gauges.close();
  });
});
