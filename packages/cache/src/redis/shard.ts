/**
 * Shard is one shard as the backend uses it: its keys, its log, its breaker, and the few commands that are ever sent. It decides what of
 * what Redis gives back is believed: bytes with a whole seal, of this epoch, not behind a purge.
 */
import { randomBytes } from "node:crypto";
import { RouterError, type Clock } from "@turnout/shared";
import { matches } from "../backends/memory.ts";
import type { CacheEntry, Change, PurgeFilter } from "../backends/backend.ts";
import { Breaker } from "./breaker.ts";
import type { Connection, RedisClient } from "./client.ts";
import type { RedisEventListener, RedisOperation } from "./event.ts";
import { failureReason, saysUnwell, unavailable } from "./failure.ts";
import { MAX_PURGES, namesIdsOnly } from "./fence.ts";
import { shardKeys, type ShardKeys } from "./keys.ts";
import { ShardLog } from "./log.ts";
import { decodeFacts, decodePayload, encodePayload, encodePurge, encodeRow } from "./row-codec.ts";
import type { Seal } from "./seal.ts";
import { compareStreamIds, parseEntries } from "./stream.ts";
import { replyWithin } from "./waiting.ts";

/** Writes and purges wait longer than lookups: no client waits for them. */
const WRITE_LIMIT_MS = 500;
const PURGE_LIMIT_MS = 2_000;
/** After Redis said that its memory is full, nothing is written for this long. */
const FULL_PAUSE_MS = 10_000;
const ROWS_PER_SWEEP = 500;
const SWEEP_LIMIT_MS = 5_000;

export interface ShardOptions {
  readonly index: number;
  readonly keyPrefix: string;
  readonly client: RedisClient;
  readonly seal: Seal;
  readonly clock: Clock;
  readonly random: () => number;
  readonly commandTimeoutMs: number;
  /** Rows that the log keeps, about. */
  readonly maxRows: number;
  readonly tell: (change: Change) => void;
  readonly onEvent: RedisEventListener;
}

export class Shard {
  readonly keys: ShardKeys;
  readonly log: ShardLog;
  readonly #options: ShardOptions;
  readonly #breaker: Breaker;
  readonly #closing = new AbortController();
  #fullUntil = Number.NEGATIVE_INFINITY;
  #probeTimer: NodeJS.Timeout | undefined;
  #probing = false;
  #failedProbes = 0;

  constructor(options: ShardOptions) {
    const { index, keyPrefix, client, seal, clock, random, tell, onEvent } = options;
    this.#options = options;
    this.#breaker = new Breaker(clock);
    this.keys = shardKeys(keyPrefix, index);
    this.log = new ShardLog({
      shard: index,
      keys: this.keys,
      seal,
      reader: client.reader(index),
      admin: () => client.admin,
      renewAdmin: () => client.renew("admin"),
      clock,
      random,
      tell,
      onEvent,
    });
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#probeTimer);
    this.log.close();
  }

  get open(): boolean {
    return this.#breaker.open;
  }

  /** payloads gives what is kept under these ids and may be served. */
  async payloads(ids: readonly string[], operation: RedisOperation): Promise<readonly (Uint8Array | null)[]> {
    const entries = await this.#read(ids.map(this.keys.entry), operation);
    return entries.map((sealed, index) => (sealed === null ? null : this.#payload(ids[index]!, sealed)));
  }

  /** pointed gives the ids that pointers lead to. */
  async pointed(pointers: readonly string[]): Promise<readonly (string | null)[]> {
    const values = await this.#read(pointers.map(this.keys.pointer), "find");
    return values.map((sealed, index) => {
      const body = sealed === null ? null : this.#options.seal.open("pointer", pointers[index]!, sealed);
      if (sealed !== null && body === null) this.#options.onEvent({ kind: "dropped", what: "pointer", reason: "broken" });
      return body?.toString() ?? null;
    });
  }

  /**
   * put writes payload, row and those pointers that belong to this shard in one transaction: no reader ever sees a part, nothing is ever
   * without its time to live.
   */
  async put({ row, payload }: CacheEntry, pointers: readonly string[]): Promise<void> {
    const { seal, clock, maxRows } = this.#options;
    const ttlMs = Math.floor(row.expiresMs - clock.wallMs());
    if (ttlMs <= 0) return;
    const { under } = this.log;
    if (under === null) throw this.#refused("put", "syncing");
    const { id } = row;
    const sealed = seal.close("payload", id, encodePayload(row, under, payload));
    await this.#write("put", WRITE_LIMIT_MS, [
      ["set", this.keys.entry(id), sealed, "PX", ttlMs],
      ["xadd", this.keys.log, "MAXLEN", "~", maxRows, "*", "r", seal.close("row", this.keys.log, encodeRow(row, under))],
      ...this.#pointerWrites(pointers, id, ttlMs),
    ]);
  }

