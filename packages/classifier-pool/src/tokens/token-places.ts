/**
 * Where in a text each of its tokens stands. The tokenizer library gives no offsets, so they are found again: the text is cut into
 * words with their places, the words are encoded one by one, and when their ids are those of the whole text, no token can lie across two
 * words. Inside a word a token stands where its letters do. Never guesses: what cannot be told from a word's letters gets the place of the
 * whole word, and a text whose tokens fit neither way is given up. Called by scanner.ts, in the worker.
 */
import type { Tokenizer } from "@huggingface/tokenizers";

/**
 * PlacedTokens are a text's tokens without special ones; token i is made of `text.slice(starts[i], ends[i])`. A token of mere space is
 * empty, and stands where the word begins that it belongs to.
 */
export interface PlacedTokens {
  readonly ids: readonly number[];
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** "words": word by word, or, where words do not make up the text's tokens, "text": by the letters of the whole text at once. */
  readonly found: "words" | "text";
}

/** TokenPlacer encodes a text and places its tokens; null when their places cannot be told. */
export type TokenPlacer = (text: string) => PlacedTokens | null;

/** TokenizerDocument is what must be known of a tokenizer.json beside the tokenizer that was made of it. */
export interface TokenizerDocument {
  readonly pre_tokenizer?: unknown;
  readonly model?: { readonly continuing_subword_prefix?: unknown };
}

/** Surface is the letters that a token stands for, and null for an unknown token, which can be any. */
type Surface = string | null;

/** Spelling is a piece of text as its tokens spell it; unit i of `letters` comes from `starts[i]..ends[i]` of the piece. */
interface Spelling {
  readonly letters: string;
  readonly starts: ArrayLike<number>;
  readonly ends: ArrayLike<number>;
}

/** A word and the space before it; the last one has the space behind it too. */
const SPACED_WORDS = /\s*\S+(?:\s+$)?/gu;
/** As BERT splits: every mark of punctuation and every ideograph is a word. */
const BERT_WORDS = /\s*(?:[^\s\p{P}$+<=>^`|~\p{Unified_Ideograph}]+|[\p{P}$+<=>^`|~\p{Unified_Ideograph}])(?:\s+$)?/gu;
/** A letter with the marks upon it, which some normalizers join and others take off; spaces, which some make one of. */
const CLUSTERS = /\s+|\P{M}\p{M}*|\p{M}+/gu;
/** ASCII text that no normalizer changes but for its case. */
const PLAIN = /^[\x20-\x7e]*$/;
const SPACE = /\s/;

/** createTokenPlacer reads from tokenizer.json how tokens are spelt. */
export function createTokenPlacer(tokenizer: Tokenizer, document: TokenizerDocument): TokenPlacer {
  const pattern = hasType(document.pre_tokenizer, "BertPreTokenizer") ? BERT_WORDS : SPACED_WORDS;
  const bytes = hasType(document.pre_tokenizer, "ByteLevel");
  const surfaceOf = createSurfaces(document, tokenizer.model?.unk_token, bytes);
  const normalize = (text: string) => (tokenizer.normalizer === null ? text : tokenizer.normalizer.normalize(text));
  const encode = (text: string) => tokenizer.encode(text, { add_special_tokens: false });

  return (text) => {
    const { ids, tokens } = encode(text);
    const starts = new Int32Array(ids.length);
    const ends = new Int32Array(ids.length);
    const place = (piece: string, at: number, from: number, pieceTokens: readonly string[]) => {
      const spelling = bytes ? inBytes(spell(piece, normalize)) : spell(piece, normalize);
      const surfaces = pieceTokens.map(surfaceOf);
      return spelling !== null && placeSurfaces(spelling, surfaces, at, from, starts, ends);
    };
    const words = splitWords(text, pattern);
    for (const spaced of [true, false]) {
      if (encodeWords(spaced ? words : bare(words), ids, encode, place, starts, ends)) return { ids, starts, ends, found: "words" };
    }
    return place(text, 0, 0, tokens) ? { ids, starts, ends, found: "text" } : null;
  };
}

interface Word {
  readonly text: string;
  readonly at: number;
}

function splitWords(text: string, pattern: RegExp): Word[] {
  return Array.from(text.matchAll(pattern), ({ 0: word, index }) => ({ text: word, at: index }));
}

/** bare takes the space off words, for tokenizers that put one before every word themselves. */
function bare(words: readonly Word[]): Word[] {
  return words.map(({ text, at }) => ({ text: text.trim(), at: at + text.length - text.trimStart().length }));
}

/** encodeWords places the tokens word by word, and says whether the words' ids are the text's. */
function encodeWords(
  words: readonly Word[],
  ids: readonly number[],
  encode: (text: string) => { readonly ids: readonly number[]; readonly tokens: readonly string[] },
  place: (piece: string, at: number, from: number, tokens: readonly string[]) => boolean,
  starts: Int32Array,
  ends: Int32Array,
): boolean {
  let from = 0;
  for (const { text, at } of words) {
    const word = encode(text);
    for (const [index, id] of word.ids.entries()) if (ids[from + index] !== id) return false;
    if (!place(text, at, from, word.tokens)) {
      const lead = text.length - text.trimStart().length;
      starts.fill(at + lead, from, from + word.ids.length);
      ends.fill(at + text.trimEnd().length, from, from + word.ids.length);
    }
    from += word.ids.length;
  }
  return from === ids.length;
}

