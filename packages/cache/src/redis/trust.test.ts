/** What the backend believes of what is in Redis, and what it needs to be allowed there. Real Redis. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import { redisAclRule } from "./keys.ts";
import { PATIENT, entryOf, follow, idOf, type FollowOptions, type Followed } from "./testing/entries.ts";
import { skipReason, startRedis, withoutRedis, type RedisServer } from "./testing/redis-server.ts";

const WAIT = { timeout: 10_000, interval: 5 };
const LOG = "{turnout:0}:log";
const keyOf = (name: string) => `{turnout:0}:e:${idOf(name)}`;

describe.skipIf(withoutRedis)(`Redis that others can write to${skipReason}`, () => {
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
    await server.client.config("SET", "maxmemory", "0");
    await server.client.config("SET", "requirepass", "");
  });

  function start(options: Partial<FollowOptions> = {}): Followed {
    const followed = follow({ port: server.port, ...options, tuning: { ...PATIENT, ...options.tuning } });
    open.push(followed);
    return followed;
  }
  async function replica(options: Partial<FollowOptions> = {}): Promise<Followed> {
    const followed = start(options);
    await ready(followed);
    return followed;
  }
  const ready = ({ backend }: Followed) => vi.waitFor(() => expect(backend.state().state).toBe("ready"), WAIT);

  describe.each([{ secret: "shared" }, { secret: undefined }])("with secret $secret", ({ secret }) => {
    it.each([
      { title: "cut", change: (bytes: Buffer) => bytes.subarray(0, bytes.length - 3) },
      { title: "empty", change: () => Buffer.alloc(0) },
      {
        title: "changed in one bit",
        change: (bytes: Buffer) => Buffer.from(bytes.map((byte, at) => (at === bytes.length >> 1 ? byte ^ 1 : byte))),
      },
      { title: "something else", change: () => Buffer.from("{}") },
    ])("does not serve a payload that is $title", async ({ change }) => {
      const followed = await replica({ secret });
      await followed.backend.put(entryOf("a"), {});
      await followed.backend.put(entryOf("b"), {});
      const stored = (await server.client.getBuffer(keyOf("a")))!;
      await server.client.set(keyOf("a"), change(stored));
      const [a, b] = await followed.backend.get([idOf("a"), idOf("b")], {});
      expect([a, b === null]).toEqual([null, false]);
      expect(followed.count("dropped", "broken")).toBe(1);
    });

    it("does not serve a payload under the id of another entry, nor follow a pointer that was moved", async () => {
      const followed = await replica({ secret });
      await followed.backend.put(entryOf("a", {}, ["early-a"]), {});
      await followed.backend.put(entryOf("b", {}, ["early-b"]), {});
      await server.client.set(keyOf("b"), (await server.client.getBuffer(keyOf("a")))!);
      expect(await followed.backend.get([idOf("b")], {})).toEqual([null]);
      await server.client.set("{turnout:0}:p:early-b", (await server.client.getBuffer("{turnout:0}:p:early-a"))!);
      expect(await followed.backend.find(["early-b"], {})).toBeNull();
      expect(followed.events.filter((event) => event.kind === "dropped")).toEqual([
        { kind: "dropped", what: "payload", reason: "broken" },
        { kind: "dropped", what: "pointer", reason: "broken" },
      ]);
    });

    it("passes over rows and purges that are broken, and goes on", async () => {
      const followed = await replica({ secret });
      await followed.backend.put(entryOf("a"), {});
      const [[, [, row]]] = (await server.client.xrangeBuffer(LOG, "-", "+")) as unknown as [[Buffer, [Buffer, Buffer]]];
      await server.client.xadd(LOG, "*", "r", row.subarray(0, 100));
      await server.client.xadd(LOG, "*", "x", "y");
      await server.client.xadd("{turnout:0}:purges", "*", "f", "{}");
      await followed.backend.put(entryOf("b"), {});
      await vi.waitFor(() => expect(followed.ids()).toEqual(new Set([idOf("a"), idOf("b")])), WAIT);
      expect(followed.count("dropped", "broken")).toBe(3);
      const late = await replica({ secret });
      await vi.waitFor(() => expect(late.ids()).toEqual(new Set([idOf("a"), idOf("b")])), WAIT);
    });
  });

  it("neither hears nor serves what was written without the deployment's secret", async () => {
    const ours = await replica({ secret: "ours" });
    const theirs = await replica({ secret: "theirs" });
    await theirs.backend.put(entryOf("a", {}, ["early"]), {});
    await vi.waitFor(() => expect(ours.count("dropped", "broken")).toBe(1), WAIT);
    expect(await ours.backend.get([idOf("a")], {})).toEqual([null]);
    expect(await ours.backend.find(["early"], {})).toBeNull();
    expect(ours.changes).toEqual([]);
    // Nor can their purge take our entries, or keep us from serving them.
    await ours.backend.put(entryOf("b"), {});
    await theirs.backend.purge({}, {});
    await vi.waitFor(async () => expect(await ours.backend.get([idOf("b")], {})).not.toEqual([null]), WAIT);
  });

  it("does with the least rights, without a single denied command, and can do no more", async () => {
    await server.client.call("ACL", "SETUSER", "turnout", "reset", "on", ">secret", ...redisAclRule("turnout").split(" "));
    await server.client.call("ACL", "LOG", "RESET");
    const followed = await replica({ tuning: { username: "turnout" }, connection: { password: "secret" } });
    await followed.backend.put(entryOf("a", {}, ["early"]), {});
    expect(await followed.backend.find(["early"], {})).not.toBeNull();
    await followed.backend.purge({ scope: "none" }, {});
    await followed.backend.purge({ ids: [idOf("a")] }, {});
    await vi.waitFor(() => expect(followed.ids().size).toBe(0), WAIT);
    expect(await server.client.call("ACL", "LOG")).toEqual([]);
    const dryRun = (...command: string[]) => server.client.call("ACL", "DRYRUN", "turnout", ...command);
    for (const command of [["flushall"], ["keys", "*"], ["config", "get", "*"], ["get", "other"], ["eval", "return 1", "0"]]) {
      expect(String(await dryRun(...command))).toMatch(/no permissions|can't/);
    }
  });

  it("connects once the file has the right password, and again after it was changed", async () => {
    const folder = mkdtempSync(join(tmpdir(), "turnout-password-"));
    const file = join(folder, "password");
    try {
      await server.client.config("SET", "requirepass", "first");
      writeFileSync(file, "wrong\n");
      const followed = start({ tuning: { password_file: file } });
      await vi.waitFor(() => expect(followed.count("failed", "authentication")).toBeGreaterThan(0), WAIT);
      await expect(followed.backend.get([idOf("a")], {})).rejects.toMatchObject({ code: "cache_unavailable" });
      writeFileSync(file, "first\n");
      await ready(followed);
      await followed.backend.put(entryOf("a"), {});

      await server.client.config("SET", "requirepass", "second");
      writeFileSync(file, "second\n");
      await server.client.call("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes");
      await vi.waitFor(async () => expect(await followed.backend.get([idOf("a")], {})).not.toEqual([null]), WAIT);
      await ready(followed);
      await followed.backend.put(entryOf("b"), {});
      await vi.waitFor(() => expect(followed.ids().size).toBe(2), WAIT);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("stops writing for ten seconds when Redis is full, and goes on reading", async () => {
    let ahead = 0;
    const clock = { now: () => performance.now() + ahead, wallMs: () => Date.now() };
    const followed = await replica({ clock });
    await followed.backend.put(entryOf("a"), {});
    await server.client.config("SET", "maxmemory", "1");
    for (let round = 0; round < 10; round += 1) {
      await expect(followed.backend.put(entryOf("b"), {})).rejects.toMatchObject({ code: "cache_unavailable" });
    }
    expect([followed.count("failed", "out_of_memory"), followed.count("refused", "out_of_memory"), followed.count("breaker")]).toEqual([
      1, 9, 0,
    ]);
    expect(await followed.backend.get([idOf("a"), idOf("b")], {})).toEqual([expect.anything(), null]);
    await server.client.config("SET", "maxmemory", "0");
    ahead += 10_001;
    await followed.backend.put(entryOf("b"), {});
    expect(await followed.backend.get([idOf("b")], {})).toEqual([expect.anything()]);
  });

  it("purges even when Redis is full: what is meant is deleted first", async () => {
    const followed = await replica();
    for (let index = 0; index < 100; index += 1) await followed.backend.put({ ...entryOf(`n${index}`), payload: Buffer.alloc(50_000) }, {});
    const used = Number(/used_memory:(\d+)/.exec(await server.client.info("memory"))![1]);
    await server.client.config("SET", "maxmemory", String(used - 100_000));
    await expect(followed.backend.put(entryOf("a"), {})).rejects.toMatchObject({ code: "cache_unavailable" });
    await followed.backend.purge({ decision: "history_decision" }, {});
    expect(await followed.backend.get([idOf("n1")], {})).toEqual([null]);
    expect(followed.ids().size).toBe(0);
  });

  it("leaves no connection behind", async () => {
    const before = ((await server.client.client("LIST")) as string).trim().split("\n").length;
    const followed = await replica();
    await followed.backend.close();
    await vi.waitFor(async () => expect(((await server.client.client("LIST")) as string).trim().split("\n").length).toBe(before), WAIT);
  });
});
