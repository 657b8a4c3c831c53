/**
 * Cues of an attack: two concepts of concepts.ts within a few words of each other, in this order ("ignore … instructions", "you … are").
 * The cues of a chunk are written as a text of two-letter words, which the embedded tier classifies like any other text; so their
 * weights are trained, and lie in the model. One pass, no regular expression, nothing kept of the text. Training uses this file too.
 */
import { CONCEPTS } from "./concepts.ts";

/** Words from one concept to the next that still make a cue. */
const REACH = 8;

const letters = Object.keys(CONCEPTS);
const COUNT = letters.length;

/** CueReader owns what reading a text needs; one for each thread. */
export class CueReader {
  /** Concepts of a word, as bits, by the word's hash: of 32 bits for some 600 words, so that others practically never share one. */
  readonly #concepts = new Map<number, number>();
  /** Place, counted in words, where each concept was last met. */
  readonly #last = new Int32Array(COUNT);
  /** 1 for each pair (earlier concept * COUNT + later concept) that was met. */
  readonly #met = new Uint8Array(COUNT * COUNT);
  #cues = 0;

  constructor() {
    letters.forEach((letter, concept) => {
      for (const word of CONCEPTS[letter] ?? []) {
        const hash = hashOf(word);
        this.#concepts.set(hash, (this.#concepts.get(hash) ?? 0) | (1 << concept));
      }
    });
  }

  /** count is the number of different cues. */
  count(text: string): number {
    this.#read(text);
    return this.#cues;
  }

  /** cues are the different cues, as a text of words such as "ac". */
  cues(text: string): string {
    this.#read(text);
    if (this.#cues === 0) return "";
    let written = "";
    this.#met.forEach((met, pair) => {
      if (met === 1) written += `${letters[Math.floor(pair / COUNT)]}${letters[pair % COUNT]} `;
    });
    return written;
  }

  #read(text: string): void {
    this.#met.fill(0);
    this.#last.fill(-REACH - 1);
    this.#cues = 0;
    const read = text.normalize("NFKD").toLowerCase();
    let hash = SEED;
    let letterCount = 0;
    let place = 0;
    for (let at = 0; at <= read.length; at += 1) {
      const unit = at === read.length ? 0 : read.charCodeAt(at);
      if (isPassedOver(unit)) continue;
      if (isLetter(unit)) {
        hash = mixIn(hash, unit);
        letterCount += 1;
      } else if (letterCount > 0) {
        place += 1;
        const concepts = this.#concepts.get(hash);
        if (concepts !== undefined) this.#meet(concepts, place);
        hash = SEED;
        letterCount = 0;
      }
    }
  }

  #meet(concepts: number, place: number): void {
    for (let later = 0; later < COUNT; later += 1) {
      if ((concepts & (1 << later)) === 0) continue;
      for (let earlier = 0; earlier < COUNT; earlier += 1) {
        const pair = earlier * COUNT + later;
        if (place - (this.#last[earlier] as number) > REACH || this.#met[pair] === 1) continue;
        this.#met[pair] = 1;
        this.#cues += 1;
      }
    }
    for (let concept = 0; concept < COUNT; concept += 1) if ((concepts & (1 << concept)) !== 0) this.#last[concept] = place;
  }
}

const SEED = 0x811c9dc5 | 0;
const mixIn = (hash: number, unit: number) => Math.imul(hash ^ unit, 0x01000193);

function hashOf(word: string): number {
  let hash = SEED;
  for (let at = 0; at < word.length; at += 1) if (!isPassedOver(word.charCodeAt(at))) hash = mixIn(hash, word.charCodeAt(at));
  return hash;
}

/** isPassedOver is true of what belongs to a word and is not read: accents that NFKD has taken off, apostrophes, characters nobody sees. */
function isPassedOver(unit: number): boolean {
  if (unit < 0x80) return unit === 0x27;
  return (
    unit === 0xad ||
    (unit >= 0x300 && unit <= 0x36f) ||
    (unit >= 0x200b && unit <= 0x200f) ||
    unit === 0x2019 ||
    (unit >= 0x2060 && unit <= 0x2064) ||
    unit === 0xfeff
  );
}

/** isLetter is true of what words consist of: letters and digits; beyond ASCII, of all but punctuation and spaces. */
function isLetter(unit: number): boolean {
  if (unit < 0x80) return (unit >= 0x61 && unit <= 0x7a) || (unit >= 0x30 && unit <= 0x39);
  return unit >= 0xc0 && (unit < 0x2000 || unit > 0x206f) && (unit < 0x3000 || unit > 0x303f);
}
