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
  type BatchRecord,
  type CallOptions,
  type Classifier,
  type Clock,
  type EncoderBatching,
  type EncoderStatus,
  type FurtherModel as FurtherModelStatus,
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
import { FurtherModel, type FurtherModelOptions } from "./further-model.ts";
import { Lanes, type LaneParts } from "./lanes.ts";
import type { BatchReply, EncodeJob } from "./messages.ts";
import { noGraph } from "./model/graph-settings.ts";
import { loadManifest } from "./model/manifest.ts";
import { describeModel, type ModelDescription } from "./model/model-description.ts";
import { PendingText } from "./pending-text.ts";
import { Submission, type Outcome } from "./submission.ts";
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
  /** Further models by name. The workers are shared; batches never mix models, and each model has a queue of its own. */
  readonly models?: Readonly<Record<string, FurtherModelOptions>>;
  /** Worker threads; "auto" is 2 on up to 3 cores and one less than the cores from 4 on. */
  readonly workers?: number | "auto";
  /** Texts that may wait, per model; more are refused with "overloaded". A single submission cannot be larger. */
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
  /** Hears of each batch that was answered, and on whose behalf it was asked. It must not throw. */
  readonly onBatch?: (batch: BatchRecord) => void;
  readonly metrics?: Metrics;
  readonly logger?: Logger;
  readonly clock?: Clock;
}

/** createClassifierPool starts the workers and returns at once; wait for `whenSettled()` before asking. */
export function createClassifierPool(options: ClassifierPoolOptions = {}): Classifier {
  return new ClassifierPool(options);
}

/** Lane is one model's way to the workers. */
interface Lane extends LaneParts {
  readonly model: ModelDescription;
  readonly batcher: Batcher<PendingText>;
  readonly dispatcher: Dispatcher;
  /** A text was admitted. */
  readonly admitted: () => void;
}

/** Service is what exists once the encoder is known and its threads are starting. */
interface Service {
  readonly threads: EncoderThreads;
  readonly lanes: Lanes;
  readonly encoder: Lane;
  /** Those of further models, by name. */
  readonly further: Map<string, Lane>;
  readonly gauges: WorkerGauges;
}

/** A worker's heap holds little but the vocabulary. Room for more young objects costs 8 MB per worker and gains no time. */
const WORKER_HEAP: ThreadLimits = { maxOldGenerationSizeMb: 512, maxYoungGenerationSizeMb: 4 };
const NO_HEADS: readonly string[] = [];
/** A token classifier reads no more of a text than this, however much it is asked to: about 1 s of one worker with a small model. */
const LONGEST_SCAN_TOKENS = 8_192;
/** A remembered text has taken no time. */
const REMEMBERED = { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: 0 } as const;