  /** point writes pointers to an entry of another shard. */
  async point(pointers: readonly string[], id: string, expiresMs: number): Promise<void> {
    const ttlMs = Math.floor(expiresMs - this.#options.clock.wallMs());
    if (ttlMs > 0) await this.#write("put", WRITE_LIMIT_MS, this.#pointerWrites(pointers, id, ttlMs));
  }

  /** purge is done when Redis has it, and gives its id; what it means is deleted later (`sweep`), and not served meanwhile. */
  async purge(filter: PurgeFilter): Promise<string> {
    const { seal } = this.#options;
    const token = randomBytes(9).toString("base64url");
    const sealed = seal.close("purge", this.keys.purges, encodePurge({ token, filter }));
    const deletions = namesIdsOnly(filter) ? [["unlink", ...filter.ids.map(this.keys.entry)]] : [];
    const commands = [
      ["xadd", this.keys.purges, "MAXLEN", MAX_PURGES, "*", "t", token, "f", sealed],
      ["set", this.keys.fence, token],
      ...deletions,
    ];
    let results: readonly unknown[];
    try {
      results = await this.#write("purge", PURGE_LIMIT_MS, commands);
    } catch (error) {
      if (this.#options.clock.now() >= this.#fullUntil) throw error;
      // A full Redis takes no purge, but deletes: that makes room for it.
      await this.sweep(filter, null);
      results = await this.#write("purge", PURGE_LIMIT_MS, commands);
    }
    const at = String(results[0]);
    this.log.purged({ at, token, filter });
    return at;
  }

  /**
   * sweep deletes the payloads that a purge means, as far as the log names them; the others expire unserved. `until` is the purge's id:
   * what was written after it stays, unless it replaced an entry that was meant; null deletes whatever the filter means.
   */
  async sweep(filter: PurgeFilter, until: string | null): Promise<void> {
    const { seal, client } = this.#options;
    for (let from = "-"; !this.#closing.signal.aborted;) {
      const reply = await replyWithin(
        client.admin.callBuffer("XRANGE", [this.keys.log, from, "+", "COUNT", ROWS_PER_SWEEP]),
        SWEEP_LIMIT_MS,
      );
      const rows = parseEntries(reply);
      const doomed = rows.flatMap(({ fields }) => {
        const sealed = fields.get("r");
        const body = sealed === undefined ? null : seal.open("row", this.keys.log, sealed);
        const facts = body === null ? null : decodeFacts(body);
        const meant = facts !== null && (until === null || compareStreamIds(facts.fence, until) < 0) && matches(facts, filter);
        return meant ? [this.keys.entry(facts.id)] : [];
      });
      if (doomed.length > 0) await replyWithin(client.admin.unlink(...doomed), SWEEP_LIMIT_MS);
      const last = rows.at(-1);
      if (last === undefined || rows.length < ROWS_PER_SWEEP) return;
      from = `(${last.id}`;
    }
  }

  /** probe asks at once whether the shard answers, if it is taken for broken. */
  probe(): void {
    if (!this.#breaker.open || this.#probing || this.#closing.signal.aborted) return;
    clearTimeout(this.#probeTimer);
    this.#probing = true;
    void this.#probe().finally(() => {
      this.#probing = false;
      this.#probeLater();
    });
  }

  /**
   * #read reads keys together with epoch and fence. Where those are not what we have heard of, nothing is served: a purge or another
   * world, which the log is about to tell.
   */
  async #read(keys: readonly string[], operation: RedisOperation): Promise<readonly (Buffer | null)[]> {
    if (this.log.under === null) throw this.#refused(operation, "syncing");
    const send = (connection: Connection) => connection.mgetBuffer([this.keys.epoch, this.keys.fence, ...keys]);
    const [epoch, fence, ...values] = await this.#call(operation, this.#options.commandTimeoutMs, send);
    if (this.log.knows(epoch ?? null, fence ?? null)) return values;
    this.log.recheck();
    return values.map(() => null);
  }

  #payload(id: string, sealed: Buffer): Uint8Array | null {
    const { seal, onEvent, clock } = this.#options;
    const drop = (reason: "broken" | "unread" | "stale" | "purged") => {
      onEvent({ kind: "dropped", what: "payload", reason });
      return null;
    };
    const body = seal.open("payload", id, sealed);
    if (body === null) return drop("broken");
    const stored = decodePayload(body);
    if (stored === null) return drop("unread");
    const verdict = this.log.verdict(stored.facts);
    if (verdict !== "valid") return drop(verdict);
    return stored.facts.expiresMs > clock.wallMs() ? stored.payload : null;
  }

