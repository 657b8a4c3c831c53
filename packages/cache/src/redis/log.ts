/**
 * ShardLog follows what is written to one shard: it reads the log from its beginning and then blocks on it, so that every replica hears
 * every row in one order. Once a second it makes sure that the data is still the data it knows: a flushed server, an empty replica that
 * became master, a restored backup or a log cut past our place would otherwise be silence for ever.
 *
 * Rows do not come with purges in one order, and need not: each says which purge its writer knew (fence.ts).
 */
import { randomBytes } from "node:crypto";
import type { Clock } from "@turnout/shared";
import type { Change } from "../backends/backend.ts";
import type { Connection } from "./client.ts";
import type { RedisEventListener } from "./event.ts";
import { failureReason } from "./failure.ts";
import { Fence, MAX_PURGES, type KnownPurge } from "./fence.ts";
import type { ShardKeys } from "./keys.ts";
import type { LogReader } from "./log-reader.ts";
import { decodePurge, decodeRow, encodePurge, type EntryFacts, type WrittenUnder } from "./row-codec.ts";
import type { Seal } from "./seal.ts";
import { compareStreamIds, parseStreams, parseEntries, streamEnds, STREAM_START, type StreamEntry } from "./stream.ts";
import { pause, replyWithin } from "./waiting.ts";

/** Rows per reply: about 2 ms of decoding, between which requests are served. */
const ROWS_PER_READ = 250;
const BLOCK_MS = 500;
/** Beyond BLOCK_MS: then the connection is dead, or slower than is of use. */
const READ_GRACE_MS = 1_000;
const CHECK_EVERY_MS = 1_000;
const CHECK_LIMIT_MS = 1_000;
const MAX_RETRY_MS = 1_000;
const FIRST_RETRY_MS = 25;

export interface ShardLogOptions {
  readonly shard: number;
  readonly keys: ShardKeys;
  readonly seal: Seal;
  readonly reader: LogReader;
  /** The connection for checks; throws while there is none. */
  readonly admin: () => Connection;
  /** Makes the connection for checks anew. */
  readonly renewAdmin: () => void;
  readonly clock: Clock;
  readonly random: () => number;
  readonly tell: (change: Change) => void;
  readonly onEvent: RedisEventListener;
}

export class ShardLog {
  readonly #options: ShardLogOptions;
  readonly #fence = new Fence();
  readonly #closing = new AbortController();
  #epoch: string | null = null;
  #logCursor = STREAM_START;
  #purgeCursor = STREAM_START;
  /** Newest purge that rows named and that Redis did not have: it is not looked for again. */
  #lookedUpTo = STREAM_START;
  /** Fence key as the last check read it, when it named a purge that nobody has. */
  #strangeFence: string | null = null;
  /** Changes at a reset: a reply that was asked for before it is not for us any more. */
  #generation = 0;
  #rows = 0;
  #startedAt = 0;
  #synced = false;
  /** When a read last reached the end of the log, and when a check last agreed. */
  #heardAt: number;
  #checkedAt: number;
  /** At start, and after we were away: purges may be missing here or there, and the log may have been cut or emptied. */
  #away = true;
  #checking: Promise<void> | null = null;
  #timer: NodeJS.Timeout | undefined;

  constructor(options: ShardLogOptions) {
    this.#options = options;
    this.#heardAt = this.#checkedAt = options.clock.now();
  }

  start(): void {
    this.#startedAt = this.#options.clock.now();
    this.#checkLater();
    void this.#follow();
  }

