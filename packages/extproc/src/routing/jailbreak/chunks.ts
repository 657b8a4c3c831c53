/**
 * Cuts texts into overlapping chunks. A short attack in a long text is a small part of it and a large part of one chunk, whose score does
 * not depend on how much stands around it. Training cuts with this file too. Pure; copies nothing until a chunk is asked for.
 */

/** Cut says how texts are cut, in UTF-16 units. What is no longer than `length - stride` stands whole in some chunk. */
export interface Cut {
  readonly length: number;
  /** From one chunk's beginning to the next one's. */
  readonly stride: number;
}

/** TIER_CUT is what the embedded tier reads at once: about 130 English words, 30 of them shared with the next chunk. */
export const TIER_CUT: Cut = { length: 800, stride: 600 };

/** Chunks are all chunks of some texts, numbered in the order of the texts. An empty text has none. */
export class Chunks {
  readonly count: number;
  readonly #texts: readonly string[];
  readonly #cut: Cut;
  /** Number of chunks before each text. */
  readonly #offsets: Uint32Array;

  constructor(texts: readonly string[], cut: Cut) {
    this.#texts = texts;
    this.#cut = cut;
    this.#offsets = new Uint32Array(texts.length);
    let count = 0;
    texts.forEach((text, index) => {
      this.#offsets[index] = count;
      if (text !== "") count += 1 + Math.max(0, Math.ceil((text.length - cut.length) / cut.stride));
    });
    this.count = count;
  }

  /** at is one chunk. The last one of a long text is as long as the others, so that an ending is judged with what led to it. */
  at(chunk: number): string {
    const index = this.textOf(chunk);
    const text = this.#texts[index] as string;
    const { length, stride } = this.#cut;
    const start = Math.max(0, Math.min((chunk - (this.#offsets[index] as number)) * stride, text.length - length));
    return text.slice(start, start + length);
  }

  /** textOf is the number of the text that a chunk is of: the last one that begins at or before it, as empty ones begin where the next does. */
  textOf(chunk: number): number {
    let low = 0;
    let high = this.#offsets.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >>> 1;
      if ((this.#offsets[middle] as number) <= chunk) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  /** all are the chunks as strings, for training. */
  all(): string[] {
    return Array.from({ length: this.count }, (_, chunk) => this.at(chunk));
  }
}
