/** A hub on loopback that speaks the resolve paths: small files itself, others by redirect to a second server, as the hub does. */
import { createHash } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** HubServer is the running hub; `requests` tells what it and its storage were asked for. */
export interface HubServer {
  readonly url: string;
  readonly requests: {
    readonly server: "hub" | "storage";
    readonly path: string;
    readonly range: string | null;
    readonly token: string | null;
  }[];
  /** Bytes of a body after which the storage falls silent, once; null: never. */
  stallAfterBytes: number | null;
  /** Cuts the connections to the storage; a test calls it once the bytes before a stall have arrived. */
  dropStorage(): void;
  close(): Promise<void>;
}

const REDIRECT_FROM_BYTES = 10_000;

/** startHubServer serves files of one repository at one revision. */
export async function startHubServer(repository: string, revision: string, files: ReadonlyMap<string, Uint8Array>): Promise<HubServer> {
  const prefix = `/${repository}/resolve/${revision}/`;
  const requests: HubServer["requests"] = [];
  const record = (server: "hub" | "storage", { url, headers }: IncomingMessage) =>
    requests.push({ server, path: url!, range: headers.range ?? null, token: headers.authorization ?? null });

  const storage = createServer((request, response) => {
    record("storage", request);
    sendRange(request, response, files.get(request.url!.slice(1)), hub);
  });
  const front = createServer((request, response) => {
    record("hub", request);
    const path = request.url!.startsWith(prefix) ? request.url!.slice(prefix.length) : "";
    const content = files.get(path);
    if (content === undefined) response.writeHead(404, { "x-error-code": "EntryNotFound" }).end();
    else if (content.byteLength < REDIRECT_FROM_BYTES) sendRange(request, response, content, null);
    else
      response
        .writeHead(302, { location: `${urlOf(storage)}/${path}`, "x-linked-size": content.byteLength, "x-linked-etag": etagOf(content) })
        .end();
  });
  await Promise.all([listen(storage), listen(front)]);
  const hub: HubServer = {
    url: urlOf(front),
    requests,
    stallAfterBytes: null,
    dropStorage: () => storage.closeAllConnections(),
    async close() {
      for (const server of [front, storage]) {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    },
  };
  return hub;
}

function sendRange(request: IncomingMessage, response: ServerResponse, content: Uint8Array | undefined, hub: HubServer | null): void {
  if (content === undefined) return void response.writeHead(404).end();
  const match = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? "");
  const from = Number(match?.[1] ?? 0);
  const to = match?.[2] ? Number(match[2]) + 1 : content.byteLength;
  // The hub's storage says so, and the hub client then gives its address instead of the hub's own.
  const cache = hub === null ? {} : { "x-cache": "Hit from cloudfront" };
  const headers = { etag: etagOf(content), "content-length": to - from, ...cache };
  if (match === null) response.writeHead(200, headers);
  else response.writeHead(206, { ...headers, "content-range": `bytes ${from}-${to - 1}/${content.byteLength}` });
  if (hub === null || hub.stallAfterBytes === null || to - from <= hub.stallAfterBytes)
    return void response.end(content.subarray(from, to));
  response.write(content.subarray(from, from + hub.stallAfterBytes));
  hub.stallAfterBytes = null;
}

function etagOf(content: Uint8Array): string {
  return `"${createHash("sha256").update(content).digest("hex")}"`;
}

function listen(server: Server): Promise<void> {
  return new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}
