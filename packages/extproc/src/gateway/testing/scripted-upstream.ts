import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createTcpServer, type AddressInfo, type Socket } from "node:net";

/** A backend whose answers a test writes by hand, one request at a time. For tests. */
export interface UpstreamCall {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: Buffer;
  /** Resolves when the connection's other side is gone or the response is through. */
  readonly closed: Promise<void>;
}

export interface ScriptedUpstream {
  readonly endpoint: string;
  /** The next request not yet taken, its body read whole. */
  next(): Promise<UpstreamCall>;
  /** Requests that came in so far. */
  readonly count: number;
  readonly sockets: ReadonlySet<Socket>;
  close(): Promise<void>;
}

export async function createScriptedUpstream(): Promise<ScriptedUpstream> {
  const calls: UpstreamCall[] = [];
  const takers: ((call: UpstreamCall) => void)[] = [];
  const sockets = new Set<Socket>();
  let count = 0;
  const server = createServer(async (request, response) => {
    count++;
    sockets.add(request.socket);
    response.on("error", () => {});
    request.on("error", () => {});
    const closed = new Promise<void>((resolve) => response.once("close", resolve));
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer);
    } catch {
      return;
    }
    const call = { request, response, body: Buffer.concat(chunks), closed };
    const taker = takers.shift();
    if (taker === undefined) calls.push(call);
    else taker(call);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    endpoint: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    next() {
      const call = calls.shift();
      return call === undefined ? new Promise((resolve) => takers.push(resolve)) : Promise.resolve(call);
    },
    get count() {
      return count;
    },
    sockets,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}

/** deadEndpoint gives an address that refuses connections. */
export async function deadEndpoint(): Promise<string> {
  const server = createTcpServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return `127.0.0.1:${port}`;
}
