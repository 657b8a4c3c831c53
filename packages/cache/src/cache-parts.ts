/** CacheParts is what all requests share of a cache. Made by response-cache.ts, used by session.ts. */
import type { CacheRoute, CacheScope, Clock, Metrics } from "@turnout/shared";
import type { CacheBackend } from "./backends/backend.ts";
import type { Calibration } from "./calibration.ts";
import type { StoredCompletion } from "./completion/completion.ts";
import type { EntryTable } from "./entry-table.ts";
import type { EligibilitySettings, ScopeSettings } from "./identity/index.ts";
import type { CacheSettings } from "./settings.ts";
import type { SingleFlight } from "./single-flight.ts";
import type { WriteLimit } from "./write-limit.ts";

export interface CacheParts {
  readonly backend: CacheBackend;
  readonly table: EntryTable;
  readonly flights: SingleFlight;
  readonly calibration: Calibration;
  readonly writes: WriteLimit;
  readonly verifier: PairVerifier;
  readonly settings: CacheSettings;
  readonly eligibility: EligibilitySettings;
  readonly scope: ScopeSettings;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** 0 to 1. */
  readonly random: () => number;
  /** tellMissingIdentity counts and logs that a decision could cache nothing for want of who asks. */
  tellMissingIdentity(decision: string, scope: CacheScope, reason: string): void;
  /** compare tells the calibration whether an answer that was at hand would have done. */
  compare(route: CacheRoute, similarity: number, kept: StoredCompletion, given: StoredCompletion): Promise<void>;
}

/** PairVerifier judges whether a stored question asks the same as the one asked now. */
export interface PairVerifier {
  decide(text: string, stored: string, cosine: number): PairDecision;
}

export interface PairDecision {
  readonly serve: boolean;
  readonly verdict: "identical" | "verified" | "guarded" | "doubted";
  readonly guard?: string;
  readonly probability?: number;
}
