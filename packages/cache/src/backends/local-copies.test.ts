import { systemClock } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { testCacheBackend } from "../testing/conformance.ts";
import { entryOf } from "../testing/rows.ts";
import type { BackendState, CacheBackend } from "./backend.ts";
import { LocalCopies } from "./local-copies.ts";
import { MemoryBackend } from "./memory.ts";

testCacheBackend("LocalCopies", async (clock) => {
  const backend = new LocalCopies(new MemoryBackend({ maxEntries: 100, maxBytes: 1 << 20, eviction: "lru", clock }), 1 << 20);
  return { backend, close: () => backend.close() };
});

/** Far is a backend across a network: it counts who asks it, answers when it is let, and may be cut off. */
class Far extends MemoryBackend {
  asked = 0;
  lag = 0;
  gate: Promise<void> | null = null;

  constructor() {
    super({ maxEntries: 100, maxBytes: 1 << 20, eviction: "lru", clock: systemClock });
  }

  override async get(...args: Parameters<CacheBackend["get"]>) {
    this.asked += 1;
    const found = await super.get(...args);
    await this.gate;
    return found;
  }

  override state(): BackendState {
    return { state: "ready", lagMs: this.lag };
  }
}

function near() {
  const far = new Far();
  const copies = new LocalCopies(far, 1 << 20);
  copies.follow(() => undefined);
  return { far, copies };
}

describe("LocalCopies", () => {
  it("asks once for what is served twice", async () => {
    const { far, copies } = near();
    await copies.put(entryOf("a"), {});
    await copies.get(["a"], {});
    await copies.get(["a"], {});
    expect(far.asked).toBe(1);
  });

  it("asks again when the entry was written anew", async () => {
    const { copies } = near();
    await copies.put(entryOf("a"), {});
    await copies.get(["a"], {});
    await copies.put({ ...entryOf("a"), payload: Buffer.from("new") }, {});
    expect(Buffer.from((await copies.get(["a"], {}))[0] ?? []).toString()).toBe("new");
  });

  it("serves no copy of what was purged elsewhere", async () => {
    const { far, copies } = near();
    await copies.put(entryOf("a", {}, ["p"]), {});
    await copies.find(["p"], {});
    await far.purge({ scope: "scope-a" }, {});
    expect(await copies.get(["a"], {})).toEqual([null]);
    expect(await copies.find(["p"], {})).toBeNull();
  });

  it.each<[what: string, change: (far: Far) => Promise<void>, then: string | null]>([
    ["a purge", (far) => far.purge({}, {}), null],
    ["it was written anew", (far) => far.put({ ...entryOf("a"), payload: Buffer.from("new") }, {}), "new"],
  ])("keeps nothing that was fetched before %s and came after it", async (_, change, then) => {
    const { far, copies } = near();
    await copies.put(entryOf("a"), {});
    const gate = Promise.withResolvers<void>();
    far.gate = gate.promise;
    const fetching = copies.get(["a"], {});
    await change(far);
    gate.resolve();
    await fetching;
    far.gate = null;
    const [payload] = await copies.get(["a"], {});
    expect(payload === null ? null : Buffer.from(payload ?? []).toString()).toBe(then);
  });

  it("serves no copies while it cannot hear of purges", async () => {
    const { far, copies } = near();
    await copies.put(entryOf("a"), {});
    await copies.get(["a"], {});
    far.lag = 60_000;
    await copies.get(["a"], {});
    expect(far.asked).toBe(2);
  });
});
