import type { Clock } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { testCacheBackend } from "../testing/conformance.ts";
import { entryOf, Replica } from "../testing/rows.ts";
import { MemoryBackend, type MemoryBackendOptions } from "./memory.ts";

const open = (clock: Clock, options: Partial<MemoryBackendOptions> = {}) =>
  new MemoryBackend({ maxEntries: 100, maxBytes: 1 << 20, eviction: "lru", clock, ...options });

testCacheBackend("MemoryBackend", async (clock) => {
  const backend = open(clock);
  return { backend, close: () => backend.close() };
});

describe("MemoryBackend", () => {
  const time = { wall: 1_000 };
  const clock: Clock = { now: () => 0, wallMs: () => time.wall };

  it("gives nothing from the millisecond on at which it expires", async () => {
    const backend = open(clock);
    await backend.put(entryOf("a", { expiresMs: 2_000 }, ["p"]), {});
    time.wall = 1_999;
    expect((await backend.get(["a"], {}))[0]).not.toBeNull();
    time.wall = 2_000;
    expect((await backend.get(["a"], {}))[0]).toBeNull();
    expect(await backend.find(["p"], {})).toBeNull();
  });

  it.each([
    ["lru", ["a", "c"]],
    ["fifo", ["b", "c"]],
  ] as const)("lets go as %s does when it is full, and tells", async (eviction, left) => {
    time.wall = 1_000;
    const backend = open(clock, { maxEntries: 2, eviction });
    const replica = new Replica();
    backend.follow(replica.listen);
    await backend.put(entryOf("a"), {});
    await backend.put(entryOf("b"), {});
    await backend.get(["a"], {});
    await backend.put(entryOf("c"), {});
    expect(replica.ids).toEqual(left);
  });

  it("holds its bytes", async () => {
    const backend = open(clock, { maxBytes: 10_000, maxEntries: 1_000 });
    const replica = new Replica();
    backend.follow(replica.listen);
    for (let i = 0; i < 100; i += 1) await backend.put({ ...entryOf(`e${i}`), payload: Buffer.alloc(1_000) }, {});
    expect(replica.rows.size).toBe(4);
    await backend.put({ ...entryOf("huge"), payload: Buffer.alloc(20_000) }, {});
    expect(replica.rows.has("huge")).toBe(false);
    expect((await backend.get(["huge"], {}))[0]).toBeNull();
  });

  it("forgets the pointers of what it lets go", async () => {
    const backend = open(clock, { maxEntries: 1 });
    await backend.put(entryOf("a", {}, ["p"]), {});
    await backend.put(entryOf("b", {}, ["q"]), {});
    expect(await backend.find(["p"], {})).toBeNull();
    expect(await backend.find(["q"], {})).toMatchObject({ id: "b" });
  });
});
