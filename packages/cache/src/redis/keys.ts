/**
 * The names of everything the cache keeps in Redis. All keys of a shard share a hash tag, so that on a Cluster they live together and a
 * MULTI over them is legal; elsewhere there is one shard. Nothing in a key is readable: ids and pointers are hashes.
 */

/** Shards on a Cluster: enough to spread over the usual number of masters, few enough for one blocking connection each. */
const CLUSTER_SHARDS = 16;

/** shardsOf says into how many shards the entries are cut. */
export function shardsOf(topology: "standalone" | "sentinel" | "cluster"): number {
  return topology === "cluster" ? CLUSTER_SHARDS : 1;
}

/** ShardKeys are the keys of one shard. */
export interface ShardKeys {
  /** Payload of an entry: string, expires with the entry. */
  entry(id: string): string;
  /** Early key: string with the id it leads to, expires with the entry. */
  pointer(pointer: string): string;
  /** Rows of all entries in the order of writing: stream. */
  readonly log: string;
  /** What was purged: stream. */
  readonly purges: string;
  /** Names the newest purge: string. Read with every payload, so that no replica serves what a purge it has not heard of means. */
  readonly fence: string;
  /** Random, made once: another value means that the data is not the data we knew. Read with every payload. */
  readonly epoch: string;
}

/** shardKeys makes the names of shard `shard`. */
export function shardKeys(prefix: string, shard: number): ShardKeys {
  const tag = `{${prefix}:${shard}}`;
  return {
    entry: (id) => `${tag}:e:${id}`,
    pointer: (pointer) => `${tag}:p:${pointer}`,
    log: `${tag}:log`,
    purges: `${tag}:purges`,
    fence: `${tag}:fence`,
    epoch: `${tag}:epoch`,
  };
}

/** shardOf spreads ids and pointers evenly (FNV-1a); the same on every replica and in every version, or entries are not found. */
export function shardOf(id: string, shards: number): number {
  if (shards === 1) return 0;
  let hash = 0x811c9dc5;
  for (let index = 0; index < id.length; index += 1) hash = Math.imul(hash ^ id.charCodeAt(index), 0x01000193);
  return (hash >>> 0) % shards;
}

/**
 * redisAclRule is the least that the cache's Redis user needs, for `ACL SETUSER <name> on ><password> <rule>`: its own keys only, no
 * scripts, no SCAN, no FLUSH, no CONFIG. PING, AUTH and HELLO are always allowed. A database other than 0 needs `+select`; a Cluster
 * needs what `cluster` adds; Sentinels have users of their own.
 */
export function redisAclRule(keyPrefix: string, topology: "standalone" | "sentinel" | "cluster" = "standalone"): string {
  const commands = "+get +mget +set +unlink +xadd +xread +xrange +xinfo|stream +multi +exec +ping +client|setname";
  const cluster = topology === "cluster" ? " +cluster|slots +asking" : "";
  return `resetkeys resetchannels -@all ~{${keyPrefix}:* ${commands}${cluster}`;
}
