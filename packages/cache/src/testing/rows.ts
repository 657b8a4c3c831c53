/** Rows and entries for tests of backends. */
import type { CacheEntry, Change, EntryRow } from "../backends/backend.ts";

/** rowOf makes a row that lives until `expiresMs`; what is not given is made up. */
function rowOf(id: string, row: Partial<EntryRow> = {}): EntryRow {
  return {
    id,
    scope: "scope-a",
    decision: "math",
    model: "math-expert",
    partition: new Uint8Array(32).fill(7),
    createdMs: 1_000,
    expiresMs: Number.MAX_SAFE_INTEGER,
    semantic: null,
    ...row,
  };
}

/** entryOf makes an entry whose payload says which it is. */
export function entryOf(id: string, row: Partial<EntryRow> = {}, pointers: readonly string[] = []): CacheEntry {
  return { row: rowOf(id, row), payload: Buffer.from(`payload of ${id}`), pointers };
}

/** Replica is a follower that keeps what it was told. */
export class Replica {
  readonly rows = new Map<string, EntryRow>();
  readonly changes: Change[] = [];
  #waiting: { readonly until: () => boolean; readonly resolve: () => void }[] = [];

  readonly listen = (change: Change): void => {
    this.changes.push(change);
    if (change.kind === "added") this.rows.set(change.row.id, change.row);
    else if (change.kind === "reset") this.rows.clear();
    else for (const row of this.rows.values()) if (meant(row, change.filter)) this.rows.delete(row.id);
    const met = this.#waiting.filter(({ until }) => until());
    this.#waiting = this.#waiting.filter((waiting) => !met.includes(waiting));
    for (const { resolve } of met) resolve();
  };

  /** until resolves when the condition holds after some change, and rejects after `timeoutMs`. */
  until(condition: () => boolean, timeoutMs = 5_000): Promise<void> {
    if (condition()) return Promise.resolve();
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`not told within ${timeoutMs} ms`)), timeoutMs);
      const done = () => {
        clearTimeout(timer);
        resolve();
      };
      this.#waiting.push({ until: condition, resolve: done });
    });
  }

  get ids(): readonly string[] {
    return [...this.rows.keys()].toSorted();
  }
}

/** meant repeats the meaning of a purge in the plainest way, for comparison. */
function meant(row: EntryRow, filter: Extract<Change, { kind: "purged" }>["filter"]): boolean {
  if (filter.ids !== undefined && !filter.ids.includes(row.id)) return false;
  if (filter.scope !== undefined && filter.scope !== row.scope) return false;
  if (filter.decision !== undefined && filter.decision !== row.decision) return false;
  if (filter.model !== undefined && filter.model !== row.model) return false;
  return filter.createdBeforeMs === undefined || row.createdMs < filter.createdBeforeMs;
}
