/** What a replica makes of a log whose parts were lost or overtook each other. Real Redis, written to by the test itself. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { shardKeys } from "./keys.ts";
import { encodePayload, encodePurge, encodeRow } from "./row-codec.ts";
import { createSeal } from "./seal.ts";
import { PATIENT, entryOf, follow, idOf, type Followed } from "./testing/entries.ts";
import { skipReason, startRedis, withoutRedis, type RedisServer } from "./testing/redis-server.ts";

const WAIT = { timeout: 10_000, interval: 5 };
const keys = shardKeys("turnout", 0);
const seal = createSeal(null);

describe.skipIf(withoutRedis)(`A log${skipReason}`, () => {
  let server: RedisServer;
  const open: Followed[] = [];

  beforeAll(async () => {
    server = await startRedis();
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

  async function replica(): Promise<Followed> {
    const followed = follow({ port: server.port, tuning: PATIENT });
    open.push(followed);
    await ready(followed);
    return followed;
  }
  const ready = ({ backend }: Followed) => vi.waitFor(() => expect(backend.state().state).toBe("ready"), WAIT);
  const heard = (followed: Followed, ...names: string[]) =>
    vi.waitFor(() => expect(followed.ids()).toEqual(new Set(names.map(idOf))), WAIT);
  const served = async ({ backend }: Followed, name: string) => (await backend.get([idOf(name)], {}))[0] !== null;

  it("is taken for lost when its epoch is: what was there before is neither told nor served again", async () => {
    const followed = await replica();
    await followed.backend.put(entryOf("a"), {});
    await heard(followed, "a");
    const old = (await server.client.get(keys.epoch))!;
    await server.client.del(keys.epoch);
    await vi.waitFor(() => expect(followed.count("reset", "epoch")).toBe(1), WAIT);
    await ready(followed);
    await heard(followed);
    expect(await served(followed, "a")).toBe(false);
    // A replica that has not noticed yet writes into the old world.
    const { row, payload } = entryOf("late");
    const under = { epoch: old, fence: "0-0" };
    await server.client.set(keys.entry(row.id), seal.close("payload", row.id, encodePayload(row, under, payload)));
    await server.client.xadd(keys.log, "*", "r", seal.close("row", keys.log, encodeRow(row, under)));
    await followed.backend.put(entryOf("b"), {});
    await heard(followed, "b");
    expect(await served(followed, "late")).toBe(false);
    expect(followed.events).toContainEqual({ kind: "dropped", what: "row", reason: "stale" });
    expect(followed.events).toContainEqual({ kind: "dropped", what: "payload", reason: "stale" });
  });

  it("is served again after the key that names the newest purge was evicted", async () => {
    const followed = await replica();
    await followed.backend.purge({ scope: "none" }, {});
    await followed.backend.put(entryOf("a"), {});
    await server.client.del(keys.fence);
    expect(await served(followed, "a")).toBe(false);
    await vi.waitFor(async () => expect(await served(followed, "a")).toBe(true), WAIT);
    expect(followed.count("reset")).toBe(0);
  });

  it("is served again after the key named a purge that is not the newest any more", async () => {
    const followed = await replica();
    await followed.backend.purge({ scope: "none" }, {});
    const old = (await server.client.get(keys.fence))!;
    await followed.backend.purge({ scope: "nobody" }, {});
    const newest = await server.client.get(keys.fence);
    await followed.backend.put(entryOf("a"), {});
    // As a replica does that makes the key again and has not heard of the second one.
    await server.client.set(keys.fence, old);
    expect(await served(followed, "a")).toBe(false);
    await vi.waitFor(async () => expect(await served(followed, "a")).toBe(true), WAIT);
    expect(followed.count("reset")).toBe(0);
    expect(await server.client.get(keys.fence)).toBe(newest);
  });

  it("is given up when something was purged and nobody knows what", async () => {
    const [a, b] = [await replica(), await replica()];
    await a.backend.put(entryOf("a"), {});
    await server.client.set(keys.fence, "a purge without a record");
    expect(await served(a, "a")).toBe(false);
    await vi.waitFor(() => expect([a, b].map((one) => one.count("reset", "epoch") > 0)).toEqual([true, true]), WAIT);
    await Promise.all([ready(a), ready(b)]);
    await b.backend.put(entryOf("b"), {});
    await Promise.all([heard(a, "b"), heard(b, "b")]);
    expect(await served(a, "a")).toBe(false);
    expect(await served(a, "b")).toBe(true);
  });

  it("may bring an entry before the purges that its writer knew: they are looked up first", async () => {
    const followed = await replica();
    await followed.backend.put(entryOf("before", { scope: "s" }), {});
    await heard(followed, "before");
    const epoch = (await server.client.get(keys.epoch))!;
    const now = Date.now() * 10;
    // More purges than one reply holds; the last one means the scope.
    const many = Array.from({ length: 600 }, (_, index) => ({ token: `t${index}`, filter: { scope: index === 599 ? "s" : "none" } }));
    const { row } = entryOf("after", { scope: "s" });
    await server.client
      .multi([
        ...many.map((record, index) => [
          "xadd",
          keys.purges,
          `${now}-${index}`,
          "t",
          record.token,
          "f",
          seal.close("purge", keys.purges, encodePurge(record)),
        ]),
        ["set", keys.fence, "t599"],
        ["xadd", keys.log, "*", "r", seal.close("row", keys.log, encodeRow(row, { epoch, fence: `${now}-599` }))],
      ])
      .exec();
    await heard(followed, "after");
    expect(followed.changes.filter(({ kind }) => kind === "purged")).toHaveLength(many.length);
  });

  it("tells an entry that was there before a purge to nobody, whichever of both is read first", async () => {
    const a = await replica();
    await a.backend.put(entryOf("a", { scope: "s" }), {});
    await a.backend.purge({ scope: "s" }, {});
    const late = await replica();
    expect(late.changes).toEqual([{ kind: "purged", filter: { scope: "s" } }]);
    expect(late.events).toContainEqual({ kind: "dropped", what: "row", reason: "purged" });
  });

  it("goes on after an entry that its listener cannot take", async () => {
    const bug = () => {
      throw new Error("the listener's bug");
    };
    const followed = follow({ port: server.port, onChange: bug, tuning: PATIENT });
    open.push(followed);
    await ready(followed);
    for (const name of ["a", "b"]) await followed.backend.put(entryOf(name), {});
    await heard(followed, "a", "b");
    expect(followed.changes).toHaveLength(2);
  });
});
