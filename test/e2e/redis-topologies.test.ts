/** Sentinel, Cluster and TLS: the same backend over several servers that change places. */
import { fileURLToPath } from "node:url";
import { copyFileSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it, vi } from "vitest";
import { redisAclRule, shardKeys, shardOf } from "../../packages/cache/src/redis/keys.ts";
import { entryOf, follow, idOf, type FollowOptions, type Followed } from "../../packages/cache/src/redis/testing/entries.ts";
import { skipReason, startRedis, withoutRedis } from "../../packages/cache/src/redis/testing/redis-server.ts";
import { startLookups } from "./redis-load.ts";
import { startCluster, startSentinels, SENTINEL_MASTER } from "./redis-topologies.ts";

const WAIT = { timeout: 30_000, interval: 10 };
const names = Array.from({ length: 100 }, (_, index) => `n${index}`);
const certificate = (name: string) => fileURLToPath(new URL(`../wire/fixtures/tls/${name}`, import.meta.url));

describe.skipIf(withoutRedis)(`Redis is several servers${skipReason}`, () => {
  const cleanUp: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const close of cleanUp.splice(0).toReversed()) await close();
  });

  function start(options: Partial<FollowOptions>): Followed {
    const followed = follow({ port: 1, ...options });
    cleanUp.push(() => followed.backend.close());
    return followed;
  }
  const ready = ({ backend, events }: Followed) =>
    vi.waitFor(() => expect({ ...backend.state(), events: events.slice(-5) }).toMatchObject({ state: "ready" }), WAIT);
  async function replica(options: Partial<FollowOptions>): Promise<Followed> {
    const followed = start(options);
    await ready(followed);
    return followed;
  }
  const heard = (followed: Followed, wanted: readonly string[]) =>
    vi.waitFor(() => expect(followed.ids()).toEqual(new Set(wanted.map(idOf))), WAIT);
  /** put as the cache does it, again until it succeeds: how long writing was not possible is not what is tested here. */
  const put = (followed: Followed, name: string, ...rest: [scope?: string, pointers?: readonly string[]]) =>
    vi.waitFor(() => followed.backend.put(entryOf(name, { scope: rest[0] ?? name }, rest[1]), {}), WAIT);
  /** Which of these are not served now. */
  const missed = async (followed: Followed, wanted: readonly string[]) => {
    const payloads = await followed.backend.get(wanted.map(idOf), {});
    return wanted.filter((_, index) => payloads[index] === null);
  };
  const allServed = (followed: Followed) => vi.waitFor(async () => expect(await missed(followed, names)).toEqual([]), WAIT);

  it("Sentinel makes the replica master: log, purges and followers go on", async () => {
    const setup = await startSentinels();
    cleanUp.push(setup.stop);
    const tuning = { sentinel: { name: SENTINEL_MASTER, nodes: [...setup.addresses] } };
    const [a, b] = [await replica({ tuning }), await replica({ tuning })];
    for (const name of names) await a.backend.put(entryOf(name, { scope: name }), {});
    await a.backend.purge({ scope: "n0" }, {});
    const kept = names.slice(1);
    await Promise.all([heard(a, kept), heard(b, kept)]);
    await vi.waitFor(async () => expect(await setup.replica.client.exists("{turnout:0}:fence")).toBe(1), WAIT);

    const begun = performance.now();
    await setup.master.kill();
    await vi.waitFor(async () => expect(await setup.masterPort()).toBe(setup.replica.port), WAIT);
    const promotedMs = performance.now() - begun;
    await put(a, "after");
    await Promise.all([heard(a, [...kept, "after"]), heard(b, [...kept, "after"])]);
    console.log("failover", { promotedMs, writtenMs: performance.now() - begun });
    expect(await missed(b, ["n0", "n1", "after"])).toEqual(["n0"]);
    const late = await replica({ tuning });
    await heard(late, [...kept, "after"]);
    expect([a, b].map((one) => one.count("reset"))).toEqual([0, 0]);

    // The old master comes back with nothing, and becomes a replica before anybody follows it.
    await setup.master.restart();
    await vi.waitFor(async () => expect(await setup.master.client.info("replication")).toContain("role:slave"), WAIT);
    await put(b, "last");
    await Promise.all([a, b, late].map((one) => heard(one, [...kept, "after", "last"])));
  });

  it("A Cluster spreads entries over its masters, and nothing is lost while a slot moves", async () => {
    const cluster = await startCluster();
    cleanUp.push(cluster.stop);
    for (const { client } of cluster.nodes) {
      await client.call("ACL", "SETUSER", "turnout", "reset", "on", ">secret", ...redisAclRule("turnout", "cluster").split(" "));
    }
    const access = { tuning: { username: "turnout", cluster: { nodes: [cluster.addresses[0]!] } }, connection: { password: "secret" } };
    const [a, b] = [await replica(access), await replica(access)];
    for (const name of names) await put(a, name, name, [`early ${name}`, `second ${name}`]);
    await Promise.all([heard(a, names), heard(b, names)]);
    expect(await missed(b, names)).toEqual([]);
    for (const name of names.slice(0, 20)) {
      expect(await b.backend.find(["nothing", `second ${name}`], {})).toMatchObject({ id: idOf(name), pointer: `second ${name}` });
    }
    const sizes = await Promise.all(cluster.nodes.map(({ client }) => client.dbsize()));
    expect(Math.min(...sizes)).toBeGreaterThan(0);

    const { log } = shardKeys("turnout", 3);
    const target = ((await cluster.ownerOf(log)) + 1) % cluster.nodes.length;
    await cluster.moveSlot(log, target, async () => {
      // Half of the shard's keys are here, half there: lookups may miss there, and fail nowhere.
      expect((await missed(a, names)).length).toBeLessThan(names.length / 2);
    });
    expect(await cluster.ownerOf(log)).toBe(target);
    await allServed(a);
    const more = names.map((name) => `more ${name}`);
    for (const name of more) await put(b, name, "one scope");
    await Promise.all([heard(a, [...names, ...more]), heard(b, [...names, ...more])]);
    await vi.waitFor(() => a.backend.purge({ scope: "one scope" }, {}), WAIT);
    await Promise.all([heard(a, names), heard(b, names)]);
    const late = await replica(access);
    await heard(late, names);
    expect([a, b].map((one) => one.count("reset"))).toEqual([0, 0]);
    for (const { client } of cluster.nodes) expect(await client.call("ACL", "LOG")).toEqual([]);
  });

  it.each(["SIGKILL", "SIGSTOP"] as const)(
    "One master of a Cluster is lost (%s): its shards are missed, the others go on",
    async (signal) => {
      const cluster = await startCluster();
      cleanUp.push(cluster.stop);
      for (const { client } of cluster.nodes) await client.config("SET", "cluster-require-full-coverage", "no");
      const a = await replica({ tuning: { cluster: { nodes: [...cluster.addresses] } } });
      for (const name of names) await put(a, name);
      await heard(a, names);
      const owners = await Promise.all(names.map((name) => cluster.ownerOf(shardKeys("turnout", shardOf(idOf(name), 16)).log)));
      const [lost, kept] = [names.filter((_, index) => owners[index] === 1), names.filter((_, index) => owners[index] !== 1)];

      if (signal === "SIGKILL") await cluster.nodes[1]!.kill();
      else cluster.nodes[1]!.signal(signal);
      await vi.waitFor(async () => expect(await missed(a, names)).toEqual(lost), WAIT);
      const load = startLookups(a, idOf(kept[0]!));
      cleanUp.push(load.stop);
      await vi.waitFor(async () => {
        await missed(a, names);
        expect(a.events.filter(({ kind }) => kind === "breaker").length).toBeGreaterThanOrEqual(
          new Set(lost.map((name) => shardOf(idOf(name), 16))).size,
        );
      }, WAIT);
      load.report();
      await vi.waitFor(() => expect(load.done()).toBeGreaterThan(1_500), WAIT);
      const report = load.report();
      console.log(`one master lost (${signal})`, report);
      expect(report.outcomes["hit"]).toBeGreaterThan(1_450);

      if (signal === "SIGKILL") await cluster.nodes[1]!.restart();
      else cluster.nodes[1]!.signal("SIGCONT");
      await ready(a);
      for (const name of lost) await put(a, name);
      await allServed(a);
    },
  );

  it("TLS: the server must be known to us and we to it; a certificate that is put right is taken", async () => {
    const [ca, cert, key] = ["ca.pem", "client.pem", "client.key"].map((name) => readFileSync(certificate(name)));
    const files = [
      "--tls-cert-file",
      certificate("server.pem"),
      "--tls-key-file",
      certificate("server.key"),
      "--tls-ca-cert-file",
      certificate("ca.pem"),
    ];
    const server = await startRedis({ args: [...files, "--tls-auth-clients", "yes"], tls: { ca: ca!, cert: cert!, key: key! } });
    cleanUp.push(server.stop);
    const own = { cert_file: certificate("client.pem"), key_file: certificate("client.key") };
    const tls = { enabled: true, ca_file: certificate("ca.pem"), ...own };
    const good = await replica({ port: server.port, connection: { tls } });
    await good.backend.put(entryOf("a"), {});
    await heard(good, ["a"]);

    const strangers = [
      { enabled: true, ...own },
      { enabled: true, ca_file: certificate("ca.pem") },
      {
        enabled: true,
        ca_file: certificate("ca.pem"),
        cert_file: certificate("other-client.pem"),
        key_file: certificate("other-client.key"),
      },
    ].map((stranger): Partial<FollowOptions> => ({ connection: { tls: stranger } }));
    const elsewhere: Partial<FollowOptions> = { connection: { tls }, tuning: { server_name: "another.host" } };
    for (const stranger of [...strangers, elsewhere]) {
      const refused = start({ port: server.port, ...stranger });
      await vi.waitFor(() => expect(refused.count("failed")).toBeGreaterThan(1), WAIT);
      expect(refused.backend.state().state).not.toBe("ready");
      await expect(refused.backend.get([idOf("a")], {})).rejects.toMatchObject({ code: "cache_unavailable" });
      expect(refused.changes).toEqual([]);
    }
    const plain = start({ port: server.port });
    await expect(plain.backend.get([idOf("a")], {})).rejects.toMatchObject({ code: "cache_unavailable" });

    const folder = mkdtempSync(join(tmpdir(), "turnout-tls-"));
    cleanUp.push(async () => rmSync(folder, { recursive: true }));
    const renewed = { ...tls, cert_file: join(folder, "client.pem"), key_file: join(folder, "client.key") };
    const install = (name: string) => {
      copyFileSync(certificate(`${name}.pem`), renewed.cert_file);
      copyFileSync(certificate(`${name}.key`), renewed.key_file);
    };
    install("other-client");
    const late = start({ port: server.port, connection: { tls: renewed } });
    await vi.waitFor(() => expect(late.count("failed", "certificate")).toBeGreaterThan(1), WAIT);
    install("client");
    await ready(late);
    await heard(late, ["a"]);
  });
});
