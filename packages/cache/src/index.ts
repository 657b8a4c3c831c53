/** The response cache: exact and semantic, in memory or in Redis. A new export is a decision. */
export type { CacheBackend, PurgeFilter } from "./backends/backend.ts";
export { LocalCopies } from "./backends/local-copies.ts";
export { MemoryBackend } from "./backends/memory.ts";
export { decidePair, type PairOutcome } from "./pair-decision.ts";
export type { CacheExplanation } from "./explain.ts";
export { createResponseCache, type AdministeredCache, type CacheStats } from "./response-cache.ts";
export type { CacheSettings } from "./settings.ts";
export { createPairVerifier } from "./verifier/index.ts";
