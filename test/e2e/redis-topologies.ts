/** Several Redis servers that know each other: a Cluster of three masters, a master with a replica and three Sentinels. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Redis } from "../../packages/cache/src/redis/testing/redis-client.ts";
import { freePort, serverCommand, startRedis, type RedisServer } from "../../packages/cache/src/redis/testing/redis-server.ts";
import { startChild, until } from "./child-process.ts";

const SLOTS = 16_384;
const MASTERS = 3;
const LIMIT_MS = 30_000;
export const SENTINEL_MASTER = "main";

export interface RedisCluster {
  readonly nodes: readonly RedisServer[];
  /** Addresses as the configuration wants them. */
  readonly addresses: readonly string[];
  /** Index of the node that has a key's slot. */
  ownerOf(key: string): Promise<number>;
  /** Moves the slot of `key` to another node, key by key as `redis-cli --cluster reshard` does; `halfway` runs when the first key has moved. */
  moveSlot(key: string, to: number, halfway: () => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** startCluster starts three masters without replicas and waits until each of them calls the cluster sound. */
export async function startCluster(): Promise<RedisCluster> {
  // The port of the cluster bus is 10,000 higher, which must exist.
  const ports: number[] = [];
  while (ports.length < MASTERS) {
    const port = await freePort();
    if (port < 55_000 && !ports.includes(port)) ports.push(port);
  }
  const args = ["--cluster-enabled", "yes", "--cluster-node-timeout", "2000"];
  const nodes = await Promise.all(ports.map((port) => startRedis({ port, args })));
  const call = (node: number, ...words: (string | number)[]) => nodes[node]!.client.call("CLUSTER", ...words);
  const slotRange = (index: number) => [Math.ceil((index * SLOTS) / MASTERS), Math.ceil(((index + 1) * SLOTS) / MASTERS) - 1] as const;
  for (let index = 0; index < MASTERS; index += 1) {
    await call(index, "ADDSLOTSRANGE", ...slotRange(index));
    if (index > 0) await call(0, "MEET", "127.0.0.1", ports[index]!);
  }
  for (let index = 0; index < MASTERS; index += 1) {
    await until(
      () => "the cluster is not sound",
      LIMIT_MS,
      async () => {
        const info = String(await call(index, "INFO"));
        return info.includes("cluster_state:ok") && info.includes(`cluster_known_nodes:${MASTERS}`) ? true : null;
      },
    );
  }
  const ids = await Promise.all(nodes.map((_, index) => call(index, "MYID").then(String)));

  async function ownerOf(key: string): Promise<number> {
    const slot = Number(await call(0, "KEYSLOT", key));
    const ranges = (await call(0, "SLOTS")) as [number, number, [string, number, string]][];
    const range = ranges.find(([first, last]) => first <= slot && slot <= last)!;
    return ids.indexOf(range[2][2]);
  }
  return {
    nodes,
    addresses: ports.map((port) => `127.0.0.1:${port}`),
    ownerOf,
    async moveSlot(key, to, halfway) {
      const from = await ownerOf(key);
      const slot = Number(await call(0, "KEYSLOT", key));
      await call(to, "SETSLOT", slot, "IMPORTING", ids[from]!);
      await call(from, "SETSLOT", slot, "MIGRATING", ids[to]!);
      for (let moved = 0; ; moved += 1) {
        const [next] = (await call(from, "GETKEYSINSLOT", slot, 1)) as string[];
        if (next === undefined) break;
        await nodes[from]!.client.call("MIGRATE", "127.0.0.1", ports[to]!, next, 0, 5_000);
        if (moved === 0) await halfway();
      }
      for (const index of [to, from, ...nodes.keys()]) await call(index, "SETSLOT", slot, "NODE", ids[to]!);
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.stop()));
    },
  };
}

export interface SentinelSetup {
  readonly master: RedisServer;
  readonly replica: RedisServer;
  readonly addresses: readonly string[];
  /** Port of the master that the Sentinels name. */
  masterPort(): Promise<number>;
  stop(): Promise<void>;
}

/** startSentinels starts master, replica and three Sentinels, and waits until the replica has its first copy. */
export async function startSentinels(): Promise<SentinelSetup> {
  const master = await startRedis({ args: ["--repl-diskless-sync-delay", "0"] });
  const replica = await startRedis({ args: ["--replicaof", `127.0.0.1 ${master.port}`] });
  const synced = async () => (String(await replica.client.info("replication")).includes("master_link_status:up") ? true : null);
  await until(() => "the replica has no copy", LIMIT_MS, synced);
  const folder = await mkdtemp(join(tmpdir(), "turnout-sentinel-"));
  const command = serverCommand("redis")!;
  const ports = [await freePort(), await freePort(), await freePort()];
  const children = await Promise.all(
    ports.map(async (port, index) => {
      const file = join(folder, `sentinel-${index}.conf`);
      const lines = [
        `port ${port}`,
        "bind 127.0.0.1",
        `dir ${folder}`,
        `sentinel monitor ${SENTINEL_MASTER} 127.0.0.1 ${master.port} 2`,
        `sentinel down-after-milliseconds ${SENTINEL_MASTER} 1000`,
        `sentinel failover-timeout ${SENTINEL_MASTER} 5000`,
      ];
      await writeFile(file, `${lines.join("\n")}\n`);
      return startChild({ command: command[0]!, args: [...command.slice(1), file, "--sentinel"] });
    }),
  );
  const clients = ports.map((port) => {
    const client = new Redis({ host: "127.0.0.1", port, maxRetriesPerRequest: null });
    client.on("error", () => undefined);
    return client;
  });
  const knowAll = async (client: Redis) => {
    const [fields] = (await client.call("SENTINEL", "MASTERS")) as string[][];
    const value = (name: string) => Number(fields?.[fields.indexOf(name) + 1]);
    return value("num-slaves") === 1 && value("num-other-sentinels") === ports.length - 1 ? true : null;
  };
  for (const client of clients)
    await until(
      () => "the Sentinels do not know each other",
      LIMIT_MS,
      () => knowAll(client),
    );
  return {
    master,
    replica,
    addresses: ports.map((port) => `127.0.0.1:${port}`),
    async masterPort() {
      const address = (await clients[0]!.call("SENTINEL", "GET-MASTER-ADDR-BY-NAME", SENTINEL_MASTER)) as [string, string];
      return Number(address[1]);
    },
    async stop() {
      for (const client of clients) client.disconnect();
      await Promise.all(children.map((child) => child.stop()));
      await Promise.all([master.stop(), replica.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
