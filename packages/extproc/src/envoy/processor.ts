/**
 * One HTTP request as ext_proc tells it, message by message: picks the half a message belongs to, hands it the turn to answer,
 * and sees to it that a turn is never left unanswered by a failure. Knows no gRPC; service.ts feeds it in order and waits for
 * each message before the next.
 */
import type { Reply } from "@turnout/shared";
import { decodeBodyModes } from "./body-mode.ts";
import type { ProcessingRequest } from "./protocol.ts";
import { noChanges, type Routing } from "./reply.ts";
import { RequestSide, type RequestSideParts } from "./request-side.ts";
import { ResponseSide } from "./response-side.ts";

/** What a full-duplex request gets when we break over its body: part of it is already ours and cannot be handed back. */
const broken: Reply = {
  status: 500,
  headers: [["content-type", "application/json"]],
  body: JSON.stringify({ error: { message: "The router failed.", type: "internal_error", code: 500 } }),
  details: "turnout_internal_error",
};

const untouched: Routing = { changes: noChanges, clearRouteCache: false, backendModel: null };

export class Processor {
  readonly #parts: RequestSideParts;
  #sides: { readonly request: RequestSide; readonly response: ResponseSide } | null = null;
  #closed = false;

  constructor(parts: RequestSideParts) {
    this.#parts = parts;
  }

  /** receive answers one message; a promise means that the answer takes time. Never throws, never rejects. */
  receive(message: ProcessingRequest): void | Promise<void> {
    const { outbox, witness } = this.#parts;
    if (this.#closed || outbox.closed) return;
    const { request, response } = (this.#sides ??= this.#begin(message));
    // Read by presence: a message of a newer protocol, or one with no case at all, is then nobody's.
    if (message.requestHeaders !== undefined) {
      const turn = outbox.requestHeaders();
      const { requestHeaders } = message;
      return this.#answer(
        () => request.onHeaders(requestHeaders, turn),
        () => turn.spent || turn.proceed(untouched, null),
      );
    }
    if (message.requestBody !== undefined) {
      const { requestBody, attributes } = message;
      if (request.streamsBody) {
        return this.#answer(
          () => request.onStreamedBody(requestBody, attributes),
          () => outbox.immediate(broken),
        );
      }
      const turn = outbox.requestBody();
      return this.#answer(
        () => request.onBody(requestBody, attributes, turn),
        () => turn.spent || turn.keep(untouched),
      );
    }
    if (message.requestTrailers !== undefined) {
      const turn = outbox.requestTrailers();
      return this.#answer(
        () => request.onTrailers(turn),
        () => turn.spent || turn.proceed(),
      );
    }
    if (message.responseHeaders !== undefined) {
      const turn = outbox.responseHeaders();
      const { responseHeaders } = message;
      request.onResponseStarted();
      return this.#answer(
        () => response.onHeaders(responseHeaders, request.headSeen, turn),
        () => turn.spent || turn.proceed(noChanges, null, false),
      );
    }
    if (message.responseBody !== undefined) {
      response.onBody(message.responseBody);
      return;
    }
    if (message.responseTrailers !== undefined) {
      const turn = outbox.responseTrailers();
      return this.#answer(
        () => response.onTrailers(turn),
        () => turn.spent || turn.proceed(),
      );
    }
    witness.slip("unknown_message");
  }

  /** close ends the exchange and lets go of everything held. Safe to call twice. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#sides?.request.close();
    try {
      this.#parts.exchange.close();
    } catch (error) {
      this.#parts.witness.failed("close", error);
    }
  }

  #begin(message: ProcessingRequest) {
    if (message.observabilityMode === true) this.#parts.outbox.mute();
    const modes = decodeBodyModes(message.protocolConfig);
    return { request: new RequestSide(modes, this.#parts), response: new ResponseSide(modes, this.#parts) };
  }

  /** Runs one phase; should it fail, which is a bug, `otherwise` answers that nothing changes. */
  #answer(phase: () => void | Promise<void>, otherwise: () => void): void | Promise<void> {
    const recover = (error: unknown): void => {
      this.#parts.witness.failed("phase", error);
      otherwise();
    };
    try {
      return phase()?.catch(recover);
    } catch (error) {
      recover(error);
    }
  }
}
