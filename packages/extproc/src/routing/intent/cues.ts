/**
 * Cues of what a message wants: which concepts of concepts.ts it has, which it begins with, which stand near each other, and its form
 * (length, question mark, line breaks). They are written as a text of short words, which the embedded tier classifies like any other
 * text; so their weights are trained, and lie in the model. Words say what a message is about, cues what it asks for. One pass over the
 * text; nothing of it is kept. Training uses this file too.
 */
import { CONCEPTS } from "./concepts.ts";

/** Words from one concept to the next that still make a cue. */
const REACH = 5;
/** How many words at the beginning are its opening. */
const OPENING = 2;
/** How many words at the end are its closing. */
const CLOSING = 2;
/** Longest part of a text that is read: what it wants stands at its beginning or its end. */
const MAX_CHARACTERS = 1_200;
/** Longest word of a script without spaces that is looked up. */
const MAX_RUN = 6;

const codes = Object.keys(CONCEPTS);
const COUNT = codes.length;

/** Upper bounds of the number of words in each class of length. */
const LENGTHS: readonly number[] = [2, 5, 9, 15, 30, 80];

const WORD = /[\p{L}\p{M}\p{N}]+/gu;
const UNSPACED = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}]/u;
const IGNORED = /[\u0300-\u036f'’\p{Cf}]/gu;

/** What stands between quotation marks is spoken of, not said. */
const QUOTED =
  /"[^"\n]{2,80}"|“[^”\n]{2,80}”|«[^»\n]{2,80}»|„[^“”\n]{2,80}[“”]|「[^」\n]{1,40}」|(?<=^|[\s(])['‘][^'’\n]{2,60}['’](?=$|[\s,.?!:;)])/g;

