/**
 * The only place that builds answers. Gateways hang for ever or fail a request on a wrong one (an empty answer, one for another
 * phase, a second one, a body in a headers answer), so wrong ones cannot be written: each message that came hands out a turn,
 * a turn has only the answers its phase allows, and it is spent by the first. Constant answers are made once and shared.
 *
 * Headers go out in `raw_value` with OVERWRITE_IF_EXISTS_OR_ADD and `append` unset, which overwrites on every gateway (Envoy
 * reads only `append`, agentgateway only `append_action`). Called by the two sides of processor.ts; written to by service.ts.
 */
import type { HeaderChanges, HeaderEntry, Reply } from "@turnout/shared";
import type { ModeOverride } from "./body-mode.ts";
import type { HeaderMutation, HttpBody, ProcessingResponse } from "./protocol.ts";

export const noChanges: HeaderChanges = { set: [], remove: [] };

/** Routing is what an answer on the request side carries beside the body. */
export interface Routing {
  readonly changes: HeaderChanges;
  readonly clearRouteCache: boolean;
  /** Logical model chosen; published as dynamic metadata `turnout.model`. */
  readonly backendModel: string | null;
}

export interface RequestHeadersTurn {
  readonly spent: boolean;
  proceed(routing: Routing, override: ModeOverride | null): void;
}

export interface ResponseHeadersTurn {
  readonly spent: boolean;
  /** `dropContentLength`: the body will be streamed, its length is no longer promised. */
  proceed(changes: HeaderChanges, override: ModeOverride | null, dropContentLength: boolean): void;
}

export interface RequestBodyTurn {
  readonly spent: boolean;
  /** The bytes of this message go on as they are. */
  keep(routing: Routing): void;
  /** The bytes of this message are swallowed; a later answer brings them. */
  clear(): void;
  /** `body` goes on instead. `announceLength` writes content-length: needed, and right, only where the whole body is one message. */
  replace(body: Uint8Array, routing: Routing, announceLength: boolean): void;
}

export interface ResponseBodyTurn {
  readonly spent: boolean;
  keep(): void;
}

export interface TrailersTurn {
  readonly spent: boolean;
  proceed(): void;
}

/** BodyStream is a body in FULL_DUPLEX_STREAMED: not one answer per message, but the body written anew. */
export interface BodyStream {
  write(bytes: Uint8Array, endOfStream: boolean): void;
  /** The body ended with trailers instead of endOfStream. */
  endWithTrailers(): void;
}

/** Slip is an answer that was about to be wrong and was not written: always a bug of ours. */
export type Slip = "second_answer" | "answer_after_end";

/** Outbox is one gRPC stream's answers. */
export interface Outbox {
  /** Messages taken in that still wait for their answer, unfinished full-duplex bodies included. */
  readonly owed: number;
  readonly closed: boolean;
  /** Writes nothing any more. */
  close(): void;
  /** Takes turns but writes nothing (observability mode). */
  mute(): void;
  requestHeaders(): RequestHeadersTurn;
  requestBody(): RequestBodyTurn;
  requestTrailers(): TrailersTurn;
  responseHeaders(): ResponseHeadersTurn;
  responseBody(): ResponseBodyTurn;
  responseTrailers(): TrailersTurn;
  requestStream(): BodyStream;
  responseStream(): BodyStream;
  /** Body mode GRPC: one gRPC message is handed on with its flags. */
  passGrpcMessage(side: "request" | "response", message: HttpBody): void;
  /** Ends the request with a response of ours. Gateways accept it at any point of the request phases; nothing follows it. */
  immediate(reply: Reply): void;
}

const keepRequestHeaders: ProcessingResponse = Object.freeze({ requestHeaders: {} });
const keepResponseHeaders: ProcessingResponse = Object.freeze({ responseHeaders: {} });
const keepRequestBody: ProcessingResponse = Object.freeze({ requestBody: {} });
const keepResponseBody: ProcessingResponse = Object.freeze({ responseBody: {} });
const keepRequestTrailers: ProcessingResponse = Object.freeze({ requestTrailers: {} });
const keepResponseTrailers: ProcessingResponse = Object.freeze({ responseTrailers: {} });
const clearRequestBody: ProcessingResponse = Object.freeze({ requestBody: { response: { bodyMutation: { clearBody: true } } } });

/** Envoy's advice for FULL_DUPLEX_STREAMED. */
const maxChunkBytes = 64 * 1024;

