/**
 * A gateway's half of ext_proc over real gRPC, in two profiles that differ as Envoy 1.40 and agentgateway were measured to
 * differ: encoding of headers, order of messages, what an answer may be, how streams end. It takes a client's request, lets the
 * server under test judge it, calls an upstream function, and walks the response back. What would hang or fail a request on the
 * real gateway is thrown as GatewayBroken, so that a passing test means a request that passes.
 */
import { credentials, Metadata, type ChannelCredentials, type ClientDuplexStream, type StatusObject } from "@grpc/grpc-js";
import {
  loadProtocol,
  type ExternalProcessorClient,
  type ProcessingRequestInput,
  type ProcessingResponseOutput,
} from "@turnout/extproc/envoy";

export type Profile = "envoy" | "agentgateway";
export type BodyMode = "NONE" | "STREAMED" | "BUFFERED" | "BUFFERED_PARTIAL" | "FULL_DUPLEX_STREAMED" | "GRPC";
export type Header = readonly [name: string, value: string];

export interface GatewaySettings {
  readonly requestBodyMode: BodyMode;
  readonly responseBodyMode: BodyMode;
  readonly sendRequestHeaders: boolean;
  readonly sendTrailers: boolean;
  readonly allowModeOverride: boolean;
  readonly observabilityMode: boolean;
  /** Bytes of a body that BUFFERED_PARTIAL sends. */
  readonly bufferLimit: number;
  /** False: an old gateway that sends no protocol_config. */
  readonly tellsModes: boolean;
  readonly attributes: Readonly<Record<string, string>>;
  /** Metadata of the gRPC stream. */
  readonly streamMetadata: Readonly<Record<string, string>>;
}

export interface ClientRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: readonly Header[];
  /** As the client sends it; null: no body. */
  readonly chunks?: readonly Buffer[] | null;
  /** The client announces content-length (then the last chunk may carry end_of_stream) instead of sending chunked. */
  readonly announceLength?: boolean;
  readonly trailers?: readonly Header[];
}

export interface UpstreamRequest {
  readonly headers: ReadonlyMap<string, string>;
  readonly method: string;
  readonly path: string;
  readonly body: Buffer;
  /** The route was looked up again after our changes. */
  readonly rerouted: boolean;
}

export interface UpstreamResponse {
  readonly status?: number;
  readonly headers?: readonly Header[];
  readonly chunks?: readonly Buffer[];
  readonly trailers?: readonly Header[];
}

export interface Outcome {
  readonly status: number;
  readonly headers: ReadonlyMap<string, string>;
  /** As the client receives them. */
  readonly chunks: readonly Buffer[];
  readonly body: string;
  /** Null when the response was the router's own. */
  readonly upstream: UpstreamRequest | null;
  /** Every message: ">requestBody(12)$" went out, "<requestBody" came back. */
  readonly wire: readonly string[];
  readonly metadata: ReadonlyMap<string, string>;
}

class GatewayBroken extends Error {}

const defaults: GatewaySettings = {
  requestBodyMode: "BUFFERED",
  responseBodyMode: "BUFFERED",
  sendRequestHeaders: true,
  sendTrailers: true,
  allowModeOverride: true,
  observabilityMode: false,
  bufferLimit: 1024 * 1024,
  tellsModes: true,
  attributes: {},
  streamMetadata: {},
};

const forbidden = /^(:authority|:method|:scheme|:status|host|x-envoy-.*)$/;
const patienceMs = 5000;

export class GatewaySimulator {
  readonly profile: Profile;
  readonly #client: ExternalProcessorClient;

