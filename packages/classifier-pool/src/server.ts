/**
 * The classifier pool as a gRPC service: classifier.v1, grpc.health.v1 (SERVING only while the encoder is warm) and reflection on one
 * port. It knows the pool by its contract only: each item of a call is one question to it, so that each has its own outcome, and
 * texts of one call still share a batch. It caches nothing and balances nothing. Called by `turnout classifier`.
 */
import { Server, status, type sendUnaryData, type ServerUnaryCall } from "@grpc/grpc-js";
import { ReflectionService } from "@grpc/reflection";
import {
  errorCatalogue,
  parseTraceContext,
  RouterError,
  systemClock,
  type CallOptions,
  type Classifier,
  type Clock,
  type EncoderStatus,
  type Logger,
  type Metrics,
  type TextEmbedding,
} from "@turnout/shared";
import { HealthImplementation } from "grpc-health-check";
import { decodeItem, encodeModels, encodeOutcome } from "./remote/codec.ts";
import { createGrpcListener, type TlsFiles } from "./remote/grpc-listener.ts";
import {
  loadProtocol,
  PROTOCOL_VERSION,
  REPLY_TIME,
  serviceName,
  understands,
  type ClassifierHandlers,
  type ItemRead,
  type Outcome,
  type ReplicaFace,
  loadDescriptors,
} from "./remote/protocol.ts";

export type { TlsFiles };

export interface ClassifierServerOptions {
  readonly classifier: Classifier;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock?: Clock;
  readonly tls?: TlsFiles;
  /** Largest message either way, bytes. Default 4 MiB; clients of ours send a few kilobytes per text, however long it is. */
  readonly maxMessageBytes?: number;
  /** Texts of one call. Default 1024; the pool's own queue limit comes on top. */
  readonly maxItems?: number;
  /** A connection is asked to leave after this long (default 30 s, plus or minus a tenth), so that plain gRPC clients see new replicas. */
  readonly connectionAgeMs?: number;
  /** How long its open calls may go on then. Default 10 s. */
  readonly connectionAgeGraceMs?: number;
}

export interface ClassifierServer {
  /** Listens and resolves to the port, of use when `port` is 0. Throws RouterError "port_in_use". */
  listen(host: string, port: number): Promise<number>;
  /** Calls open now, health and reflection not counted. */
  readonly openCalls: number;
  /** Says NOT_SERVING and GOAWAY, lets open calls finish for up to `graceMs`, then cuts them. Safe to call twice. */
  drain(graceMs: number): Promise<void>;
}

/** How often the encoder is looked at: workers may be lost long after they were warm. */
const STATUS_INTERVAL_MS = 500;

type ReadyEncoder = Extract<EncoderStatus, { state: "ready" }>;

