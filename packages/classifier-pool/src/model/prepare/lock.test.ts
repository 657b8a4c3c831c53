import { mkdtemp, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hostname } from "node:os";
import { spawnSync } from "node:child_process";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { withLock } from "./lock.ts";

let directory: string;
let path: string;
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), "lock-"));
  path = join(directory, ".lock");
});
afterEach(() => rm(directory, { recursive: true }));

const options = { signal: new AbortController().signal, pollMs: 2 };
const ticket = (pid: number, host: string) => JSON.stringify({ pid, host, id: "someone" });

describe("withLock", () => {
  it("lets one in at a time and leaves no file behind", async () => {
    let inside = 0;
    let most = 0;
    const enter = () =>
      withLock(path, options, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      });
    await Promise.all(Array.from({ length: 8 }, enter));
    expect(most).toBe(1);
    expect(await readdir(directory)).toEqual([]);
  });

  it("is free again when the work fails", async () => {
    await expect(withLock(path, options, () => Promise.reject(new Error("no")))).rejects.toThrow("no");
    expect(await withLock(path, options, () => Promise.resolve("in"))).toBe("in");
  });

  it("takes over from a holder that died on this host", async () => {
    const { pid } = spawnSync(process.execPath, ["--version"]);
    await writeFile(path, ticket(pid, hostname()));
    expect(await withLock(path, options, () => Promise.resolve("in"))).toBe("in");
  });

  it("takes over from a holder elsewhere that stopped touching the file", async () => {
    await writeFile(path, ticket(1, "elsewhere"));
    const longAgo = new Date(Date.now() - 31_000);
    await utimes(path, longAgo, longAgo);
    expect(await withLock(path, options, () => Promise.resolve("in"))).toBe("in");
  });

  it("waits for a living holder, says so once, and gives up at its deadline", async () => {
    await writeFile(path, ticket(1, "elsewhere"));
    let waits = 0;
    const attempt = withLock(path, { ...options, waitMs: 20, onWait: () => waits++ }, () => Promise.resolve("in"));
    await expect(attempt).rejects.toMatchObject({ code: "deadline_exceeded" });
    expect(waits).toBe(1);
  });

  it("stops waiting when aborted", async () => {
    await writeFile(path, ticket(1, "elsewhere"));
    const abort = new AbortController();
    const attempt = withLock(path, { ...options, signal: abort.signal, onWait: () => abort.abort() }, () => Promise.resolve("in"));
    await expect(attempt).rejects.toMatchObject({ code: "cancelled" });
  });

  it("leaves the lock alone when somebody took it over meanwhile", async () => {
    await withLock(path, options, () => writeFile(path, ticket(1, "elsewhere")));
    expect(await readdir(directory)).toEqual([".lock"]);
  });
});
