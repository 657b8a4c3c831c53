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
  type ClassifierHead,
  type Clock,
  type EncoderBatching,
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
import { EmbeddingCache, textKey, type EncodedText } from "./embedding-cache.ts";
import type { EncodeJob, WorkerSettings } from "./messages.ts";
import { graphSettings, noGraph } from "./model/graph-settings.ts";
import { loadManifest, type ModelManifest } from "./model/manifest.ts";
import { PendingText } from "./pending-text.ts";
import { Submission } from "./submission.ts";
import { EncoderThreads, type ThreadLimits } from "./threads.ts";
import { estimateTokens } from "./tokens/token-count.ts";
import { excerpt } from "./tokens/window.ts";
import { WorkerGauges } from "./worker-gauges.ts";

/** ClassifierPoolOptions: everything but the model has a default. */
export interface ClassifierPoolOptions {
  /** Directory of a prepared model; not needed by the deterministic backend. */
  readonly modelDirectory?: string;
  /** "onnx" by default. A URL names a module that exports `load: EncoderLoader`, for encoders of one's own. */
  readonly backend?: BackendName | URL;
  /** Serve only the first numbers of the vectors, scaled to length 1 again: for models that were trained for it (Matryoshka). */
  readonly dimension?: number;
  /** Worker threads; "auto" is 2 on up to 3 cores and one less than the cores from 4 on. */
  readonly workers?: number | "auto";
  /** Texts that may wait; more are refused with "overloaded". A single submission cannot be larger. */
  readonly queueLimit?: number;
  /** Budget of one batch in padded tokens: batching gains nothing beyond 100 to 250. */
  readonly maxBatchTokens?: number;
  /** Texts of one batch; 1 turns batching off. */
  readonly maxBatchItems?: number;
  /** Memory for embeddings of texts that come again; 32 MiB by default, 0 turns it off. */
  readonly embeddingCacheBytes?: number;
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
  readonly heads: readonly ClassifierHead[];
  readonly settings: WorkerSettings;
}

/** Service is what exists once the model is known and its threads are starting. */
interface Service {
  readonly model: Model;
  readonly threads: EncoderThreads;
  readonly dispatcher: Dispatcher;
  readonly gauges: WorkerGauges;
}

/** A worker's heap holds little but the vocabulary. Room for more young objects costs 8 MB per worker and gains no time. */
const WORKER_HEAP: ThreadLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 };
const NO_HEADS: readonly string[] = [];
/** A remembered text has taken no time. */
const REMEMBERED = { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: 0 } as const;

class ClassifierPool implements Classifier {
  readonly #options: ClassifierPoolOptions;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** Texts that wait or run, by window and content. */
  readonly #pending = new Map<string, PendingText>();
  readonly #cache: EmbeddingCache;
  readonly #settled = Promise.withResolvers<void>();
  #service: Service | null = null;
  #everReady = false;
  #batching: EncoderBatching | null = null;
  #unavailable: string | null = null;
  #closed = false;

  constructor(options: ClassifierPoolOptions) {
    this.#options = options;
    this.#metrics = options.metrics ?? createMetrics();
    this.#logger = options.logger ?? silentLogger;
    this.#clock = options.clock ?? systemClock;
    this.#cache = new EmbeddingCache(options.embeddingCacheBytes ?? 32 * 1024 * 1024);
    this.#open().catch((error: unknown) => this.#giveUp(RouterError.from(error).message));
  }

