/**
 * Outages of a single Redis: stopped, killed, restarted with old data, behind a bad network. Lookups never wait for more than their limit,
 * soon do not wait at all, and everything comes back by itself, with nothing served that was purged.
 */
import { afterEach, describe, expect, it, vi } from "vitest";
import { entryOf, follow, idOf, type FollowOptions, type Followed } from "../../packages/cache/src/redis/testing/entries.ts";
import {
  skipReason,
  startRedis,
  withoutRedis,
  type RedisServer,
  type RedisServerOptions,
} from "../../packages/cache/src/redis/testing/redis-server.ts";
import { startLookups, type Lookups } from "./redis-load.ts";
import { startTcpProxy, type ProxyMode, type TcpProxy } from "./tcp-proxy.ts";

const WAIT = { timeout: 20_000, interval: 5 };
/** Lookups that must have gone by during an outage. */
const ENOUGH = 500;
/** Lookups that may wait in vain: the breaker opens at the fifth failure. The rest is room for a busy machine. */
const MAX_SLOW = 12;

describe.skipIf(withoutRedis)(`Redis fails${skipReason}`, () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of cleanUp.splice(0).toReversed()) await close();
  });

  async function redis(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = await startRedis(options);
    cleanUp.push(server.stop);
    return server;
  }
  async function proxy(port: number): Promise<TcpProxy> {
    const started = await startTcpProxy(port);
    cleanUp.push(started.close);
    return started;
  }
  function start(port: number, options: Partial<FollowOptions> = {}): Followed {
    const followed = follow({ port, ...options });
    cleanUp.push(() => followed.backend.close());
    return followed;
  }
  const ready = ({ backend, events }: Followed) =>
    vi.waitFor(() => expect({ ...backend.state(), events: events.slice(-5) }).toMatchObject({ state: "ready" }), WAIT);
  async function replica(port: number, options: Partial<FollowOptions> = {}): Promise<Followed> {
    const followed = start(port, options);
    await ready(followed);
    return followed;
  }
  function lookups(followed: Followed, name: string): Lookups {
    const started = startLookups(followed, idOf(name));
    cleanUp.push(started.stop);
    return started;
  }
  const enough = (load: Lookups) => vi.waitFor(() => expect(load.done()).toBeGreaterThan(ENOUGH), WAIT);
  const heard = (followed: Followed, ...names: string[]) =>
    vi.waitFor(() => expect(followed.ids()).toEqual(new Set(names.map(idOf))), WAIT);
  /** Milliseconds until lookups hit again. */
  async function recovery(followed: Followed, name: string): Promise<number> {
    const begun = performance.now();
    await vi.waitFor(async () => expect(await followed.backend.get([idOf(name)], {})).not.toEqual([null]), WAIT);
    return performance.now() - begun;
  }

  it("does not answer any more (SIGSTOP), and then does", async () => {
    const server = await redis();
    const followed = await replica(server.port);
    await followed.backend.put(entryOf("a"), {});
    const load = lookups(followed, "a");
    await enough(load);
    expect(Object.keys(load.report().outcomes)).toContain("hit");

    server.signal("SIGSTOP");
    await vi.waitFor(() => expect(followed.events).toContainEqual({ kind: "breaker", state: "open", shard: 0 }), WAIT);
    expect(followed.backend.state().state).toBe("unavailable");
    await enough(load);
    const stopped = load.report();
    server.signal("SIGCONT");
    const recoveredMs = await recovery(followed, "a");
    console.log("SIGSTOP", stopped, { recoveredMs });
    expect(stopped.slow).toBeLessThanOrEqual(MAX_SLOW);
    expect(stopped.p50Ms).toBeLessThan(1);
    expect(recoveredMs).toBeLessThan(3_000);
    await ready(followed);
    await followed.backend.put(entryOf("b"), {});
    await heard(followed, "a", "b");
    expect(followed.count("reset")).toBe(0);
  });

  it("is killed and restarted without its data: everything starts anew", async () => {
    const server = await redis();
    const [followed, other] = [await replica(server.port), await replica(server.port)];
    await followed.backend.put(entryOf("a"), {});
    await Promise.all([heard(followed, "a"), heard(other, "a")]);
    const load = lookups(followed, "a");
    await enough(load);
    load.report();
    await server.kill();
    await enough(load);
    const down = load.report();
    await server.restart();
    const begun = performance.now();
    await Promise.all([vi.waitFor(() => expect(followed.count("reset", "epoch")).toBe(1), WAIT), heard(followed), heard(other)]);
    await Promise.all([ready(followed), ready(other)]);
    const recoveredMs = performance.now() - begun;
    console.log("SIGKILL", down, { recoveredMs });
    expect(down.slow).toBeLessThanOrEqual(MAX_SLOW);
    expect(down.p50Ms).toBeLessThan(1);
    expect(recoveredMs).toBeLessThan(5_000);
    await followed.backend.put(entryOf("b"), {});
    await Promise.all([heard(followed, "b"), heard(other, "b")]);
  });

  it("is killed and restarted with its data: nothing is told twice, and what was purged stays purged", async () => {
    const server = await redis({ args: ["--appendonly", "yes", "--appendfsync", "always"] });
    const followed = await replica(server.port);
    for (const name of ["a", "b"]) await followed.backend.put(entryOf(name, { scope: name }), {});
    await followed.backend.purge({ scope: "a" }, {});
    await heard(followed, "b");
    await server.kill();
    await vi.waitFor(() => expect(followed.backend.state().state).toBe("unavailable"), WAIT);
    await server.restart();
    await recovery(followed, "b");
    await ready(followed);
    const late = await replica(server.port);
    await heard(late, "b");
    expect(await late.backend.get([idOf("a"), idOf("b")], {})).toEqual([null, expect.anything()]);
    expect(followed.count("reset")).toBe(0);
    expect(followed.changes.filter(({ kind }) => kind === "added")).toHaveLength(2);
  });

  it("is restarted from a backup older than a purge: the replicas that heard of the purge write it again", async () => {
    const server = await redis();
    const followed = await replica(server.port);
    for (const name of ["a", "b"]) await followed.backend.put(entryOf(name, { scope: name }), {});
    await heard(followed, "a", "b");
    await server.client.save();
    await followed.backend.purge({ scope: "a" }, {});
    await followed.backend.put(entryOf("c"), {});
    await heard(followed, "b", "c");
    await server.kill();
    await server.restart();
    await vi.waitFor(() => expect(followed.events).toContainEqual({ kind: "purges_restored", count: 1, shard: 0 }), WAIT);
    await heard(followed, "b");
    const late = await replica(server.port);
    await heard(late, "b");
    expect(await late.backend.get([idOf("a"), idOf("b")], {})).toEqual([null, expect.anything()]);
  });

  it("has cut its log past the place of a replica that was away: the replica begins again", async () => {
    const server = await redis();
    const wire = await proxy(server.port);
    const writer = await replica(server.port, { maxEntries: 100 });
    const away = await replica(wire.port);
    await writer.backend.put(entryOf("first"), {});
    await heard(away, "first");
    wire.set({ kind: "silent" });
    for (let index = 0; index < 1_000; index += 1) await writer.backend.put(entryOf(`n${index}`), {});
    wire.set({ kind: "pass" });
    await vi.waitFor(() => expect(away.count("reset", "trimmed")).toBe(1), WAIT);
    await ready(away);
    const kept = await server.client.xlen("{turnout:0}:log");
    expect(kept).toBeLessThan(400);
    await vi.waitFor(() => expect(away.ids().size).toBe(kept), WAIT);
  });

  it("is not there at first", async () => {
    const server = await redis();
    await server.kill();
    const followed = start(server.port);
    await expect(followed.backend.get([idOf("a")], {})).rejects.toMatchObject({ code: "cache_unavailable" });
    await expect(followed.backend.put(entryOf("a"), {})).rejects.toMatchObject({ code: "cache_unavailable" });
    expect(followed.backend.state().state).not.toBe("ready");
    await server.restart();
    await ready(followed);
    await followed.backend.put(entryOf("a"), {});
    await heard(followed, "a");
  });

  const bad: readonly { readonly title: string; readonly mode: ProxyMode }[] = [
    { title: "50 ms away", mode: { kind: "delay", ms: 50 } },
    { title: "500 ms away", mode: { kind: "delay", ms: 500 } },
    { title: "sending a byte per 20 ms", mode: { kind: "trickle", ms: 20 } },
    { title: "silent", mode: { kind: "silent" } },
    { title: "cut in the middle of every reply", mode: { kind: "reset" } },
  ];
  it.each(bad)("is behind a network that is $title, and then is not", async ({ title, mode }) => {
    const server = await redis();
    const wire = await proxy(server.port);
    const followed = await replica(wire.port);
    const near = await replica(server.port);
    await followed.backend.put(entryOf("a"), {});
    await heard(followed, "a");
    const load = lookups(followed, "a");
    await enough(load);
    load.report();

    wire.set(mode);
    await vi.waitFor(() => expect(followed.events).toContainEqual({ kind: "breaker", state: "open", shard: 0 }), WAIT);
    await enough(load);
    const spoiled = load.report();
    await near.backend.put(entryOf("b"), {});
    await near.backend.purge({ ids: [idOf("a")] }, {});
    wire.set({ kind: "pass" });
    const begun = performance.now();
    await heard(followed, "b");
    await ready(followed);
    const recoveredMs = performance.now() - begun;
    console.log(title, spoiled, { recoveredMs });
    expect(spoiled.slow).toBeLessThanOrEqual(MAX_SLOW);
    expect(spoiled.p50Ms).toBeLessThan(1);
    expect(recoveredMs).toBeLessThan(8_000);
    expect(await followed.backend.get([idOf("a"), idOf("b")], {})).toEqual([null, expect.anything()]);
    expect(wire.connections()).toBe(3);
  });

  it("answers out of step on several connections while others write and purge: nothing is taken for lost", async () => {
    const server = await redis();
    const wire = await proxy(server.port);
    const slower = await proxy(server.port);
    const writer = await replica(slower.port);
    const followed = await replica(wire.port);
    slower.set({ kind: "delay", ms: 2 });
    wire.set({ kind: "jitter", ms: 20 });
    // Some ten checks.
    const end = performance.now() + 8_000;
    let written = 0;
    for (; performance.now() < end; written += 1) {
      await writer.backend.put(entryOf(`n${written}`), {});
      if (written % 5 === 0) await writer.backend.purge({ ids: [idOf(`n${written}`)] }, {});
    }
    expect(followed.events.filter(({ kind }) => kind === "reset" || kind === "purges_restored")).toEqual([]);
    await vi.waitFor(() => expect(followed.ids().size).toBe(Math.floor((written * 4) / 5)), { timeout: 20_000, interval: 200 });
  });

  it("is 5 ms away: everything works", async () => {
    const server = await redis();
    const wire = await proxy(server.port);
    wire.set({ kind: "delay", ms: 5 });
    const followed = await replica(wire.port);
    await followed.backend.put(entryOf("a", {}, ["early"]), {});
    await heard(followed, "a");
    expect(await followed.backend.find(["early"], {})).toMatchObject({ id: idOf("a") });
    expect(followed.count("breaker")).toBe(0);
  });

  it("cuts all connections a hundred times: none is left over, no listener piles up", async () => {
    const warnings: string[] = [];
    const onWarning = (warning: Error) => warnings.push(warning.name);
    process.on("warning", onWarning);
    cleanUp.push(async () => process.off("warning", onWarning));
    const server = await redis();
    const followed = await replica(server.port);
    await followed.backend.put(entryOf("a"), {});
    const before = process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length;
    for (let round = 0; round < 100; round += 1) {
      await server.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await vi.waitFor(
        async () => expect(Number(/connected_clients:(\d+)/.exec(await server.client.info("clients"))![1])).toBeGreaterThan(1),
        WAIT,
      );
    }
    await recovery(followed, "a");
    await ready(followed);
    await vi.waitFor(() => {
      expect(process.getActiveResourcesInfo().filter((kind) => kind === "TCPSocketWrap").length).toBeLessThanOrEqual(before);
    }, WAIT);
    expect(warnings).toEqual([]);
    await followed.backend.put(entryOf("b"), {});
    await heard(followed, "a", "b");
  });
});