  constructor(address: string, profile: Profile, channel: ChannelCredentials = credentials.createInsecure()) {
    this.profile = profile;
    const { ExternalProcessor } = loadProtocol();
    this.#client = new ExternalProcessor(address, channel, {
      "grpc.max_receive_message_length": 64 * 1024 * 1024,
      "grpc.use_local_subchannel_pool": 1,
      "grpc.enable_channelz": 0,
    });
  }

  close(): void {
    this.#client.close();
  }

  /** converse opens a bare stream, for tests that walk the protocol themselves. */
  converse(streamMetadata: GatewaySettings["streamMetadata"] = {}): Conversation {
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(streamMetadata)) metadata.set(name, value);
    return new Conversation(this.#client.process(metadata));
  }

  /** send walks one request and its response past the server. */
  async send(request: ClientRequest, upstream: (request: UpstreamRequest) => UpstreamResponse, settings: Partial<GatewaySettings> = {}) {
    const conversation = this.converse(settings.streamMetadata);
    const walk = new Walk(this.profile, conversation, { ...defaults, ...settings });
    try {
      const outcome = await walk.run(request, upstream);
      await this.#finish(conversation);
      return outcome;
    } finally {
      conversation.reset();
    }
  }

  /** Envoy resets even a finished stream; agentgateway half-closes and would keep the stream until the server ends it. */
  async #finish(conversation: Conversation): Promise<void> {
    if (conversation.pending > 0) throw new GatewayBroken("an answer came that no message had asked for");
    if (this.profile === "envoy") return;
    conversation.halfClose();
    const status = await conversation.ended();
    if (status.code !== 0) throw new GatewayBroken(`the server ended the stream with ${status.code} ${status.details}`);
  }
}

/** Conversation is one gRPC stream with its answers as a queue. */
export class Conversation {
  readonly #call: ClientDuplexStream<ProcessingRequestInput, ProcessingResponseOutput>;
  readonly #answers: ProcessingResponseOutput[] = [];
  readonly #status: Promise<StatusObject>;
  #waiter: (() => void) | null = null;
  #over: StatusObject | null = null;
  readonly wire: string[] = [];

  constructor(call: ClientDuplexStream<ProcessingRequestInput, ProcessingResponseOutput>) {
    this.#call = call;
    call.on("data", (answer: ProcessingResponseOutput) => {
      this.wire.push(`<${answer.response ?? "nothing"}`);
      this.#answers.push(answer);
      this.#waiter?.();
    });
    call.on("error", () => {});
    this.#status = new Promise((resolve) => {
      call.on("status", (status: StatusObject) => {
        this.#over = status;
        resolve(status);
        this.#waiter?.();
      });
    });
  }

  get pending(): number {
    return this.#answers.length;
  }

  write(message: ProcessingRequestInput): void {
    const kind = (
      ["requestHeaders", "requestBody", "requestTrailers", "responseHeaders", "responseBody", "responseTrailers"] as const
    ).find((name) => message[name] !== undefined);
    const part = message.requestBody ?? message.responseBody ?? message.requestHeaders ?? message.responseHeaders;
    const size = kind?.endsWith("Body") === true ? `(${(message.requestBody ?? message.responseBody)?.body?.length ?? 0})` : "";
    this.wire.push(`>${kind ?? "nothing"}${size}${part?.endOfStream === true ? "$" : ""}`);
    this.#call.write(message);
  }

  /** next is the next answer; a gateway that waits in vain hangs for ever, a test must not. */
  async next(): Promise<ProcessingResponseOutput> {
    const deadline = Date.now() + patienceMs;
    for (;;) {
      const answer = this.#answers.shift();
      if (answer !== undefined) return answer;
      if (this.#over !== null)
        throw new GatewayBroken(`the stream ended (${this.#over.code} ${this.#over.details}) while an answer was due`);
      if (Date.now() >= deadline) throw new GatewayBroken(`no answer came; the request hangs [${this.wire.join(" ")}]`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, deadline - Date.now());
        this.#waiter = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  halfClose(): void {
    this.#call.end();
  }

  reset(): void {
    this.#call.cancel();
  }

  async ended(): Promise<StatusObject> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new GatewayBroken("the server did not end the stream")), patienceMs);
    });
    try {
      return await Promise.race([this.#status, late]);
    } finally {
      clearTimeout(timer);
    }
  }
}