/** createOutbox makes the answers of one stream; `write` sends one, `onSlip` hears of a bug that was caught. */
export function createOutbox(write: (response: ProcessingResponse) => void, onSlip: (slip: Slip) => void): Outbox {
  return new StreamOutbox(write, onSlip);
}

/** Its turns are classes of the module, not of the stream: seven new classes for every request took 20 us of its 300. */
class StreamOutbox implements Outbox {
  owed = 0;
  closed = false;
  readonly slip: (slip: Slip) => void;
  readonly #write: (response: ProcessingResponse) => void;
  #muted = false;
  #requestStream: BodyStream | null = null;
  #responseStream: BodyStream | null = null;

  constructor(write: (response: ProcessingResponse) => void, slip: (slip: Slip) => void) {
    this.#write = write;
    this.slip = slip;
  }

  send(response: ProcessingResponse): void {
    if (!this.closed && !this.#muted) this.#write(response);
  }

  close(): void {
    this.closed = true;
  }

  mute(): void {
    this.#muted = true;
  }

  requestHeaders(): RequestHeadersTurn {
    return new RequestHeaders(this);
  }

  requestBody(): RequestBodyTurn {
    return new RequestBody(this);
  }

  requestTrailers(): TrailersTurn {
    return new Trailers(this, keepRequestTrailers);
  }

  responseHeaders(): ResponseHeadersTurn {
    return new ResponseHeaders(this);
  }

  responseBody(): ResponseBodyTurn {
    return new ResponseBody(this);
  }

  responseTrailers(): TrailersTurn {
    return new Trailers(this, keepResponseTrailers);
  }

  requestStream(): BodyStream {
    return (this.#requestStream ??= new FullDuplexBody(this, "requestBody"));
  }

  responseStream(): BodyStream {
    return (this.#responseStream ??= new FullDuplexBody(this, "responseBody"));
  }

  passGrpcMessage(side: "request" | "response", { body, endOfStream, endOfStreamWithoutMessage, grpcMessageCompressed }: HttpBody): void {
    const streamedResponse = { body: body ?? new Uint8Array(0), endOfStream, endOfStreamWithoutMessage, grpcMessageCompressed };
    const response = { bodyMutation: { streamedResponse } };
    this.send(side === "request" ? { requestBody: { response } } : { responseBody: { response } });
  }

  immediate(reply: Reply): void {
    this.send(immediateResponse(reply));
    this.closed = true;
    this.owed = 0;
  }
}

class Turn {
  spent = false;
  readonly #outbox: StreamOutbox;

  constructor(outbox: StreamOutbox) {
    this.#outbox = outbox;
    outbox.owed += 1;
  }

  protected answer(response: ProcessingResponse): void {
    if (this.spent) {
      this.#outbox.slip("second_answer");
      return;
    }
    this.spent = true;
    this.#outbox.owed -= 1;
    this.#outbox.send(response);
  }
}

class RequestHeaders extends Turn implements RequestHeadersTurn {
  proceed(routing: Routing, override: ModeOverride | null): void {
    const response = commonResponse(routing, null);
    if (response === null && override === null) this.answer(keepRequestHeaders);
    else this.answer({ requestHeaders: { response }, ...modeOverride(override), ...dynamicMetadata(routing.backendModel) });
  }
}

class ResponseHeaders extends Turn implements ResponseHeadersTurn {
  proceed(changes: HeaderChanges, override: ModeOverride | null, dropContentLength: boolean): void {
    const mutation = headerMutation(changes, dropContentLength ? "drop" : "leave");
    if (mutation === null && override === null) this.answer(keepResponseHeaders);
    else this.answer({ responseHeaders: { response: mutation && { headerMutation: mutation } }, ...modeOverride(override) });
  }
}

class RequestBody extends Turn implements RequestBodyTurn {
  keep(routing: Routing): void {
    const response = commonResponse(routing, null);
    this.answer(response === null ? keepRequestBody : { requestBody: { response }, ...dynamicMetadata(routing.backendModel) });
  }

  clear(): void {
    this.answer(clearRequestBody);
  }

  replace(body: Uint8Array, routing: Routing, announceLength: boolean): void {
    const response = { ...commonResponse(routing, announceLength ? body.length : null), bodyMutation: { body } };
    this.answer({ requestBody: { response }, ...dynamicMetadata(routing.backendModel) });
  }
}

class ResponseBody extends Turn implements ResponseBodyTurn {
  keep(): void {
    this.answer(keepResponseBody);
  }
}

class Trailers extends Turn implements TrailersTurn {
  readonly #answer: ProcessingResponse;

  constructor(outbox: StreamOutbox, answer: ProcessingResponse) {
    super(outbox);
    this.#answer = answer;
  }

  proceed(): void {
    this.answer(this.#answer);
  }
}

class FullDuplexBody implements BodyStream {
  readonly #outbox: StreamOutbox;
  readonly #phase: "requestBody" | "responseBody";
  #ended = false;

  constructor(outbox: StreamOutbox, phase: "requestBody" | "responseBody") {
    this.#outbox = outbox;
    this.#phase = phase;
    outbox.owed += 1;
  }

  write(bytes: Uint8Array, endOfStream: boolean): void {
    if (this.#ended) {
      this.#outbox.slip("answer_after_end");
      return;
    }
    if (endOfStream) this.#end();
    if (bytes.length === 0 && endOfStream) this.#send(bytes, true);
    for (let start = 0; start < bytes.length; start += maxChunkBytes) {
      const end = Math.min(start + maxChunkBytes, bytes.length);
      this.#send(bytes.subarray(start, end), endOfStream && end === bytes.length);
    }
  }

  endWithTrailers(): void {
    if (!this.#ended) this.#end();
  }

  #end(): void {
    this.#ended = true;
    this.#outbox.owed -= 1;
  }

  #send(body: Uint8Array, endOfStream: boolean): void {
    this.#outbox.send({ [this.#phase]: { response: { bodyMutation: { streamedResponse: { body, endOfStream } } } } });
  }
}

function commonResponse(routing: Routing, contentLength: number | null) {
  const mutation = headerMutation(routing.changes, contentLength ?? "leave");
  if (mutation === null) return routing.backendModel === null ? null : {};
  return routing.clearRouteCache ? { headerMutation: mutation, clearRouteCache: true } : { headerMutation: mutation };
}

function headerMutation(changes: HeaderChanges, contentLength: number | "leave" | "drop"): HeaderMutation | null {
  const setHeaders = changes.set.filter(([name]) => isOurs(name)).map(setHeader);
  const removeHeaders = changes.remove.filter((name) => isOurs(name) && name !== ":path");
  if (typeof contentLength === "number") setHeaders.push(setHeader(["content-length", String(contentLength)]));
  if (contentLength === "drop") removeHeaders.push("content-length");
  if (setHeaders.length === 0 && removeHeaders.length === 0) return null;
  return { setHeaders, removeHeaders };
}

/**
 * isOurs refuses what Envoy ignores and agentgateway would obey (host, :authority, :method, :scheme, x-envoy-*), and the framing
 * headers, which are this file's own business.
 */
function isOurs(name: string): boolean {
  if (name.startsWith(":")) return name === ":path";
  return name !== "" && name !== "host" && name !== "content-length" && name !== "transfer-encoding" && !name.startsWith("x-envoy-");
}

function setHeader([key, value]: HeaderEntry) {
  // A line break or NUL in a value would make the gateway refuse the whole answer.
  const clean = /[\r\n\0]/.test(value) ? value.replaceAll(/[\r\n\0]+/g, " ") : value;
  return { header: { key, rawValue: Buffer.from(clean, "utf8") }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" as const };
}

function modeOverride(override: ModeOverride | null): Pick<ProcessingResponse, "modeOverride"> {
  return override === null ? {} : { modeOverride: override };
}

/** A namespaced struct: Envoy wants the namespace, agentgateway shows it as `extproc["turnout"].model`. */
function dynamicMetadata(backendModel: string | null): Pick<ProcessingResponse, "dynamicMetadata"> {
  if (backendModel === null) return {};
  return { dynamicMetadata: { fields: { turnout: { structValue: { fields: { model: { stringValue: backendModel } } } } } } };
}

function immediateResponse(reply: Reply): ProcessingResponse {
  const headers = reply.headers.some(([name]) => name === "content-type")
    ? reply.headers
    : [...reply.headers, ["content-type", "text/plain; charset=utf-8"] as const];
  return {
    immediateResponse: {
      // Codes outside 200..599 would be ignored by Envoy, and the request would hang.
      status: { code: Number.isInteger(reply.status) && reply.status >= 200 && reply.status <= 599 ? reply.status : 500 },
      headers: { setHeaders: headers.filter(([name]) => isOurs(name) && name !== ":path").map(setHeader) },
      body: Buffer.from(reply.body, "utf8"),
      details: reply.details,
    },
  };
}
