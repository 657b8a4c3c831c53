/** The Redis backend against real servers: storing, finding, following, purging. Outages are in test/e2e/redis-*.test.ts. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { PATIENT, entryOf, follow, idOf, type FollowOptions, type Followed } from "../redis/testing/entries.ts";
import { serverChoice, startRedis, type RedisServer, type ServerName } from "../redis/testing/redis-server.ts";

const WAIT = { timeout: 10_000, interval: 5 };

const SERVERS: readonly ServerName[] = ["redis", "redis-8", "valkey-8"];

for (const { server: name, skipped, reason } of SERVERS.map(serverChoice))
  describe.skipIf(skipped)(`RedisBackend on ${name}${reason}`, () => {
    let server: RedisServer;
    const open: Followed[] = [];

    beforeAll(async () => {
      server = await startRedis({ server: name });
    });
    afterAll(async () => {
      await server.stop();
    });
    beforeEach(async () => {
      await server.client.flushall();
    });
    afterEach(async () => {
      await Promise.all(open.splice(0).map(({ backend }) => backend.close()));
    });

    async function replica(options: Partial<FollowOptions> = {}): Promise<Followed> {
      const followed = follow({ port: server.port, ...options, tuning: { ...PATIENT, ...options.tuning } });
      open.push(followed);
      await vi.waitFor(() => expect(followed.backend.state().state).toBe("ready"), WAIT);
      return followed;
    }

    const has = (followed: Followed, ...names: string[]) =>
      vi.waitFor(() => expect([...followed.ids()].toSorted()).toEqual(names.map(idOf).toSorted()), WAIT);

    it("gives payloads in the order asked, and null for what is not there", async () => {
      const { backend } = await replica();
      await backend.put(entryOf("a"), {});
      await backend.put(entryOf("b"), {});
      const payloads = await backend.get([idOf("b"), idOf("nothing"), idOf("a")], {});
      expect(payloads.map((payload) => payload && Buffer.from(payload).toString())).toEqual(["payload of b", null, "payload of a"]);
      expect(await backend.get([], {})).toEqual([]);
    });

    it("finds an entry by the first pointer that leads to one that is there", async () => {
      const { backend } = await replica();
      await backend.put(entryOf("gone", {}, ["to-gone"]), {});
      await backend.put(entryOf("here", {}, ["to-here", "also"]), {});
      await server.client.unlink(`{turnout:0}:e:${idOf("gone")}`);
      const found = await backend.find(["unknown", "to-gone", "also", "to-here"], {});
      expect(found && { ...found, payload: Buffer.from(found.payload).toString() }).toEqual({
        pointer: "also",
        id: idOf("here"),
        payload: "payload of here",
      });
      expect(await backend.find(["unknown", "to-gone"], {})).toBeNull();
    });

    it("tells every replica of every write once, with all of the row, in one order", async () => {
      const [a, b] = [await replica(), await replica()];
      const entries = ["one", "two", "three"].map((name) => entryOf(name));
      for (const entry of entries) await a.backend.put(entry, {});
      const expected = entries.map(({ row }) => ({ kind: "added", row }));
      for (const { changes } of [a, b]) {
        await vi.waitFor(() => expect(changes.filter(({ kind }) => kind === "added")).toHaveLength(entries.length), WAIT);
        expect(changes).toEqual(expected);
      }
      const [payload] = await b.backend.get([idOf("two")], {});
      expect(Buffer.from(payload!).toString()).toBe("payload of two");
    });

    it("tells a replica that starts later what is there", async () => {
      const a = await replica();
      for (const name of ["one", "two"]) await a.backend.put(entryOf(name), {});
      await a.backend.put(entryOf("three", { semantic: null }), {});
      const late = await replica();
      await has(late, "one", "two", "three");
      expect(late.count("synced")).toBe(1);
    });

    it("lets payload and pointers expire with the entry, and stores nothing that has expired", async () => {
      const { backend } = await replica();
      await backend.put(entryOf("soon", { expiresMs: Date.now() + 5_000 }, ["early"]), {});
      await backend.put(entryOf("late", { expiresMs: Date.now() - 1 }), {});
      for (const key of [`{turnout:0}:e:${idOf("soon")}`, "{turnout:0}:p:early"]) {
        const ttl = await server.client.pttl(key);
        expect(ttl).toBeGreaterThan(0);
        expect(ttl).toBeLessThanOrEqual(5_000);
      }
      expect(await server.client.exists(`{turnout:0}:e:${idOf("late")}`)).toBe(0);
    });

    it.each([
      { title: "by id", filter: { ids: [idOf("a")] }, kept: ["b", "c"] },
      { title: "by scope", filter: { scope: "s1" }, kept: ["c"] },
      { title: "by decision", filter: { decision: "d2" }, kept: ["a", "c"] },
      { title: "by model", filter: { model: "m2" }, kept: ["a", "b"] },
      { title: "by age", filter: { createdBeforeMs: 1_500 }, kept: ["b", "c"] },
      { title: "only where all parts hold", filter: { scope: "s1", decision: "d1" }, kept: ["b", "c"] },
      { title: "by id only where the rest holds", filter: { ids: [idOf("a"), idOf("b")], decision: "d2" }, kept: ["a", "c"] },
      { title: "everything", filter: {}, kept: [] },
      { title: "nothing for an empty list of ids", filter: { ids: [] }, kept: ["a", "b", "c"] },
    ])("purges $title, here, elsewhere and after a restart", async ({ filter, kept }) => {
      const [a, b] = [await replica(), await replica()];
      await a.backend.put(entryOf("a", { scope: "s1", decision: "d1", model: "m1", createdMs: 1_000 }), {});
      await a.backend.put(entryOf("b", { scope: "s1", decision: "d2", model: "m1", createdMs: 2_000 }), {});
      await a.backend.put(entryOf("c", { scope: "s2", decision: "d1", model: "m2", createdMs: 2_000 }), {});
      await Promise.all([has(a, "a", "b", "c"), has(b, "a", "b", "c")]);
      await a.backend.purge(filter, {});
      for (const one of [a, b, await replica()]) {
        await has(one, ...kept);
        const left = await one.backend.get(["a", "b", "c"].map(idOf), {});
        expect(["a", "b", "c"].filter((_, index) => left[index] !== null)).toEqual(kept);
      }
    });

    it("serves nothing that a purge means from the moment that purge() is done, on any replica", async () => {
      const [a, b] = [await replica(), await replica()];
      for (let round = 0; round < 50; round += 1) {
        const name = `round ${round}`;
        await a.backend.put(entryOf(name, { scope: name }), {});
        await a.backend.purge({ scope: name }, {});
        expect(a.changes.at(-1)).toEqual({ kind: "purged", filter: { scope: name } });
        expect(await Promise.all([a, b].map(({ backend }) => backend.get([idOf(name)], {})))).toEqual([[null], [null]]);
      }
    });

    it("purges what a replica wrote that had not heard of the purge, and keeps what was written after it", async () => {
      const [a, b] = [await replica(), await replica()];
      await b.backend.put(entryOf("before", { scope: "s" }), {});
      await a.backend.purge({ scope: "s" }, {});
      await a.backend.put(entryOf("after", { scope: "s" }), {});
      // What b would have written in the moment before it heard: the bytes of "before", arriving now.
      const [[, [, sealed]]] = (await server.client.xrangeBuffer("{turnout:0}:log", "-", "+")) as unknown as [[Buffer, [Buffer, Buffer]]];
      await server.client.xadd("{turnout:0}:log", "*", "r", sealed);
      await b.backend.put(entryOf("last", { scope: "t" }), {});
      for (const one of [a, b, await replica()]) await has(one, "after", "last");
    });

    it("deletes the payloads that a purge means", async () => {
      const { backend } = await replica();
      for (let index = 0; index < 1_200; index += 1) await backend.put(entryOf(`n${index}`, { scope: index % 2 ? "odd" : "even" }), {});
      await backend.purge({ scope: "odd" }, {});
      await vi.waitFor(async () => expect((await server.client.keys("*:e:*")).length).toBe(600), WAIT);
    });

    it.each([
      { title: "is flushed", future: false },
      { title: "is flushed and gives lower stream ids than before", future: true },
    ])("starts anew when the server $title", async ({ future }) => {
      const { backend, ...followed } = await replica();
      await backend.put(entryOf("old"), {});
      // As if the server's clock had been ahead: an old cursor would never hear anything again.
      if (future) await server.client.xadd("{turnout:0}:log", `${Date.now() + 3_600_000}-0`, "r", "not a row");
      await vi.waitFor(() => expect([followed.ids().size, followed.count("dropped", "broken")]).toEqual([1, future ? 1 : 0]), WAIT);
      await server.client.flushall();
      expect(await backend.get([idOf("old")], {})).toEqual([null]);
      await vi.waitFor(() => expect(followed.count("reset", "epoch")).toBe(1), WAIT);
      await vi.waitFor(() => expect(backend.state().state).toBe("ready"), WAIT);
      await backend.put(entryOf("new"), {});
      await vi.waitFor(() => expect([...followed.ids()]).toEqual([idOf("new")]), WAIT);
    });
  });
