/** Sub-path "./settings": what an operator may say of the cache as a whole. It loads no client; a decision's own policy is in CachePolicy. */
export { redisBlock, redisSettings, redisTuning, type RedisSettings } from "./redis/settings.ts";
import { defaultIdentityHeaders, type IdentityHeaders } from "./identity/index.ts";

export interface CacheSettings {
  /** Key of the hashes that say whom an entry belongs to; every replica needs the same. */
  readonly secret: string | Uint8Array;
  readonly identityHeaders: IdentityHeaders;
  /** Least cosine at which a stored question is looked at, for decisions that say nothing. */
  readonly similarityThreshold: number;
  readonly ttlSeconds: number;
  readonly maxEntries: number;
  /** Longest answer that is kept, bytes. */
  readonly maxAnswerBytes: number;
  /** Highest temperature at which answers are shared; a request that names none is the model's own default, and may be. */
  readonly maxTemperature: number;
  /** What a request may spend with the cache, milliseconds, its own vector included. */
  readonly lookupBudgetMs: number;
  /** How long a request waits for the answer of an identical one that is upstream, milliseconds; 0: not at all. */
  readonly singleFlightMs: number;
  /** Answers that one user, team or tenant may have kept in a minute. */
  readonly writesPerMinute: number;
  /** Share of semantic hits that go upstream all the same, to compare the answers; 0 to 1. */
  readonly shadowShare: number;
  /** Largest error rate of semantic hits, by the shadow's count; null: they are served whatever it says. */
  readonly maxSemanticError: number | null;
}

export const defaultCacheSettings: Omit<CacheSettings, "secret"> = {
  identityHeaders: defaultIdentityHeaders,
  similarityThreshold: 0.7,
  ttlSeconds: 3_600,
  maxEntries: 100_000,
  maxAnswerBytes: 256 * 1_024,
  maxTemperature: 0.3,
  lookupBudgetMs: 30,
  singleFlightMs: 0,
  writesPerMinute: 120,
  shadowShare: 0,
  maxSemanticError: null,
};