/** Marks of form, each of which is a cue. */
const FORMS: Readonly<Record<string, RegExp>> = {
  zq: /[?？؟]/,
  zr: /[?？؟]\s*$/,
  ze: /[!！]/,
  zn: /\d/,
  zm: /\n/,
  zk: /:\s/,
  zp: /["“”«»„「]/,
  zv: /,[^,]+,[^,]+/,
  zc: /[{}<>]|\(\)|```|=>|;\s*$/m,
  zd: /\.{3}|…/,
  zj: /\p{Extended_Pictographic}/u,
  zx: /--\w/,
  zu: /[\p{Ll},;] \p{Lu}\p{Ll}/u,
  zy: /[\p{Ll},;] \p{Lu}\p{Ll}.*[\p{Ll},;] \p{Lu}\p{Ll}/u,
  zg: /\b(1\d{3}|20\d\d)\b/,
  zh: /\d ?(%|percent|mg|kg|km|cm|ml|euros?|dollars?)/i,
  zt: /\d\D+\d\D+\d/,
  zo: /^(?:[^\s.,!?…:;]{1,20} ){0,2}[^\s.,!?…:;]{1,20}[.,!?…:;]{1,3}\s/,
  zs: /[.!?]\s+\S.*[.!?]\s+\S/s,
  zf: /[.!]\s*$/,
  zl: /^\p{Ll}/u,
};

const forms = Object.entries(FORMS);

/** Ways in which a concept may be met. */
const MET = 1;
const OPENED = 2;
const IN_QUOTES = 4;

/** IntentCueReader owns what reading a text needs; one for each thread. */
export class IntentCueReader {
  /** Concepts of each word. */
  readonly #concepts = new Map<string, number[]>();
  /** Place, counted in words, where each concept was last met. */
  readonly #last = new Int32Array(COUNT);
  /** How each concept was met. */
  readonly #ways = new Uint8Array(COUNT);
  /** Pairs that were met (earlier concept * COUNT + later concept), in the order of the text; #seen has 1 for each. */
  readonly #pairs: number[] = [];
  readonly #seen = new Uint8Array(COUNT * COUNT);
  #place = 0;
  /** Several questions are asked of the same message, one after the other. */
  #latest: { readonly text: string; readonly cues: string } | null = null;

  constructor() {
    codes.forEach((code, concept) => {
      for (const word of CONCEPTS[code] ?? []) {
        const plain = plainOf(word);
        this.#concepts.set(plain, [...(this.#concepts.get(plain) ?? []), concept]);
      }
    });
  }

  /** cues are the different cues, as a text of words such as "qwfa". */
  cues(text: string): string {
    const latest = this.#latest?.text === text ? this.#latest : { text, cues: this.#read(text) };
    this.#latest = latest;
    return latest.cues;
  }

  #read(text: string): string {
    this.#begin();
    const whole = text.length <= MAX_CHARACTERS ? text : `${text.slice(0, MAX_CHARACTERS / 2)}\n${text.slice(-MAX_CHARACTERS / 2)}`;
    const said = whole.replace(QUOTED, (quotation) => {
      for (const [word] of plainOf(quotation).matchAll(WORD)) this.#quote(word);
      return " ";
    });
    for (const [word] of plainOf(said).matchAll(WORD)) {
      if (UNSPACED.test(word)) this.#readRun(word);
      else this.#readWord(word);
    }
    return this.#written(whole);
  }

  #begin(): void {
    for (const pair of this.#pairs) this.#seen[pair] = 0;
    this.#pairs.length = 0;
    this.#ways.fill(0);
    this.#last.fill(-REACH - 1);
    this.#place = 0;
  }

  #quote(word: string): void {
    for (const concept of this.#concepts.get(word) ?? NONE) this.#ways[concept] = (this.#ways[concept] as number) | IN_QUOTES;
  }

  #readWord(word: string): void {
    this.#place += 1;
    for (const concept of this.#concepts.get(word) ?? NONE) this.#meet(concept);
  }

  /** #readRun looks for words anywhere in a run of a script without spaces; two of its characters count as a word. */
  #readRun(run: string): void {
    for (let from = 0; from < run.length; from += 1) {
      if (from % 2 === 0) this.#place += 1;
      for (let length = Math.min(MAX_RUN, run.length - from); length > 0; length -= 1) {
        const concepts = this.#concepts.get(run.slice(from, from + length));
        if (concepts === undefined) continue;
        for (const concept of concepts) this.#meet(concept);
        break;
      }
    }
  }

  #meet(concept: number): void {
    this.#ways[concept] = (this.#ways[concept] as number) | MET | (this.#place <= OPENING ? OPENED : 0);
    for (let earlier = 0; earlier < COUNT; earlier += 1) {
      const distance = this.#place - (this.#last[earlier] as number);
      const pair = earlier * COUNT + concept;
      if (distance <= 0 || distance > REACH || this.#seen[pair] === 1) continue;
      this.#seen[pair] = 1;
      this.#pairs.push(pair);
    }
    this.#last[concept] = this.#place;
  }

  #written(text: string): string {
    const lengthClass = LENGTHS.findIndex((bound) => this.#place <= bound);
    let written = `l${"abcdefg"[lengthClass < 0 ? LENGTHS.length : lengthClass]}`;
    for (const [form, pattern] of forms) if (pattern.test(text)) written += ` ${form}`;
    for (let concept = 0; concept < COUNT; concept += 1) {
      const ways = this.#ways[concept] as number;
      if (ways === 0) continue;
      const code = codes[concept];
      if ((ways & MET) !== 0) written += ` x${code}`;
      if ((ways & OPENED) !== 0) written += ` y${code}`;
      if ((ways & IN_QUOTES) !== 0) written += ` v${code}`;
      if ((ways & MET) !== 0 && this.#place - (this.#last[concept] as number) < CLOSING) written += ` w${code}`;
    }
    for (const pair of this.#pairs) written += ` ${codes[Math.floor(pair / COUNT)]}${codes[pair % COUNT]}`;
    return written;
  }
}

const NONE: readonly number[] = [];

/** plainOf is a text as words are compared: compatibility forms folded, lower case, without accents, apostrophes and what nobody sees. */
const plainOf = (text: string) => text.normalize("NFKD").toLowerCase().replace(IGNORED, "");
