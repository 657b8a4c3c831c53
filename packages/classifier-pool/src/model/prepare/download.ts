/**
 * A download that survives interruptions: bytes go to `<path>.part`, a later call (or a retry after a broken connection) goes
 * on with a Range request, and the file gets its name only when size and checksum are right.
 */
import { open, rename, rm, stat } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";
import { RouterError } from "@turnout/shared";
import { sha256OfFile } from "../checksum.ts";

/** DownloadRequest is one file to fetch. */
export interface DownloadRequest {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly path: string;
  readonly bytes: number;
  /** Null: only the size is checked. */
  readonly sha256: string | null;
  readonly fetch: typeof globalThis.fetch;
  readonly progress: (doneBytes: number) => void;
  readonly signal: AbortSignal;
  /** First pause after a broken connection, doubled each time; default 500 ms. */
  readonly retryDelayMs?: number;
}

const MAX_ATTEMPTS = 4;

/** download fetches a file to `path`. Throws RouterError("model_corrupt") for a wrong checksum (the part is deleted), else the network's error (the part is kept). */
export async function download(request: DownloadRequest): Promise<void> {
  const { path, bytes, sha256, signal } = request;
  if ((await sizeOf(path)) === bytes && (sha256 === null || (await sha256OfFile(path, signal)) === sha256)) return;
  const part = `${path}.part`;
  for (let attempt = 1; (await sizeOf(part)) !== bytes; attempt++) {
    try {
      await continueDownload(request, part);
    } catch (error) {
      signal.throwIfAborted();
      if (attempt === MAX_ATTEMPTS || error instanceof RouterError) throw error;
      await wait((request.retryDelayMs ?? 500) * 2 ** (attempt - 1), undefined, { signal });
    }
  }
  const found = sha256 === null ? null : await sha256OfFile(part, signal);
  if (found !== sha256) {
    await rm(part);
    throw new RouterError("model_corrupt", `${request.url} has SHA-256 ${found}, expected ${sha256}; it was deleted`);
  }
  await rename(part, path);
}

async function continueDownload({ url, headers, bytes, fetch, progress, signal }: DownloadRequest, part: string): Promise<void> {
  const have = (await sizeOf(part)) ?? 0;
  const offset = have < bytes ? have : 0;
  const response = await fetch(url, { headers: offset === 0 ? headers : { ...headers, range: `bytes=${offset}-` }, signal });
  // A server that ignores Range answers 200 with the whole file; one that moved answers a range we did not ask for.
  const resumed = response.status === 206 && response.headers.get("content-range")?.startsWith(`bytes ${offset}-`) === true;
  if (response.body === null || (response.status !== 200 && !resumed)) {
    await response.body?.cancel();
    const retryable = response.status >= 500 || response.status === 429;
    const message = `${url} answered ${response.status} to a request for bytes ${offset}-${bytes}`;
    throw retryable ? new Error(message) : new RouterError("model_source_unreachable", message);
  }
  let done = resumed ? offset : 0;
  await using file = await open(part, resumed ? "a" : "w");
  // One write per chunk, awaited: what was reported is in the file when the connection breaks.
  for await (const chunk of response.body) {
    if (done + chunk.byteLength > bytes) throw new RouterError("model_corrupt", `${url} sends more than the ${bytes} bytes it announced`);
    await file.writeFile(chunk);
    done += chunk.byteLength;
    progress(done);
  }
  if (done < bytes) throw new Error(`${url} ended after ${done} of ${bytes} bytes`);
}

async function sizeOf(path: string): Promise<number | null> {
  return stat(path).then(
    (found) => found.size,
    () => null,
  );
}
