/**
 * The response cache as a whole: what all requests share, and what operators may ask of it. One request's walk is in session.ts.
 */
import { createSecretKey, type KeyObject } from "node:crypto";
import {
  RouterError,
  type CacheRoute,
  type CacheScope,
  type CacheSession,
  type CacheSubject,
  type CallOptions,
  type Clock,
  type Logger,
  type Metrics,
  type ResponseCache,
} from "@turnout/shared";
import type { BackendState, CacheBackend, PurgeFilter } from "./backends/backend.ts";
import type { CacheParts, PairVerifier } from "./cache-parts.ts";
import { Calibration, type CalibratedDecision } from "./calibration.ts";
import { agree } from "./agreement.ts";
import type { StoredCompletion } from "./completion/completion.ts";
import { EntryTable } from "./entry-table.ts";
import { explain, type CacheExplanation } from "./explain.ts";
import { defaultEligibility, scopeHash } from "./identity/index.ts";
import { Session } from "./session.ts";
import type { CacheSettings } from "./settings.ts";
import { SingleFlight } from "./single-flight.ts";
import { exportEntries, importEntry } from "./transfer.ts";
import { WriteLimit } from "./write-limit.ts";

export interface ResponseCacheOptions {
  readonly backend: CacheBackend;
  readonly verifier: PairVerifier;
  readonly settings: CacheSettings;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly clock: Clock;
  /** 0 to 1; which semantic hits are compared in the shadow. */
  readonly random?: () => number;
}

/** CacheStats is what the management API tells of the cache. */
export interface CacheStats {
  readonly backend: string;
  readonly state: BackendState;
  readonly entries: number;
  readonly indexBytes: number;
  readonly inFlight: number;
  readonly calibration: readonly CalibratedDecision[];
}

/** AdministeredCache is the cache with what operators may ask of it. */
export interface AdministeredCache extends ResponseCache {
  stats(): CacheStats;
  /** explain says what a lookup would do. Rejects when the store or the encoder cannot be asked. */
  explain(subject: CacheSubject, route: CacheRoute, options: CallOptions): Promise<CacheExplanation>;
  /** exportEntries gives all entries that this replica knows, as they are. */
  exportEntries(signal?: AbortSignal): AsyncIterable<string>;
  /** importEntry keeps what exportEntries gave; false when it is broken or has expired. */
  importEntry(entry: string, embed: CacheRoute["embed"], options: CallOptions): Promise<boolean>;
  /** scopeOf is what entries of a user, team or tenant are named by, from the headers that a gateway would send for them; null: who is meant is not clear. */
  scopeOf(scope: CacheScope, headers: ReadonlyMap<string, string>): string | null;
  /** matching counts the entries that a purge would take, as far as this replica knows. */
  matching(filter: PurgeFilter): number;
  /** purge forgets entries, everywhere and for good; gives how many this replica knew. Rejects when the backend cannot. */
  purge(filter: PurgeFilter, options: CallOptions): Promise<number>;
  /** condemn forgets one entry because its answer was wrong for somebody, and counts that as an error of its decision. */
  condemn(id: string, options: CallOptions): Promise<boolean>;
  close(): Promise<void>;
}

/** How long a decision's missing identity is not told again, milliseconds. */
const SILENCE_MS = 60_000;
const STATES = ["ready", "syncing", "unavailable"] as const;

/** createResponseCache starts to follow the backend; it never waits for it. */
export function createResponseCache({
  backend,
  verifier,
  settings,
  metrics,
  logger,
  clock,
  random = Math.random,
}: ResponseCacheOptions): AdministeredCache {
  const table = new EntryTable({ maxEntries: settings.maxEntries, clock });
  const flights = new SingleFlight(clock);
  const calibration = new Calibration(settings.maxSemanticError);
  const told = new Map<string, number>();

  const parts: CacheParts = {
    backend,
    table,
    flights,
    calibration,
    verifier,
    settings,
    metrics,
    clock,
    random,
    writes: new WriteLimit(settings.writesPerMinute, clock),
    eligibility: { ...defaultEligibility, maxTemperature: settings.maxTemperature },
    scope: { secret: keyOf(settings.secret), headers: settings.identityHeaders },
    tellMissingIdentity(decision: string, scope: CacheScope, reason: string) {
      const now = clock.now();
      if (now - (told.get(decision) ?? -Infinity) < SILENCE_MS) return;
      told.set(decision, now);
      const advice = "set scope: global on its response_cache plugin, or have the gateway name users (global.services.authz.identity)";
      logger.warn({ decision, scope, reason, advice }, "answers of this decision are not cached: nobody says whose they are");
    },
    async compare(route: CacheRoute, similarity: number, kept: StoredCompletion, given: StoredCompletion) {
      const outcome = await agree(kept, given, (text) => route.embed(text, { deadline: clock.now() + COMPARE_BUDGET_MS })).catch(
        () => null,
      );
      if (outcome === null) return;
      calibration.record(route.decision, route.revision, similarity, !outcome);
      metrics.cacheShadow.inc({ decision_name: route.decision, outcome: outcome ? "agreed" : "differed" });
    },
  };

  backend.follow((change) => {
    try {
      table.apply(change);
    } catch (error) {
      // A row that another version wrote, say, with a vector that is none: it is not found, and the others are.
      metrics.cacheErrors.inc({ operation: "follow", code: RouterError.from(error).code });
    }
    metrics.cacheEntries.set({ backend: backend.name }, table.size);
  });
  const collect = () => {
    const { state, lagMs } = backend.state();
    metrics.cacheLag.set(lagMs / 1_000);
    for (const known of STATES) metrics.cacheState.set({ state: known }, known === state ? 1 : 0);
    metrics.cacheIndexBytes.set(table.indexBytes);
  };
  // prom-client calls it before it reads a gauge; its types know it only as an option of the constructor, which is called elsewhere.
  Object.assign(metrics.cacheState, { collect });

  return {
    open: (subject: CacheSubject): CacheSession => new Session(parts, subject),
    stats: () => ({
      backend: backend.name,
      state: backend.state(),
      entries: table.size,
      indexBytes: table.indexBytes,
      inFlight: flights.size,
      calibration: calibration.report(),
    }),
    explain: (subject, route, options) => explain(parts, subject, route, options),
    exportEntries: (signal) => exportEntries(parts, signal),
    importEntry: (entry, embed, options) => importEntry(parts, entry, embed, options),
    scopeOf(scope, headers) {
      const result = scopeHash(scope, headers, parts.scope);
      return result.kind === "scope" ? result.hash : null;
    },
    matching: (filter) => table.matching(filter).length,
    async purge(filter, options) {
      const count = table.matching(filter).length;
      await backend.purge(filter, options);
      metrics.responseCacheInvalidations.inc({ kind: Object.keys(filter).toSorted().join("_") || "everything" });
      return count;
    },
    async condemn(id, options) {
      const entry = table.get(id);
      if (entry === null) return false;
      await backend.purge({ ids: [id] }, options);
      calibration.record(entry.decision, null, 1, true);
      metrics.responseCacheInvalidations.inc({ kind: "feedback" });
      return true;
    },
    close: () => backend.close(),
  };
}

/** How long comparing two answers may take: nobody waits for it. */
const COMPARE_BUDGET_MS = 2_000;

/** keyOf makes the key once instead of for every request. */
function keyOf(secret: string | Uint8Array): KeyObject {
  return typeof secret === "string" ? createSecretKey(secret, "utf8") : createSecretKey(secret);
}
