/**
 * The gRPC face of ext_proc: one Processor per stream, messages strictly in order, answers written under back-pressure, and an
 * end for every stream however it ends. Nothing may throw out of a handler here: grpc-js calls them from its HTTP/2 events.
 *
 * Gateways end streams differently. Envoy resets every one, answered or not; agentgateway half-closes. Either, while we still
 * owe an answer, means that the client is gone: work in flight is aborted. We end a stream only after the gateway has.
 */
import { status, type ServerDuplexStream } from "@grpc/grpc-js";
import { RouterError, type Exchange, type ExchangeFactory, type ExchangeLimits, type Logger, type Metrics } from "@turnout/shared";
import type { HeldBytes } from "../held-bytes.ts";
import { Processor } from "./processor.ts";
import type { ExternalProcessorDefinition, ExternalProcessorHandlers, ProcessingRequest, ProcessingResponse } from "./protocol.ts";
import { createOutbox, noChanges, type Outbox } from "./reply.ts";
import type { Witness } from "./request-side.ts";
import { streamTrace } from "./trace-parent.ts";

export interface ProcessServiceParts {
  readonly exchanges: ExchangeFactory;
  readonly held: HeldBytes;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface ProcessService {
  readonly handlers: ExternalProcessorHandlers;
  readonly openStreams: number;
  /** Resolves when no stream is open. */
  whenIdle(): Promise<void>;
}

type Call = ServerDuplexStream<ProcessingRequest, ProcessingResponse>;

/** gone is the reason of every abort: Envoy resets each stream, and an error of its own for each would cost tens of microseconds. */
const gone = new RouterError("cancelled", "the gateway ended the stream");

/** undecodable stands for bytes that are no ProcessingRequest. */
const undecodable: ProcessingRequest = Object.freeze({});

/**
 * tolerant makes the decoder hand on `undecodable` instead of throwing: grpc-js would end the stream at once, and a stream that
 * is ended while an answer is still being written never reaches its end on the wire (seen with 1.14.7; the gateway would hang).
 */
export function tolerant({ Process }: ExternalProcessorDefinition): ExternalProcessorDefinition {
  const requestDeserialize = (bytes: Buffer): ProcessingRequest => {
    try {
      return Process.requestDeserialize(bytes);
    } catch {
      return undecodable;
    }
  };
  return { Process: { ...Process, requestDeserialize } };
}

/** Messages taken from a stream ahead of the one being answered; beyond it the stream is paused and HTTP/2 flow control holds the gateway. */
const maxWaitingMessages = 16;

export function createProcessService(parts: ProcessServiceParts): ProcessService {
  const { metrics } = parts;
  const witness = createWitness(parts);
  let openStreams = 0;
  const idle: (() => void)[] = [];

  function closed(): void {
    openStreams -= 1;
    metrics.extprocOpenStreams.dec();
    if (openStreams === 0) for (const resolve of idle.splice(0)) resolve();
  }

  return {
    handlers: {
      Process(call: Call) {
        openStreams += 1;
        metrics.extprocStreams.inc();
        metrics.extprocOpenStreams.inc();
        new ProcessStream(call, parts, witness, closed).start();
      },
    },
    get openStreams() {
      return openStreams;
    },
    async whenIdle() {
      if (openStreams > 0) await new Promise<void>((resolve) => idle.push(resolve));
    },
  };
}

class ProcessStream {
  readonly #call: Call;
  readonly #parts: ProcessServiceParts;
  readonly #abort = new AbortController();
  readonly #outbox: Outbox;
  readonly #processor: Processor;
  readonly #witness: Witness;
  readonly #onClosed: () => void;
  readonly #waiting: ProcessingRequest[] = [];
  #answering = false;
  #paused = false;
  #congested = false;
  #wake: (() => void) | null = null;
  #over = false;

