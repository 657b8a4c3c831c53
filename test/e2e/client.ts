/**
 * The client in front of the gateway: node:http, because tests choose framing (content-length, chunked, trailers) and must see a broken
 * answer as what it is.
 */
import { request as httpRequest, type Agent } from "node:http";

const REQUEST_LIMIT_MS = 15_000;

export interface ClientRequest {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Buffer;
  /** Sent without content-length, one write per part; the next part is asked for when the one before is written. */
  readonly parts?: Iterable<string> | AsyncIterable<string>;
  readonly trailers?: Readonly<Record<string, string>>;
  readonly agent?: Agent | false;
  readonly signal?: AbortSignal;
  /** Called with each piece of the answer's body as it arrives. */
  readonly onChunk?: (chunk: Buffer) => void;
}

export interface ClientResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** send makes one request and gives the complete answer; it rejects when the answer breaks off, or comes too late. */
export function send(port: number, request: ClientRequest): Promise<ClientResponse> {
  const { body, parts = [], trailers } = request;
  const headers: Record<string, string> = { ...request.headers };
  if (body !== undefined) headers["content-length"] ??= String(Buffer.byteLength(body));
  if (trailers !== undefined) headers["trailer"] = Object.keys(trailers).join(", ");
  const limit = AbortSignal.timeout(REQUEST_LIMIT_MS);
  const signal = request.signal === undefined ? limit : AbortSignal.any([request.signal, limit]);
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: "127.0.0.1",
        port,
        method: request.method ?? "POST",
        path: request.path ?? "/v1/chat/completions",
        headers,
        agent: request.agent ?? false,
        signal,
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          request.onChunk?.(chunk);
        });
        response.on("error", reject);
        response.on("end", () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks).toString("utf8") }),
        );
      },
    );
    outgoing.on("error", reject);
    if (body !== undefined) outgoing.write(body);
    const finish = async () => {
      for await (const part of parts) outgoing.write(part);
      if (trailers !== undefined) outgoing.addTrailers(trailers);
      outgoing.end();
    };
    finish().catch((error: unknown) => outgoing.destroy(error instanceof Error ? error : new Error(String(error))));
  });
}

/** chat is a POST of a chat completion, JSON given as an object or as exact text. */
export function chat(port: number, id: string, body: object | string, request: ClientRequest = {}): Promise<ClientResponse> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  return send(port, { ...request, body: text, headers: { "content-type": "application/json", "x-case": id, ...request.headers } });
}
