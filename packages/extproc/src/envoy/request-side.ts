/**
 * The request half of one stream: head, body and trailers into the exchange's verdicts, verdicts into answers. What differs
 * between body modes is here and nowhere else:
 *
 *   BUFFERED              one message is the whole body, whatever its end_of_stream says (trailers may follow)
 *   BUFFERED_PARTIAL      the same, but without end_of_stream it may be only a prefix, which is never routed
 *   STREAMED (UNKNOWN)    each chunk is answered empty and held; the last answer brings the result
 *   FULL_DUPLEX_STREAMED  the head's answer is held too, so that the decision can still change the route
 *   NONE                  overridden to BUFFERED where the gateway allows it; otherwise no body ever comes
 *   GRPC                  not ours: handed on message by message
 *
 * Streamed bodies are routed whether or not the configuration's streamed_body is on (it sets their limits): vSR, when it is off,
 * forwards them unrouted without a word. Here that is said once, in the log.
 *
 * It never throws for what an exchange or a gateway does: the worst case is a request that goes on untouched.
 */
import type { BodyVerdict, Exchange, ExchangeLimits, HeaderChanges, HttpHead, Reply, TraceContext } from "@turnout/shared";
import { requestOverride, type BodyMode, type BodyModes } from "./body-mode.ts";
import { assumeRequestHead, decodeRequestHead, guessGateway, headerValue } from "./decode.ts";
import { BodyCollector, type HeldBytes } from "../held-bytes.ts";
import type { HttpBody, HttpHeaders, ProcessingRequest } from "./protocol.ts";
import { noChanges, type Outbox, type RequestBodyTurn, type RequestHeadersTurn, type Routing, type TrailersTurn } from "./reply.ts";
import { requestTraces } from "./trace-parent.ts";

/** Witness hears what an operator should be able to count or read. */
export interface Witness {
  /** A body went on unrouted although somebody wanted to see it. */
  unrouted(reason: "held_bytes" | "partial_body" | "no_body" | "grpc_body" | "streamed_encoding"): void;
  /** The gateway did something the protocol does not foresee. */
  slip(reason: "repeated_message" | "unknown_message" | "second_answer" | "answer_after_end"): void;
  /** The exchange threw. */
  failed(where: string, error: unknown): void;
  /** A streamed body is routed although the configuration has streamed_body off. */
  streamedBodyOff(): void;
}

export interface RequestSideParts {
  readonly exchange: Exchange;
  readonly limits: ExchangeLimits;
  readonly outbox: Outbox;
  readonly held: HeldBytes;
  readonly witness: Witness;
  /** The trace context of the gRPC stream itself. */
  readonly streamTrace?: TraceContext | null;
  /** Aborted when the stream is over: a decision in flight is then nobody's. */
  readonly signal: AbortSignal;
}

const EMPTY = Buffer.alloc(0);
const unchanged: BodyVerdict = { kind: "forward", changes: noChanges, body: null, backendModel: null };

type Judgement = "replied" | "passing" | "collecting";

export class RequestSide {
  readonly #parts: RequestSideParts;
  readonly #modes: BodyModes;
  readonly #collector: BodyCollector;
  #mode: BodyMode;
  #stage: "head" | "collecting" | "passing" = "head";
  #heldHead: RequestHeadersTurn | null = null;
  /** Changes of the head verdict that no answer has carried yet. */
  #pendingChanges: HeaderChanges = noChanges;
  #contentLength: number | null = null;
  /** The body is compressed: a plain one in its place needs another header. */
  #encoded = false;
  #timer: NodeJS.Timeout | null = null;
  #swallowed = false;

  constructor(modes: BodyModes, parts: RequestSideParts) {
    this.#modes = modes;
    this.#mode = modes.request;
    this.#parts = parts;
    this.#collector = new BodyCollector(parts.held, parts.limits);
  }

  /** headSeen: the exchange has judged a head, so its response side may be asked. */
  get headSeen(): boolean {
    return this.#stage !== "head";
  }

