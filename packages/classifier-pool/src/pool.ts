/**
 * The classifier pool: texts in, embeddings out. It admits and merges texts, keeps the promise of deadline and cancellation
 * towards each caller, and knows whether the encoder can be asked. It tokenizes nothing, holds no ONNX session, and never
 * throws at creation: what is wrong with a model is its status.
 */
import { availableParallelism } from "node:os";
import {
  createMetrics,
  RouterError,
  silentLogger,
  systemClock,
  type CallOptions,
  type Classifier,
  type Clock,
  type EncoderStatus,
  type InferenceItem,
  type Logger,
  type Metrics,
  type TextEmbedding,
  type TextWindow,
} from "@turnout/shared";
import type { BackendName } from "./backends/index.ts";
import { Batcher } from "./batcher.ts";
import { Dispatcher } from "./dispatcher.ts";
import type { TextJob, WorkerSettings } from "./messages.ts";
import { loadManifest } from "./model/manifest.ts";
import { PendingText } from "./pending-text.ts";
import { Submission } from "./submission.ts";
import { EncoderThreads, type ThreadLimits } from "./threads.ts";
import { estimateTokens } from "./tokens/token-count.ts";
import { excerpt } from "./tokens/window.ts";

/** ClassifierPoolOptions: everything but the model has a default. */
export interface ClassifierPoolOptions {
  /** Directory of a prepared model; not needed by the deterministic backend. */
  readonly modelDirectory?: string;
  /** "onnx" by default. A URL names a module that exports `load: EncoderLoader`, for encoders of one's own. */
  readonly backend?: BackendName | URL;
  /** Worker threads; "auto" is 2 on up to 3 cores and one less than the cores from 4 on. */
  readonly workers?: number | "auto";
  /** Texts that may wait; more are refused with "overloaded". A single submission cannot be larger. */
  readonly queueLimit?: number;
  /** Budget of one batch in padded tokens: batching gains nothing beyond 100 to 250. */
  readonly maxBatchTokens?: number;
  /** Texts of one batch; 1 turns batching off. */
  readonly maxBatchItems?: number;
  /** A worker that takes longer for one batch is terminated and replaced. */
  readonly stuckAfterMs?: number;
  /** Heap limits of a worker; beyond them it is replaced. Weights and tensors live outside of the heap. */
  readonly resourceLimits?: ThreadLimits;
  readonly metrics?: Metrics;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** createClassifierPool starts the workers and returns at once; wait for `whenSettled()` before asking. */
export function createClassifierPool(options: ClassifierPoolOptions = {}): Classifier {
  return new ClassifierPool(options);
}

/** Model is what the pool must know of an encoder to serve it. */
interface Model {
  readonly name: string;
  readonly revision: string;
  readonly settings: WorkerSettings;
}

/** Service is what exists once the model is known and its threads are starting. */
interface Service {
  readonly model: Model;
  readonly threads: EncoderThreads;
  readonly dispatcher: Dispatcher;
}

class ClassifierPool implements Classifier {
  readonly #options: ClassifierPoolOptions;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** Texts that wait or run, by window and content. */
  readonly #pending = new Map<string, PendingText>();
  readonly #settled = Promise.withResolvers<void>();
  #service: Service | null = null;
  #everReady = false;
  #unavailable: string | null = null;
  #closed = false;

  constructor(options: ClassifierPoolOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? createMetrics();
    this.#logger = options.logger ?? silentLogger;
    this.#clock = options.clock ?? systemClock;
    this.#open().catch((error: unknown) => this.#giveUp(RouterError.from(error).message));
  }

