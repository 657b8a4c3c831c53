/**
 * Fence knows the purges of one shard and says whether an entry is behind one. Pure.
 *
 * Clocks of replicas differ, and a write may be on its way while a purge happens; so an entry says which purge its writer had heard of
 * last, and every purge after that one may mean it. The answer is the same whichever is read first, the entry or the purge.
 */
import { matches } from "../backends/memory.ts";
import type { PurgeFilter } from "../backends/backend.ts";
import type { EntryFacts, PurgeRecord } from "./row-codec.ts";
import { compareStreamIds, STREAM_START } from "./stream.ts";

/** KnownPurge is a purge with its place in the order. */
export interface KnownPurge extends PurgeRecord {
  readonly at: string;
}

/** Purges that are kept, here and in Redis. What was written before the oldest of a full list counts as purged: nobody can know. */
export const MAX_PURGES = 4_096;

export class Fence {
  /** In order. */
  #purges: KnownPurge[] = [];
  readonly #tokens = new Set<string>();
  /** Those of them that have to be compared with an entry, in order. */
  #filters: KnownPurge[] = [];
  /** Place of the newest of the others by the ids that they name: feedback makes many of them. */
  readonly #named = new Map<string, string>();

  /** Id of the newest purge. */
  get latest(): string {
    return this.#purges.at(-1)?.at ?? STREAM_START;
  }

  /** Name of the newest purge; null when nothing was ever purged. */
  get token(): string | null {
    return this.#purges.at(-1)?.token ?? null;
  }

  get purges(): readonly KnownPurge[] {
    return this.#purges;
  }

  /** has says whether a purge of this name is among those that are kept. */
  has(token: string): boolean {
    return this.#tokens.has(token);
  }

  /** precedes says whether both are kept, and the first happened before the second. */
  precedes(token: string, other: string | null): boolean {
    const place = (name: string | null) => this.#purges.findIndex((purge) => purge.token === name);
    return this.#tokens.has(token) && place(token) < place(other);
  }

  /** add takes a purge; false when it was known. */
  add(purge: KnownPurge): boolean {
    if (this.#tokens.has(purge.token)) return false;
    this.#tokens.add(purge.token);
    insert(this.#purges, purge);
    if (namesIdsOnly(purge.filter)) for (const id of purge.filter.ids) this.#name(id, purge.at);
    else insert(this.#filters, purge);
    if (this.#purges.length > MAX_PURGES) this.#forget(this.#purges.shift()!);
    return true;
  }

  clear(): void {
    this.#purges = [];
    this.#filters = [];
    this.#tokens.clear();
    this.#named.clear();
  }

  /** covers says whether a purge that the entry's writer had not heard of means the entry. */
  covers(facts: EntryFacts): boolean {
    const { fence } = facts;
    // Nearly always: the writer knew all that we know.
    if (fence === this.latest || compareStreamIds(fence, this.latest) > 0) return false;
    if (this.#purges.length >= MAX_PURGES && compareStreamIds(fence, this.#purges[0]!.at) < 0) return true;
    const named = this.#named.get(facts.id);
    if (named !== undefined && compareStreamIds(named, fence) > 0) return true;
    const unheard = this.#filters.slice(firstAfter(this.#filters, fence));
    return unheard.some(({ filter }) => matches(facts, filter));
  }

  #name(id: string, at: string): void {
    const known = this.#named.get(id);
    if (known === undefined || compareStreamIds(known, at) < 0) this.#named.set(id, at);
  }

  #forget({ token, at, filter }: KnownPurge): void {
    this.#tokens.delete(token);
    if (!namesIdsOnly(filter)) this.#filters.shift();
    else for (const id of filter.ids) if (this.#named.get(id) === at) this.#named.delete(id);
  }
}

function insert(purges: KnownPurge[], purge: KnownPurge): void {
  purges.splice(firstAfter(purges, purge.at), 0, purge);
}

/** firstAfter gives the index of the first purge after `place` (binary search). */
function firstAfter(purges: readonly KnownPurge[], place: string): number {
  let low = 0;
  let high = purges.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareStreamIds(purges[middle]!.at, place) <= 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** namesIdsOnly says whether the purge is found by id. */
export function namesIdsOnly(filter: PurgeFilter): filter is PurgeFilter & { readonly ids: readonly string[] } {
  const { ids, ...others } = filter;
  return ids !== undefined && Object.values(others).every((part) => part === undefined);
}
