/**
 * The model behind the gateway, as a recorder: it keeps exactly what reached it (request line, headers, raw bytes, trailers) and answers
 * like an OpenAI server: a completion, or a short SSE stream when the body asks for one. A test may answer by itself instead.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";

interface RecordedRequest {
  readonly upstream: string;
  readonly method: string;
  readonly path: string;
  /** Lower-case names; a repeated name's values are joined with ", ". */
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: Buffer;
  readonly trailers: Readonly<Record<string, string | undefined>>;
}

export type Responder = (request: RecordedRequest, response: ServerResponse) => void | Promise<void>;

export interface Upstream {
  readonly port: number;
  /** What came with `x-case: <id>`, in order of arrival. */
  requestsOf(id: string): readonly RecordedRequest[];
  close(): Promise<void>;
}

/** SSE chunks of the default streamed answer; the last but one carries the usage. */
export const sseEvents: readonly string[] = [
  ...["one", "two", "three"].map(
    (word) => `data: {"object":"chat.completion.chunk","choices":[{"index":0,"delta":{"content":"${word}"}}]}\n\n`,
  ),
  'data: {"object":"chat.completion.chunk","choices":[],"usage":{"prompt_tokens":3,"completion_tokens":3,"total_tokens":6}}\n\n',
  "data: [DONE]\n\n",
];

/** completionFor is the default answer's body, exactly. */
export function completionFor(model: unknown): string {
  return JSON.stringify({
    object: "chat.completion",
    model,
    choices: [{ index: 0, finish_reason: "stop", message: { role: "assistant", content: "fine" } }],
    usage: { prompt_tokens: 3, completion_tokens: 1, total_tokens: 4 },
  });
}

/** answer is the default responder. The completion's model is the one that the request named. */
const answer: Responder = (request, response) => {
  const body = parse(request.body);
  if (body.stream === true) {
    response.writeHead(200, { "content-type": "text/event-stream", "x-upstream": request.upstream });
    for (const event of sseEvents) response.write(event);
    response.end();
    return;
  }
  const completion = completionFor(body.model ?? null);
  response.writeHead(200, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(completion),
    "x-upstream": request.upstream,
  });
  response.end(completion);
};

function parse(body: Buffer): { readonly model?: unknown; readonly stream?: unknown } {
  try {
    const value: unknown = JSON.parse(body.toString("utf8"));
    return typeof value === "object" && value !== null ? value : {};
  } catch {
    return {};
  }
}

/** startUpstream listens on a free loopback port. */
export async function startUpstream(name: string, respond: Responder = answer): Promise<Upstream> {
  const byCase = new Map<string, RecordedRequest[]>();
  const server = createServer((incoming: IncomingMessage, response) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("end", () => {
      const id = String(incoming.headers["x-case"] ?? "");
      const request: RecordedRequest = {
        upstream: name,
        method: incoming.method ?? "",
        path: incoming.url ?? "",
        headers: incoming.headers,
        body: Buffer.concat(chunks),
        trailers: incoming.trailers,
      };
      // Requests of a load run carry no x-case and are not kept.
      if (id !== "") byCase.set(id, [...(byCase.get(id) ?? []), request]);
      void respond(request, response);
    });
  });
  // The gateway closes idle connections; an upstream that does so too races with the next request.
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  return {
    port: typeof address === "object" && address !== null ? address.port : 0,
    requestsOf: (id) => byCase.get(id) ?? [],
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