  status(): EncoderStatus {
    const model = this.#service?.model.name ?? this.#options.modelDirectory ?? String(this.#options.backend ?? "none");
    if (this.#unavailable !== null) return { state: "unavailable", model, reason: this.#unavailable };
    if (this.#service === null || !this.#everReady || this.#service.threads.warm() === 0) return { state: "starting", model };
    const { revision, settings } = this.#service.model;
    return { state: "ready", model, revision, dimension: settings.dimension };
  }

  async whenSettled(): Promise<EncoderStatus> {
    await this.#settled.promise;
    return this.status();
  }

  embed(items: readonly InferenceItem[], options: CallOptions): Promise<TextEmbedding[]> {
    if (items.length === 0) return Promise.resolve([]);
    const submission = new Submission(items.length, options, this.#clock, (error, texts) =>
      this.#metrics.classifierRefused.inc({ code: error.code }, texts),
    );
    const service = this.#service;
    if (this.#closed) submission.refuse(new RouterError("cancelled", "the classifier pool is closed"));
    else if (this.#unavailable !== null) submission.refuse(new RouterError("encoder_unavailable", this.#unavailable));
    else if (service === null || !this.#everReady) {
      submission.refuse(new RouterError("encoder_unavailable", "the encoder is still starting; wait for whenSettled()"));
    } else {
      for (const [index, item] of items.entries()) {
        if (submission.settled) break;
        this.#enter(service, submission, index, item);
      }
    }
    return submission.result;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#giveUp("the classifier pool is closed", new RouterError("cancelled", "the classifier pool was closed"));
    await this.#service?.threads.close();
  }

  /** enter lets one item of a submission wait for its text: for the entry that is already on its way, or for a new one. */
  #enter(service: Service, submission: Submission, index: number, item: InferenceItem): void {
    const window: TextWindow = {
      maxTokens: Math.min(item.window.maxTokens, service.model.settings.maxTokens),
      sampling: item.window.sampling,
    };
    const { parts, cut } = excerpt(item.text, window);
    const key = `${window.maxTokens} ${window.sampling} ${cut} ${parts.join("\0")}`;
    const known = this.#pending.get(key);
    if (known !== undefined) {
      submission.wait(index, known);
      return;
    }
    const job: TextJob = { parts, window };
    const text: PendingText = new PendingText(job, cut, estimateTokens(job), this.#clock.now(), () => {
      if (this.#pending.get(key) === text) this.#pending.delete(key);
    });
    submission.wait(index, text);
    if (!service.dispatcher.submit(text)) {
      submission.refuse(new RouterError("overloaded", `the classifier's queue of ${this.#queueLimit()} texts is full`));
      return;
    }
    this.#pending.set(key, text);
  }

  async #open(): Promise<void> {
    const model = await loadModel(this.#options);
    if (this.#closed) return;
    let started = false;
    const threads = new EncoderThreads({
      settings: model.settings,
      workers: workerCount(this.#options.workers ?? "auto", availableParallelism()),
      stuckAfterMs: this.#options.stuckAfterMs ?? 10_000,
      resourceLimits: this.#options.resourceLimits ?? { maxOldGenerationSizeMb: 512 },
      onWarm: (warmUpMs) => {
        this.#logger.info({ model: model.name, warmUpMs: Math.round(warmUpMs) }, "classifier worker is warm");
        if (this.#everReady) dispatcher.pump();
        else if (started) this.#settleAsReady();
      },
      onLost: (cause, message) => {
        this.#metrics.classifierWorkerRestarts.inc({ cause });
        this.#logger.warn({ model: model.name, cause, reason: message }, "classifier worker lost, replacing it");
      },
      onDead: (reason) => this.#giveUp(reason),
    });
    const dispatcher = new Dispatcher({
      batcher: new Batcher<PendingText>({
        queueLimit: this.#queueLimit(),
        maxBatchTokens: this.#options.maxBatchTokens ?? 192,
        maxBatchItems: this.#options.maxBatchItems ?? 16,
      }),
      runner: threads,
      dimension: model.settings.dimension,
      metrics: this.#metrics,
      clock: this.#clock,
    });
    this.#service = { model, threads, dispatcher };
    await threads.started;
    started = true;
    if (threads.warm() > 0) this.#settleAsReady();
  }

  #settleAsReady(): void {
    this.#everReady = true;
    this.#settled.resolve();
  }

  #queueLimit(): number {
    return this.#options.queueLimit ?? 1024;
  }

  /** giveUp refuses whoever waits, and from now on everybody. */
  #giveUp(reason: string, error = new RouterError("encoder_unavailable", reason)): void {
    this.#unavailable = reason;
    if (!this.#closed) this.#logger.error({ reason }, "classifier is unavailable");
    this.#service?.dispatcher.close(error);
    this.#settled.resolve();
  }
}

/** workerCount resolves "auto": ONNX runs one thread per worker, and from 4 cores on the front keeps one for itself. */
export function workerCount(workers: number | "auto", cores: number): number {
  if (workers !== "auto") return workers;
  return cores >= 4 ? cores - 1 : Math.min(2, cores);
}

async function loadModel({ modelDirectory, backend = "onnx" }: ClassifierPoolOptions): Promise<Model> {
  if (modelDirectory !== undefined) {
    const manifest = await loadManifest(modelDirectory);
    return {
      name: manifest.name,
      revision: manifest.revision,
      settings: {
        backend: String(backend),
        modelDirectory,
        graphFile: manifest.graph,
        tokenizerFile: manifest.tokenizer,
        dimension: manifest.dimension,
        maxTokens: manifest.maxTokens,
      },
    };
  }
  if (backend === "onnx") throw new RouterError("encoder_unavailable", "no model directory was given; prepare a model first");
  return {
    name: backend instanceof URL ? "custom" : backend,
    revision: "1",
    settings: { backend: String(backend), modelDirectory: "", graphFile: "", tokenizerFile: "", dimension: 384, maxTokens: 512 },
  };
}
