import { randomBytes } from "node:crypto";
import { defaultCacheSettings, redisSettings, type CacheSettings, type RedisSettings } from "@turnout/cache/settings";
import type { SourceText } from "./config-error.ts";
import { warningAt, type ConfigWarning } from "./config-warning.ts";
import { responseCache } from "../routing/plugins/response-cache.ts";
import { at, isEmpty, type Located, type LocatedMap, type Path } from "./located.ts";
import type { ConfigDocument } from "./schema.ts";
import type { Environment } from "./substitution.ts";

/**
 * The response cache: the file's two blocks as the plain settings of @turnout/cache, and what is said at start where they cache nothing.
 * What a decision says of its own answers is its plugin's.
 */

/** CacheStorage says where answers are kept. `maxBytes` is of this process: of all answers, or of copies of those served lately. */
export type CacheStorage =
  | { readonly kind: "memory"; readonly maxBytes: number; readonly eviction: "lru" | "fifo" }
  /** `seal` keeps what others have written to Redis from being served; null: a checksum only. */
  | { readonly kind: "redis"; readonly maxBytes: number; readonly redis: RedisSettings; readonly seal: string | null };

/** CacheOptions is what the cache is made from. */
export interface CacheOptions {
  readonly settings: CacheSettings;
  readonly storage: CacheStorage;
}

/** cacheOptionsOf is null where nothing is to be cached. */
export function cacheOptionsOf({ global, turnout, routing }: ConfigDocument, env: Environment): CacheOptions | null {
  const store = global.stores.response_cache;
  const tuning = turnout.response_cache;
  if (!store.enabled || cachingDecisions(routing).length === 0) return null;
  const { identity } = global.services.authz;
  const named = env[tuning.secret_env] ?? "";
  const secret = named === "" ? null : named;
  const storage = storageOf(store, tuning, secret);
  return {
    settings: {
      // Replicas that share a store must come to the same hashes: without a key of the operator's, those are of names alone.
      secret: secret ?? (storage.kind === "memory" ? randomBytes(32) : storage.redis.keyPrefix),
      identityHeaders: {
        ...defaultCacheSettings.identityHeaders,
        ...(identity === undefined ? {} : { user: identity.user_id_header, groups: identity.user_groups_header }),
      },
      similarityThreshold: store.similarity_threshold,
      ttlSeconds: store.ttl_seconds,
      maxEntries: store.max_entries,
      maxAnswerBytes: tuning.max_answer_bytes,
      maxTemperature: tuning.max_temperature,
      lookupBudgetMs: tuning.lookup_budget_ms,
      singleFlightMs: tuning.single_flight_ms,
      writesPerMinute: tuning.writes_per_minute,
      shadowShare: tuning.shadow.share,
      maxSemanticError: tuning.shadow.max_error ?? null,
    },
    storage,
  };
}

function storageOf(
  store: ConfigDocument["global"]["stores"]["response_cache"],
  tuning: ConfigDocument["turnout"]["response_cache"],
  seal: string | null,
): CacheStorage {
  const maxBytes = tuning.max_bytes;
  if (store.backend_type === "memory") return { kind: "memory", maxBytes, eviction: store.eviction_policy };
  const block = store.backend_type === "valkey" ? (store.valkey ?? store.redis) : store.redis;
  return { kind: "redis", maxBytes, redis: redisSettings(block, tuning.redis), seal };
}

/** cachingDecisions are those whose answers would be cached. */
function cachingDecisions({ decisions }: ConfigDocument["routing"]) {
  return decisions.flatMap(({ name, plugins }, decision) =>
    plugins.flatMap(({ type, configuration }, plugin) =>
      type === responseCache.type && configuration.enabled
        ? [{ name, configuration, path: ["routing", "decisions", decision, "plugins", plugin] }]
        : [],
    ),
  );
}

/** dropUnset takes out of vSR's block what says nothing: null, and Go's zero values, which vSR reads as "not set". */
export function dropUnset(root: LocatedMap): void {
  const visit = (node: Located | undefined) => {
    if (node?.kind !== "map") return;
    for (const [key, value] of node.entries) {
      if (value.kind === "scalar" && (value.value === null || value.value === "" || value.value === 0)) node.entries.delete(key);
      else visit(value);
    }
  };
  visit(at(root, ...STORE));
}

const STORE: Path = ["global", "stores", "response_cache"];
const TUNING: Path = ["turnout", "response_cache"];

/** warnUnread tells of settings that the other kind of store would read. */
export function warnUnread(root: LocatedMap, { global }: ConfigDocument, source: SourceText): readonly ConfigWarning[] {
  const { enabled, backend_type } = global.stores.response_cache;
  if (!enabled) return [];
  const memory = backend_type === "memory";
  const unread: readonly Path[] = memory
    ? [
        [...STORE, "redis"],
        [...STORE, "valkey"],
        [...TUNING, "redis"],
      ]
    : [[...STORE, "eviction_policy"], ...(backend_type === "redis" ? [[...STORE, "valkey"]] : [])];
  return unread.flatMap((path) => {
    const node = at(root, ...path);
    return node === undefined || isEmpty(node) ? [] : [warningAt(source, node, `without effect: the store is ${backend_type}`)];
  });
}

/** warnUnkeyed tells of a shared store whose hashes of identities have no key. */
export function warnUnkeyed(
  root: LocatedMap,
  { global, turnout, routing }: ConfigDocument,
  env: Environment,
  source: SourceText,
): readonly ConfigWarning[] {
  const { enabled, backend_type } = global.stores.response_cache;
  const node = at(root, "global", "stores", "response_cache", "backend_type");
  const { secret_env } = turnout.response_cache;
  if (!enabled || backend_type === "memory" || node === undefined || env[secret_env] || cachingDecisions(routing).length === 0) return [];
  const message = `${secret_env} is not set: whose an answer is can be guessed by who can read the store, and what others write there is served`;
  return [warningAt(source, node, message)];
}

/** warnUncached tells of decisions that say "cache" where nothing can be cached. */
export function warnUncached(root: LocatedMap, document: ConfigDocument, source: SourceText): readonly ConfigWarning[] {
  const { global, routing } = document;
  const decisions = cachingDecisions(routing);
  const warn = ({ path }: (typeof decisions)[number], message: string) => {
    const node = at(root, ...path);
    return node === undefined ? [] : [warningAt(source, node, message)];
  };
  const [first] = decisions;
  if (first === undefined) return [];
  if (!global.stores.response_cache.enabled) return warn(first, "without effect: global.stores.response_cache.enabled is false");
  if (global.services.authz.identity !== undefined) return [];
  const personal = decisions.filter(({ configuration: { scope } }) => scope !== "global");
  const [one, ...more] = personal;
  if (one === undefined) return [];
  const others = more.length === 0 ? "" : ` (nor for ${more.length} more decision${more.length === 1 ? "" : "s"})`;
  return warn(
    one,
    `nothing is cached${others}: scope ${one.configuration.scope} needs to know who asks, and global.services.authz.identity does not say that a gateway tells; \`scope: global\` shares answers with everybody`,
  );
}
