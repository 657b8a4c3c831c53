/** What the Redis backend tells those who count and log. Every name is from a closed list; nothing of a request is in an event. */
import type { FailureReason } from "./failure.ts";

export type RedisOperation = "get" | "find" | "put" | "purge" | "follow" | "sweep" | "connect";

export type RedisEvent =
  | { readonly kind: "failed"; readonly operation: RedisOperation; readonly reason: FailureReason; readonly shard: number }
  /** Not sent to Redis: the breaker is open, the log has not been read yet, or Redis said that its memory is full. */
  | {
      readonly kind: "refused";
      readonly operation: RedisOperation;
      readonly reason: "breaker" | "syncing" | "out_of_memory";
      readonly shard: number;
    }
  | { readonly kind: "breaker"; readonly state: "open" | "closed"; readonly shard: number }
  /**
   * Bytes that are not served: `broken` ones have no valid seal (cut, foreign, another secret), `unread` ones are of another format,
   * `stale` ones were written into data that is gone, `purged` ones are behind a purge.
   */
  | {
      readonly kind: "dropped";
      readonly what: "row" | "payload" | "pointer" | "purge";
      readonly reason: "broken" | "unread" | "stale" | "purged";
    }
  /** Everything is told anew: other data than before (epoch), a log that lost its end (rewound) or what was not read yet (trimmed). */
  | { readonly kind: "reset"; readonly reason: "epoch" | "rewound" | "trimmed"; readonly shard: number }
  /** The whole log has been read: at start or after a reset. */
  | { readonly kind: "synced"; readonly rows: number; readonly ms: number; readonly shard: number }
  /** A failover or a restored backup had lost purges; they were written again. */
  | { readonly kind: "purges_restored"; readonly count: number; readonly shard: number };

export type RedisEventListener = (event: RedisEvent) => void;
