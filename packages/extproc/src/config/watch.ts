import { watch } from "node:fs";
import { readFile } from "node:fs/promises";
import { dirname } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { RouterError } from "@turnout/shared";
import { hashOf, parseConfig, type RouterConfig } from "./load.ts";
import type { Environment } from "./substitution.ts";

/**
 * Hot reload. The directory is watched, not the file: Kubernetes swaps the `..data` symlink beside it, editors rename a new file
 * over it, and both leave a watch on the file itself looking at what is gone. An event only says "look again": what counts is
 * the content. A slow poll backs the watch up where the kernel tells nothing (network file systems, links into other
 * directories, a directory that was itself replaced). It never judges a configuration and never closes one.
 */

/** WatchOptions: `signal` ends the watch. */
export interface WatchOptions {
  /** Hash of the content that is being served, so that only a change is reported. */
  readonly currentHash: string;
  readonly onSnapshot: (config: RouterConfig) => void;
  /** Hears why a changed file was refused; what was served before goes on. Once for each content. */
  readonly onError: (error: RouterError) => void;
  readonly signal: AbortSignal;
  /** A content counts once it was read twice, this far apart, so that a half-written file is not taken. */
  readonly settleMs?: number;
  readonly pollMs?: number;
}

/** watchConfig watches until `signal` aborts. It returns once the watch stands: every later change is seen. */
export function watchConfig(file: string, env: Environment, options: WatchOptions): void {
  const { signal, onSnapshot, onError, settleMs = 50, pollMs = 30_000 } = options;
  if (signal.aborted) return;
  let lastSeen = options.currentHash;
  let dirty = false;
  let looking = false;

  async function look(): Promise<void> {
    dirty = true;
    if (looking) return;
    looking = true;
    try {
      while (dirty && !signal.aborted) {
        dirty = false;
        const content = await settledContent(file, settleMs, signal);
        const hash = content.text === null ? content.reason : hashOf(content.text);
        if (hash === lastSeen || signal.aborted) continue;
        lastSeen = hash;
        adopt(content);
      }
    } finally {
      looking = false;
    }
  }

  function adopt(content: Content): void {
    if (content.text === null) {
      onError(new RouterError("config_invalid", `${file}: the configuration cannot be read: ${content.reason}; the previous one stays`));
      return;
    }
    let config: RouterConfig;
    try {
      config = parseConfig(content.text, { file, env });
    } catch (error) {
      onError(RouterError.from(error));
      return;
    }
    onSnapshot(config);
  }

  const start = (): void =>
    void look().catch((error: unknown) => {
      if (!signal.aborted) onError(RouterError.from(error));
    });
  const poll = setInterval(start, pollMs);
  poll.unref();
  try {
    const watcher = watch(dirname(file), { signal, persistent: false }, start);
    watcher.on("error", () => watcher.close());
  } catch (error) {
    onError(
      new RouterError("config_invalid", `${dirname(file)} cannot be watched; changes are noticed every ${pollMs} ms`, { cause: error }),
    );
  }
  signal.addEventListener("abort", () => clearInterval(poll), { once: true });
  // The file may have changed between its first reading and now.
  start();
}

type Content = { readonly text: string } | { readonly text: null; readonly reason: string };

/** settledContent reads until two readings agree. A file that is renamed over may be absent for a moment: that counts as a reading. */
async function settledContent(file: string, settleMs: number, signal: AbortSignal): Promise<Content> {
  let last = await read(file);
  for (;;) {
    await wait(settleMs, undefined, { signal });
    const now = await read(file);
    if (now.text !== null ? now.text === last.text : last.text === null) return now;
    last = now;
  }
}

async function read(file: string): Promise<Content> {
  try {
    return { text: await readFile(file, "utf8") };
  } catch (error) {
    return { text: null, reason: error instanceof Error ? error.message : String(error) };
  }
}
