/**
 * The classifier pool over the network, in the words of the pool itself: a front that uses this loads neither ONNX nor worker
 * threads. A call goes to one replica; when that one is lost or full, once more to another, within the same deadline and never
 * after the caller has left. A submission too large for one message becomes several calls. Used by a front whose configuration has `turnout.classifier.endpoint`.
 */
import { readFileSync } from "node:fs";
import { credentials, type ChannelCredentials } from "@grpc/grpc-js";
import {
  createMetrics,
  RouterError,
  silentLogger,
  systemClock,
  type CallOptions,
  type Classifier,
  type Clock,
  type Embedder,
  type EncoderStatus,
  type ErrorCode,
  type Evaluator,
  type InferenceItem,
  type Logger,
  type Metrics,
  type TextEmbedding,
} from "@turnout/shared";
import { createChannels } from "./remote/channel.ts";
import { splitCalls } from "./remote/call-size.ts";
import { decodeOutcome, encodeItem } from "./remote/codec.ts";
import { hostOf, parseEndpoint, systemLookup, type Lookup } from "./remote/endpoint.ts";
import { createPicker, type Balancing } from "./remote/picker.ts";
import { GRACE_MS, PROTOCOL_VERSION, type Item } from "./remote/protocol.ts";
import type { Replica, ServedModel } from "./remote/replica.ts";
import { ReplicaSet } from "./remote/replica-set.ts";

export type { Balancing };

/** ClientTls are PEM files. Without `caPath` the system's authorities count; certificate and key are for mTLS. */
export interface ClientTls {
  readonly caPath?: string;
  readonly certPath?: string;
  readonly keyPath?: string;
  /** The name that the replicas' certificate has; by default the endpoint's host. */
  readonly serverName?: string;
}

export interface RemoteClassifierOptions {
  /** `dns:///host:port`, or `host:port,host:port`. */
  readonly endpoint: string;
  readonly tls?: ClientTls;
  readonly balancing?: Balancing;
  /** How often the endpoint's name is asked. Default 3 s. */
  readonly resolveIntervalMs?: number;
  /** After this long without any replica `whenSettled()` says "unavailable"; the search goes on. Default 10 s. */
  readonly settleMs?: number;
  readonly maxMessageBytes?: number;
  /** Called whenever a replica serves after none did, and when the model's revision changed: vectors made before must be made anew. */
  readonly onReady?: () => void;
  readonly logger?: Logger;
  readonly metrics?: Metrics;
  readonly clock?: Clock;
  readonly lookup?: Lookup;
}

export interface RemoteClassifier extends Classifier {
  /**
   * An embedder of one model revision: the present one, or where none is known yet the one that is there at its first question. Its
   * vectors may be compared with each other for ever; when nobody serves that revision any more it refuses with encoder_unavailable.
   * `revision` is "model@revision".
   */
  pinned(): PinnedClassifier;
}

/** PinnedClassifier answers with one revision of the encoder; further models are whatever the replicas serve. */
export interface PinnedClassifier extends Embedder, Evaluator {
  readonly revision: string | null;
}

type Outcome = TextEmbedding | RouterError;

/** Question is an item with the words it is sent in. */
interface Question {
  readonly item: InferenceItem;
  readonly wire: Item;
}

/** What a call without a deadline may take. */
const LONGEST_CALL_MS = 10_000;

/** createRemoteClassifier begins to look for replicas and returns at once. Throws `config_invalid` for an endpoint or file it cannot read. */
export function createRemoteClassifier(options: RemoteClassifierOptions): RemoteClassifier {
  return new GrpcClassifier(options);
}

