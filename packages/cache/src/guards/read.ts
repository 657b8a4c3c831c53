/**
 * Reads a question as the guards and the pair verifier see it: its wrapping stripped, then cut into words, numbers, symbols and protected
 * spans (code, quotations), each in one spelling. Two questions with the same `key` ask the same and nobody needs to judge them. Pure.
 */
import { numberWords, ordinalWords, romanNumerals, scaleWords, shyUnits, unitOf } from "./numbers.ts";
import { spellings } from "./spelling.ts";
import { stripWrapping } from "./strip.ts";

/** Token is one word or sign of a question. */
export interface Token {
  readonly kind: "word" | "number" | "symbol" | "span";
  /** In the one spelling: lower case, American, contractions and abbreviations spelled out; digits for numbers; spans as they stand. */
  readonly text: string;
  /** As it stands in the question. */
  readonly raw: string;
  /** Whether it begins with a capital where an ordinary word would not, or has one within. */
  readonly named: boolean;
  /** Whether it stands right behind the token before it, without a space. */
  readonly joined: boolean;
}

/** Reading is a question read. */
export interface Reading {
  readonly tokens: readonly Token[];
  /** The tokens in one line. */
  readonly key: string;
  /** What looks like code, chunk by chunk. */
  readonly code: readonly string[];
  /** Share of the letters that are not Latin, 0 to 1. */
  readonly foreign: number;
}

/** Longest question that is read, in UTF-16 units and in tokens: aligning takes the square of them. Longer ones are never like another. */
const MAX_CHARS = 1_024;
const MAX_TOKENS = 96;
/** A drawn line, a wall of pictures: nobody asks that, and patterns are slow on it. */
const wall = /[^\p{L}\p{N}]{24}/u;