/** spell normalizes a piece letter by letter, or gives null when the whole of it is normalized to something else. */
function spell(piece: string, normalize: (text: string) => string): Spelling | null {
  const letters = normalize(piece);
  if (letters.length === piece.length && PLAIN.test(piece)) {
    const starts = Int32Array.from({ length: letters.length }, (_, at) => at);
    return { letters, starts, ends: starts.map((at) => at + 1) };
  }
  const starts: number[] = [];
  const ends: number[] = [];
  let joined = "";
  for (const { 0: cluster, index } of piece.matchAll(CLUSTERS)) {
    const normalized = normalize(cluster);
    joined += normalized;
    for (let unit = 0; unit < normalized.length; unit += 1) {
      // A normalizer that leaves the cluster's length alone leaves its units in their places.
      const one = normalized.length === cluster.length;
      starts.push(one ? index + unit : index);
      ends.push(one ? index + unit + 1 : index + cluster.length);
    }
  }
  return joined === letters ? { letters, starts, ends } : null;
}

/** inBytes spells a piece by its UTF-8 bytes, one unit each, as byte-level tokens do. */
function inBytes(spelling: Spelling | null): Spelling | null {
  if (spelling === null) return null;
  let letters = "";
  const starts: number[] = [];
  const ends: number[] = [];
  let unit = 0;
  for (const character of spelling.letters) {
    const start = spelling.starts[unit] ?? 0;
    const end = spelling.ends[unit + character.length - 1] ?? start;
    unit += character.length;
    for (const byte of Buffer.from(character, "utf8")) {
      letters += letterOf(byte);
      starts.push(start);
      ends.push(end);
    }
  }
  return { letters, starts, ends };
}

/**
 * placeSurfaces finds the tokens' letters one after another; an unknown token reaches to where the next known one is found. Returns
 * false when they do not make up the piece, spaces aside.
 */
function placeSurfaces(
  { letters, starts: sources, ends: sourceEnds }: Spelling,
  surfaces: readonly Surface[],
  at: number,
  from: number,
  starts: Int32Array,
  ends: Int32Array,
): boolean {
  const skip = (place: number) => {
    let next = place;
    while (next < letters.length && SPACE.test(letters[next] ?? "")) next += 1;
    return next;
  };
  const set = (token: number, begin: number, end: number) => {
    const last = at + (sourceEnds[letters.length - 1] ?? 0);
    starts[from + token] = begin < letters.length ? at + (sources[begin] ?? 0) : last;
    ends[from + token] = end > begin ? at + (sourceEnds[end - 1] ?? 0) : (starts[from + token] ?? 0);
  };
  let place = 0;
  for (let token = 0; token < surfaces.length; token += 1) {
    const surface = surfaces[token]?.trim();
    if (surface === "") {
      // Space written as a token of its own belongs to the word behind it, unless that word has brought its own.
      const own = SPACE.test(surfaces[token + 1]?.[0] ?? " ");
      const mark = own ? place : skip(place);
      set(token, mark, mark);
      continue;
    }
    place = skip(place);
    if (surface !== undefined) {
      if (!letters.startsWith(surface, place)) return false;
      set(token, place, place + surface.length);
      place += surface.length;
      continue;
    }
    let next = token + 1;
    while (next < surfaces.length && (surfaces[next]?.trim() ?? "") === "") next += 1;
    const known = surfaces[next]?.trim();
    const end = known === undefined ? letters.trimEnd().length : letters.indexOf(known, place + 1);
    if (end <= place) return false;
    for (; token < next; token += 1) set(token, place, end);
    token -= 1;
    place = end;
  }
  return skip(place) === letters.length;
}

/** createSurfaces gives the letters of token strings, as the tokenizer's kind writes them. */
function createSurfaces({ model }: TokenizerDocument, unknown: string | undefined, bytes: boolean): (token: string) => Surface {
  if (bytes) {
    const byteOf = byteLevelAlphabet();
    return (token) => {
      if (token === unknown) return null;
      let surface = "";
      for (const character of token) surface += letterOf(byteOf.get(character) ?? 0x20);
      return surface;
    };
  }
  const prefix = typeof model?.continuing_subword_prefix === "string" ? model.continuing_subword_prefix : "";
  return (token) => {
    if (token === unknown) return null;
    const bare = prefix !== "" && token.startsWith(prefix) ? token.slice(prefix.length) : token;
    return bare.replaceAll("\u2581", " ");
  };
}

/** letterOf stands for a byte. Those beyond ASCII are moved to where no letter is a space, as the byte A0 would be. */
function letterOf(byte: number): string {
  return String.fromCharCode(byte < 0x80 ? byte : 0x100 + byte);
}

/** byteLevelAlphabet maps the letters that stand for bytes in byte-level vocabularies (GPT-2's table) back to them. */
function byteLevelAlphabet(): ReadonlyMap<string, number> {
  const printable = (byte: number) => (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  const alphabet = new Map<string, number>();
  let stand = 0x100;
  for (let byte = 0; byte < 0x100; byte += 1) alphabet.set(String.fromCharCode(printable(byte) ? byte : stand++), byte);
  return alphabet;
}

/** hasType looks for a pre-tokenizer, alone or in a sequence. */
function hasType(preTokenizer: unknown, type: string): boolean {
  if (typeof preTokenizer !== "object" || preTokenizer === null) return false;
  if ("type" in preTokenizer && preTokenizer.type === type) return true;
  return "pretokenizers" in preTokenizer && Array.isArray(preTokenizer.pretokenizers)
    ? preTokenizer.pretokenizers.some((part) => hasType(part, type))
    : false;
}