  constructor(call: Call, parts: ProcessServiceParts, witness: Witness, onClosed: () => void) {
    this.#call = call;
    this.#parts = parts;
    this.#onClosed = onClosed;
    this.#witness = witness;
    this.#outbox = createOutbox((response) => this.#write(response), witness.slip);
    const { exchange, limits } = openExchange(parts.exchanges, witness);
    this.#processor = new Processor({
      exchange,
      limits,
      outbox: this.#outbox,
      held: parts.held,
      witness,
      streamTrace: streamTrace(call.metadata),
      signal: this.#abort.signal,
    });
  }

  start(): void {
    const call = this.#call;
    call.on("data", (message: ProcessingRequest) => this.#take(message));
    // After an end of ours "end" never comes, only "cancelled"; after a reset it is the same. Each may be the last word.
    call.on("drain", () => this.#wake?.());
    call.on("end", () => this.#finish());
    call.on("cancelled", () => this.#finish());
    call.on("error", () => this.#finish());
    call.on("close", () => this.#finish());
  }

  #write(response: ProcessingResponse): void {
    if (this.#over || this.#call.cancelled) return;
    this.#congested = !this.#call.write(response);
  }

  #take(message: ProcessingRequest): void {
    this.#waiting.push(message);
    if (!this.#answering) {
      void this.#answer();
    } else if (this.#waiting.length >= maxWaitingMessages) {
      this.#paused = true;
      this.#call.pause();
    }
  }

  /** Answers what waits, one by one. Runs synchronously as long as nothing has to be waited for. */
  async #answer(): Promise<void> {
    this.#answering = true;
    try {
      for (let message = this.#waiting.shift(); message !== undefined && !this.#over; message = this.#waiting.shift()) {
        if (message === undecodable) {
          this.#refuse();
          break;
        }
        const pending = this.#processor.receive(message);
        if (pending !== undefined) await pending;
        if (this.#congested && !this.#over) await this.#drained();
      }
    } catch (error) {
      this.#witness.failed("stream", error);
    }
    this.#answering = false;
    if (!this.#paused || this.#over) return;
    this.#paused = false;
    this.#call.resume();
  }

  /** Ends the stream with an error: a message that cannot be read cannot be answered, and no answer would hang the request. */
  #refuse(): void {
    this.#parts.metrics.extprocErrors.inc({ reason: "undecodable" });
    this.#call.emit("error", { code: status.INTERNAL, details: "a message is not a ProcessingRequest" });
  }

  /** Resolves when the gateway has read enough of our answers, or is gone. */
  async #drained(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    await promise;
    this.#wake = null;
    this.#congested = false;
  }

  /** The gateway has ended the stream, one way or the other. */
  #finish(): void {
    if (this.#over) return;
    if (this.#answering || this.#outbox.owed > 0) this.#parts.metrics.extprocCancelled.inc();
    this.#over = true;
    this.#outbox.close();
    this.#waiting.length = 0;
    this.#abort.abort(gone);
    this.#wake?.();
    this.#processor.close();
    if (!this.#call.cancelled) this.#call.end();
    this.#onClosed();
  }
}

/** A factory that throws must not cost the gateway its request: the stream then runs on an exchange that wants nothing. */
function openExchange(exchanges: ExchangeFactory, witness: Witness): { exchange: Exchange; limits: ExchangeLimits } {
  try {
    return { limits: exchanges.limits(), exchange: exchanges.open() };
  } catch (error) {
    witness.failed("open", error);
    return { limits: indifferentLimits, exchange: indifferentExchange };
  }
}

const indifferentLimits: ExchangeLimits = {
  maxBodyBytes: 0,
  bodyTimeoutMs: 0,
  maxHeldBytes: 0,
  streamedBody: true,
  clearRouteCache: false,
  gateway: "auto",
};

const indifferentExchange: Exchange = {
  requestId: "",
  wantsResponseHead: false,
  responseBody: "none",
  onRequestHead: () => ({ kind: "passThrough", changes: noChanges }),
  onRequestBody: () => Promise.resolve({ kind: "forward", changes: noChanges, body: null, backendModel: null }),
  onBodyRefused: () => ({ status: 500, headers: [], body: "", details: "turnout_internal_error" }),
  onResponseHead: () => noChanges,
  onResponseChunk: () => {},
  close: () => {},
};

function createWitness({ logger, metrics }: ProcessServiceParts): Witness {
  let toldStreamedBodyOff = false;
  return {
    unrouted: (reason) => metrics.unroutedBodies.inc({ reason }),
    slip: (reason) => metrics.extprocErrors.inc({ reason }),
    failed: (where, error) => {
      metrics.extprocErrors.inc({ reason: "internal" });
      logger.error({ err: error, where }, "an exchange failed; its request goes on untouched");
    },
    streamedBodyOff: () => {
      if (toldStreamedBodyOff) return;
      toldStreamedBodyOff = true;
      logger.warn(
        "the gateway streams request bodies although global.router.streamed_body is off; they are collected and routed all the same (limits: its max_bytes and timeout_sec)",
      );
    },
  };
}
