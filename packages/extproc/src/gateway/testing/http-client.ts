import { request as httpRequest, type Agent, type ClientRequest, type IncomingMessage } from "node:http";
import { connect } from "node:net";

/** Plain HTTP clients for tests: node:http where the protocol is to be right, a bare socket where it is to be wrong. */
export interface Answer {
  readonly status: number;
  readonly headers: IncomingMessage["headers"];
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  readonly localPort: number;
}

export interface Send {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Record<string, string | string[]>;
  readonly body?: string | Buffer;
  readonly agent?: Agent;
}

/** open sends a request and resolves with the response's head. */
export function open(url: string, send: Send = {}): { readonly request: ClientRequest; readonly response: Promise<IncomingMessage> } {
  const path = send.path ?? "/v1/chat/completions";
  const request = httpRequest(`${url}${path}`, { method: send.method ?? "POST", headers: send.headers ?? {}, agent: send.agent ?? false });
  const response = new Promise<IncomingMessage>((resolve, reject) => request.on("response", resolve).on("error", reject));
  // Tests that hang up do not wait for the response; its rejection is theirs only when they do.
  response.catch(() => {});
  if (send.body !== undefined) request.end(send.body);
  return { request, response };
}

/** call sends a request and reads the whole response. */
export async function call(url: string, send: Send = {}): Promise<Answer> {
  const { request, response } = open(url, { body: "", ...send });
  const message = await response;
  const localPort = request.socket?.localPort ?? 0;
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return {
    status: message.statusCode ?? 0,
    headers: message.headers,
    rawHeaders: message.rawHeaders,
    body: Buffer.concat(chunks),
    localPort,
  };
}

/** rawCall writes bytes to a socket and resolves with all that came back until the other side closed, and how it closed. */
export function rawCall(url: string, bytes: string): Promise<{ readonly text: string; readonly error: string | null }> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    let text = "";
    let problem: string | null = null;
    const socket = connect(Number(port), hostname, () => socket.write(bytes, "latin1"));
    socket.setEncoding("latin1");
    socket.on("data", (data: string) => (text += data));
    socket.on("error", (error: NodeJS.ErrnoException) => (problem = error.code ?? error.message));
    socket.on("close", () => resolve({ text, error: problem }));
  });
}
