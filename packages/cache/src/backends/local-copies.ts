/**
 * LocalCopies keeps payloads that were served lately in this process, in front of a backend across the network. It hears the same
 * changes as everybody, so that a purge takes its copies too; while it cannot hear, it serves none.
 */
import type { CallOptions } from "@turnout/shared";
import { LRUCache } from "lru-cache";
import type { BackendState, CacheBackend, CacheEntry, Change, FoundEntry, PurgeFilter } from "./backend.ts";

/** From this lag on, copies are not served: a purge might not have been heard. Milliseconds. */
const MAX_LAG_MS = 1_500;
const POINTERS_PER_COPY = 4;
/** Guess of a payload's size, for the number of copies that are kept track of. */
const COPY_BYTES = 2_048;

export class LocalCopies implements CacheBackend {
  readonly name: string;
  readonly #backend: CacheBackend;
  readonly #payloads: LRUCache<string, Uint8Array>;
  readonly #pointers: LRUCache<string, string>;
  /** Counts what was heard: a payload that was on its way meanwhile may be of before, and is not kept. */
  #changes = 0;

  constructor(backend: CacheBackend, maxBytes: number) {
    this.name = backend.name;
    this.#backend = backend;
    this.#payloads = new LRUCache({ maxSize: Math.max(1, maxBytes), sizeCalculation: (payload) => payload.length + 256 });
    this.#pointers = new LRUCache({ max: Math.max(1, POINTERS_PER_COPY * Math.ceil(maxBytes / COPY_BYTES)) });
  }

  follow(listener: (change: Change) => void): void {
    this.#backend.follow((change) => {
      this.#forget(change);
      listener(change);
    });
  }

  async get(ids: readonly string[], options: CallOptions): Promise<readonly (Uint8Array | null)[]> {
    const copies = ids.map((id) => this.#copy(id));
    const missing = ids.filter((_, index) => copies[index] === null);
    if (missing.length === 0) return copies;
    const changes = this.#changes;
    const fetched = await this.#backend.get(missing, options);
    missing.forEach((id, index) => this.#keep(id, fetched[index] ?? null, changes));
    return ids.map((id, index) => copies[index] ?? fetched[missing.indexOf(id)] ?? null);
  }

  async find(pointers: readonly string[], options: CallOptions): Promise<FoundEntry | null> {
    for (const pointer of pointers) {
      const id = this.#pointers.get(pointer);
      const payload = id === undefined ? null : this.#copy(id);
      if (id !== undefined && payload !== null) return { pointer, id, payload };
    }
    const changes = this.#changes;
    const found = await this.#backend.find(pointers, options);
    if (found !== null && this.#keep(found.id, found.payload, changes)) this.#pointers.set(found.pointer, found.id);
    return found;
  }

  put(entry: CacheEntry, options: CallOptions): Promise<void> {
    return this.#backend.put(entry, options);
  }

  purge(filter: PurgeFilter, options: CallOptions): Promise<void> {
    return this.#backend.purge(filter, options);
  }

  state(): BackendState {
    return this.#backend.state();
  }

  close(): Promise<void> {
    this.#clear();
    return this.#backend.close();
  }

  #copy(id: string): Uint8Array | null {
    return this.#backend.state().lagMs > MAX_LAG_MS ? null : (this.#payloads.get(id) ?? null);
  }

  /** #keep leaves out what was fetched before a change that may have meant it. */
  #keep(id: string, payload: Uint8Array | null, changes: number): boolean {
    if (payload === null || changes !== this.#changes) return false;
    this.#payloads.set(id, payload);
    return true;
  }

  #forget(change: Change): void {
    this.#changes += 1;
    if (change.kind === "added") {
      this.#payloads.delete(change.row.id);
      return;
    }
    const ids = change.kind === "purged" ? change.filter.ids : undefined;
    if (ids === undefined) this.#clear();
    else for (const id of ids) this.#payloads.delete(id);
  }

  #clear(): void {
    this.#payloads.clear();
    this.#pointers.clear();
  }
}
