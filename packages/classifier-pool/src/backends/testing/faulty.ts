/**
 * For tests only: the deterministic encoder, with texts that break or hold a worker as real ones do. Loaded by its URL, never
 * registered. A text does what its first word says.
 */
import { RouterError } from "@turnout/shared";
import type { ModelSettings } from "../../messages.ts";
import * as deterministic from "../deterministic.ts";
import type { Encoder } from "../index.ts";

/** holdChannel carries "holding" from a worker that began a batch with a "held" text, and "release" to it. */
export const holdChannel = "turnout-faulty-encoder";

export async function load(settings: ModelSettings): Promise<Encoder> {
  const encoder = await deterministic.load(settings);
  const words = new Set<string>();
  return {
    ...encoder,
    tokenizer: {
      tokenize(job) {
        const word = job.parts[0].split(" ", 1)[0] ?? "";
        words.add(word);
        breakWorker[word]?.();
        return encoder.tokenizer.tokenize(job);
      },
    },
    async run(batch) {
      const held = words.has("held");
      const failing = words.has("failing");
      words.clear();
      if (held) await hold();
      if (failing) throw new RouterError("internal", "the run failed");
      return encoder.run(batch);
    },
  };
}

const breakWorker: Record<string, () => void> = {
  /** Blocks the thread for ever. */
  stall: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
  },
  /** Takes its time. */
  slow: () => {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100);
  },
  crash: () => {
    process.exit(3);
  },
  oom: () => {
    const hoard: number[][] = [];
    for (;;) hoard.push(Array.from({ length: 10_000 }, (_, index) => index / 3));
  },
  untokenizable: () => {
    throw new Error("cannot tokenize this");
  },
};

function hold(): Promise<void> {
  const channel = new BroadcastChannel(holdChannel);
  return new Promise((resolve) => {
    channel.addEventListener("message", (event) => {
      if (!(event instanceof MessageEvent) || event.data !== "release") return;
      channel.close();
      resolve();
    });
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel between threads, no window
    channel.postMessage("holding");
  });
}
