/**
 * Envoy's header maps into the words of the Exchange contract. Tolerant by duty: values come in `raw_value` or `value`, pseudo
 * headers anywhere in the list, bytes that are not UTF-8 become replacement characters. Nothing here throws.
 */
import type { HeaderEntry, HttpHead, ResponseHead } from "@turnout/shared";
import type { Gateway } from "./body-mode.ts";
import type { HeaderMap, HttpHeaders, ProcessingRequest, Struct } from "./protocol.ts";

interface DecodedHeaders {
  readonly headers: HeaderEntry[];
  readonly pseudo: ReadonlyMap<string, string>;
}

function decodeHeaders(map: HeaderMap | undefined): DecodedHeaders {
  const headers: HeaderEntry[] = [];
  const pseudo = new Map<string, string>();
  for (const { key, value, rawValue } of map?.headers ?? []) {
    if (key === undefined || key === "") continue;
    const text = rawValue !== undefined && rawValue.length > 0 ? rawValue.toString("utf8") : (value ?? "");
    if (key.startsWith(":")) pseudo.set(key, text);
    else headers.push([key.toLowerCase(), text]);
  }
  return { headers, pseudo };
}

/** decodeRequestHead reads a request_headers message. */
export function decodeRequestHead(message: HttpHeaders): HttpHead {
  const { headers, pseudo } = decodeHeaders(message.headers);
  return {
    method: pseudo.get(":method") ?? "GET",
    path: pseudo.get(":path") ?? "/",
    headers,
    endOfStream: message.endOfStream === true,
  };
}

/** decodeResponseHead reads a response_headers message; status 0 when the gateway sent none or no number. */
export function decodeResponseHead(message: HttpHeaders): ResponseHead {
  const { headers, pseudo } = decodeHeaders(message.headers);
  const status = Number(pseudo.get(":status") ?? 0);
  return { status: Number.isInteger(status) ? status : 0, headers };
}

/** headerValue is the first value of a header, or undefined. */
export function headerValue(headers: readonly HeaderEntry[], name: string): string | undefined {
  return headers.find((entry) => entry[0] === name)?.[1];
}

/**
 * guessGateway tells the gateways apart by how they encode pseudo headers: Envoy in `raw_value`, agentgateway in `value`. The
 * protocol carries no name. Without pseudo headers the answer is Envoy.
 */
export function guessGateway(map: HeaderMap | undefined): Gateway {
  const pseudo = map?.headers?.find((header) => header.key?.startsWith(":"));
  return pseudo?.value !== undefined && pseudo.value !== "" && !pseudo.rawValue?.length ? "agentgateway" : "envoy";
}

/**
 * assumeRequestHead stands in for a head that the gateway is configured not to send. Attributes tell method and path where
 * the gateway sends them; otherwise a body on a route with ext_proc is taken for a chat completion.
 */
export function assumeRequestHead(attributes: ProcessingRequest["attributes"]): HttpHead {
  const own = attributes?.["envoy.filters.http.ext_proc"];
  return {
    method: textAttribute(own, "request.method") ?? "POST",
    path: textAttribute(own, "request.path") ?? "/v1/chat/completions",
    headers: [],
    endOfStream: false,
  };
}

function textAttribute(struct: Struct | undefined, name: string): string | undefined {
  const text = struct?.fields?.[name]?.stringValue;
  return text === undefined || text === "" ? undefined : text;
}