class GrpcClassifier implements RemoteClassifier {
  readonly #endpoint: string;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  readonly #maxMessageBytes: number;
  readonly #replicas: ReplicaSet;
  readonly #settled = Promise.withResolvers<void>();
  #settling: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(options: RemoteClassifierOptions) {
    const { tls, balancing = "power_of_two", logger = silentLogger } = options;
    const endpoint = parseEndpoint(options.endpoint);
    this.#endpoint = options.endpoint;
    this.#metrics = options.metrics ?? createMetrics();
    this.#clock = options.clock ?? systemClock;
    this.#maxMessageBytes = options.maxMessageBytes ?? 4 * 1024 * 1024;
    this.#settling = setTimeout(() => this.#settle(), options.settleMs ?? 10_000);
    this.#replicas = new ReplicaSet({
      endpoint,
      lookup: options.lookup ?? systemLookup,
      resolveIntervalMs: options.resolveIntervalMs ?? 3_000,
      connect: createChannels({
        credentials: loadCredentials(tls),
        serverName: tls === undefined ? null : (tls.serverName ?? hostOf(endpoint)),
        maxMessageBytes: this.#maxMessageBytes,
      }),
      pick: createPicker<Replica>(balancing),
      clock: this.#clock,
      logger,
      metrics: this.#metrics,
      onReady: ({ identity }) => {
        logger.info({ model: identity }, "classifier replicas serve");
        this.#settle();
        options.onReady?.();
      },
    });
  }

  status(): EncoderStatus {
    const served = this.#replicas.model;
    const model = served?.encoder.model ?? this.#endpoint;
    if (this.#closed) return { state: "unavailable", model, reason: "the classifier client is closed" };
    if (served !== null && this.#replicas.ready) return { state: "ready", ...served.encoder };
    if (this.#settling !== undefined) return { state: "starting", model };
    return { state: "unavailable", model, reason: this.#replicas.reason };
  }

  async whenSettled(): Promise<EncoderStatus> {
    await this.#settled.promise;
    return this.status();
  }

  embed(items: readonly InferenceItem[], options: CallOptions): Promise<TextEmbedding[]> {
    return this.#embed(items, options, this.#replicas.model);
  }

  evaluate(items: readonly InferenceItem[], options: CallOptions): Promise<Outcome[]> {
    return this.#evaluate(items, options, this.#replicas.model);
  }

  pinned(): PinnedClassifier {
    let served = this.#replicas.model;
    return {
      get revision() {
        return served?.identity ?? null;
      },
      embed: (items, options) => {
        served ??= this.#replicas.model;
        return this.#embed(items, options, served);
      },
      evaluate: (items, options) => {
        served ??= this.#replicas.model;
        return this.#evaluate(items, options, served);
      },
    };
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#replicas.close();
    this.#settle();
  }

  async #embed(items: readonly InferenceItem[], options: CallOptions, served: ServedModel | null): Promise<TextEmbedding[]> {
    const outcomes = await this.#evaluate(items, options, served);
    return outcomes.map((outcome) => {
      if (outcome instanceof RouterError) throw outcome;
      return outcome;
    });
  }

  async #evaluate(items: readonly InferenceItem[], options: CallOptions, served: ServedModel | null): Promise<Outcome[]> {
    const deadline = Math.min(options.deadline ?? Number.POSITIVE_INFINITY, this.#clock.now() + LONGEST_CALL_MS);
    const questions = items.map((item): Question => ({ item, wire: encodeItem(item, options.trace) }));
    const calls = splitCalls(questions, this.#maxMessageBytes);
    const answers = await Promise.all(calls.map((call) => this.#call(call, { ...options, deadline }, served)));
    return answers.flat();
  }

  /** call asks one replica for all items, and another one once for those that the first was too full or too lost to answer. */
  async #call(questions: readonly Question[], options: CallOptions, served: ServedModel | null): Promise<Outcome[]> {
    const outcomes = new Map<Question, Outcome>();
    let failed: Replica | null = null;
    for (let open = questions; open.length > 0;) {
      const answers = await this.#ask(open, options, served, failed);
      for (const [index, question] of open.entries()) {
        const outcome = answers.outcomes[index];
        // A second attempt that finds nobody to ask leaves the first one's reason.
        if (outcome !== undefined && (answers.replica !== null || !outcomes.has(question))) outcomes.set(question, outcome);
      }
      if (failed !== null || answers.replica === null) break;
      failed = answers.replica;
      open = open.filter((question) => worthAnotherReplica(outcomes.get(question)));
      const [first] = open;
      const cause = first === undefined ? undefined : outcomes.get(first);
      if (cause instanceof RouterError) this.#metrics.classifierRetries.inc({ code: cause.code });
    }
    return questions.map(
      (question) => outcomes.get(question) ?? new RouterError("internal", "an item was left without outcome. This is a bug."),
    );
  }

  /** ask asks one replica; whatever goes wrong is every item's outcome. `replica` is null when none could be asked. */
  async #ask(
    questions: readonly Question[],
    { signal, deadline = 0 }: CallOptions,
    served: ServedModel | null,
    except: Replica | null,
  ): Promise<{ readonly replica: Replica | null; readonly outcomes: Outcome[] }> {
    const all = (code: ErrorCode, message: string) => ({ replica: null, outcomes: questions.map(() => new RouterError(code, message)) });
    if (this.#closed) return all("cancelled", "the classifier client is closed");
    if (signal?.aborted === true) return all("cancelled", "the caller left");
    const remainingMs = deadline - this.#clock.now();
    if (remainingMs <= 0) return all("deadline_exceeded", "the deadline passed before the classifier was asked");
    const replica: Replica | undefined = served === null ? undefined : this.#replicas.pick(served.identity, except);
    if (served === null || replica === undefined) {
      const wanted = served?.identity ?? this.#endpoint;
      return all("encoder_unavailable", `no classifier replica for ${wanted}: ${this.#replicas.reason}`);
    }
    try {
      const request = { protocolVersion: PROTOCOL_VERSION, items: questions.map(({ wire }) => wire) };
      const { outcomes = [] } = await replica.evaluate(request, served.identity, remainingMs + GRACE_MS, signal);
      const told = replica.model ?? served;
      return { replica, outcomes: questions.map(({ item }, index) => decodeOutcome(outcomes[index] ?? {}, item, dimensionOf(told, item))) };
    } catch (error) {
      const routerError = RouterError.from(error);
      return { replica, outcomes: questions.map(() => routerError) };
    }
  }

  #settle(): void {
    clearTimeout(this.#settling);
    this.#settling = undefined;
    this.#settled.resolve();
  }
}

function worthAnotherReplica(outcome: Outcome | undefined): boolean {
  return outcome instanceof RouterError && (outcome.code === "encoder_unavailable" || outcome.code === "overloaded");
}

/** dimensionOf is null for a further model of which the replica has not told yet. */
function dimensionOf({ encoder }: ServedModel, { model }: InferenceItem): number | null {
  if (model === undefined) return encoder.dimension;
  const further = encoder.models?.find(({ name }) => name === model);
  return further?.state === "ready" ? further.dimension : null;
}

function loadCredentials(tls: ClientTls | undefined): ChannelCredentials {
  if (tls === undefined) return credentials.createInsecure();
  const read = (file: string | undefined): Buffer | null => {
    if (file === undefined) return null;
    try {
      return readFileSync(file);
    } catch (error) {
      throw new RouterError("config_invalid", `${file} cannot be read; expected a PEM file`, { cause: error });
    }
  };
  return credentials.createSsl(read(tls.caPath), read(tls.keyPath), read(tls.certPath));
}
