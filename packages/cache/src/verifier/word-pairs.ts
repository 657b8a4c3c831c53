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
    const bits = new Uint8Array(Math.ceil((pairs.length * BITS_PER_PAIR) / 8));
    for (const pair of pairs) {
      const [first, step] = hashesOf(pair);
      for (let probe = 0; probe < PROBES; probe += 1) {
        const place = placeOf(first, step, probe, bits.length);
        bits[place >>> 3] = (bits[place >>> 3] as number) | (1 << (place & 7));
      }
    }
    return new WordPairs(bits);
  }

  has(one: string, other: string): boolean {
    if (this.bits.length === 0) return false;
    const [first, step] = hashesOf(one < other ? `${one} ${other}` : `${other} ${one}`);
    for (let probe = 0; probe < PROBES; probe += 1) {
      const place = placeOf(first, step, probe, this.bits.length);
      if (((this.bits[place >>> 3] as number) & (1 << (place & 7))) === 0) return false;
    }
    return true;
  }
}

function hashesOf(pair: string): readonly [first: number, step: number] {
  const first = hashMark(pair);
  return [first, Math.imul(first, 0x9e3779b1) | 1];
}

const placeOf = (first: number, step: number, probe: number, bytes: number): number =>
  ((first + Math.imul(probe, step)) >>> 0) % (bytes * 8);

const BITS_PER_PAIR = 10;