  status(): EncoderStatus {
    const model = this.#service?.model.name ?? this.#options.modelDirectory ?? String(this.#options.backend ?? "none");
    if (this.#unavailable !== null) return { state: "unavailable", model, reason: this.#unavailable };
    if (this.#service === null || !this.#everReady || this.#service.threads.warm() === 0) return { state: "starting", model };
    const { revision, heads, settings } = this.#service.model;
    const batching = this.#batching === null ? {} : { batching: this.#batching };
    return { state: "ready", model, revision, dimension: settings.dimension, heads, ...batching };
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
    submission.watch();
    return submission.result;
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#giveUp("the classifier pool is closed", new RouterError("cancelled", "the classifier pool was closed"));
    await this.#service?.threads.close();
  }

  /** enter answers one item of a submission from the cache, or lets it wait for its text: for the entry on its way, or a new one. */
  #enter(service: Service, submission: Submission, index: number, item: InferenceItem): void {
    const { model, dispatcher } = service;
    const heads = item.heads ?? NO_HEADS;
    const unknown = heads.find((head) => !model.heads.some(({ name }) => name === head));
    if (unknown !== undefined) {
      submission.refuse(new RouterError("model_unsupported", `${model.name} has no head "${unknown}"; it has: ${headNames(model)}`));
      return;
    }
    if (heads.length === 0 && model.settings.classification !== null) {
      submission.refuse(new RouterError("model_unsupported", `${model.name} gives no vectors, only the head ${headNames(model)}`));
      return;
    }
    const window: TextWindow = { maxTokens: Math.min(item.window.maxTokens, model.settings.maxTokens), sampling: item.window.sampling };
    const { parts, cut } = excerpt(item.text, window);
    const key = textKey(model.settings.modelDirectory + model.revision, { parts, window }, cut);
    const remembered = this.#cache.recall(key, heads);
    if (remembered !== null) {
      this.#metrics.classifierCacheHits.inc();
      submission.answer(index, { ...remembered, timings: REMEMBERED });
      return;
    }
    this.#metrics.classifierCacheMisses.inc();

    const known = this.#pending.get(key);
    if (known?.ask(heads) === true) {
      submission.wait(index, known);
      return;
    }
    const job: EncodeJob = { parts, window, heads };
    const text: PendingText = new PendingText({
      job,
      cut,
      tokens: estimateTokens(job),
      enqueuedAt: this.#clock.now(),
      onEncoded: (encoded) => this.#remember(key, encoded),
      onGone: () => {
        if (this.#pending.get(key) === text) this.#pending.delete(key);
      },
    });
    submission.wait(index, text);
    const admission = dispatcher.submit(text);
    if (admission === "admitted") this.#pending.set(key, text);
    else submission.refuse(new RouterError("overloaded", this.#refusal(admission)));
  }

  #remember(key: string, encoded: EncodedText): void {
    this.#cache.remember(key, encoded);
    this.#metrics.classifierCacheBytes.set(this.#cache.bytes);
  }

  #refusal(admission: "full" | "late"): string {
    return admission === "full"
      ? `the classifier's queue of ${this.#queueLimit()} texts is full`
      : "so many texts wait for the classifier that this one could not be encoded before its deadline";
  }

  async #open(): Promise<void> {
    const model = await loadModel(this.#options);
    if (this.#closed) return;
    let started = false;
    const threads = new EncoderThreads({
      settings: model.settings,
      workers: workerCount(this.#options.workers ?? "auto", availableParallelism()),
      stuckAfterMs: this.#options.stuckAfterMs ?? 10_000,
      resourceLimits: this.#options.resourceLimits ?? WORKER_HEAP,
      onWarm: (warmUpMs, batching) => {
        this.#logger.info({ model: model.name, warmUpMs: Math.round(warmUpMs), batching }, "classifier worker is warm");
        this.#noteBatching(model, batching, batcher);
        if (this.#everReady) dispatcher.pump();
        else if (started) this.#settleAsReady();
      },
      onLost: (cause, message) => {
        this.#metrics.classifierWorkerRestarts.inc({ cause });
        this.#logger.warn({ model: model.name, cause, reason: message }, "classifier worker lost, replacing it");
      },
      onDead: (reason) => this.#giveUp(reason),
    });
    const batcher = new Batcher<PendingText>({
      queueLimit: this.#queueLimit(),
      maxBatchTokens: this.#options.maxBatchTokens ?? 192,
      maxBatchItems: this.#options.maxBatchItems ?? 16,
    });
    const dispatcher = new Dispatcher({
      batcher,
      runner: threads,
      dimension: model.settings.dimension,
      metrics: this.#metrics,
      clock: this.#clock,
    });
    this.#service = { model, threads, dispatcher, gauges: new WorkerGauges(() => threads.threads(), this.#metrics) };
    await threads.started;
    started = true;
    if (threads.warm() > 0) this.#settleAsReady();
  }

  /** noteBatching hears what the first worker found out about the encoder. The workers themselves never run what it does not bear. */
  #noteBatching({ name }: Model, batching: EncoderBatching, batcher: Batcher<PendingText>): void {
    if (this.#batching !== null) return;
    this.#batching = batching;
    this.#metrics.classifierBatching.set({ mode: batching }, 1);
    if (batching === "single") batcher.serveSingly();
    if (batching !== "padded") {
      this.#logger.warn(
        { model: name, batching },
        "the encoder's vectors depend on the texts beside them in a batch: it is served without padding, which is slower",
      );
    }
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
    this.#service?.gauges.close();
    this.#settled.resolve();
  }
}

/** workerCount resolves "auto": ONNX runs one thread per worker, and from 4 cores on the front keeps one for itself. */
export function workerCount(workers: number | "auto", cores: number): number {
  if (workers !== "auto") return workers;
  return cores >= 4 ? cores - 1 : Math.min(2, cores);
}

function headNames({ heads }: Model): string {
  return heads.length === 0 ? "none" : heads.map(({ name }) => name).join(", ");
}

async function loadModel({ modelDirectory, backend = "onnx", dimension }: ClassifierPoolOptions): Promise<Model> {
  if (modelDirectory !== undefined) return describeModel(await loadManifest(modelDirectory), modelDirectory, String(backend), dimension);
  if (backend === "onnx") throw new RouterError("encoder_unavailable", "no model directory was given; prepare a model first");
  return {
    name: backend instanceof URL ? "custom" : backend,
    revision: "1",
    heads: [],
    settings: {
      backend: String(backend),
      modelDirectory: "",
      graph: noGraph,
      tokenizerFile: "",
      dimension: dimension ?? 384,
      maxTokens: 512,
      heads: [],
      classification: null,
    },
  };
}

function describeModel(manifest: ModelManifest, modelDirectory: string, backend: string, dimension = manifest.dimension): Model {
  const heads = manifest.heads ?? [];
  if (dimension > manifest.dimension) {
    throw new RouterError("model_unsupported", `${manifest.name} has ${manifest.dimension} dimensions, ${dimension} were asked for`);
  }
  if (dimension < manifest.dimension && heads.length > 0) {
    throw new RouterError(
      "model_unsupported",
      `the heads of ${manifest.name} were trained on ${manifest.dimension} dimensions, ${dimension} were asked for`,
    );
  }
  const classification = manifest.variant === "as-is" && manifest.classification !== undefined ? manifest.classification : null;
  return {
    name: manifest.name,
    // Shorter vectors are another space: whoever keeps vectors by revision must not mix them.
    revision: dimension === manifest.dimension ? manifest.revision : `${manifest.revision}+dimension=${dimension}`,
    heads: classification === null ? heads.map(({ name, labels }) => ({ name, labels })) : [classification],
    settings: {
      backend,
      modelDirectory,
      graph: graphSettings(manifest),
      tokenizerFile: manifest.tokenizer,
      dimension,
      maxTokens: manifest.maxTokens,
      heads: heads.map(({ name, labels, weights }) => ({ name, labels: labels.length, file: weights })),
      classification: classification === null ? null : { name: classification.name, labels: classification.labels.length },
    },
  };
}
