/**
 * Features of a text for the embedded tier: its words, its pairs of neighbouring words and the character n-grams of its words, each
 * hashed to a row of the weight tables. Training and serving share this file, so that a model always reads what it was trained on.
 * Hot path: one pass over the text, no strings and no closures per word.
 */

/** Rows of each kind of feature; a table has ROWS rows in all. Words have few neighbours in their buckets, so that "unknown" means something. */
const WORD_ROWS = 1 << 17;
const PAIR_ROWS = 1 << 17;
const GRAM_ROWS = 1 << 18;
export const ROWS = WORD_ROWS + PAIR_ROWS + GRAM_ROWS;
/** FIRST_PAIR_ROW and FIRST_GRAM_ROW: words come first, then pairs, then n-grams. */
export const FIRST_PAIR_ROW = WORD_ROWS;
export const FIRST_GRAM_ROW = WORD_ROWS + PAIR_ROWS;

/** FEATURES_VERSION changes whenever the same text gives other rows; a model trained on another version is refused. */
export const FEATURES_VERSION = 1;

/** Features of one text. The arrays are the caller's. */
export interface Features {
  /** Distinct rows. */
  readonly rows: Uint32Array;
  /** The rows among them that stand for single words, in the order of the text. */
  readonly words: Uint32Array;
  /** Share of the letters that belong to none of the given scripts, 0 to 1. */
  readonly foreign: number;
}

/** Longest part of a text that is read, in UTF-16 units: half from its beginning, half from its end. About 1,200 words. */
export const MAX_CHARS = 8192;
/** Characters of a word that are cut into n-grams: a pasted key is no word. */
const MAX_WORD = 32;
const MIN_GRAM = 3;
const MAX_GRAM = 5;
/** Scripts written without spaces are cut into runs of one to four characters, whatever a word may be. */
const MAX_RUN_GRAM = 4;

const WORD_SEED = 0x811c9dc5 | 0;
const GRAM_SEED = 0x9747b28c | 0;
const EDGE = 0x5f; // "_" at both ends of a word

/** What a UTF-16 unit is. Surrogates are symbols: an emoji is a word of its own. */
const SPACE = 0;
const LETTER = 1;
const DIGIT = 2;
const SYMBOL = 3;
const UNSPACED = 4;
const UNKNOWN = 255;

const letterLike = /[\p{L}\p{M}]/u;
const digitLike = /\p{N}/u;
const spaceLike = /[\s\p{C}]/u;
const unspaced = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}ー\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u;
/** Zero-width and other format characters, by which "ig\u200bnore" would be no known word. */
const invisible = /\p{Cf}/gu;
const accented = /[\u00c0-\u024f\u1e00-\u1eff]/g;

/** withoutAccent: people leave accents out; "é" and "e" are one letter here. Letters that are no accented ones (ß, ø) stay. */
const withoutAccent = (letter: string) => letter.normalize("NFD")[0] as string;

/** readable is the text as features see it: compatibility forms folded, lower case, Latin letters without accents, every digit a 0. */
export function readable(text: string): string {
  const whole = text.length <= MAX_CHARS ? text : `${text.slice(0, MAX_CHARS / 2)} ${text.slice(-MAX_CHARS / 2)}`;
  return whole.normalize("NFKC").toLowerCase().replace(invisible, "").replace(accented, withoutAccent).replace(/[0-9]/g, "0");
}

const mixIn = (hash: number, unit: number) => Math.imul(hash ^ unit, 0x01000193);

