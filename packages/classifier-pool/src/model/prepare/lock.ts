/**
 * A lock between processes: a file that its holder keeps touching. A holder that died is noticed at once on the same host, and
 * after `staleAfterMs` without a touch elsewhere. Two waiters may, in a window of microseconds, both take over a dead lock;
 * callers therefore publish by rename and survive doing the work twice.
 */
import { randomUUID } from "node:crypto";
import { readFile, rename, rm, stat, utimes, writeFile } from "node:fs/promises";
import { hostname } from "node:os";
import { setTimeout as wait } from "node:timers/promises";
import { RouterError } from "@turnout/shared";

/** LockOptions are the lock's times, milliseconds. */
export interface LockOptions {
  readonly signal: AbortSignal;
  /** Longest wait for another holder; default 30 minutes, as long as a slow download may take. */
  readonly waitMs?: number;
  /** A lock untouched for so long is dead; default 30 s. */
  readonly staleAfterMs?: number;
  readonly pollMs?: number;
  /** Called once when somebody else holds the lock. */
  readonly onWait?: () => void;
}

/** withLock runs `work` while holding the lock. Throws RouterError("deadline_exceeded") when the holder does not finish in time, "cancelled" when aborted. */
export async function withLock<Result>(path: string, options: LockOptions, work: () => Promise<Result>): Promise<Result> {
  const { signal, waitMs = 30 * 60_000, staleAfterMs = 30_000, pollMs = 100 } = options;
  const ticket = `${JSON.stringify({ pid: process.pid, host: hostname(), id: randomUUID() })}\n`;
  const deadline = performance.now() + waitMs;
  let announced = false;
  while (!(await tryTake(path, ticket))) {
    if (await isDead(path, staleAfterMs)) {
      await remove(path);
      continue;
    }
    if (!announced) options.onWait?.();
    announced = true;
    if (performance.now() > deadline)
      throw new RouterError("deadline_exceeded", `another process holds ${path} for more than ${waitMs} ms`);
    await wait(pollMs, undefined, { signal }).catch((cause: unknown) => {
      throw new RouterError("cancelled", `waiting for ${path} was interrupted`, { cause });
    });
  }

  const touch = setInterval(() => {
    const now = new Date();
    // Losing the file means that somebody took us for dead; the rename at the end settles it.
    utimes(path, now, now).catch(() => undefined);
  }, staleAfterMs / 10).unref();
  try {
    return await work();
  } finally {
    clearInterval(touch);
    if ((await readFile(path, "utf8").catch(() => null)) === ticket) await rm(path, { force: true });
  }
}

async function tryTake(path: string, ticket: string): Promise<boolean> {
  try {
    await writeFile(path, ticket, { flag: "wx" });
    return true;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EEXIST") return false;
    throw error;
  }
}

async function isDead(path: string, staleAfterMs: number): Promise<boolean> {
  const [found, text] = await Promise.all([stat(path).catch(() => null), readFile(path, "utf8").catch(() => "")]);
  if (found === null) return false;
  if (Date.now() - found.mtimeMs > staleAfterMs) return true;
  const holder = /^\{"pid":(\d+),"host":"([^"]*)"/.exec(text);
  return holder !== null && holder[2] === hostname() && !isRunning(Number(holder[1]));
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "EPERM";
  }
}

/** remove moves the dead lock aside first: of two waiters only one gets it. */
async function remove(path: string): Promise<void> {
  const aside = `${path}.${randomUUID()}`;
  await rename(path, aside).catch(() => undefined);
  await rm(aside, { force: true });
}