/** encodeHeaders writes headers as the gateway does: Envoy all in raw_value, agentgateway pseudo headers last and in value. */
function encodeHeaders(profile: Profile, pseudo: readonly Header[], headers: readonly Header[]) {
  const raw = ([key, value]: Header) => ({ key, rawValue: Buffer.from(value) });
  if (profile === "envoy") return { headers: [...pseudo.map(raw), ...headers.map(raw)] };
  return { headers: [...headers.map(raw), ...pseudo.map(([key, value]) => ({ key, value }))] };
}

type Common = NonNullable<NonNullable<ProcessingResponseOutput["requestBody"]>["response"]>;

class EndedByRouter extends Error {
  readonly answer: NonNullable<ProcessingResponseOutput["immediateResponse"]>;

  constructor(answer: NonNullable<ProcessingResponseOutput["immediateResponse"]>) {
    super("immediate response");
    this.answer = answer;
  }
}

class Walk {
  readonly #profile: Profile;
  readonly #conversation: Conversation;
  readonly #settings: GatewaySettings;
  readonly #metadata = new Map<string, string>();
  #requestMode: BodyMode;
  #responseMode: BodyMode;
  #sendResponseHeaders = true;
  #first = true;
  #rerouted = false;

  constructor(profile: Profile, conversation: Conversation, settings: GatewaySettings) {
    this.#profile = profile;
    this.#conversation = conversation;
    this.#settings = settings;
    this.#requestMode = settings.requestBodyMode;
    this.#responseMode = settings.responseBodyMode;
  }

  async run(request: ClientRequest, upstream: (request: UpstreamRequest) => UpstreamResponse): Promise<Outcome> {
    const outcome = { wire: this.#conversation.wire, metadata: this.#metadata };
    let forwarded: UpstreamRequest | null = null;
    try {
      forwarded = await this.#request(request);
      const response = await this.#response(upstream(forwarded));
      return { ...outcome, ...response, body: Buffer.concat(response.chunks).toString("utf8"), upstream: forwarded };
    } catch (thrown) {
      if (!(thrown instanceof EndedByRouter)) throw thrown;
      const { status, body, headers } = thrown.answer;
      const fields = new Map<string, string>();
      this.#applyHeaders(fields, headers);
      if (!fields.has("content-type")) throw new GatewayBroken("an immediate response without content-type");
      const text = new TextDecoder("utf-8", { fatal: true }).decode(body ?? Buffer.alloc(0));
      return { ...outcome, status: status?.code ?? 200, headers: fields, chunks: [Buffer.from(text)], body: text, upstream: forwarded };
    }
  }

  async #request(request: ClientRequest): Promise<UpstreamRequest> {
    const { method = "POST", path = "/v1/chat/completions", chunks = null, trailers = [] } = request;
    const whole = Buffer.concat(chunks ?? []);
    const headers = new Map<string, string>(request.headers ?? [["content-type", "application/json"]]);
    if (chunks !== null && request.announceLength !== false && trailers.length === 0) headers.set("content-length", String(whole.length));
    const pseudo = new Map([
      [":method", method],
      [":scheme", "http"],
      [":authority", "router.test"],
      [":path", path],
    ]);
    const sendTrailers = trailers.length > 0 && this.#settings.sendTrailers;
    const duplex = this.#requestMode === "FULL_DUPLEX_STREAMED";
    const body: Buffer[] = [];
    let headAnswered = !this.#settings.sendRequestHeaders;

    const takeHead = async () => {
      const answer = this.#expect(await this.#answer(), "requestHeaders");
      headAnswered = true;
      this.#applyCommon(answer.requestHeaders?.response, headers, pseudo);
      if (answer.requestHeaders?.response?.bodyMutation !== undefined) throw new GatewayBroken("a body mutation in a headers answer");
      this.#applyOverride(answer, "request");
    };
    if (this.#settings.sendRequestHeaders) {
      this.#write({ requestHeaders: { headers: encodeHeaders(this.#profile, [...pseudo], [...headers]), endOfStream: chunks === null } });
      if (!duplex || chunks === null) await takeHead();
    }
    if (chunks !== null && duplex) {
      this.#writeDuplex("requestBody", chunks, sendTrailers, trailers);
      if (!headAnswered) await takeHead();
      headers.delete("content-length");
      await this.#readDuplex("requestBody", body, sendTrailers);
    } else if (chunks !== null) {
      await this.#requestAnswered(chunks, whole, headers, pseudo, body, sendTrailers);
      if (sendTrailers && this.#requestMode !== "NONE") {
        this.#write({ requestTrailers: { trailers: encodeHeaders(this.#profile, [], trailers) } });
        this.#expect(await this.#answer(), "requestTrailers");
      }
    }
    const sent = Buffer.concat(body);
    const announced = headers.get("content-length");
    if (announced !== undefined && chunks !== null && Number(announced) !== sent.length) {
      throw new GatewayBroken(`content-length ${announced} for a body of ${sent.length} bytes`);
    }
    return {
      headers,
      method: pseudo.get(":method") ?? "",
      path: pseudo.get(":path") ?? "",
      body: sent,
      rerouted: this.#rerouted,
    };
  }