class ClassifierPool implements Classifier {
  readonly #options: ClassifierPoolOptions;
  readonly #metrics: Metrics;
  readonly #logger: Logger;
  readonly #clock: Clock;
  /** Texts that wait or run, by model, window and content. */
  readonly #pending = new Map<string, PendingText>();
  readonly #cache: EmbeddingCache;
  readonly #further: readonly FurtherModel[];
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
    this.#further = Object.entries(options.models ?? {}).map(
      ([name, model]) => new FurtherModel(name, model, (further) => this.#onFurther(further)),
    );
    this.#open().catch((error: unknown) => this.#giveUp(RouterError.from(error).message));
  }

  status(): EncoderStatus {
    const model = this.#service?.encoder.model.name ?? this.#options.modelDirectory ?? String(this.#options.backend ?? "none");
    if (this.#unavailable !== null) return { state: "unavailable", model, reason: this.#unavailable };
    if (this.#service === null || !this.#everReady || this.#service.threads.warm() === 0) return { state: "starting", model };
    const { revision, heads, settings } = this.#service.encoder.model;
    const { threads } = this.#service;
    return {
      state: "ready",
      model,
      revision,
      dimension: settings.dimension,
      heads,
      ...(this.#batching === null ? {} : { batching: this.#batching }),
      ...(this.#further.length === 0 ? {} : { models: this.#further.map((further) => statusOf(further, threads)) }),
    };
  }

  async whenSettled(): Promise<EncoderStatus> {
    await this.#settled.promise;
    return this.status();
  }

  async embed(items: readonly InferenceItem[], options: CallOptions): Promise<TextEmbedding[]> {
    const outcomes = await this.#submit(items, options, false);
    return outcomes.filter((outcome): outcome is TextEmbedding => !(outcome instanceof RouterError));
  }

  evaluate(items: readonly InferenceItem[], options: CallOptions): Promise<Outcome[]> {
    return this.#submit(items, options, true);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#giveUp("the classifier pool is closed", new RouterError("cancelled", "the classifier pool was closed"));
    await this.#service?.threads.close();
  }

  #submit(items: readonly InferenceItem[], options: CallOptions, each: boolean): Promise<Outcome[]> {
    if (items.length === 0) return Promise.resolve([]);
    const submission = new Submission({
      ...options,
      size: items.length,
      each,
      clock: this.#clock,
      onRefused: (error, texts) => this.#metrics.classifierRefused.inc({ code: error.code }, texts),
    });
    const service = this.#service;
    if (this.#closed) submission.refuse(new RouterError("cancelled", "the classifier pool is closed"));
    else if (this.#unavailable !== null) submission.refuse(new RouterError("encoder_unavailable", this.#unavailable));
    else if (service === null || !this.#everReady) {
      submission.refuse(new RouterError("encoder_unavailable", "the encoder is still starting; wait for whenSettled()"));
    } else {
      for (const [index, item] of items.entries()) {
        if (submission.settled) break;
        const lane = this.#laneOf(service, item);
        if (lane instanceof RouterError) submission.fail(index, lane);
        else this.#enter(lane, submission, index, item);
      }
    }
    submission.watch();
    return submission.result;
  }

  /** laneOf finds the model that an item asks for, or says why it cannot be asked that. */
  #laneOf({ encoder, further }: Service, { model, heads = NO_HEADS, entities = false }: InferenceItem): Lane | RouterError {
    const lane = model === undefined ? encoder : further.get(model);
    if (lane === undefined) return this.#missing(model ?? "");
    const { name, heads: known, entityTypes, settings } = lane.model;
    const refusal = (problem: string) => new RouterError("model_unsupported", `${name} ${problem}`);
    const unknown = heads.find((head) => !known.some((candidate) => candidate.name === head));
    if (unknown !== undefined) return refusal(`has no head "${unknown}"; it has: ${headNames(lane.model)}`);
    if (entities && entityTypes.length === 0) return refusal("finds no entities; a token classifier does");
    if (!entities && entityTypes.length > 0) return refusal("gives no vectors, only entities");
    if (heads.length === 0 && settings.classification !== null) return refusal(`gives no vectors, only the head ${headNames(lane.model)}`);
    return lane;
  }

  #missing(name: string): RouterError {
    const further = this.#further.find((model) => model.name === name);
    if (further === undefined) {
      const names = this.#further.map((model) => model.name).join(", ") || "none";
      return new RouterError("model_unsupported", `there is no further model "${name}"; there are: ${names}`);
    }
    const { state } = further;
    const why = state.state === "unavailable" ? state.reason : "it is still being prepared";
    return new RouterError("encoder_unavailable", `the model "${name}" is not available: ${why}`);
  }

  /** enter answers one item of a submission from the cache, or lets it wait for its text: for the entry on its way, or a new one. */
  #enter({ model, dispatcher, admitted }: Lane, submission: Submission, index: number, item: InferenceItem): void {
    const heads = item.heads ?? NO_HEADS;
    const window = windowOf(item.window, model);
    const { parts, cut } = excerpt(item.text, window);
    const key = textKey(model.settings.key, { parts, window }, cut);
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
    if (admission === "admitted") {
      this.#pending.set(key, text);
      admitted();
    } else submission.fail(index, new RouterError("overloaded", this.#refusal(admission)));
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
    const opening = this.#further.map(async (further) => {
      await further.open();
      return further;
    });
    await Promise.all(opening.filter((_, index) => this.#further[index]?.preload));
    if (this.#closed) return;
    let started = false;
    const threads = new EncoderThreads({
      settings: model.settings,
      preload: this.#further.flatMap(({ preload, state }) => (preload && state.state === "ready" ? [state.description.settings] : [])),
      workers: workerCount(this.#options.workers ?? "auto", availableParallelism()),
      stuckAfterMs: this.#options.stuckAfterMs ?? 10_000,
      resourceLimits: this.#options.resourceLimits ?? WORKER_HEAP,
      onWarm: (warmUpMs, batching) => {
        this.#logger.info({ model: model.name, warmUpMs: Math.round(warmUpMs), batching }, "classifier worker is warm");
        if (this.#batching === null) {
          this.#batching = batching;
          this.#metrics.classifierBatching.set({ mode: batching }, 1);
          this.#obeyBatching(model, batching, encoder.batcher);
        }
        this.#measureModels();
        if (this.#everReady) lanes.pump();
        else if (started) this.#settleAsReady();
      },
      onLost: (cause, message) => {
        this.#metrics.classifierWorkerRestarts.inc({ cause });
        this.#logger.warn({ model: model.name, cause, reason: message }, "classifier worker lost, replacing it");
      },
      onLoadFailed: (key, reason) => {
        for (const { name, state } of this.#further) {
          if (state.state === "ready" && state.description.settings.key === key)
            this.#logger.warn({ model: name, reason }, "a worker cannot load a further model, trying again later");
        }
      },
      onDead: (reason) => this.#giveUp(reason),
    });
    const lanes = new Lanes(threads);
    const encoder = this.#addLane(lanes, threads, model, true);
    this.#service = { threads, lanes, encoder, further: new Map(), gauges: new WorkerGauges(() => threads.threads(), this.#metrics) };
    for (const further of this.#further) this.#adoptFurther(further);
    await threads.started;
    started = true;
    if (threads.warm() > 0) this.#settleAsReady();
  }

  /** addLane gives a model its queue in front of the workers. */
  #addLane(lanes: Lanes, threads: EncoderThreads, model: ModelDescription, isEncoder: boolean): Lane {
    const batcher = new Batcher<PendingText>({
      queueLimit: this.#queueLimit(),
      maxBatchTokens: this.#options.maxBatchTokens ?? 192,
      maxBatchItems: this.#options.maxBatchItems ?? 16,
    });
    const { onBatch } = this.#options;
    let inspected = false;
    return lanes.add((view): Lane => {
      const run = async (jobs: readonly EncodeJob[]): Promise<BatchReply> => {
        view.took();
        try {
          const reply = await threads.run({ model: isEncoder ? null : model.settings, jobs });
          if (!isEncoder && reply.ok) {
            if (!inspected) this.#obeyBatching(model, reply.batching, batcher);
            inspected = true;
            this.#measureModels();
          }
          return reply;
        } finally {
          view.changed();
        }
      };
      const dispatcher = new Dispatcher({
        batcher,
        runner: { warm: () => view.warm(), idle: () => view.idle(), run },
        dimension: model.settings.dimension,
        waiting: () => this.#waiting(),
        ...(onBatch === undefined ? {} : { onBatch: (batch) => onBatch({ ...batch, model: model.name }) }),
        metrics: this.#metrics,
        clock: this.#clock,
      });
      return { model, batcher, dispatcher, waiting: () => batcher.size, admitted: () => view.changed() };
    });
  }

  #onFurther(model: FurtherModel): void {
    const { name, state } = model;
    if (state.state === "unavailable")
      this.#logger.warn({ model: name, reason: state.reason }, "a further model is unavailable, trying again later");
    this.#adoptFurther(model);
  }

  /** adoptFurther gives a further model its lane as soon as it is known and the threads are. */
  #adoptFurther({ name, state }: FurtherModel): void {
    if (this.#service === null || this.#closed || state.state !== "ready") return;
    const { threads, lanes, further } = this.#service;
    if (!further.has(name)) further.set(name, this.#addLane(lanes, threads, state.description, false));
  }

  /** What the first worker found out about a model. The workers themselves never run what it does not bear. */
  #obeyBatching({ name }: ModelDescription, batching: EncoderBatching, batcher: Batcher<PendingText>): void {
    if (batching === "single") batcher.serveSingly();
    if (batching !== "padded") {
      this.#logger.warn(
        { model: name, batching },
        "the model's answers depend on the texts beside them in a batch: it is served without padding, which is slower",
      );
    }
  }

  /** Estimated from sizes of files; what a worker allocates beside them shows in the process's own memory alone. */
  #measureModels(): void {
    if (this.#service === null) return;
    const { threads, encoder, further } = this.#service;
    const tell = (name: string, { bytes: { shared, perWorker } }: ModelDescription, workers: number) =>
      this.#metrics.classifierModelBytes.set({ model: name }, workers === 0 ? 0 : shared + workers * perWorker);
    tell(encoder.model.name, encoder.model, threads.warm());
    for (const [name, { model }] of further) tell(name, model, threads.loaded(model.settings.key));
  }

  #settleAsReady(): void {
    this.#everReady = true;
    this.#settled.resolve();
  }

  #queueLimit(): number {
    return this.#options.queueLimit ?? 1024;
  }

  #waiting(): number {
    if (this.#service === null) return 0;
    let waiting = this.#service.encoder.batcher.size;
    for (const { batcher } of this.#service.further.values()) waiting += batcher.size;
    return waiting;
  }

  #allLanes(): Lane[] {
    return this.#service === null ? [] : [this.#service.encoder, ...this.#service.further.values()];
  }

  /** giveUp refuses whoever waits, and from now on everybody. */
  #giveUp(reason: string, error = new RouterError("encoder_unavailable", reason)): void {
    this.#unavailable = reason;
    if (!this.#closed) this.#logger.error({ reason }, "classifier is unavailable");
    for (const { dispatcher } of this.#allLanes()) dispatcher.close(error);
    for (const further of this.#further) further.close();
    this.#service?.lanes.close();
    this.#service?.gauges.close();
    this.#settled.resolve();
  }
}

/** workerCount resolves "auto": ONNX runs one thread per worker, and from 4 cores on the front keeps one for itself. */
export function workerCount(workers: number | "auto", cores: number): number {
  if (workers !== "auto") return workers;
  return cores >= 4 ? cores - 1 : Math.min(2, cores);
}

function headNames({ heads }: ModelDescription): string {
  return heads.length === 0 ? "none" : heads.map(({ name }) => name).join(", ");
}

/** windowOf is what a model reads of a text at most: a token classifier reads on beyond its own window, from the beginning. */
function windowOf({ maxTokens, sampling }: TextWindow, { entityTypes, settings }: ModelDescription): TextWindow {
  return entityTypes.length > 0
    ? { maxTokens: Math.min(maxTokens, LONGEST_SCAN_TOKENS), sampling: "head" }
    : { maxTokens: Math.min(maxTokens, settings.maxTokens), sampling };
}

function statusOf({ name, state }: FurtherModel, threads: EncoderThreads): FurtherModelStatus {
  if (state.state !== "ready") return { name, ...state };
  const { name: model, revision, heads, entityTypes, settings } = state.description;
  const failure = threads.loadFailure(settings.key);
  if (failure !== null) return { name, state: "unavailable", reason: failure };
  return {
    name,
    state: "ready",
    model,
    revision,
    dimension: settings.dimension,
    heads,
    entityTypes,
    workers: threads.loaded(settings.key),
  };
}

async function loadModel({ modelDirectory, backend = "onnx", dimension }: ClassifierPoolOptions): Promise<ModelDescription> {
  if (modelDirectory !== undefined) {
    const manifest = await loadManifest(modelDirectory);
    return describeModel(manifest, modelDirectory, { backend: String(backend), ...(dimension === undefined ? {} : { dimension }) });
  }
  if (backend === "onnx") throw new RouterError("encoder_unavailable", "no model directory was given; prepare a model first");
  return {
    name: backend instanceof URL ? "custom" : backend,
    revision: "1",
    heads: [],
    entityTypes: [],
    bytes: { shared: 0, perWorker: 0 },
    settings: {
      key: String(backend),
      backend: String(backend),
      modelDirectory: "",
      graph: noGraph,
      tokenizerFile: "",
      dimension: dimension ?? 384,
      maxTokens: 512,
      heads: [],
      classification: null,
      tokenLabels: null,
      weightLimit: null,
    },
  };
}
