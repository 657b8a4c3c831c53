import { createHash } from "node:crypto";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { seededRandom } from "../testing/tiny-bert.ts";
import type { DownloadRequest } from "./download.ts";
import { download } from "./download.ts";

const random = seededRandom(9);
const content = Buffer.from(Uint8Array.from({ length: 300_000 }, () => Math.floor(random() * 256)));
const sha256 = createHash("sha256").update(content).digest("hex");

let directory: string;
let server: Server;
let ranges: (string | undefined)[];
let answer: (request: IncomingMessage, response: ServerResponse) => void;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "download-"));
  ranges = [];
  answer = serveRange;
  server = createServer((request, response) => {
    ranges.push(request.headers.range);
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await rm(directory, { recursive: true });
});

function serveRange(request: IncomingMessage, response: ServerResponse): void {
  const from = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1] ?? 0);
  if (from === 0) response.writeHead(200, { "content-length": content.byteLength });
  else response.writeHead(206, { "content-range": `bytes ${from}-${content.byteLength - 1}/${content.byteLength}` });
  response.end(content.subarray(from));
}

/** hangAfter announces everything, sends some bytes and leaves the connection open; the test cuts it once they have arrived. */
function hangAfter(bytes: number): typeof answer {
  return (_request, response) => {
    response.writeHead(200, { "content-length": content.byteLength });
    response.write(content.subarray(0, bytes));
  };
}
const cutOnArrival = () => server.closeAllConnections();

function request(changes: Partial<DownloadRequest> = {}): DownloadRequest {
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/file`;
  const path = join(directory, "file");
  return {
    url,
    headers: {},
    path,
    bytes: content.byteLength,
    sha256,
    fetch,
    progress: () => undefined,
    signal: AbortSignal.timeout(15_000),
    retryDelayMs: 1,
    ...changes,
  };
}

describe("download", () => {
  it("writes the file and reports every byte", async () => {
    let last = 0;
    await download(request({ progress: (done) => (last = done) }));
    expect(await readFile(join(directory, "file"))).toEqual(content);
    expect(last).toBe(content.byteLength);
    expect(await readdir(directory)).toEqual(["file"]);
  });

  it("goes on where a broken connection stopped", async () => {
    answer = (incoming, response) => {
      answer = serveRange;
      hangAfter(100_000)(incoming, response);
    };
    await download(request({ progress: () => ranges.length === 1 && cutOnArrival() }));
    expect(await readFile(join(directory, "file"))).toEqual(content);
    expect(ranges[0]).toBeUndefined();
    expect(Number(/bytes=(\d+)-/.exec(ranges[1]!)![1])).toBeGreaterThan(0);
  });

  it("goes on where an earlier process stopped", async () => {
    await writeFile(join(directory, "file.part"), content.subarray(0, 123_456));
    await download(request());
    expect(ranges).toEqual(["bytes=123456-"]);
    expect(await readFile(join(directory, "file"))).toEqual(content);
  });

  it("starts over when the server ignores ranges", async () => {
    await writeFile(join(directory, "file.part"), content.subarray(0, 1000));
    answer = (_incoming, response) => response.writeHead(200).end(content);
    await download(request());
    expect(await readFile(join(directory, "file"))).toEqual(content);
  });

  it("refuses a wrong checksum and deletes the part, so that the next run starts over", async () => {
    await writeFile(join(directory, "file.part"), Buffer.alloc(1000));
    await expect(download(request())).rejects.toMatchObject({ code: "model_corrupt", message: expect.stringContaining(sha256) });
    expect(await readdir(directory)).toEqual([]);
    await download(request());
    expect(await readFile(join(directory, "file"))).toEqual(content);
  });

  it("keeps the part when the server stays broken", async () => {
    answer = hangAfter(50_000);
    await expect(download(request({ progress: cutOnArrival }))).rejects.toBeInstanceOf(TypeError);
    expect((await stat(join(directory, "file.part"))).size).toBeGreaterThan(0);
    expect(ranges.length).toBe(4);
  });

  it("refuses a range that it did not ask for", async () => {
    await writeFile(join(directory, "file.part"), content.subarray(0, 1000));
    answer = (_incoming, response) =>
      response.writeHead(206, { "content-range": `bytes 0-999/${content.byteLength}` }).end(content.subarray(0, 1000));
    await expect(download(request())).rejects.toMatchObject({ code: "model_source_unreachable" });
    expect((await stat(join(directory, "file.part"))).size).toBe(1000);
  });

  it("refuses a server that sends more than it announced", async () => {
    answer = (_incoming, response) => response.writeHead(200).end(Buffer.concat([content, content]));
    await expect(download(request())).rejects.toMatchObject({ code: "model_corrupt" });
  });

  it("does not ask twice for what does not exist", async () => {
    answer = (_incoming, response) => response.writeHead(404).end();
    await expect(download(request())).rejects.toMatchObject({ code: "model_source_unreachable" });
    expect(ranges.length).toBe(1);
  });

  it("asks nothing when the file is there and right, and replaces it when it is not", async () => {
    await writeFile(join(directory, "file"), content);
    await download(request());
    expect(ranges).toEqual([]);
    await writeFile(join(directory, "file"), Buffer.alloc(content.byteLength));
    await download(request());
    expect(await readFile(join(directory, "file"))).toEqual(content);
  });

  it("stops at once when aborted, keeping what came", async () => {
    const abort = new AbortController();
    answer = (_incoming, response) => response.writeHead(200).write(content.subarray(0, 10_000));
    await expect(download(request({ signal: abort.signal, progress: () => abort.abort() }))).rejects.toMatchObject({ name: "AbortError" });
    expect(ranges.length).toBe(1);
  });
});
