/**
 * RedisBackend keeps entries in Redis (6.2 or later, or Valkey; no modules) for a fleet of replicas: payloads under keys of their own, rows
 * in an ordered log that every replica follows. It spreads ids over shards and passes on; what is believed and served is the shard's matter
 * (redis/shard.ts). It never waits for Redis at start, and never for longer than its settings say.
 */
import type { CallOptions, Clock } from "@turnout/shared";
import { RedisClient } from "../redis/client.ts";
import type { RedisEventListener } from "../redis/event.ts";
import { failureReason } from "../redis/failure.ts";
import { shardOf } from "../redis/keys.ts";
import { createSeal } from "../redis/seal.ts";
import type { RedisSettings } from "../redis/settings.ts";
import { Shard } from "../redis/shard.ts";
import { forCaller, pause } from "../redis/waiting.ts";
import type { BackendState, CacheBackend, CacheEntry, Change, FoundEntry, PurgeFilter } from "./backend.ts";

/** Ids in one purge record. */
const IDS_PER_PURGE = 100;
/** From this lag on, something that others wrote or purged may not be known here. */
const MAX_LAG_MS = 3_000;
const CREDENTIALS_RETRY_MS = 1_000;
/** More room in a shard's log than its even share: hashes do not spread perfectly. */
const SHARD_ALLOWANCE = 1.25;

export interface RedisBackendOptions {
  readonly settings: RedisSettings;
  /** Entries whose rows the log keeps, about. What is trimmed is still served to the same request again, until it expires. */
  readonly maxEntries: number;
  /** Shared by all replicas of a deployment: what was not sealed with it is not served. Null: a checksum only. */
  readonly secret: Uint8Array | null;
  readonly clock: Clock;
  readonly onEvent: RedisEventListener;
  /** For jitter. */
  readonly random?: () => number;
}

export class RedisBackend implements CacheBackend {
  readonly name = "redis";
  readonly #clock: Clock;
  readonly #client: RedisClient;
  readonly #shards: readonly Shard[];
  readonly #onEvent: RedisEventListener;
  readonly #closing = new AbortController();
  #tell: (change: Change) => void = () => undefined;
  /** Sweeps follow each other: they read whole logs. */
  #sweeping: Promise<void> = Promise.resolve();