  onHeaders(message: HttpHeaders, turn: RequestHeadersTurn): void {
    const { exchange, witness } = this.#parts;
    if (this.#stage !== "head") {
      witness.slip("repeated_message");
      turn.proceed(this.#routing(noChanges), null);
      return;
    }
    const { gateway } = this.#parts.limits;
    const head = decodeRequestHead(message);
    const sender = gateway === "auto" ? guessGateway(message.headers) : gateway;
    const judgement = this.#judgeHead({ ...head, ...requestTraces(sender, this.#parts.streamTrace ?? null, head.headers) });
    if (judgement === "replied") return;
    const wantsBody = judgement === "collecting";
    if (wantsBody && this.#mode === "FULL_DUPLEX_STREAMED") {
      this.#heldHead = turn;
      return;
    }
    const override = requestOverride(this.#modes, {
      body: wantsBody,
      responseHead: exchange.wantsResponseHead,
      responseBody: exchange.responseBody === "observe",
    });
    if (wantsBody && this.#mode === "NONE" && override !== null) this.#mode = "BUFFERED";
    turn.proceed(this.#takePendingRouting(), override);
  }

  /** streamsBody: bodies are written anew instead of answered message by message; onStreamedBody is then the one to call. */
  get streamsBody(): boolean {
    return this.#mode === "FULL_DUPLEX_STREAMED" || this.#mode === "GRPC";
  }

  onStreamedBody(message: HttpBody, attributes: ProcessingRequest["attributes"]): void | Promise<void> {
    if (this.#assumeHead(attributes) === "replied") return;
    if (this.#mode === "GRPC") this.#parts.outbox.passGrpcMessage("request", message);
    else return this.#onDuplexBody(message.body ?? EMPTY, message.endOfStream === true);
  }

  onBody(message: HttpBody, attributes: ProcessingRequest["attributes"], turn: RequestBodyTurn): void | Promise<void> {
    if (this.#assumeHead(attributes) === "replied") return;
    return this.#onAnsweredBody(message.body ?? EMPTY, message.endOfStream === true, turn);
  }

  onTrailers(turn: TrailersTurn): void | Promise<void> {
    const { outbox } = this.#parts;
    if (this.#mode === "FULL_DUPLEX_STREAMED" && this.#stage === "collecting") return this.#decideDuplex(turn);
    if (this.#mode === "FULL_DUPLEX_STREAMED") outbox.requestStream().endWithTrailers();
    if (this.#stage === "collecting" && this.#swallowed) {
      // Its chunks were answered empty in the hope of an end_of_stream; a trailers answer cannot bring them back.
      this.#reply(trailersAfterStreamedBody);
      return;
    }
    turn.proceed();
  }

  /** onResponseStarted: nothing of the request is coming any more. */
  onResponseStarted(): void {
    if (this.#stage !== "collecting" || this.#heldHead !== null) return;
    this.#parts.witness.unrouted("no_body");
    this.#pass();
  }

  /** close lets go of everything held. Safe to call twice. */
  close(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#collector.release();
    this.#heldHead = null;
  }

  /** The gateway may be configured to send no head; the exchange needs one. */
  #assumeHead(attributes: ProcessingRequest["attributes"]): Judgement | null {
    if (this.#stage !== "head") return null;
    return this.#judgeHead({ ...assumeRequestHead(attributes), trace: this.#parts.streamTrace ?? null });
  }

  /** Asks the exchange about the head and moves to the next stage. */
  #judgeHead(head: HttpHead): Judgement {
    const { exchange, limits, outbox, witness } = this.#parts;
    this.#stage = "passing";
    let verdict;
    try {
      verdict = exchange.onRequestHead(head);
    } catch (error) {
      witness.failed("request head", error);
      return "passing";
    }
    if (verdict.kind === "reply") {
      outbox.immediate(verdict.reply);
      return "replied";
    }
    this.#pendingChanges = verdict.changes;
    if (verdict.kind === "passThrough" || head.endOfStream) return "passing";
    if (this.#mode === "GRPC") {
      witness.unrouted("grpc_body");
      return "passing";
    }
    this.#stage = "collecting";
    this.#contentLength = parseContentLength(headerValue(head.headers, "content-length"));
    this.#encoded = (headerValue(head.headers, "content-encoding") ?? "identity").trim().toLowerCase() !== "identity";
    if (this.#mode === "STREAMED" || this.#mode === "FULL_DUPLEX_STREAMED") {
      if (!limits.streamedBody) witness.streamedBodyOff();
      this.#startTimer();
    }
    return "collecting";
  }

  /** From here on a client that never finishes would hold our bytes; buffering gateways bear that themselves. */
  #startTimer(): void {
    const { bodyTimeoutMs } = this.#parts.limits;
    if (bodyTimeoutMs > 0) this.#timer ??= setTimeout(() => this.#refuse("too_slow"), bodyTimeoutMs).unref();
  }

  /** One answer per message. */
  #onAnsweredBody(body: Buffer, end: boolean, turn: RequestBodyTurn): void | Promise<void> {
    const { witness } = this.#parts;
    if (this.#stage !== "collecting") {
      turn.keep(this.#takePendingRouting());
      return;
    }
    const room = this.#collector.add(body);
    if (room === "too_large") return this.#refuse("too_large");
    if (room === "no_room") {
      witness.unrouted("held_bytes");
      const swallowed = this.#swallowed ? Buffer.concat([this.#collector.bytes(), body]) : null;
      this.#pass();
      this.#forward(turn, swallowed, this.#takePendingRouting(), false);
      return;
    }
    const complete = end || this.#mode === "BUFFERED" || this.#mode === "NONE" || this.#collector.length === this.#contentLength;
    if (complete) return this.#decideAnswered(turn);
    if (this.#mode === "BUFFERED_PARTIAL") {
      witness.unrouted("partial_body");
      this.#pass();
      turn.keep(this.#takePendingRouting());
      return;
    }
    if (this.#encoded) {
      // With the first answer the head goes upstream: nothing could say any more that the body which follows is plain.
      witness.unrouted("streamed_encoding");
      this.#pass();
      turn.keep(this.#takePendingRouting());
      return;
    }
    this.#swallowed = true;
    this.#startTimer();
    turn.clear();
  }

  async #decideAnswered(turn: RequestBodyTurn): Promise<void> {
    const whole = this.#collector.bytes();
    const verdict = await this.#decide(whole);
    if (verdict === null) return;
    const routing = this.#takePendingRouting(verdict.changes, verdict.backendModel);
    // The modes that stream drop content-length themselves and read no headers from a body answer.
    const announceLength = !this.#swallowed && this.#mode !== "STREAMED" && this.#mode !== "BUFFERED_PARTIAL";
    this.#forward(turn, verdict.body ?? (this.#swallowed ? whole : null), routing, announceLength);
  }

  #forward(turn: RequestBodyTurn, body: Uint8Array | null, routing: Routing, announceLength: boolean): void {
    if (body === null) turn.keep(routing);
    else turn.replace(body, routing, announceLength);
  }

  #onDuplexBody(body: Buffer, end: boolean): void | Promise<void> {
    const { outbox, witness } = this.#parts;
    const stream = outbox.requestStream();
    if (this.#stage !== "collecting") {
      stream.write(body, end);
      return;
    }
    const room = this.#collector.add(body);
    if (room === "too_large") return this.#refuse("too_large");
    if (room === "no_room") {
      witness.unrouted("held_bytes");
      const earlier = this.#collector.bytes();
      this.#pass();
      this.#releaseHead(this.#takePendingRouting());
      stream.write(earlier, false);
      stream.write(body, end);
      return;
    }
    if (end) return this.#decideDuplex(null);
  }

  /** `trailers`: they ended the body and wait for their answer. */
  async #decideDuplex(trailers: TrailersTurn | null): Promise<void> {
    const stream = this.#parts.outbox.requestStream();
    const whole = this.#collector.bytes();
    const verdict = await this.#decide(whole);
    if (verdict === null) return;
    this.#releaseHead(this.#takePendingRouting(verdict.changes, verdict.backendModel));
    stream.write(verdict.body ?? whole, trailers === null);
    if (trailers === null) return;
    stream.endWithTrailers();
    trailers.proceed();
  }

  #releaseHead(routing: Routing): void {
    this.#heldHead?.proceed(routing, null);
    this.#heldHead = null;
  }

  /** Asks the exchange; null when there is nothing left to answer (it replied, or the stream is over). */
  async #decide(body: Buffer): Promise<Extract<BodyVerdict, { kind: "forward" }> | null> {
    const { exchange, outbox, signal, witness } = this.#parts;
    clearTimeout(this.#timer ?? undefined);
    this.#stage = "passing";
    let verdict = unchanged;
    try {
      verdict = await exchange.onRequestBody(body, { signal });
    } catch (error) {
      if (!signal.aborted) witness.failed("request body", error);
    }
    this.#collector.release();
    if (outbox.closed || signal.aborted) return null;
    if (verdict.kind === "forward") return verdict;
    outbox.immediate(verdict.reply);
    return null;
  }

  #refuse(reason: "too_large" | "too_slow"): void {
    if (this.#stage !== "collecting") return;
    let reply = refusals[reason];
    try {
      reply = this.#parts.exchange.onBodyRefused(reason);
    } catch (error) {
      this.#parts.witness.failed("body refusal", error);
    }
    this.#reply(reply);
  }

  #reply(reply: Reply): void {
    this.#pass();
    this.#heldHead = null;
    this.#parts.outbox.immediate(reply);
  }

  /** Stops collecting: whatever comes now goes by. */
  #pass(): void {
    clearTimeout(this.#timer ?? undefined);
    this.#collector.release();
    this.#stage = "passing";
  }

  #takePendingRouting(changes: HeaderChanges = noChanges, backendModel: string | null = null): Routing {
    const merged = mergeChanges(this.#pendingChanges, changes);
    this.#pendingChanges = noChanges;
    return this.#routing(merged, backendModel);
  }

  #routing(changes: HeaderChanges, backendModel: string | null = null): Routing {
    return { changes, backendModel, clearRouteCache: this.#parts.limits.clearRouteCache };
  }
}

/** mergeChanges makes one change of two: the later one wins on a name both speak of. */
export function mergeChanges(earlier: HeaderChanges, later: HeaderChanges): HeaderChanges {
  if (earlier.set.length === 0 && earlier.remove.length === 0) return later;
  if (later.set.length === 0 && later.remove.length === 0) return earlier;
  const decided = new Set([...later.remove, ...later.set.map(([name]) => name)]);
  return { set: [...earlier.set.filter(([name]) => !decided.has(name)), ...later.set], remove: [...earlier.remove, ...later.remove] };
}

function parseContentLength(text: string | undefined): number | null {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : null;
}

const jsonReply = (status: number, message: string, details: string): Reply => ({
  status,
  headers: [["content-type", "application/json"]],
  body: JSON.stringify({ error: { message, type: "invalid_request_error", code: status } }),
  details,
});

/** Stand-ins for an exchange that fails while it refuses. */
const refusals: Readonly<Record<"too_large" | "too_slow", Reply>> = {
  too_large: jsonReply(413, "The request body is too large.", "turnout_body_too_large"),
  too_slow: jsonReply(408, "The request body came too slowly.", "turnout_body_too_slow"),
};

const trailersAfterStreamedBody = jsonReply(
  400,
  "A body of unknown length that ends in trailers cannot be routed while the gateway sends bodies in mode STREAMED.",
  "turnout_trailers_after_streamed_body",
);
