/**
 * Piscina's lifetime: the worker threads, from warm-up to replacement. A batch is handed over only to a worker that is warm and
 * idle, so Piscina's own queue never holds one; what may wait there is the warm-up of a worker that is still starting. The
 * dispatcher calls `idle` and `run`; pool.ts owns the rest.
 *
 * How Piscina 5 ends a worker, read in its source: a thread that exits or throws rejects its task and is replaced, unless it
 * died before it was ready, after which Piscina stops replacing. An aborted task terminates exactly the thread that runs it.
 * Terminating interrupts JavaScript at once; a thread inside a native ONNX run ends only when that run returns, but it is out
 * of the pool immediately.
 */
import type { Worker } from "node:worker_threads";
import { Piscina } from "piscina";
import { RouterError, type EncoderBatching } from "@turnout/shared";
import type { Batch, BatchReply, ModelSettings, WarmUp, WarmUpReply } from "./messages.ts";

/** LossCause says why a worker had to be replaced. */
type LossCause = "crash" | "out_of_memory" | "stuck";

/** ThreadLimits is what Node's worker threads call resourceLimits. */
export interface ThreadLimits {
  readonly maxOldGenerationSizeMb?: number;
  readonly maxYoungGenerationSizeMb?: number;
  readonly stackSizeMb?: number;
}

export interface EncoderThreadsOptions {
  /** The encoder, loaded by every worker before it serves. */
  readonly settings: ModelSettings;
  /** Further models that a worker tries to load before it serves. */
  readonly preload: readonly ModelSettings[];
  readonly workers: number;
  /** A batch that takes longer has a stuck worker, which is terminated. */
  readonly stuckAfterMs: number;
  readonly resourceLimits: ThreadLimits;
  /** A worker became warm. */
  readonly onWarm: (warmUpMs: number, batching: EncoderBatching) => void;
  /** A worker was lost and is being replaced. */
  readonly onLost: (cause: LossCause, message: string) => void;
  /** A worker could not load a further model; told once, until all workers have loaded it. */
  readonly onLoadFailed: (key: string, reason: string) => void;
  /** No worker is warm and none can be made so. */
  readonly onDead: (reason: string) => void;
}

/** Loading takes seconds per hundred megabytes on a slow disk. */
const LOAD_TIMEOUT_MS = 60_000;
/** Failed warm-ups in a row after which, with no warm worker left, the pool gives up. */
const WARM_UP_ATTEMPTS = 5;
const WARM_UP_RETRY_MS = 200;
const CLOSE_TIMEOUT_MS = 1_000;