  close(): void {
    this.#closing.abort();
    clearTimeout(this.#timer);
  }

  /** What a write now is written under; null as long as neither epoch nor purges are known. */
  get under(): WrittenUnder | null {
    return this.#epoch === null ? null : { epoch: this.#epoch, fence: this.#fence.latest };
  }

  /** synced is true once the whole log has been read. */
  get synced(): boolean {
    return this.#synced;
  }

  /** Milliseconds since it last knew that it had heard everything. */
  get lagMs(): number {
    return this.#options.clock.now() - Math.min(this.#heardAt, this.#checkedAt);
  }

  /** knows says whether epoch and newest purge, as Redis has them now, are those that we have heard of. */
  knows(epoch: Buffer | null, fence: Buffer | null): boolean {
    return epoch !== null && epoch.toString() === this.#epoch && (fence?.toString() ?? null) === this.#fence.token;
  }

  /** verdict says whether an entry may be told and served. */
  verdict(facts: EntryFacts): "valid" | "stale" | "purged" {
    if (facts.epoch !== this.#epoch) return "stale";
    return this.#fence.covers(facts) ? "purged" : "valid";
  }

  /** purged takes this process's own purge, without waiting for the log to bring it. */
  purged(purge: KnownPurge): void {
    if (this.#fence.add(purge)) this.#options.tell({ kind: "purged", filter: purge.filter });
  }

  /** recheck looks at once: something that was read did not fit what we know. */
  recheck(): void {
    void this.#check().catch(() => undefined);
  }

  async #follow(): Promise<void> {
    const { signal } = this.#closing;
    const { reader, onEvent, random, shard } = this.#options;
    for (let failures = 0; !signal.aborted;) {
      try {
        if (this.#away || this.#epoch === null) await this.#check();
        const generation = this.#generation;
        const reply = await this.#read();
        failures = 0;
        if (signal.aborted) return;
        if (generation === this.#generation) await this.#take(reply);
      } catch (error) {
        if (signal.aborted) return;
        const reason = failureReason(error);
        onEvent({ kind: "failed", operation: "follow", reason, shard });
        reader.renew(error);
        this.#away = true;
        failures += 1;
        const wait = Math.min(FIRST_RETRY_MS * 2 ** Math.min(failures, 10), MAX_RETRY_MS);
        await pause(wait * (0.5 + random() / 2), signal);
      }
    }
  }

  #read(): Promise<unknown> {
    const { reader, keys } = this.#options;
    const streams = ["STREAMS", keys.purges, keys.log, this.#purgeCursor, this.#logCursor];
    // Until the end of the log was seen, an empty reply says that it is reached.
    const block = this.#synced ? ["BLOCK", BLOCK_MS] : [];
    return replyWithin(reader.read(["COUNT", ROWS_PER_READ, ...block, ...streams]), BLOCK_MS + READ_GRACE_MS);
  }

  /** #take applies one reply of XREAD, purges first. */
  async #take(reply: unknown): Promise<void> {
    const { keys, clock, onEvent, shard } = this.#options;
    const generation = this.#generation;
    const streams = parseStreams(reply);
    for (const entry of streams.get(keys.purges) ?? []) this.#takePurge(entry);
    const rows = streams.get(keys.log) ?? [];
    for (const { id, fields } of rows) {
      const read = this.#readRow(fields);
      if (read !== null && this.#isAhead(read.under)) {
        await this.#syncPurges();
        if (generation !== this.#generation) return;
        this.#lookedUpTo = read.under.fence;
      }
      // First: a row that the listener chokes on must not be read for ever.
      this.#logCursor = id;
      if (read !== null) this.#takeRow(read);
    }
    if (rows.length === ROWS_PER_READ) return;
    this.#heardAt = clock.now();
    if (this.#synced) return;
    this.#synced = true;
    onEvent({ kind: "synced", rows: this.#rows, ms: this.#heardAt - this.#startedAt, shard });
  }

  /** #isAhead: the writer knew a purge that we have not heard of, because one reply did not hold all of them. */
  #isAhead({ epoch, fence }: WrittenUnder): boolean {
    const known = [this.#fence.latest, this.#purgeCursor, this.#lookedUpTo];
    return epoch === this.#epoch && known.every((place) => compareStreamIds(fence, place) > 0);
  }

  #readRow(fields: ReadonlyMap<string, Buffer>): ReturnType<typeof decodeRow> {
    const { seal, keys, onEvent } = this.#options;
    const sealed = fields.get("r");
    const body = sealed === undefined ? null : seal.open("row", keys.log, sealed);
    const decoded = body === null ? null : decodeRow(body);
    if (decoded === null) {
      onEvent({ kind: "dropped", what: "row", reason: body === null ? "broken" : "unread" });
    }
    return decoded;
  }

  #takeRow({ row, under }: NonNullable<ReturnType<typeof decodeRow>>): void {
    const { clock, tell, onEvent } = this.#options;
    const verdict = this.verdict({ ...row, ...under });
    if (verdict !== "valid") onEvent({ kind: "dropped", what: "row", reason: verdict });
    else if (row.expiresMs > clock.wallMs()) {
      this.#rows += 1;
      tell({ kind: "added", row });
    }
  }

  /** #takePurge believes only sealed purges; of others it keeps the place and the name, so that nothing waits for them for ever. */
  #takePurge({ id, fields }: StreamEntry): void {
    const { seal, keys, tell, onEvent } = this.#options;
    const sealed = fields.get("f");
    const body = sealed === undefined ? null : seal.open("purge", keys.purges, sealed);
    const record = body === null ? null : decodePurge(body);
    if (record === null) {
      onEvent({ kind: "dropped", what: "purge", reason: body === null ? "broken" : "unread" });
      this.#fence.add({ at: id, token: fields.get("t")?.toString() ?? id, filter: { ids: [] } });
    } else if (this.#fence.add({ at: id, ...record })) tell({ kind: "purged", filter: record.filter });
    this.#purgeCursor = id;
  }

  #checkLater(): void {
    const wait = CHECK_EVERY_MS * (0.9 + this.#options.random() / 10);
    this.#timer = setTimeout(() => {
      void this.#check()
        .catch(() => undefined)
        .finally(() => {
          if (!this.#closing.signal.aborted) this.#checkLater();
        });
    }, wait);
    this.#timer.unref();
  }

  /** #check rejects when Redis cannot be asked; one at a time. */
  #check(): Promise<void> {
    this.#checking ??= this.#compare()
      .then(
        () => {
          this.#checkedAt = this.#options.clock.now();
        },
        (error: unknown) => {
          this.#away = true;
          const reason = failureReason(error);
          if (!this.#closing.signal.aborted)
            this.#options.onEvent({ kind: "failed", operation: "follow", reason, shard: this.#options.shard });
          // Open and dead, or answering by the byte.
          if (reason === "timeout") this.#options.renewAdmin();
          throw error;
        },
      )
      .finally(() => (this.#checking = null));
    return this.#checking;
  }

  async #compare(): Promise<void> {
    const { keys } = this.#options;
    const away = this.#away;
    this.#away = false;
    // Read before Redis is asked: while it answers, the reader goes on, and a newer place would seem lost.
    const [logCursor, purgeCursor, newest] = [this.#logCursor, this.#purgeCursor, this.#fence.token];
    const admin = this.#options.admin();
    const ask = Promise.all([admin.mgetBuffer([keys.epoch, keys.fence]), streamEnds(admin, keys.log), streamEnds(admin, keys.purges)]);
    const [[epochBytes, fenceBytes], log, purges] = await replyWithin(ask, CHECK_LIMIT_MS);
    const epoch = epochBytes?.toString() ?? (await this.#makeEpoch(admin));
    if (this.#closing.signal.aborted) return;
    if (epoch !== this.#epoch) {
      if (this.#epoch !== null) this.#reset("epoch");
      // Purges are known before anything is served or told.
      await this.#syncPurges();
      this.#epoch = epoch;
      return;
    }
    const purgesLost = compareStreamIds(purges.last, purgeCursor) < 0;
    if (purgesLost || away) await this.#syncPurges();
    await this.#mendFence(admin, fenceBytes?.toString() ?? null, newest);
    if (purgesLost || compareStreamIds(log.last, logCursor) < 0) this.#reset("rewound");
    else if (log.first !== null && this.#logCursor !== STREAM_START && compareStreamIds(log.first, this.#logCursor) > 0)
      this.#reset("trimmed");
  }

  /**
   * #mendFence: a fence key that was evicted is made again. One that still names a purge which is in no list, when the list is read after it,
   * means that something was purged and nobody knows what: then nothing of what is there may be served, which is what a new epoch says.
   * One that is in the list though not its newest was read while another purge came; or it was made again by a replica that had not heard of
   * `newest`, which we knew before the key was read.
   */
  async #mendFence(admin: Connection, fence: string | null, newest: string | null): Promise<void> {
    const { keys } = this.#options;
    const { token } = this.#fence;
    const strange = fence !== null && fence !== token ? fence : null;
    if (fence === null && token !== null) await replyWithin(admin.set(keys.fence, token, "NX"), CHECK_LIMIT_MS);
    if (strange !== null && strange === this.#strangeFence) {
      await this.#syncPurges();
      if (!this.#fence.has(strange)) await replyWithin(admin.unlink(keys.epoch, keys.fence), CHECK_LIMIT_MS);
      else if (this.#fence.precedes(strange, newest))
        await replyWithin(admin.multi([["set", keys.fence, this.#fence.token]]).exec(), CHECK_LIMIT_MS);
    }
    this.#strangeFence = strange;
  }

  async #makeEpoch(admin: Connection): Promise<string> {
    const { keys } = this.#options;
    await replyWithin(admin.set(keys.epoch, randomBytes(8).toString("hex"), "NX"), CHECK_LIMIT_MS);
    const [made] = await replyWithin(admin.mgetBuffer([keys.epoch]), CHECK_LIMIT_MS);
    if (!made) throw new Error("the epoch cannot be kept");
    return made.toString();
  }

  /** #syncPurges reads all purges, and writes again those which we know and Redis has lost (failover to a replica that lagged). */
  async #syncPurges(): Promise<void> {
    const { keys, seal, onEvent, shard } = this.#options;
    const admin = this.#options.admin();
    const known = [...this.#fence.purges];
    const reply = await replyWithin(admin.callBuffer("XRANGE", [keys.purges, "-", "+"]), CHECK_LIMIT_MS);
    const entries = parseEntries(reply);
    const tokens = new Set(entries.map(({ fields }) => fields.get("t")?.toString()));
    this.#purgeCursor = STREAM_START;
    for (const entry of entries) this.#takePurge(entry);
    const lost = entries.length >= MAX_PURGES ? [] : known.filter(({ token }) => !tokens.has(token));
    const newest = known.at(-1);
    if (lost.length === 0 || newest === undefined) return;
    // In their old places where those are still free: then what was written under them is judged as before, and of several replicas that
    // do this at once, Redis takes one.
    const end = entries.at(-1)?.id ?? STREAM_START;
    const writes = lost.map(({ at, token, filter }) => {
      const sealed = seal.close("purge", keys.purges, encodePurge({ token, filter }));
      const place = compareStreamIds(at, end) > 0 ? at : "*";
      return ["xadd", keys.purges, "MAXLEN", MAX_PURGES, place, "t", token, "f", sealed];
    });
    await replyWithin(admin.multi([...writes, ["set", keys.fence, this.#fence.token]]).exec(), CHECK_LIMIT_MS);
    onEvent({ kind: "purges_restored", count: lost.length, shard });
  }

  #reset(reason: "epoch" | "rewound" | "trimmed"): void {
    const { tell, onEvent, clock, shard } = this.#options;
    this.#generation += 1;
    if (reason === "epoch") {
      this.#fence.clear();
      this.#epoch = null;
    }
    this.#logCursor = STREAM_START;
    this.#purgeCursor = STREAM_START;
    this.#lookedUpTo = STREAM_START;
    this.#synced = false;
    this.#rows = 0;
    this.#startedAt = clock.now();
    onEvent({ kind: "reset", reason, shard });
    tell({ kind: "reset" });
  }
}
