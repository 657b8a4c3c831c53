/**
 * The response half of one stream. Bytes always go on first and unchanged; the exchange looks at them afterwards, and only if
 * it asked to. A body that nobody observes is left to the gateway, an observed event stream is switched to streaming.
 */
import type { Exchange, ExchangeLimits, HeaderChanges } from "@turnout/shared";
import { responseOverride, type BodyMode, type BodyModes, type ModeOverride } from "./body-mode.ts";
import { decodeResponseHead, guessGateway, headerValue } from "./decode.ts";
import type { HttpBody, HttpHeaders } from "./protocol.ts";
import { noChanges, type Outbox, type ResponseHeadersTurn, type TrailersTurn } from "./reply.ts";
import type { Witness } from "./request-side.ts";

export interface ResponseSideParts {
  readonly exchange: Exchange;
  readonly limits: ExchangeLimits;
  readonly outbox: Outbox;
  readonly witness: Witness;
}

const EMPTY = Buffer.alloc(0);

export class ResponseSide {
  readonly #parts: ResponseSideParts;
  readonly #modes: BodyModes;
  #mode: BodyMode;
  #headSeen = false;
  #observing = false;

  constructor(modes: BodyModes, parts: ResponseSideParts) {
    this.#modes = modes;
    this.#mode = modes.response;
    this.#parts = parts;
  }

  /** `judged`: the exchange has seen the request's head; without it the exchange is not asked at all. */
  onHeaders(message: HttpHeaders, judged: boolean, turn: ResponseHeadersTurn): void {
    const { exchange, limits, witness } = this.#parts;
    if (this.#headSeen) {
      witness.slip("repeated_message");
      turn.proceed(noChanges, null, false);
      return;
    }
    this.#headSeen = true;
    const head = decodeResponseHead(message);
    let changes: HeaderChanges = noChanges;
    if (judged) {
      try {
        if (exchange.wantsResponseHead) changes = exchange.onResponseHead(head);
        this.#observing = exchange.responseBody === "observe";
      } catch (error) {
        witness.failed("response head", error);
      }
    }
    const hasBody = message.endOfStream !== true;
    const override = hasBody
      ? responseOverride(this.#modes, {
          observed: this.#observing,
          eventStream: isEventStream(headerValue(head.headers, "content-type")),
          gateway: limits.gateway === "auto" ? guessGateway(message.headers) : limits.gateway,
        })
      : null;
    const streaming = isStreaming(override);
    // agentgateway may refuse the override without a word; it takes a streamed answer to a buffered body all the same.
    if (streaming && override?.responseBodyMode === "FULL_DUPLEX_STREAMED") this.#mode = "FULL_DUPLEX_STREAMED";
    turn.proceed(changes, override, streaming && headerValue(head.headers, "content-length") !== undefined);
    if (!hasBody) this.#observe(EMPTY, true);
  }

  onBody(message: HttpBody): void {
    const { outbox } = this.#parts;
    const body = message.body ?? EMPTY;
    const end = message.endOfStream === true;
    if (this.#mode === "GRPC") outbox.passGrpcMessage("response", message);
    else if (this.#mode === "FULL_DUPLEX_STREAMED") outbox.responseStream().write(body, end);
    else outbox.responseBody().keep();
    this.#observe(body, end);
  }

  onTrailers(turn: TrailersTurn): void {
    if (this.#mode === "FULL_DUPLEX_STREAMED") this.#parts.outbox.responseStream().endWithTrailers();
    turn.proceed();
    this.#observe(EMPTY, true);
  }

  #observe(chunk: Uint8Array, endOfStream: boolean): void {
    if (!this.#observing) return;
    if (endOfStream) this.#observing = false;
    try {
      this.#parts.exchange.onResponseChunk(chunk, endOfStream);
    } catch (error) {
      this.#observing = false;
      this.#parts.witness.failed("response body", error);
    }
  }
}

const isStreaming = (override: ModeOverride | null): boolean => override !== null && override.responseBodyMode !== "NONE";

const isEventStream = (contentType: string | undefined): boolean => contentType?.toLowerCase().startsWith("text/event-stream") === true;