  #pointerWrites(pointers: readonly string[], id: string, ttlMs: number): unknown[][] {
    const { seal } = this.#options;
    return pointers.map((pointer) => ["set", this.keys.pointer(pointer), seal.close("pointer", pointer, Buffer.from(id)), "PX", ttlMs]);
  }

  async #write(operation: RedisOperation, limitMs: number, commands: unknown[][]): Promise<readonly unknown[]> {
    const { clock } = this.#options;
    if (operation === "put" && clock.now() < this.#fullUntil) throw this.#refused(operation, "out_of_memory");
    return this.#call(operation, limitMs, async (connection) => {
      const results = await connection.multi(commands).exec();
      if (results === null) throw new Error("the transaction was dropped");
      return results.map(([error, result]) => {
        if (error !== null) throw error;
        return result;
      });
    });
  }

  /** #call sends, unless the breaker is open, and lets breaker and counters know what became of it. */
  async #call<Reply>(operation: RedisOperation, limitMs: number, send: (connection: Connection) => Promise<Reply>): Promise<Reply> {
    const { client, onEvent, index, clock } = this.#options;
    if (this.#breaker.open) throw this.#refused(operation, "breaker");
    try {
      const reply = await replyWithin(send(operation === "purge" ? client.admin : client.commands), limitMs);
      this.#breaker.record(true);
      return reply;
    } catch (error) {
      const reason = failureReason(error);
      if (!this.#closing.signal.aborted) onEvent({ kind: "failed", operation, reason, shard: index });
      if (reason === "out_of_memory") this.#fullUntil = clock.now() + FULL_PAUSE_MS;
      if (reason === "authentication") client.refreshCredentials();
      if (saysUnwell(reason) && this.#breaker.record(false)) {
        onEvent({ kind: "breaker", state: "open", shard: index });
        this.#probeLater();
      }
      throw unavailable(reason, error);
    }
  }

  #refused(operation: RedisOperation, reason: "breaker" | "syncing" | "out_of_memory"): RouterError {
    this.#options.onEvent({ kind: "refused", operation, reason, shard: this.#options.index });
    const why = {
      breaker: "Redis has not answered lately; it is asked again in the background",
      syncing: "the log of Redis has not been read yet",
      out_of_memory: "Redis said that its memory is full; writing pauses",
    };
    return new RouterError("cache_unavailable", why[reason]);
  }

  #probeLater(): void {
    const wait = this.#breaker.probeInMs;
    if (wait === null || this.#closing.signal.aborted) return;
    clearTimeout(this.#probeTimer);
    this.#probeTimer = setTimeout(() => this.probe(), wait * (0.9 + this.#options.random() / 10));
    this.#probeTimer.unref();
  }

  /** A read of the epoch is the probe: it reaches the shard's own master on a Cluster, and fails while Redis is still loading. */
  async #probe(): Promise<void> {
    const { client, commandTimeoutMs, onEvent, index } = this.#options;
    let ok = false;
    let reason = "";
    try {
      await replyWithin(client.commands.mgetBuffer([this.keys.epoch]), commandTimeoutMs);
      ok = true;
    } catch (error) {
      reason = failureReason(error);
      if (reason === "authentication") client.refreshCredentials();
    }
    this.#failedProbes = ok ? 0 : this.#failedProbes + 1;
    // Two in a row without any answer: the connection may be dead without knowing it.
    if (reason === "timeout" && this.#failedProbes % 2 === 0) client.renew("commands");
    if (this.#breaker.probed(ok) && !this.#closing.signal.aborted) onEvent({ kind: "breaker", state: "closed", shard: index });
  }
}
