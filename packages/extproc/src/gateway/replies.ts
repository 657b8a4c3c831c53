import { STATUS_CODES, type IncomingMessage, type ServerResponse } from "node:http";
import type { HeaderEntry, Reply, RouterError } from "@turnout/shared";
import { rawOf } from "./headers.ts";

/**
 * Answers of the gateway's own: errors in OpenAI's shape, and the router's replies. They go out whole; answers of backends are
 * forwarded by request-walk.ts and never pass here.
 */

/** LINGER_MS is how long the rest of a refused body is read and thrown away: closing at once would reset the connection before the client has read why. */
const LINGER_MS = 1000;

/** errorReply gives an error OpenAI's shape, so that its clients raise the exception they have for the status. */
export function errorReply(error: RouterError): Reply {
  const type = error.httpStatus >= 500 ? "server_error" : "invalid_request_error";
  // What a bug says of itself is for the log, not for clients.
  const message = error.code === "internal" ? "the gateway failed" : error.message;
  const retry: HeaderEntry[] = error.code === "overloaded" ? [["retry-after", "1"]] : [];
  return {
    status: error.httpStatus,
    headers: [["content-type", "application/json"], ...retry],
    body: JSON.stringify({ error: { message, type, code: error.code } }),
    details: error.code,
  };
}

/** sendReply writes a reply. When the request's body is still coming, the connection is closed after it, without cutting the answer off. */
export async function sendReply(request: IncomingMessage, response: ServerResponse, reply: Reply, requestId?: string): Promise<void> {
  const body = Buffer.from(reply.body, "utf8");
  const headers = reply.headers.filter(([name]) => name !== "content-length" && name !== "connection" && name !== "transfer-encoding");
  headers.push(["content-length", String(body.length)]);
  if (requestId !== undefined && !headers.some(([name]) => name === "x-request-id")) headers.push(["x-request-id", requestId]);
  const unread = hasBody(request) && !request.complete;
  if (unread) headers.push(["connection", "close"]);
  response.writeHead(reply.status, rawOf(headers));
  if (!unread) {
    response.end(body);
    return;
  }
  response.write(body);
  await drainRequest(request);
  response.end();
}

/** hasBody says whether a request announces a body; asked before the parser has seen the end of the message. */
export function hasBody(request: IncomingMessage): boolean {
  return request.headers["transfer-encoding"] !== undefined || Number(request.headers["content-length"] ?? 0) > 0;
}

/** refusalText is a whole HTTP/1.1 response, for bytes that never became a request. */
export function refusalText(error: RouterError): string {
  const { status, body } = errorReply(error);
  const head = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? "Error"}\r\nconnection: close\r\ncontent-type: application/json\r\n`;
  return `${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`;
}

function drainRequest(request: IncomingMessage): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(done, LINGER_MS);
    request.on("end", done).on("close", done).resume();
    function done(): void {
      clearTimeout(timer);
      request.off("end", done).off("close", done);
      resolve();
    }
  });
}
