/**
 * Shows how busy the workers are and what their heaps hold, sampled from the main thread every few seconds; nothing runs in the
 * workers for it. A worker's label is its place among the threads, not its id, so that replacements make no new series. Made by
 * pool.ts.
 */
import type { EventLoopUtilization } from "node:perf_hooks";
import type { Worker } from "node:worker_threads";
import type { Metrics } from "@turnout/shared";

const INTERVAL_MS = 5_000;

export class WorkerGauges {
  readonly #threads: () => readonly Worker[];
  readonly #metrics: Metrics;
  readonly #timer: NodeJS.Timeout;
  /** What each thread had done at the latest sample; forgotten with the thread. */
  readonly #before = new WeakMap<Worker, EventLoopUtilization>();

  constructor(threads: () => readonly Worker[], metrics: Metrics) {
    this.#threads = threads;
    this.#metrics = metrics;
    this.#timer = setInterval(() => void this.sample(), INTERVAL_MS).unref();
  }

  /** sample sets the gauges from what has happened since the last sample. A thread that ends meanwhile is left out. */
  async sample(): Promise<void> {
    const { classifierWorkerUtilization: utilization, classifierWorkerHeapBytes: heap } = this.#metrics;
    await Promise.all(
      this.#threads().map(async (thread, place) => {
        const worker = String(place);
        const now = thread.performance.eventLoopUtilization();
        utilization.set({ worker }, thread.performance.eventLoopUtilization(now, this.#before.get(thread)).utilization);
        this.#before.set(thread, now);
        // Rejects when the thread has ended; answers once the thread is out of native code.
        const statistics = await thread.getHeapStatistics().catch(() => null);
        if (statistics !== null) heap.set({ worker }, statistics.used_heap_size);
      }),
    );
  }

  close(): void {
    clearInterval(this.#timer);
  }
}
