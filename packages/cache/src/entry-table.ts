/**
 * EntryTable is what this process knows of all entries: their rows, and the index of their vectors. The backend tells it every change;
 * nobody else writes. It answers in memory and never waits.
 */
import type { Clock } from "@turnout/shared";
import type { Change, EntryRow, PurgeFilter } from "./backends/backend.ts";
import { matches } from "./backends/memory.ts";
import { indexPartition } from "./identity/index.ts";
import { createVectorIndex, type VectorIndex } from "./index/vector-index.ts";

/** KnownEntry is a row as it is kept here: its vector is in the index, and only there. */
export interface KnownEntry extends Omit<EntryRow, "semantic"> {
  /** Length of its vector; null where it has none. */
  readonly dimension: number | null;
  readonly features: Uint8Array | null;
}

/** Neighbour is an entry whose question is near. */
export interface Neighbour {
  readonly entry: KnownEntry;
  readonly cosine: number;
}

export interface EntryTableOptions {
  readonly maxEntries: number;
  readonly clock: Clock;
}

/** How many entries are looked at for each that comes. */
const SWEPT_PER_ENTRY = 4;

export class EntryTable {
  readonly #entries = new Map<string, KnownEntry>();
  /** Entries with a vector, by the four bytes that the index tells partitions apart by. */
  readonly #compared = new Map<number, number>();
  /** Goes round the entries for ever, a few steps for each that comes, in search of expired ones. */
  #hand: MapIterator<KnownEntry>;
  readonly #maxEntries: number;
  readonly #clock: Clock;
  /** One per length of vectors: encoders of other lengths leave entries that are of no use to each other. */
  readonly #indexes = new Map<number, VectorIndex>();
  #purges = 0;

  constructor({ maxEntries, clock }: EntryTableOptions) {
    this.#maxEntries = maxEntries;
    this.#clock = clock;
    this.#hand = this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** bytes of the vectors' index. */
  get indexBytes(): number {
    return [...this.#indexes.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** purges counts what was taken out on somebody's order: an answer that was asked for before may not be kept after. */
  get purges(): number {
    return this.#purges;
  }

  /** apply takes the next change. */
  apply(change: Change): void {
    switch (change.kind) {
      case "added":
        this.#add(change.row);
        break;
      case "purged":
        if (change.filter.ids === undefined) this.#purges += 1;
        for (const { id } of this.matching(change.filter)) this.#remove(id);
        break;
      case "reset":
        this.#purges += 1;
        this.#entries.clear();
        this.#compared.clear();
        for (const index of this.#indexes.values()) index.clear();
        break;
      default:
        change satisfies never;
    }
  }

  /** matching gives the entries that a purge would take, expired ones left out. */
  matching(filter: PurgeFilter): readonly KnownEntry[] {
    const now = this.#clock.wallMs();
    const known = filter.ids === undefined ? this.#entries.values() : filter.ids.flatMap((id) => this.#entries.get(id) ?? []);
    return [...known].filter((entry) => entry.expiresMs > now && matches(entry, filter));
  }

  get(id: string): KnownEntry | null {
    return this.#entries.get(id) ?? null;
  }

  /** compares is true where some question might be near: then its vector is worth having. */
  compares(partition: Uint8Array): boolean {
    return this.#compared.has(indexPartition(partition));
  }

  /** nearest gives entries of this very partition, the nearest first. */
  nearest(partition: Uint8Array, vector: Float32Array, limit: number): readonly Neighbour[] {
    const index = this.#indexes.get(vector.length);
    if (index === undefined) return [];
    return index.nearest({ partition: indexPartition(partition), vector, nowMs: this.#clock.wallMs(), limit }).flatMap(({ id, cosine }) => {
      const entry = this.#entries.get(id);
      // The index tells partitions apart by four bytes; an entry has all of them.
      return entry === undefined || Buffer.compare(entry.partition, partition) !== 0 ? [] : [{ entry, cosine }];
    });
  }

  #add({ semantic, ...row }: EntryRow): void {
    this.#sweep();
    this.#remove(row.id); // so that the map keeps the order in which entries came
    if (row.expiresMs <= this.#clock.wallMs()) return;
    while (this.#entries.size >= this.#maxEntries) this.#removeOldest();
    this.#entries.set(row.id, { ...row, dimension: semantic?.vector.length ?? null, features: semantic?.features ?? null });
    if (semantic === null) return;
    const { id, expiresMs } = row;
    const partition = indexPartition(row.partition);
    this.#compared.set(partition, (this.#compared.get(partition) ?? 0) + 1);
    this.#indexOf(semantic.vector.length).add(id, { partition, expiresMs, vector: semantic.vector });
  }

  #indexOf(dimension: number): VectorIndex {
    const known = this.#indexes.get(dimension);
    if (known !== undefined) return known;
    const index = createVectorIndex({ dimension, maxEntries: this.#maxEntries, onEvicted: (id) => this.#remove(id) });
    this.#indexes.set(dimension, index);
    return index;
  }

  #remove(id: string): void {
    const entry = this.#entries.get(id);
    if (entry === undefined) return;
    this.#entries.delete(id);
    if (entry.dimension === null) return;
    this.#indexes.get(entry.dimension)?.remove(id);
    const partition = indexPartition(entry.partition);
    const left = (this.#compared.get(partition) ?? 1) - 1;
    if (left === 0) this.#compared.delete(partition);
    else this.#compared.set(partition, left);
  }

  #removeOldest(): void {
    const [oldest] = this.#entries.keys();
    if (oldest !== undefined) this.#remove(oldest);
  }

  #sweep(): void {
    const now = this.#clock.wallMs();
    for (let step = 0; step < SWEPT_PER_ENTRY; step += 1) {
      const { done, value } = this.#hand.next();
      if (done === true) this.#hand = this.#entries.values();
      else if (value.expiresMs <= now) this.#remove(value.id);
    }
  }
}