export class EncoderThreads {
  /** Resolves, never rejects, once each first warm-up has succeeded or failed. */
  readonly started: Promise<void>;
  readonly #options: EncoderThreadsOptions;
  readonly #piscina: Piscina;
  /** Threads that have answered a warm-up. Dead ones stay listed: thread ids are never used twice. */
  readonly #warm = new Set<number>();
  readonly #warmingUp = new Set<Watchdog>();
  /** Threads that have run a further model, by its key. */
  readonly #loaded = new Map<string, Set<number>>();
  /** Why a further model, by its key, could not be loaded when a worker last tried. */
  readonly #loadFailures = new Map<string, string>();
  #busy = 0;
  #failedWarmUps = 0;
  #retry: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: EncoderThreadsOptions) {
    this.#options = options;
    // Before a thread loads it: ONNX Runtime otherwise reports its use to its maker, and keeps a database of that in the home directory.
    process.env["ORT_DISABLE_TELEMETRY"] ??= "1";
    const fromSource = import.meta.url.endsWith(".ts");
    this.#piscina = new Piscina({
      filename: new URL(fromSource ? "./worker.ts" : "./worker.js", import.meta.url).href,
      workerData: options.settings,
      minThreads: options.workers,
      maxThreads: options.workers,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: 1,
      // "sync" would park an idle worker in Atomics.wait and freeze its event loop.
      atomics: "disabled",
      recordTiming: false,
      resourceLimits: options.resourceLimits,
      ...(fromSource ? { execArgv: ["--conditions=source"] } : {}),
      // Warm-ups go to cold threads, batches to warm ones.
      loadBalancer: (task, workers) =>
        workers.find((worker) => worker.currentUsage === 0 && this.#warm.has(worker.id) === (task.name === "encode")) ?? null,
    });
    // A thread died without a task: idle, or before it could take its warm-up.
    this.#piscina.on("error", (error: unknown) => this.#onTasklessDeath(error));
    this.started = Promise.all(this.#ensureWarmUps()).then(() => undefined);
  }

  /** threads are the workers' threads, warm or not. */
  threads(): Worker[] {
    return this.#piscina.threads;
  }

  /** warm counts workers that are loaded, busy or not. */
  warm(): number {
    let warm = 0;
    for (const thread of this.#piscina.threads) if (this.#warm.has(thread.threadId)) warm += 1;
    return warm;
  }

  /** idle counts workers that can take a batch now. */
  idle(): number {
    return this.#closed ? 0 : Math.max(0, this.warm() - this.#busy);
  }

  /** loaded counts the workers that have loaded a further model. */
  loaded(key: string): number {
    const threads = this.#loaded.get(key);
    return threads === undefined ? 0 : this.#piscina.threads.filter(({ threadId }) => threads.has(threadId)).length;
  }

  /** loadFailure says why no worker has a further model; null when one has, or none has tried. */
  loadFailure(key: string): string | null {
    return this.loaded(key) > 0 ? null : (this.#loadFailures.get(key) ?? null);
  }

  /** run encodes one batch on an idle worker. Rejects with RouterError "worker_failed" when the worker is lost on the way. */
  async run(batch: Batch): Promise<BatchReply> {
    // Loading takes its time for the first worker alone: the others find the files in memory.
    const loads = batch.model !== null && this.loaded(batch.model.key) === 0;
    const watchdog = new Watchdog(this.#options.stuckAfterMs + (loads ? LOAD_TIMEOUT_MS : 0));
    this.#busy += 1;
    try {
      const reply = (await this.#piscina.run(batch, { name: "encode", signal: watchdog.signal })) as BatchReply;
      if (batch.model !== null) {
        if (reply.ok) this.#noteLoaded(batch.model.key, reply.threadId);
        else if (reply.unloaded) this.#noteLoadFailure(batch.model.key, reply.message);
      }
      return reply;
    } catch (error) {
      const reason = watchdog.reasonOr(error);
      this.#lose(reason);
      throw new RouterError("worker_failed", `the worker that held this text was lost: ${messageOf(reason)}`, { cause: reason });
    } finally {
      watchdog.stop();
      this.#busy -= 1;
    }
  }

  /** close terminates all workers. Resolves within a second even when a thread is inside a native call that does not return. */
  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    let timer: NodeJS.Timeout | undefined;
    const overrun = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_TIMEOUT_MS);
    });
    await Promise.race([this.#piscina.destroy(), overrun]);
    clearTimeout(timer);
  }

  /** One warm-up runs or waits for each thread that is not warm yet. Safe to call at any time. */
  #ensureWarmUps(): Promise<void>[] {
    const missing = this.#closed ? 0 : this.#options.workers - this.warm() - this.#warmingUp.size;
    return Array.from({ length: Math.max(0, missing) }, () => this.#warmUp());
  }

  async #warmUp(): Promise<void> {
    const { preload } = this.#options;
    const watchdog = new Watchdog(LOAD_TIMEOUT_MS * (1 + preload.length));
    this.#warmingUp.add(watchdog);
    try {
      const task: WarmUp = { preload };
      const reply = (await this.#piscina.run(task, { name: "warmUp", signal: watchdog.signal })) as WarmUpReply;
      this.#warmingUp.delete(watchdog);
      if (reply.ok) this.#onWarm(reply);
      else this.#onWarmUpFailed(reply.message, true);
    } catch (error) {
      const reason = watchdog.reasonOr(error);
      this.#warmingUp.delete(watchdog);
      if (this.#closed) return;
      this.#options.onLost(lossCause(reason), messageOf(reason));
      this.#onWarmUpFailed(messageOf(reason), false);
    } finally {
      watchdog.stop();
    }
  }

  #onWarm({ threadId, warmUpMs, batching, loaded, failed }: Extract<WarmUpReply, { ok: true }>): void {
    this.#warm.add(threadId);
    for (const key of loaded) this.#noteLoaded(key, threadId);
    for (const { key, message } of failed) this.#noteLoadFailure(key, message);
    this.#failedWarmUps = 0;
    if (!this.#closed) this.#options.onWarm(warmUpMs, batching);
  }

  /** A worker that answers why it cannot load will answer so again; one that died may do better next time. */
  #onWarmUpFailed(problem: string, answered: boolean): void {
    if (this.#closed) return;
    this.#failedWarmUps += 1;
    const alive = this.warm() > 0;
    if (!alive && (answered || this.#failedWarmUps >= WARM_UP_ATTEMPTS)) {
      void this.close();
      this.#options.onDead(problem);
      return;
    }
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => this.#ensureWarmUps(), WARM_UP_RETRY_MS * 2 ** Math.min(this.#failedWarmUps, 8)).unref();
  }

  #noteLoaded(key: string, threadId: number): void {
    const threads = this.#loaded.get(key) ?? new Set();
    this.#loaded.set(key, threads.add(threadId));
    if (this.loaded(key) === this.#options.workers) this.#loadFailures.delete(key);
  }

  #noteLoadFailure(key: string, reason: string): void {
    const news = !this.#loadFailures.has(key);
    this.#loadFailures.set(key, reason);
    if (news && !this.#closed) this.#options.onLoadFailed(key, reason);
  }

  #lose(reason: unknown): void {
    if (this.#closed) return;
    this.#options.onLost(lossCause(reason), messageOf(reason));
    this.#ensureWarmUps();
  }

  #onTasklessDeath(error: unknown): void {
    if (this.#closed) return;
    const cold = this.#piscina.threads.length - this.warm();
    // Warm-ups without a thread to run on would wait in vain: they fail now, with the reason, and are tried again.
    if (this.#warmingUp.size > cold) for (const watchdog of this.#warmingUp) watchdog.bite(error);
    else this.#lose(error);
  }
}

/** Watchdog terminates, through Piscina, the thread that runs a task for too long; it knows why when it did. */
class Watchdog {
  readonly #controller = new AbortController();
  readonly #timer: NodeJS.Timeout;

  constructor(timeoutMs: number) {
    this.#timer = setTimeout(() => this.bite(new DOMException(`no answer within ${timeoutMs} ms`, "TimeoutError")), timeoutMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  bite(reason: unknown): void {
    this.#controller.abort(reason);
  }

  /** reasonOr gives the reason of the bite, or else `error`. */
  reasonOr(error: unknown): unknown {
    return this.signal.aborted ? this.signal.reason : error;
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

function lossCause(reason: unknown): LossCause {
  if (!(reason instanceof Error)) return "crash";
  if (reason.name === "TimeoutError") return "stuck";
  return "code" in reason && reason.code === "ERR_WORKER_OUT_OF_MEMORY" ? "out_of_memory" : "crash";
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
