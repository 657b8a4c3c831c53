/** Entries and backends for the tests of the Redis backend. */
import { createHash } from "node:crypto";
import { systemClock, type Clock } from "@turnout/shared";
import type { CacheEntry, Change, EntryRow } from "../../backends/backend.ts";
import { matches } from "../../backends/memory.ts";
import { RedisBackend } from "../../backends/redis.ts";
import type { RedisEvent } from "../event.ts";
import { redisBlock, redisSettings, redisTuning } from "../settings.ts";

const HOUR_MS = 3_600_000;
const DIMENSION = 384;

/** idOf makes an id as the cache's identity does: base64url of a hash. */
export function idOf(name: string): string {
  return createHash("sha256").update(name).digest("base64url");
}

/** entryOf makes an entry that differs from others in everything. */
export function entryOf(name: string, changes: Partial<EntryRow> = {}, pointers: readonly string[] = []): CacheEntry {
  const now = Date.now();
  const row: EntryRow = {
    id: idOf(name),
    scope: idOf(`scope of ${name}`),
    decision: "history_decision",
    model: "general-expert",
    partition: new Uint8Array(createHash("sha256").update(`partition of ${name}`).digest()),
    createdMs: now,
    expiresMs: now + HOUR_MS,
    semantic: {
      vector: Int8Array.from({ length: DIMENSION }, (_, index) => ((index * 31 + name.length) % 255) - 127),
      scale: 1 / 127,
      features: new TextEncoder().encode(`features of ${name}`),
    },
    ...changes,
  };
  return { row, payload: Buffer.from(`payload of ${name}`), pointers };
}

/** Followed is a backend with what it told and what happened to it. */
export interface Followed {
  readonly backend: RedisBackend;
  readonly changes: Change[];
  readonly events: RedisEvent[];
  /** Names of events, for counting: `kind` or `kind:reason`. */
  count(kind: RedisEvent["kind"], reason?: string): number;
  /** Ids that a replica would have in its index now. */
  ids(): ReadonlySet<string>;
}

export interface FollowOptions {
  readonly port: number;
  /** `turnout.response_cache.redis`. */
  readonly tuning?: Readonly<Record<string, unknown>>;
  readonly connection?: Readonly<Record<string, unknown>>;
  readonly secret?: string;
  readonly clock?: Clock;
  readonly maxEntries?: number;
  readonly onChange?: (change: Change) => void;
}

/** PATIENT is for tests of what Redis holds, not of how long is waited for it: other tests have the machine, too. */
export const PATIENT = { command_timeout_ms: 5_000 } as const;

/** follow starts a backend and keeps what it tells. */
export function follow({
  port,
  tuning = {},
  connection = {},
  secret,
  clock = systemClock,
  maxEntries = 10_000,
  onChange,
}: FollowOptions): Followed {
  const changes: Change[] = [];
  const events: RedisEvent[] = [];
  const settings = redisSettings(redisBlock.parse({ connection: { host: "127.0.0.1", port, ...connection } }), redisTuning.parse(tuning));
  const backend = new RedisBackend({
    settings,
    maxEntries,
    secret: secret === undefined ? null : Buffer.from(secret),
    clock,
    onEvent: (event) => events.push(event),
  });
  backend.follow((change) => {
    changes.push(change);
    onChange?.(change);
  });
  return {
    backend,
    changes,
    events,
    count: (kind, reason) =>
      events.filter((event) => event.kind === kind && (reason === undefined || ("reason" in event && event.reason === reason))).length,
    ids: () => idsAfter(changes),
  };
}

function idsAfter(changes: readonly Change[]): ReadonlySet<string> {
  const rows = new Map<string, EntryRow>();
  for (const change of changes) {
    if (change.kind === "reset") rows.clear();
    else if (change.kind === "added") rows.set(change.row.id, change.row);
    else for (const row of rows.values()) if (matches(row, change.filter)) rows.delete(row.id);
  }
  return new Set(rows.keys());
}
