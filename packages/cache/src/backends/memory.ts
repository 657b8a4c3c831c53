/** MemoryBackend keeps entries in this process, bounded by bytes and number. What it evicts is purged like anything else. */
import type { CallOptions, Clock } from "@turnout/shared";
import { LRUCache } from "lru-cache";
import type { BackendState, CacheBackend, CacheEntry, Change, EntryRow, FoundEntry, PurgeFilter } from "./backend.ts";

export interface MemoryBackendOptions {
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** What gives way when it is full: what was served longest ago, or what came first. */
  readonly eviction: "lru" | "fifo";
  readonly clock: Clock;
}

/** What a row, its pointers and their maps take beside payload and vector, roughly. */
const ENTRY_OVERHEAD_BYTES = 1_024;

export class MemoryBackend implements CacheBackend {
  readonly name = "memory";
  readonly #entries: LRUCache<string, CacheEntry>;
  /** Ids by pointer; an entry's pointers go when it goes. */
  readonly #pointers = new Map<string, string>();
  readonly #eviction: "lru" | "fifo";
  readonly #clock: Clock;
  #tell: (change: Change) => void = () => undefined;

  constructor({ maxEntries, maxBytes, eviction, clock }: MemoryBackendOptions) {
    this.#clock = clock;
    this.#eviction = eviction;
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxBytes,
      sizeCalculation: sizeOf,
      dispose: (entry, id, reason) => {
        for (const pointer of entry.pointers) if (this.#pointers.get(pointer) === id) this.#pointers.delete(pointer);
        if (reason === "evict") this.#tell({ kind: "purged", filter: { ids: [id] } });
      },
    });
  }

  follow(listener: (change: Change) => void): void {
    this.#tell = listener;
  }

  async get(ids: readonly string[], _options: CallOptions): Promise<readonly (Uint8Array | null)[]> {
    return ids.map((id) => this.#read(id));
  }

  async find(pointers: readonly string[], _options: CallOptions): Promise<FoundEntry | null> {
    for (const pointer of pointers) {
      const id = this.#pointers.get(pointer);
      const payload = id === undefined ? null : this.#read(id);
      if (id !== undefined && payload !== null) return { pointer, id, payload };
    }
    return null;
  }

  async put(entry: CacheEntry, _options: CallOptions): Promise<void> {
    this.#entries.set(entry.row.id, entry);
    // Larger than everything that fits: not kept, so not told either.
    if (!this.#entries.has(entry.row.id)) return;
    for (const pointer of entry.pointers) this.#pointers.set(pointer, entry.row.id);
    this.#tell({ kind: "added", row: entry.row });
  }

  async purge(filter: PurgeFilter, _options: CallOptions): Promise<void> {
    const meant = [...this.#entries.entries()].filter(([, { row }]) => matches(row, filter));
    for (const [id] of meant) this.#entries.delete(id);
    this.#tell({ kind: "purged", filter });
  }

  state(): BackendState {
    return { state: "ready", lagMs: 0 };
  }

  async close(): Promise<void> {
    this.#tell = () => undefined;
    this.#entries.clear();
  }

  #read(id: string): Uint8Array | null {
    const entry = this.#eviction === "lru" ? this.#entries.get(id) : this.#entries.peek(id);
    if (entry === undefined) return null;
    if (entry.row.expiresMs > this.#clock.wallMs()) return entry.payload;
    this.#entries.delete(id);
    return null;
  }
}

function sizeOf({ payload, row: { semantic } }: CacheEntry): number {
  return payload.length + (semantic === null ? 0 : semantic.vector.length + semantic.features.length) + ENTRY_OVERHEAD_BYTES;
}

/** matches says whether a purge means this entry. */
export function matches(
  row: Omit<EntryRow, "partition" | "semantic">,
  { ids, scope, decision, model, createdBeforeMs }: PurgeFilter,
): boolean {
  return (
    (ids === undefined || ids.includes(row.id)) &&
    (scope === undefined || scope === row.scope) &&
    (decision === undefined || decision === row.decision) &&
    (model === undefined || model === row.model) &&
    (createdBeforeMs === undefined || row.createdMs < createdBeforeMs)
  );
}
