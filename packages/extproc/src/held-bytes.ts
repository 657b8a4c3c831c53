/**
 * Body bytes that requests hold while they wait for the rest of a body or for a decision. HeldBytes is the one account of a door,
 * shared by its requests; BodyCollector is one request's part of it. Both doors, envoy/ and gateway/, collect bodies with it.
 */

/** HeldBytes counts the bytes that all open requests hold together; `report` is told each new total. */
export class HeldBytes {
  #total = 0;
  readonly #report: (total: number) => void;

  constructor(report: (total: number) => void) {
    this.#report = report;
  }

  get total(): number {
    return this.#total;
  }

  /** reserve takes `bytes` unless the total would pass `limit`. */
  reserve(bytes: number, limit: number): boolean {
    if (this.#total + bytes > limit) return false;
    this.#total += bytes;
    this.#report(this.#total);
    return true;
  }

  release(bytes: number): void {
    this.#total -= bytes;
    this.#report(this.#total);
  }
}

export interface CollectorLimits {
  readonly maxBodyBytes: number;
  readonly maxHeldBytes: number;
}

const EMPTY = Buffer.alloc(0);

/** BodyCollector gathers one body. A single chunk, the usual case, is kept as it came and never copied. */
export class BodyCollector {
  readonly #held: HeldBytes;
  readonly #limits: CollectorLimits;
  #buffer: Buffer = EMPTY;
  #length = 0;
  #reserved = 0;

  constructor(held: HeldBytes, limits: CollectorLimits) {
    this.#held = held;
    this.#limits = limits;
  }

  get length(): number {
    return this.#length;
  }

  /** add holds one more chunk, or says why not and leaves everything as it was. */
  add(chunk: Buffer): "held" | "too_large" | "no_room" {
    const length = this.#length + chunk.length;
    if (length > this.#limits.maxBodyBytes) return "too_large";
    if (!this.#held.reserve(chunk.length, this.#limits.maxHeldBytes)) return "no_room";
    this.#reserved += chunk.length;
    if (this.#length === 0) {
      this.#buffer = chunk;
    } else if (chunk.length > 0) {
      // Copied into one growing buffer: a body sent as a million small chunks must not cost a million objects.
      if (length > this.#buffer.length) {
        const grown = Buffer.allocUnsafe(Math.max(length, 2 * this.#buffer.length));
        this.#buffer.copy(grown, 0, 0, this.#length);
        this.#buffer = grown;
      }
      chunk.copy(this.#buffer, this.#length);
    }
    this.#length = length;
    return "held";
  }

  /** bytes are those held so far, as one piece. */
  bytes(): Buffer {
    return this.#buffer.subarray(0, this.#length);
  }

  /** release gives the room back; what bytes() returned stays valid. Safe to call twice. */
  release(): void {
    if (this.#reserved > 0) this.#held.release(this.#reserved);
    this.#reserved = 0;
    this.#buffer = EMPTY;
    this.#length = 0;
  }
}
