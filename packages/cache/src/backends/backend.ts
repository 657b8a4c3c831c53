/**
 * The seam between the cache's policy and where entries live. A backend keeps payloads, and tells every replica of every change in one
 * order; it decides nothing. What is similar, what may be served and what counts as expired is the policy's.
 */
import type { CallOptions } from "@turnout/shared";

/** EntryRow is what every replica must know of an entry to find it and to purge it: never a prompt, never an answer. */
export interface EntryRow {
  /** base64url of a hash; the same request under the same conditions has the same id, and overwrites. */
  readonly id: string;
  /** base64url of the keyed hash of whom the entry belongs to. */
  readonly scope: string;
  readonly decision: string;
  /** Logical model that answered. */
  readonly model: string;
  /** 32 bytes: everything but the user's own words that must be the same for a semantic hit. */
  readonly partition: Uint8Array;
  /** Unix milliseconds. */
  readonly createdMs: number;
  readonly expiresMs: number;
  /** What a semantic hit needs; null for an entry that is only served to the same request again. */
  readonly semantic: SemanticRow | null;
}

/** SemanticRow is the vector of the user's words, and what guards compare. */
export interface SemanticRow {
  /** L2-normalised vector in signed bytes: value = byte * scale. */
  readonly vector: Int8Array;
  readonly scale: number;
  /** Guard features, opaque here. */
  readonly features: Uint8Array;
}

/** CacheEntry is one answer to keep. */
export interface CacheEntry {
  readonly row: EntryRow;
  /** Opaque here; verified by the policy before it is served. */
  readonly payload: Uint8Array;
  /** Further keys under which the entry is found at once: the early keys. */
  readonly pointers: readonly string[];
}

/** PurgeFilter names entries: all given parts must hold. `{}` is everything. */
export interface PurgeFilter {
  readonly ids?: readonly string[];
  readonly scope?: string;
  readonly decision?: string;
  readonly model?: string;
  /** Only what was created before; Unix milliseconds. */
  readonly createdBeforeMs?: number;
}

/** Change is one step of the order in which all replicas learn of entries. */
export type Change =
  | { readonly kind: "added"; readonly row: EntryRow }
  | { readonly kind: "purged"; readonly filter: PurgeFilter }
  /** Nothing of what was told before holds any more; what still exists is told again. */
  | { readonly kind: "reset" };

/** BackendState is for health, metrics and people. */
export interface BackendState {
  readonly state: "ready" | "syncing" | "unavailable";
  /** Why it is unavailable, without addresses or secrets. */
  readonly reason?: string;
  /** Milliseconds since the backend last knew that it had heard everything; 0 in memory. */
  readonly lagMs: number;
}

/** CacheBackend stores entries. Every method rejects with a RouterError when it cannot; a missing entry is null, not an error. */
export interface CacheBackend {
  readonly name: string;
  /** get gives payloads by id, in the order asked, in one round trip. */
  get(ids: readonly string[], options: CallOptions): Promise<readonly (Uint8Array | null)[]>;
  /** find gives the first of these pointers that leads to an entry that is there. */
  find(pointers: readonly string[], options: CallOptions): Promise<FoundEntry | null>;
  put(entry: CacheEntry, options: CallOptions): Promise<void>;
  /** purge is durable: purged entries do not come back, on no replica, after no restart. */
  purge(filter: PurgeFilter, options: CallOptions): Promise<void>;
  /** follow tells everything there is and then every change, this process's own too, each once. Called once, before anything else. */
  follow(listener: (change: Change) => void): void;
  state(): BackendState;
  close(): Promise<void>;
}

/** FoundEntry is what a pointer led to. */
export interface FoundEntry {
  readonly pointer: string;
  readonly id: string;
  readonly payload: Uint8Array;
}