/** spread makes all bits of a hash depend on all others (murmur3's finalizer). */
function spread(hash: number): number {
  let h = hash;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Featurizer owns the buffers that texts are cut up in; one for each thread. */
export class Featurizer {
  /** Kind of every UTF-16 unit met so far; asking a regular expression once per unit is enough. */
  readonly #kinds = new Uint8Array(65_536).fill(UNKNOWN);
  readonly #foreign = new Uint8Array(65_536);
  readonly #covered: RegExp;
  /** Rows already in #rows carry the generation of the present text. */
  readonly #seen = new Uint8Array(ROWS);
  #generation = 0;
  /** Every unit gives at most two words' rows and MAX_GRAM n-grams; normalization may lengthen a text (ﷺ becomes 18 letters). */
  #rows = new Uint32Array(8192);
  #count = 0;
  #words = new Uint32Array(1024);
  #wordCount = 0;

  /** `scripts` are Unicode script names that the models know; letters of others are foreign. */
  constructor(scripts: readonly string[]) {
    this.#covered = new RegExp(`[${["Common", "Inherited", ...scripts].map((script) => `\\p{Script=${script}}`).join("")}]`, "u");
  }

  /** features cuts up one text. */
  features(text: string): Features {
    this.#begin();
    const read = readable(text);
    let previous = WORD_SEED;
    let letters = 0;
    let foreign = 0;
    let at = 0;
    while (at < read.length) {
      const kind = this.#kindOf(read.charCodeAt(at));
      if (kind === SPACE) {
        at += 1;
        continue;
      }
      const start = at;
      let hash = WORD_SEED;
      do {
        const unit = read.charCodeAt(at);
        hash = mixIn(hash, unit);
        if (kind !== SYMBOL) {
          letters += 1;
          foreign += this.#foreign[unit] as number;
        }
        at += 1;
      } while (at < read.length && this.#continues(kind, read.charCodeAt(at)));
      this.#addWord(spread(hash) & (WORD_ROWS - 1));
      this.#add(FIRST_PAIR_ROW + (spread(mixIn(Math.imul(previous, 31), hash)) & (PAIR_ROWS - 1)));
      previous = hash;
      if (kind === UNSPACED) this.#addRuns(read, start, at);
      else if (kind !== SYMBOL) this.#addGrams(read, start, Math.min(at, start + MAX_WORD));
    }
    return {
      rows: this.#rows.slice(0, this.#count),
      words: this.#words.slice(0, this.#wordCount),
      foreign: letters === 0 ? 0 : foreign / letters,
    };
  }

  /** #addGrams adds the n-grams of one word between its edges. */
  #addGrams(text: string, start: number, end: number): void {
    for (let from = start - 1; from < end; from += 1) {
      let hash = GRAM_SEED;
      for (let length = 1; length <= MAX_GRAM && from + length <= end + 1; length += 1) {
        const at = from + length - 1;
        hash = mixIn(hash, at < start || at === end ? EDGE : text.charCodeAt(at));
        if (length >= MIN_GRAM) this.#add(FIRST_GRAM_ROW + (spread(hash + length) & (GRAM_ROWS - 1)));
      }
    }
  }

  /** #addRuns adds what begins at each character of a script without spaces. */
  #addRuns(text: string, start: number, end: number): void {
    for (let from = start; from < end; from += 1) {
      let hash = GRAM_SEED;
      for (let length = 1; length <= MAX_RUN_GRAM && from + length <= end; length += 1) {
        hash = mixIn(hash, text.charCodeAt(from + length - 1));
        this.#add(FIRST_GRAM_ROW + (spread(hash + length) & (GRAM_ROWS - 1)));
      }
    }
  }

  #begin(): void {
    this.#count = 0;
    this.#wordCount = 0;
    this.#generation += 1;
    if (this.#generation === 256) {
      this.#seen.fill(0);
      this.#generation = 1;
    }
  }

  #add(row: number): boolean {
    if (this.#seen[row] === this.#generation) return false;
    this.#seen[row] = this.#generation;
    if (this.#count === this.#rows.length) this.#rows = grown(this.#rows);
    this.#rows[this.#count] = row;
    this.#count += 1;
    return true;
  }

  #addWord(row: number): void {
    if (!this.#add(row)) return;
    if (this.#wordCount === this.#words.length) this.#words = grown(this.#words);
    this.#words[this.#wordCount] = row;
    this.#wordCount += 1;
  }

  #continues(kind: number, unit: number): boolean {
    if (kind === SYMBOL) return false;
    const next = this.#kindOf(unit);
    return kind === UNSPACED ? next === UNSPACED : next === LETTER || next === DIGIT;
  }

  #kindOf(unit: number): number {
    const known = this.#kinds[unit] as number;
    return known === UNKNOWN ? this.#learn(unit) : known;
  }

  #learn(unit: number): number {
    const letter = String.fromCharCode(unit);
    const surrogate = unit >= 0xd800 && unit <= 0xdfff;
    const kind = surrogate
      ? SYMBOL
      : spaceLike.test(letter)
        ? SPACE
        : unspaced.test(letter)
          ? UNSPACED
          : letterLike.test(letter)
            ? LETTER
            : digitLike.test(letter)
              ? DIGIT
              : SYMBOL;
    this.#kinds[unit] = kind;
    this.#foreign[unit] = kind !== SYMBOL && !this.#covered.test(letter) ? 1 : 0;
    return kind;
  }
}

function grown(array: Uint32Array<ArrayBuffer>): Uint32Array<ArrayBuffer> {
  const larger = new Uint32Array(array.length * 2);
  larger.set(array);
  return larger;
}