const token =
  /```[\s\S]*?```|`[^`\n]+`|"[^"\n]+"|(?<![\p{L}\p{N}])'[^'\n]+'(?![\p{L}\p{N}])|\d{1,3}(?:,\d{3})+(?:\.\d+)?(?![\d.,]*\d)|\d+(?:[.:]\d+)*|\p{L}[\p{L}\p{M}]*(?:(?:['._-]|(?=\p{N}))[\p{L}\p{N}][\p{L}\p{M}]*)*(?:\+\+|#)?|[^\s\p{L}\p{N}]/gu;
const punctuation = /^(?:[,.!?;:"'()¿¡«»…、。，！？；：（）「」『』“”„]|\u200d|\ufe0f)$/u;
const sentenceEnd = /(?:^|[.!?:;…\n]|[-–—]\s)\s*["'(]*$/u;
const foreignLetter = /[^\P{L}\p{Script=Latin}]/u;
const invisible = /[\u200b-\u200f\u2060\ufeff\u00ad]/gu;

/** shouted are acronyms that are ordinary words in lower case; their text gets a mark, "who^". */
export const shouted: ReadonlySet<string> = new Set(
  "US IT WHO AIDS ACT SAT OR IN AM PM ME MS AN AS NO SO GO IS ON AT ALL PER CAN MAY ICE RAM RIP PIN SIM TIP".split(" "),
);

/** Signs that prose has no use for. */
const coded = /[{}[\]\\|<>=~^_*`]|(?:^|\s)(?:\.{0,2}\/|--?)\w|\w\(|\/\/|::|\?\?|\?\.|(?<!\p{L})#\w|-{3}|\.{4}/u;
const codeChunk = /\S*(?:[{}[\]\\|<>=~^_*]|::|\/\/|\?\?|\?\.|-{3})\S*|(?<=\s|^)(?:\.{0,2}\/(?:\w\S*)?|--?\w\S*)|\w+\(\S*/gu;

/** readQuestion gives null for a text that is empty or too long to be compared. */
export function readQuestion(text: string): Reading | null {
  if (text.length > MAX_CHARS || wall.test(text)) return null;
  const plain = text
    .normalize("NFC")
    .replaceAll(invisible, "")
    .replaceAll(/[‘’ʼ´]/gu, "'")
    .replaceAll(/[“”„«»]/gu, '"')
    .replaceAll(/[‐‑‒]/gu, "-");
  const asked = stripWrapping(plain);
  const loud = asked.length > 3 && asked === asked.toUpperCase();
  const tokens: Token[] = [];
  let letters = 0;
  let foreign = 0;
  let end = -1;
  for (const found of asked.matchAll(token)) {
    const raw = found[0];
    const joined = found.index === end;
    end = found.index + raw.length;
    const first = raw.charCodeAt(0);
    if (raw.length > 1 && (first === 0x22 || first === 0x27 || first === 0x60)) {
      tokens.push({ kind: "span", text: spanText(raw), raw, named: false, joined });
    } else if (first >= 0x30 && first <= 0x39) {
      tokens.push({ kind: "number", text: plainNumber(raw), raw, named: false, joined });
    } else if (/^\p{L}/u.test(raw)) {
      const initial = sentenceEnd.test(asked.slice(Math.max(0, found.index - 4), found.index));
      for (const letter of raw) {
        letters += 1;
        if (foreignLetter.test(letter)) foreign += 1;
      }
      pushWord(tokens, raw, joined, loud, initial);
    } else if (!punctuation.test(raw)) {
      if (raw === "%") tokens.push({ kind: "word", text: "percent", raw, named: false, joined });
      else tokens.push({ kind: "symbol", text: raw === "–" || raw === "—" ? "-" : raw, raw, named: false, joined });
    }
  }
  if (tokens.length === 0 || tokens.length > MAX_TOKENS) return null;
  const folded = foldNumbers(tokens);
  // Signs decide what code means, and blanks and capitals may.
  const key = coded.test(asked) ? asked.replaceAll(/\s+/g, " ") : keyOf(folded);
  return { tokens: folded, key, code: asked.match(codeChunk) ?? [], foreign: letters === 0 ? 0 : foreign / letters };
}

/** spanText is a quotation by its words, code as it stands. */
function spanText(raw: string): string {
  if (raw.startsWith("`")) return raw.replaceAll("`", "").trim();
  return raw.slice(1, -1).trim();
}

/** plainNumber without the commas between thousands and zeros after the point. */
function plainNumber(raw: string): string {
  const digits = raw.replaceAll(",", "");
  return /^(?:\d+\.\d*0+|0\d{1,3})$/.test(digits) ? String(Number(digits)) : digits;
}

function pushWord(tokens: Token[], raw: string, joined: boolean, loud: boolean, initial: boolean): void {
  const lower = raw.toLowerCase();
  const inner = raw.slice(1) !== lower.slice(1);
  const capital = raw[0] !== lower[0];
  const named = !loud && lower !== "i" && !lower.startsWith("i'") && (inner || (capital && !initial) || (/\d/.test(raw) && capital));
  if (!loud && shouted.has(raw)) {
    tokens.push({ kind: "word", text: `${lower}^`, raw, named: true, joined });
    return;
  }
  const whole = spellings.get(lower);
  if (whole !== undefined) {
    for (const [i, text] of whole.entries()) tokens.push({ kind: "word", text, raw, named, joined: joined || i > 0 });
    return;
  }
  const bare = lower.endsWith("'s") ? lower.slice(0, -2) : lower;
  if (bare.includes("-")) {
    // "well-known" and "well known" are the same two words, "level-3" and "level 3" the same word and number.
    for (const [i, part] of bare.split("-").entries()) {
      const near = joined || i > 0;
      if (/^\d+$/.test(part)) tokens.push({ kind: "number", text: plainNumber(part), raw: part, named: false, joined: near });
      else for (const text of spellings.get(part) ?? [part]) tokens.push({ kind: "word", text, raw: part, named, joined: near });
    }
    return;
  }
  const roman = tokens.at(-1)?.named === true ? romanNumerals.get(raw) : undefined;
  if (roman !== undefined) tokens.push({ kind: "number", text: String(roman), raw, named: false, joined });
  else tokens.push({ kind: "word", text: spellings.get(bare)?.join(" ") ?? bare, raw, named, joined });
}

/** foldNumbers turns number words into digits: "twenty five thousand" is 25000. */
function foldNumbers(tokens: readonly Token[]): Token[] {
  const folded: Token[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    const here = tokens[i] as Token;
    const ordinal = here.kind === "word" ? ordinalWords.get(here.text) : undefined;
    if (ordinal !== undefined) {
      folded.push({ ...here, kind: "number", text: String(ordinal), named: false });
      continue;
    }
    let value =
      here.kind === "number" && /^\d+(?:\.\d+)?$/.test(here.text)
        ? Number(here.text)
        : here.kind === "word"
          ? numberWords.get(here.text)
          : undefined;
    const next = tokens[i + 1];
    if (here.kind === "number" && next?.joined === true && /^(?:st|nd|rd|th)$/.test(next.text)) {
      folded.push(here.text === "1" || here.text === "2" ? { ...here, kind: "word", text: here.text === "1" ? "first" : "second" } : here);
      i += 1;
      continue;
    }
    if (
      here.kind === "symbol" &&
      here.text === "-" &&
      here.joined &&
      next?.joined === true &&
      next.kind === "word" &&
      tokens[i - 1]?.kind === "number"
    )
      continue;
    if (here.kind === "word" && here.text === "a" && next !== undefined && scaleWords.has(next.text) && tokens[i - 1]?.text !== "half")
      value = 1;
    if (value === undefined || (here.text === "one" && !isCounted(next))) {
      folded.push(here);
      continue;
    }
    let taken = i;
    if (here.kind === "word" && value >= 20 && value < 100 && next?.kind === "word") {
      const small = numberWords.get(next.text);
      if (small !== undefined && small > 0 && small < 10) [value, taken] = [value + small, i + 1];
    }
    for (let at = taken + 1; at < tokens.length; at += 1) {
      const scale = scaleOf(tokens[at] as Token);
      if (scale === undefined) break;
      value *= scale;
      taken = at;
    }
    folded.push(taken === i && here.kind === "number" ? here : { ...here, kind: "number", text: String(value), named: false });
    i = taken;
  }
  return folded;
}

/** scaleOf "thousand", and of the k of 10k. */
function scaleOf({ kind, text, joined }: Token): number | undefined {
  if (kind !== "word") return undefined;
  return joined && text === "k" ? 1_000 : scaleWords.get(text);
}

/** isCounted tells whether "one" before this token is a number, not a pronoun. */
function isCounted(next: Token | undefined): boolean {
  return next?.kind === "word" && (scaleWords.has(next.text) || (unitOf.has(next.text) && !shyUnits.has(next.text)));
}

/** Words that a question may have or not without asking anything else. */
const idle: ReadonlySet<string> = new Set("a an the please kindly just".split(" "));
const indirectObject: ReadonlySet<string> = new Set(
  "write give show draft make create suggest recommend list generate find tell explain".split(" "),
);
const asking: ReadonlySet<string> = new Set("how what where when why who".split(" "));

/** keyOf writes the tokens in one line; spans keep their marks, so that code never equals words. */
function keyOf(tokens: readonly Token[]): string {
  let key = "";
  for (let i = 0; i < tokens.length; i += 1) {
    const { kind, text, joined } = tokens[i] as Token;
    const before = tokens[i - 1];
    if (kind === "word" && before?.kind !== "span") {
      if (idle.has(text)) continue;
      if (text === "me" && before !== undefined && indirectObject.has(before.text)) continue;
      if ((text === "do" || text === "does") && before !== undefined && asking.has(before.text)) continue;
    }
    key += kind === "span" ? ` «${text}»` : kind === "symbol" && joined ? text : ` ${text}`;
  }
  return key.trim();
}

/** sameQuestion tells whether two questions are the same after folding; accents may be missing from one of them, as people type on phones. */
export function sameQuestion({ key: now }: Reading, { key: stored }: Reading): boolean {
  if (now === stored) return true;
  if (now.length !== stored.length || !accented.test(now + stored)) return false;
  const [plainNow, plainStored] = [withoutAccents(now), withoutAccents(stored)];
  return plainNow === plainStored && (plainNow === now || plainStored === stored);
}

/** Accents that are left out when typing; ñ, ç and umlauts make other letters. */
const accented = /[áàâãéèêíìîóòôõúùû]/;
const withoutAccents = (text: string) => text.replaceAll(/[áàâãéèêíìîóòôõúùû]/g, (letter) => letter.normalize("NFD")[0] as string);