  constructor({ settings, maxEntries, secret, clock, onEvent, random = Math.random }: RedisBackendOptions) {
    this.#clock = clock;
    this.#onEvent = onEvent;
    this.#client = new RedisClient({
      settings,
      random,
      onFailure: (reason) => onEvent({ kind: "failed", operation: "connect", reason, shard: 0 }),
      onReady: () => {
        for (const shard of this.#shards) shard.probe();
      },
    });
    const { shards } = this.#client;
    const seal = createSeal(secret);
    this.#shards = Array.from({ length: shards }, (_, index) => {
      return new Shard({
        index,
        keyPrefix: settings.keyPrefix,
        client: this.#client,
        seal,
        clock,
        random,
        commandTimeoutMs: settings.commandTimeoutMs,
        maxRows: shards === 1 ? maxEntries : Math.ceil((maxEntries / shards) * SHARD_ALLOWANCE),
        tell: (change) => this.#tell(change),
        onEvent,
      });
    });
  }

  follow(listener: (change: Change) => void): void {
    this.#tell = listener;
    void this.#start();
  }

  get(ids: readonly string[], options: CallOptions): Promise<readonly (Uint8Array | null)[]> {
    return forCaller(this.#payloads(ids, "get"), options, this.#clock);
  }

  find(pointers: readonly string[], options: CallOptions): Promise<FoundEntry | null> {
    return forCaller(this.#find(pointers), options, this.#clock);
  }

  put(entry: CacheEntry, options: CallOptions): Promise<void> {
    return forCaller(this.#put(entry), options, this.#clock);
  }

  purge(filter: PurgeFilter, options: CallOptions): Promise<void> {
    return forCaller(this.#purge(filter), options, this.#clock);
  }

  state(): BackendState {
    const lagMs = Math.max(...this.#shards.map(({ log }) => log.lagMs));
    if (!this.#client.up) return { state: "unavailable", reason: "there is no connection to Redis", lagMs };
    if (this.#shards.some(({ open }) => open)) return { state: "unavailable", reason: "Redis does not answer", lagMs };
    if (!this.#shards.every(({ log }) => log.synced)) return { state: "syncing", lagMs };
    if (lagMs > MAX_LAG_MS) return { state: "unavailable", reason: "the log of Redis cannot be read", lagMs };
    return { state: "ready", lagMs };
  }

  /** close ends connections and timers; writes that were sent may still arrive. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#tell = () => undefined;
    for (const shard of this.#shards) shard.close();
    this.#client.close();
    await this.#sweeping;
  }

  /** #start connects; a file of credentials that cannot be read is tried again, like a server that is not there. */
  async #start(): Promise<void> {
    const { signal } = this.#closing;
    for (let connected = false; !connected;) {
      try {
        await this.#client.connect();
        connected = true;
      } catch {
        this.#onEvent({ kind: "failed", operation: "connect", reason: "authentication", shard: 0 });
        await pause(CREDENTIALS_RETRY_MS, signal);
      }
      if (signal.aborted) return;
    }
    for (const shard of this.#shards) shard.log.start();
  }

  /** #payloads asks all shards at once. A shard that fails is a miss for its ids, unless all of them fail. */
  async #payloads(ids: readonly string[], operation: "get" | "find"): Promise<readonly (Uint8Array | null)[]> {
    return this.#fromShards(ids, (shard, part) => shard.payloads(part, operation));
  }

  async #find(pointers: readonly string[]): Promise<FoundEntry | null> {
    const ids = await this.#fromShards(pointers, (shard, part) => shard.pointed(part));
    const led = ids.flatMap((id, index) => (id === null ? [] : [{ pointer: pointers[index]!, id }]));
    if (led.length === 0) return null;
    const payloads = await this.#payloads(
      led.map(({ id }) => id),
      "find",
    );
    const first = payloads.findIndex((payload) => payload !== null);
    return first === -1 ? null : { ...led[first]!, payload: payloads[first]! };
  }

  async #put(entry: CacheEntry): Promise<void> {
    const { id, expiresMs } = entry.row;
    const home = this.#shardOf(id);
    const byShard = this.#byShard(entry.pointers);
    await home.put(
      entry,
      (byShard.get(home) ?? []).map((index) => entry.pointers[index]!),
    );
    byShard.delete(home);
    // After the entry: a pointer that leads nowhere is a miss, and so is one that is missing.
    const elsewhere = [...byShard].map(([shard, indexes]) =>
      shard.point(
        indexes.map((index) => entry.pointers[index]!),
        id,
        expiresMs,
      ),
    );
    await Promise.allSettled(elsewhere);
  }

  /** #purge rejects when any shard has not taken it; asking again does no harm. */
  async #purge(filter: PurgeFilter): Promise<void> {
    const parts = this.#purgeParts(filter);
    const outcomes = await Promise.allSettled(parts.map(([shard, part]) => shard.purge(part)));
    for (const [index, outcome] of outcomes.entries()) {
      // Named ones are deleted with the purge itself.
      if (outcome.status === "rejected" || filter.ids !== undefined) continue;
      this.#sweeping = this.#sweeping.then(() => this.#sweep(parts[index]![0], filter, outcome.value));
    }
    const failed = outcomes.find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }

  /** #purgeParts: ids go to their shards, anything else to all. */
  #purgeParts(filter: PurgeFilter): readonly (readonly [Shard, PurgeFilter])[] {
    const { ids, ...others } = filter;
    if (ids === undefined) return this.#shards.map((shard) => [shard, filter]);
    return [...this.#byShard(ids)].flatMap(([shard, indexes]) => {
      const own = indexes.map((index) => ids[index]!);
      const parts = Array.from({ length: Math.ceil(own.length / IDS_PER_PURGE) }, (_, part) =>
        own.slice(part * IDS_PER_PURGE, (part + 1) * IDS_PER_PURGE),
      );
      return parts.map((part) => [shard, { ...others, ids: part }] as const);
    });
  }

  async #sweep(shard: Shard, filter: PurgeFilter, until: string): Promise<void> {
    try {
      await shard.sweep(filter, until);
    } catch (error) {
      if (this.#closing.signal.aborted) return;
      this.#onEvent({ kind: "failed", operation: "sweep", reason: failureReason(error), shard: this.#shards.indexOf(shard) });
    }
  }

  async #fromShards<Value>(
    keys: readonly string[],
    ask: (shard: Shard, part: readonly string[]) => Promise<readonly (Value | null)[]>,
  ): Promise<readonly (Value | null)[]> {
    if (keys.length === 0) return [];
    // The usual case, without the ceremony of several.
    if (this.#shards.length === 1) return ask(this.#shards[0]!, keys);
    const parts = [...this.#byShard(keys)];
    const outcomes = await Promise.allSettled(
      parts.map(([shard, indexes]) =>
        ask(
          shard,
          indexes.map((index) => keys[index]!),
        ),
      ),
    );
    const values: (Value | null)[] = keys.map(() => null);
    for (const [part, outcome] of outcomes.entries()) {
      if (outcome.status === "fulfilled") for (const [at, index] of parts[part]![1].entries()) values[index] = outcome.value[at] ?? null;
    }
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    if (failed.length === outcomes.length) throw failed[0]!.reason;
    return values;
  }

  /** #byShard gives the indexes of keys by shard. */
  #byShard(keys: readonly string[]): Map<Shard, number[]> {
    const byShard = new Map<Shard, number[]>();
    for (const [index, key] of keys.entries()) {
      const shard = this.#shardOf(key);
      const indexes = byShard.get(shard);
      if (indexes === undefined) byShard.set(shard, [index]);
      else indexes.push(index);
    }
    return byShard;
  }

  #shardOf(key: string): Shard {
    return this.#shards[shardOf(key, this.#shards.length)]!;
  }
}