export function createClassifierServer(options: ClassifierServerOptions): ClassifierServer {
  const { classifier, logger, metrics, clock = systemClock, maxItems = 1_024, maxMessageBytes = 4 * 1024 * 1024 } = options;
  const protocol = loadProtocol();
  const health = new HealthImplementation({ "": "NOT_SERVING", [serviceName]: "NOT_SERVING" });
  const server = new Server({
    "grpc.max_receive_message_length": maxMessageBytes,
    "grpc.max_send_message_length": maxMessageBytes,
    "grpc.max_connection_age_ms": options.connectionAgeMs ?? 30_000,
    "grpc.max_connection_age_grace_ms": options.connectionAgeGraceMs ?? 10_000,
    "grpc.keepalive_time_ms": 20_000,
    "grpc.keepalive_timeout_ms": 5_000,
    "grpc.enable_channelz": 0,
  });
  const listener = createGrpcListener(server, options.tls);
  const idle: (() => void)[] = [];
  let openCalls = 0;
  /** Texts that wait or run. */
  let openItems = 0;
  let serving = false;
  let draining: Promise<void> | null = null;

  const handlers: ClassifierHandlers = {
    Evaluate: (call, callback) =>
      answer(call, callback, async ({ items = [] }, encoder, callOptions) => {
        requireItems(items.length);
        const outcomes = await evaluate(items, callOptions);
        return { replica: face(encoder), outcomes };
      }),
    EvaluateBatch: (call, callback) =>
      answer(call, callback, async ({ submissions = [] }, encoder, callOptions) => {
        requireItems(submissions.reduce((total, { items = [] }) => total + items.length, 0));
        const outcomes = await Promise.all(submissions.map(({ items = [] }) => evaluate(items, callOptions)));
        return { replica: face(encoder), submissions: outcomes.map((each) => ({ outcomes: each })) };
      }),
    Models: (call, callback) =>
      answer(call, callback, async (_request, encoder) => ({ replica: face(encoder), models: encodeModels(encoder) })),
  };
  server.addService(protocol.Classifier.service, handlers);
  health.addToServer(server);
  // Not of grpc.health.v1: protobufjs misnames the entries of its map, and grpcurl then refuses the whole answer.
  new ReflectionService(loadDescriptors()).addToServer(server);

  const look = setInterval(reportHealth, STATUS_INTERVAL_MS);
  look.unref();
  void classifier.whenSettled().then(reportHealth);

  function reportHealth(): void {
    const next = draining === null && classifier.status().state === "ready";
    if (next === serving) return;
    serving = next;
    for (const name of ["", serviceName]) health.setStatus(name, serving ? "SERVING" : "NOT_SERVING");
    logger.info({ serving }, "classifier service health");
  }

  function face({ model, revision }: ReadyEncoder): ReplicaFace {
    return { protocolVersion: PROTOCOL_VERSION, model, revision, queueDepth: openItems };
  }

  function requireItems(count: number): void {
    if (count === 0) throw new RouterError("request_invalid", "the call has no items");
    if (count > maxItems) throw new RouterError("request_invalid", `the call has ${count} items; at most ${maxItems} are taken`);
  }

  async function evaluate(items: readonly ItemRead[], callOptions: CallOptions): Promise<Outcome[]> {
    openItems += items.length;
    try {
      const results = await Promise.all(items.map((item) => encode(item, callOptions)));
      return results.map((result, index) => {
        const { trace, model } = items[index] ?? {};
        const outcome = encodeOutcome(result, model);
        return trace === undefined ? outcome : { ...outcome, trace };
      });
    } finally {
      openItems -= items.length;
    }
  }

  async function encode(item: ItemRead, callOptions: CallOptions): Promise<TextEmbedding | RouterError> {
    try {
      const trace = parseTraceContext(item.trace?.traceparent, item.trace?.tracestate);
      const [embedding] = await classifier.embed([decodeItem(item)], trace === null ? callOptions : { ...callOptions, trace });
      return embedding ?? new RouterError("internal", "the pool answered fewer texts than it was asked. This is a bug.");
    } catch (error) {
      return RouterError.from(error);
    }
  }

  /** answer runs one call: version and readiness first, then the work, which ends early enough to be told in time; always one reply. */
  async function answer<Request extends { protocolVersion?: number }, Response>(
    call: ServerUnaryCall<Request, Response>,
    callback: sendUnaryData<Response>,
    work: (request: Request, encoder: ReadyEncoder, callOptions: CallOptions) => Promise<Response>,
  ): Promise<void> {
    const gone = new AbortController();
    openCalls += 1;
    call.once("cancelled", () => gone.abort());
    const leftMs = Number(call.getDeadline()) - clock.wallMs();
    const deadline = clock.now() + leftMs - Math.min(REPLY_TIME.ms, leftMs * REPLY_TIME.share);
    try {
      const version = call.request.protocolVersion ?? 0;
      if (!understands(version))
        throw new RouterError(
          "config_unsupported",
          `protocol version ${version} is not understood; this service speaks ${PROTOCOL_VERSION}`,
        );
      const encoder = classifier.status();
      if (encoder.state === "unavailable") throw new RouterError("encoder_unavailable", encoder.reason);
      if (encoder.state !== "ready") throw new RouterError("encoder_unavailable", `${encoder.model} is ${encoder.state}`);
      callback(null, await work(call.request, encoder, { signal: gone.signal, ...(Number.isFinite(deadline) ? { deadline } : {}) }));
    } catch (thrown) {
      const error = RouterError.from(thrown);
      if (error.code === "internal") logger.error({ err: error }, "a classifier call failed");
      callback({ code: grpcStatusOf(error), details: error.message });
    }
    metrics.classifierServiceCalls.inc({ method: call.getPath().slice(serviceName.length + 2) });
    openCalls -= 1;
    if (openCalls === 0) for (const resolve of idle.splice(0)) resolve();
  }

  async function whenIdle(): Promise<void> {
    if (openCalls > 0) await new Promise<void>((resolve) => idle.push(resolve));
  }

  return {
    listen: (host, port) => listener.listen(host, port),
    get openCalls() {
      return openCalls;
    },
    drain(graceMs) {
      draining ??= Promise.resolve().then(async () => {
        clearInterval(look);
        reportHealth();
        await listener.drain(graceMs, whenIdle);
      });
      return draining;
    },
  };
}

function grpcStatusOf({ code }: RouterError): number {
  const name: string = errorCatalogue[code].grpc;
  return (status as unknown as Readonly<Record<string, number>>)[name] ?? status.UNKNOWN;
}
