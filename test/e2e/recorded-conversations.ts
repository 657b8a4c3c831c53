/**
 * What Envoy sends and gets, message by message, for the same small requests in each mode: the scenarios, and the form in which a run is
 * recorded. sequences.test.ts records with the real Envoy, and holds the gateway simulator's envoy profile against the record.
 */
import type { ListenerName } from "./envoy-config.ts";
import type { Conversation, TappedHeader, TappedMessage } from "./tap.ts";

export interface Scenario {
  readonly name: string;
  readonly listener: ListenerName;
  readonly method?: "GET";
  readonly path?: string;
  readonly script?: string;
  readonly stream?: boolean;
  /** The client announces no length, so Envoy cannot know the last chunk. */
  readonly chunked?: boolean;
  readonly trailers?: boolean;
  /** False: the gateway simulator does not do this. */
  readonly simulated?: false;
}

export const scenarios: readonly Scenario[] = [
  { name: "BUFFERED", listener: "buffered" },
  { name: "BUFFERED, response not wanted", listener: "buffered", script: "request only" },
  { name: "BUFFERED, response observed", listener: "buffered", script: "observe" },
  { name: "BUFFERED, SSE observed", listener: "buffered", script: "observe", stream: true },
  { name: "BUFFERED, override not allowed", listener: "bufferedNoOverride" },
  { name: "BUFFERED, immediate response to the headers", listener: "buffered", script: "reply on head" },
  { name: "BUFFERED, immediate response to the body", listener: "buffered", script: "reply on body" },
  { name: "BUFFERED, GET", listener: "buffered", method: "GET", path: "/v1/other" },
  { name: "BUFFERED with trailers", listener: "bufferedWithTrailers", chunked: true, trailers: true },
  { name: "BUFFERED_PARTIAL", listener: "bufferedPartial" },
  { name: "STREAMED, length known", listener: "streamed", simulated: false },
  { name: "STREAMED, length unknown", listener: "streamed", chunked: true },
  { name: "NONE, overridden to BUFFERED", listener: "headersOnly" },
  { name: "headers skipped", listener: "headersSkipped" },
  { name: "FULL_DUPLEX", listener: "fullDuplex" },
  { name: "FULL_DUPLEX, GET", listener: "fullDuplex", method: "GET", path: "/v1/other" },
  { name: "FULL_DUPLEX with trailers", listener: "fullDuplexWithTrailers", chunked: true, trailers: true },
  { name: "FULL_DUPLEX, immediate response to the body", listener: "fullDuplex", script: "reply on body" },
  { name: "observability", listener: "observability", simulated: false },
];

export const requestBody = (stream: boolean): string =>
  `{"model":"auto",${stream ? '"stream":true,' : ""}"messages":[{"role":"user","content":"Which equation describes a pendulum?"}]}`;

/** RecordedConversation is one exchange in a readable form. */
export interface RecordedConversation {
  /** "requestBody(94)$" is a message with 94 bytes and end_of_stream. */
  readonly gateway: readonly string[];
  readonly router: readonly string[];
  /** Each message waited for the answer to the one before. Null where the mode lets both sides talk at once. */
  readonly inTurn: boolean | null;
  /** How the gateway ended the stream. */
  readonly end: Conversation["end"];
  /** Modes told in the first message, and in no other. */
  readonly protocolConfig: BodyModes | null;
  /** Names of the attributes by namespace, in the first message. */
  readonly attributes: Readonly<Record<string, readonly string[]>>;
  /** Names of the pseudo headers by phase, sorted, and whether they came before all others. */
  readonly pseudoHeaders: Readonly<Record<string, readonly string[]>>;
  readonly pseudoHeadersFirst: boolean;
  /** Where header values are: "raw_value", "value" or both. */
  readonly gatewayEncoding: readonly string[];
  readonly routerEncoding: readonly string[];
}

interface BodyModes {
  readonly requestBodyMode: string;
  readonly responseBodyMode: string;
}

interface Body {
  readonly body?: Buffer;
  readonly endOfStream?: boolean;
}

/** record puts a conversation into its recorded form. */
export function record({ messages, end }: Conversation): RecordedConversation {
  const fromGateway = messages.filter(({ from }) => from === "gateway");
  const first = fromGateway[0]?.message ?? {};
  const attributes = (first["attributes"] ?? {}) as Readonly<Record<string, { readonly fields?: object }>>;
  const headers = fromGateway
    .map((message) => ({ phase: message.kind, headers: headersOf(message) }))
    .filter((one) => one.headers.length > 0);
  const pseudo = ({ key = "" }: TappedHeader) => key.startsWith(":");
  return {
    gateway: fromGateway.map(describeMessage),
    router: messages.filter(({ from }) => from === "router").map(({ kind }) => kind),
    inTurn: talksAtOnce(first) ? null : messages.every(({ from }, at) => from === (at % 2 === 0 ? "gateway" : "router")),
    end,
    protocolConfig: bodyModes(first),
    attributes: Object.fromEntries(Object.entries(attributes).map(([name, { fields }]) => [name, Object.keys(fields ?? {}).toSorted()])),
    pseudoHeaders: Object.fromEntries(
      headers.map((one) => [
        one.phase,
        one.headers
          .filter(pseudo)
          .map(({ key = "" }) => key)
          .toSorted(),
      ]),
    ),
    pseudoHeadersFirst: headers.every((one) => !one.headers.slice(one.headers.findIndex((header) => !pseudo(header))).some(pseudo)),
    gatewayEncoding: encodings(fromGateway),
    routerEncoding: encodings(messages.filter(({ from }) => from === "router")),
  };
}

function describeMessage({ kind, message }: TappedMessage): string {
  const { body, endOfStream } = (message[kind] ?? {}) as Body;
  const size = kind.endsWith("Body") ? `(${body?.length ?? 0})` : "";
  return `${kind}${size}${endOfStream === true ? "$" : ""}`;
}

/** NONE is the enum's zero and may be left out on the wire. */
function bodyModes(first: Readonly<Record<string, unknown>>): BodyModes | null {
  const told = first["protocolConfig"] as Partial<BodyModes> | undefined;
  return told === undefined ? null : { requestBodyMode: "NONE", responseBodyMode: "NONE", ...told };
}

function talksAtOnce(first: Readonly<Record<string, unknown>>): boolean {
  return first["observabilityMode"] === true || bodyModes(first)?.requestBodyMode === "FULL_DUPLEX_STREAMED";
}

/** headersOf finds every header in a message, wherever it is. */
function headersOf({ message }: TappedMessage): readonly TappedHeader[] {
  const found: TappedHeader[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null || Buffer.isBuffer(value)) return;
    if ("key" in value && ("value" in value || "rawValue" in value)) found.push(value as TappedHeader);
    for (const inner of Object.values(value)) visit(inner);
  };
  visit(message);
  return found;
}

function encodings(messages: readonly TappedMessage[]): readonly string[] {
  const seen = new Set<string>();
  for (const { value = "", rawValue } of messages.flatMap(headersOf)) {
    if (rawValue !== undefined && rawValue.length > 0) seen.add("raw_value");
    if (value !== "") seen.add("value");
  }
  return [...seen].toSorted();
}