  /** Bodies that are answered message by message. */
  async #requestAnswered(
    chunks: readonly Buffer[],
    whole: Buffer,
    headers: Map<string, string>,
    pseudo: Map<string, string>,
    body: Buffer[],
    trailersFollow: boolean,
  ): Promise<void> {
    const mode = this.#requestMode;
    if (mode === "NONE") {
      body.push(whole);
      return;
    }
    if (mode !== "BUFFERED") headers.delete("content-length");
    const partial = mode === "BUFFERED_PARTIAL" && whole.length > this.#settings.bufferLimit;
    const pieces = mode === "STREAMED" ? [...chunks, Buffer.alloc(0)] : [partial ? whole.subarray(0, this.#settings.bufferLimit) : whole];
    if (mode === "STREAMED" && trailersFollow) pieces.pop();
    for (const [index, piece] of pieces.entries()) {
      const last = index === pieces.length - 1;
      this.#write({ requestBody: { body: piece, endOfStream: last && !partial && !trailersFollow } });
      const answer = this.#expect(await this.#answer(), "requestBody").requestBody?.response;
      // Headers of a body answer are read only where the whole body waited for it.
      if (mode === "STREAMED") this.#refuseForbidden(answer);
      else if (this.#settings.sendRequestHeaders) this.#applyCommon(answer, headers, pseudo);
      else headers.delete("content-length");
      body.push(this.#mutated(answer, piece));
    }
    if (partial) body.push(whole.subarray(this.#settings.bufferLimit));
  }

  async #response(response: UpstreamResponse) {
    const { status = 200, chunks = [Buffer.from("{}")], trailers = [] } = response;
    const whole = Buffer.concat(chunks);
    const headers = new Map<string, string>(response.headers ?? [["content-type", "application/json"]]);
    if (chunks.length === 1 && trailers.length === 0) headers.set("content-length", String(whole.length));
    const received: Buffer[] = [];
    const sendTrailers = trailers.length > 0 && this.#settings.sendTrailers;
    if (this.#sendResponseHeaders) {
      const encoded = encodeHeaders(this.#profile, [[":status", String(status)]], [...headers]);
      this.#write({ responseHeaders: { headers: encoded, endOfStream: chunks.length === 0 } });
      const answer = this.#expect(await this.#answer(), "responseHeaders");
      if (answer.responseHeaders?.response?.bodyMutation !== undefined) throw new GatewayBroken("a body mutation in a headers answer");
      this.#applyCommon(answer.responseHeaders?.response, headers, new Map());
      this.#applyOverride(answer, "response");
    }
    if (chunks.length > 0) await this.#responseBody(chunks, whole, headers, received, sendTrailers, trailers);
    const announced = headers.get("content-length");
    const sent = Buffer.concat(received);
    if (announced !== undefined && chunks.length > 0 && Number(announced) !== sent.length) {
      throw new GatewayBroken(`response content-length ${announced} for ${sent.length} bytes`);
    }
    return { status, headers, chunks: received };
  }

  async #responseBody(
    chunks: readonly Buffer[],
    whole: Buffer,
    headers: Map<string, string>,
    received: Buffer[],
    sendTrailers: boolean,
    trailers: readonly Header[],
  ): Promise<void> {
    if (this.#responseMode === "NONE") {
      received.push(...chunks);
      return;
    }
    if (this.#responseMode === "FULL_DUPLEX_STREAMED") {
      headers.delete("content-length");
      this.#writeDuplex("responseBody", chunks, sendTrailers, trailers);
      await this.#readDuplex("responseBody", received, sendTrailers);
      return;
    }
    const streamed = this.#responseMode === "STREAMED";
    const pieces = streamed ? [...chunks, Buffer.alloc(0)] : [whole];
    if (streamed) headers.delete("content-length");
    for (const [index, piece] of pieces.entries()) {
      this.#write({ responseBody: { body: piece, endOfStream: index === pieces.length - 1 && !sendTrailers } });
      const answer = this.#expect(await this.#answer(), "responseBody").responseBody?.response;
      received.push(this.#mutated(answer, piece, headers));
    }
    if (!sendTrailers) return;
    this.#write({ responseTrailers: { trailers: encodeHeaders(this.#profile, [], trailers) } });
    this.#expect(await this.#answer(), "responseTrailers");
  }

  /** agentgateway marks the last data frame when it knows it to be the last; Envoy sends an empty one behind. */
  #writeDuplex(
    phase: "requestBody" | "responseBody",
    chunks: readonly Buffer[],
    trailersFollow: boolean,
    trailers: readonly Header[],
  ): void {
    const marksLast = this.#profile === "agentgateway" && chunks.length > 0 && !trailersFollow;
    for (const [index, body] of chunks.entries()) {
      this.#write({ [phase]: { body, endOfStream: marksLast && index === chunks.length - 1 } });
    }
    if (trailersFollow) {
      const encoded = { trailers: encodeHeaders(this.#profile, [], trailers) };
      this.#write(phase === "requestBody" ? { requestTrailers: encoded } : { responseTrailers: encoded });
    } else if (!marksLast) {
      this.#write({ [phase]: { endOfStream: true } });
    }
  }

  async #readDuplex(phase: "requestBody" | "responseBody", into: Buffer[], trailersFollow: boolean): Promise<void> {
    const trailersPhase = phase === "requestBody" ? "requestTrailers" : "responseTrailers";
    for (;;) {
      const answer = await this.#answer();
      if (trailersFollow && answer.response === trailersPhase) return;
      const streamed = this.#expect(answer, phase)[phase]?.response?.bodyMutation?.streamedResponse;
      if (streamed === undefined) throw new GatewayBroken("full duplex answered with something else than streamed_response");
      if ((streamed.body?.length ?? 0) > 64 * 1024) throw new GatewayBroken("a chunk of more than 64 KiB");
      into.push(streamed.body ?? Buffer.alloc(0));
      if (streamed.endOfStream !== true) continue;
      if (trailersFollow) throw new GatewayBroken("end_of_stream although trailers follow");
      return;
    }
  }

  #write(message: ProcessingRequestInput): void {
    const { attributes, observabilityMode, tellsModes, requestBodyMode, responseBodyMode } = this.#settings;
    if (!this.#first) {
      this.#conversation.write(message);
      return;
    }
    this.#first = false;
    const fields = Object.fromEntries(Object.entries(attributes).map(([name, stringValue]) => [name, { stringValue }]));
    this.#conversation.write({
      ...message,
      observabilityMode,
      ...(tellsModes ? { protocolConfig: { requestBodyMode, responseBodyMode } } : {}),
      attributes: { "envoy.filters.http.ext_proc": { fields } },
    });
  }

  async #answer(): Promise<ProcessingResponseOutput> {
    const answer = await this.#conversation.next();
    if (answer.response === undefined) throw new GatewayBroken("an answer without a case: agentgateway drops it and hangs");
    if (answer.immediateResponse !== undefined) throw new EndedByRouter(answer.immediateResponse);
    for (const [namespace, value] of Object.entries(answer.dynamicMetadata?.fields ?? {})) {
      for (const [key, field] of Object.entries(value.structValue?.fields ?? {})) {
        this.#metadata.set(`${namespace}.${key}`, field.stringValue ?? "");
      }
    }
    return answer;
  }

  #expect(answer: ProcessingResponseOutput, phase: NonNullable<ProcessingResponseOutput["response"]>): ProcessingResponseOutput {
    if (answer.response !== phase) throw new GatewayBroken(`${answer.response} answers ${phase}: spurious on Envoy, hangs agentgateway`);
    if (answer.modeOverride !== undefined && !phase.endsWith("Headers"))
      throw new GatewayBroken("a mode override outside a headers answer");
    return answer;
  }

  #mutated(answer: Common | undefined, original: Buffer, headers?: Map<string, string>): Buffer {
    const mutation = answer?.bodyMutation;
    if (mutation === undefined) return original;
    if (mutation.streamedResponse !== undefined) {
      if (this.#profile === "envoy") throw new GatewayBroken("streamed_response outside full duplex");
      headers?.delete("content-length");
      return mutation.streamedResponse.body ?? Buffer.alloc(0);
    }
    return mutation.clearBody === true ? Buffer.alloc(0) : (mutation.body ?? Buffer.alloc(0));
  }

  #applyCommon(common: Common | undefined, headers: Map<string, string>, pseudo: Map<string, string>): void {
    this.#rerouted ||= common?.clearRouteCache === true;
    if (common?.status === "CONTINUE_AND_REPLACE") throw new GatewayBroken("CONTINUE_AND_REPLACE hangs agentgateway");
    this.#applyHeaders(headers, common?.headerMutation);
    for (const [name, value] of headers) {
      if (!name.startsWith(":")) continue;
      headers.delete(name);
      pseudo.set(name, value);
    }
  }

  #refuseForbidden(common: Common | undefined): void {
    this.#applyHeaders(new Map(), common?.headerMutation);
  }

  #applyHeaders(headers: Map<string, string>, mutation: Common["headerMutation"]): void {
    for (const name of mutation?.removeHeaders ?? []) {
      if (name.startsWith(":") || name === "host") throw new GatewayBroken(`removal of ${name}`);
      headers.delete(name);
    }
    for (const { header, append, appendAction } of mutation?.setHeaders ?? []) {
      const name = header?.key ?? "";
      if (forbidden.test(name)) throw new GatewayBroken(`the answer sets ${name}`);
      if (header?.value !== undefined && header.value !== "") throw new GatewayBroken(`${name} in value: Envoy makes it empty`);
      if (append !== undefined || appendAction !== "OVERWRITE_IF_EXISTS_OR_ADD")
        throw new GatewayBroken(`${name} would not overwrite everywhere`);
      const value = header?.rawValue?.toString("utf8") ?? "";
      if (/[\r\n\0]/.test(value)) throw new GatewayBroken(`${name} has an invalid value`);
      headers.set(name, value);
    }
  }

  #applyOverride(answer: ProcessingResponseOutput, side: "request" | "response"): void {
    const override = answer.modeOverride;
    if (override === undefined || !this.#settings.allowModeOverride) return;
    const { requestBodyMode = "NONE", responseBodyMode = "NONE" } = override;
    if (side === "request") {
      this.#requestMode = this.#overridden(this.#requestMode, requestBodyMode);
      this.#sendResponseHeaders = override.responseHeaderMode !== "SKIP";
    }
    this.#responseMode = this.#overridden(this.#responseMode, responseBodyMode);
  }

  #overridden(current: BodyMode, wanted: BodyMode): BodyMode {
    if (this.#profile === "envoy") return wanted;
    // agentgateway: STREAMED is "not implemented", and full duplex is never left.
    return wanted === "STREAMED" || current === "FULL_DUPLEX_STREAMED" ? current : wanted;
  }
}
