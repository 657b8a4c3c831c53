/** WordPairs is a Bloom filter of pairs of words that mean the same: it knows every pair that it was given, and one in a hundred others. Pure. */
import { hashMark } from "../guards/hash.ts";

const PROBES = 7;

export class WordPairs {
  readonly bits: Uint8Array;

  constructor(bits: Uint8Array) {
    this.bits = bits;
  }

  /** of makes the filter of pairs "one other", in alphabetical order. */
  static of(pairs: readonly string[]): WordPairs {
    const filter = new WordPairs(new Uint8Array(Math.ceil((pairs.length * BITS_PER_PAIR) / 8)));
    for (const pair of pairs) {
      for (const place of filter.#places(pair)) filter.bits[place >>> 3] = (filter.bits[place >>> 3] as number) | (1 << (place & 7));
    }
    return filter;
  }

  has(one: string, other: string): boolean {
    if (this.bits.length === 0) return false;
    return this.#places(one < other ? `${one} ${other}` : `${other} ${one}`).every(
      (place) => ((this.bits[place >>> 3] as number) & (1 << (place & 7))) !== 0,
    );
  }

  #places(pair: string): number[] {
    const size = this.bits.length * 8;
    const first = hashMark(pair);
    const step = hashMark(`${pair}.`) | 1;
    return Array.from({ length: PROBES }, (_, i) => ((first + Math.imul(i, step)) >>> 0) % size);
  }
}

const BITS_PER_PAIR = 10;
