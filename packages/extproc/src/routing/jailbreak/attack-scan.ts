/**
 * The scan of one request's texts for attacks, a slice of work at a time. It first goes through all chunks counting cues, which is cheap,
 * and reads at once those that have many; then it reads the others, those with more cues first. An attack is thus found early, wherever it
 * stands, and a deadline that comes too soon cuts off what looks harmless. Linear in the length of the texts; keeps five bytes for each
 * chunk and no text. Called by the jailbreak signal.
 */
import type { AttackScale } from "./attack-scale.ts";
import { Chunks, TIER_CUT } from "./chunks.ts";

/** Work of one slice, in units of 10 us on a server's core: counting a chunk's cues takes 1, reading it some 10. */
const SLICE = 240;
const READING = 10;
/** Chunks that are read in one slice. */
const READ_AT_ONCE = SLICE / READING;
/** Cues from which a chunk is read before others have been looked at. One ordinary chunk in a hundred has as many. */
const MANY_CUES = 20;
/** Stands for the cues of a chunk that has been read. */
const DONE = 255;

export class AttackScan {
  readonly #scale: AttackScale;
  readonly #chunks: Chunks;
  readonly #cues: Uint8Array;
  /** Chunks not yet read, in the order in which they will be; null until the cues of all are counted. */
  #order: Uint32Array | null = null;
  #next = 0;
  #ranked = 0;
  #read = 0;
  #highest = 0;
  #highestInFirst = 0;

  constructor(scale: AttackScale, texts: readonly string[]) {
    this.#scale = scale;
    this.#chunks = new Chunks(texts, TIER_CUT);
    this.#cues = new Uint8Array(this.#chunks.count);
  }

  /** True for so few chunks that one slice of work reads them all, whatever their cues. */
  get isShort(): boolean {
    return this.#chunks.count <= READ_AT_ONCE;
  }

  get isDone(): boolean {
    return this.#read === this.#chunks.count;
  }

  /** highest is the highest risk of a chunk read so far. */
  get highest(): number {
    return this.#highest;
  }

  /** highestInFirst is the same for chunks of the first text. */
  get highestInFirst(): number {
    return this.#highestInFirst;
  }

  /** advance does one slice of work. */
  advance(): void {
    if (this.#order === null) this.#rank();
    else for (let left = READ_AT_ONCE; left > 0 && !this.isDone; left -= 1) this.#readChunk(this.#order[this.#next++] as number);
  }

  #rank(): void {
    const { count } = this.#chunks;
    for (let work = 0; work < SLICE && this.#ranked < count; work += 1, this.#ranked += 1) {
      const cues = this.isShort ? MANY_CUES : this.#scale.cues(this.#chunks.at(this.#ranked));
      this.#cues[this.#ranked] = cues;
      if (cues < MANY_CUES) continue;
      this.#readChunk(this.#ranked);
      this.#cues[this.#ranked] = DONE;
      work += READING - 1;
    }
    if (this.#ranked === count) this.#order = mostFirst(this.#cues);
  }

  #readChunk(chunk: number): void {
    const risk = this.#scale.risk(this.#chunks.at(chunk));
    this.#read += 1;
    this.#highest = Math.max(this.#highest, risk);
    if (this.#chunks.textOf(chunk) === 0) this.#highestInFirst = Math.max(this.#highestInFirst, risk);
  }
}

/** mostFirst is the places of the values below MANY_CUES, the largest first and equal ones in order: a counting sort. */
function mostFirst(values: Uint8Array): Uint32Array {
  const starts = new Uint32Array(MANY_CUES + 1);
  for (const value of values) if (value !== DONE) starts[MANY_CUES - value] = (starts[MANY_CUES - value] as number) + 1;
  for (let rank = 1; rank < starts.length; rank += 1) starts[rank] = (starts[rank] as number) + (starts[rank - 1] as number);
  const order = new Uint32Array(starts[MANY_CUES] as number);
  values.forEach((value, place) => {
    if (value === DONE) return;
    const rank = MANY_CUES - 1 - value;
    order[starts[rank] as number] = place;
    starts[rank] = (starts[rank] as number) + 1;
  });
  return order;
}
