/**
 * Reads a whole text for a model that labels tokens, however much longer it is than the model's window: in windows that overlap, so that
 * what stands at the edge of one stands well inside of another. Pure but for the tokenizer; runs in the worker.
 */
import { RouterError } from "@turnout/shared/errors";
import type { PlacedTokens, TokenPlacer } from "./token-places.ts";
import { beginsWord } from "./words.ts";

/** ScanWindow is one row for the model, special tokens included. It speaks for the text's tokens `from..to`, which begin at `ids[at]`. */
export interface ScanWindow {
  readonly ids: readonly number[];
  readonly at: number;
  readonly from: number;
  readonly to: number;
}

/** TextReading is a text cut up for the model. */
export interface TextReading extends Pick<PlacedTokens, "starts" | "ends"> {
  readonly windows: readonly ScanWindow[];
  /** Tokens that the windows read, without special ones; the rest of the text's tokens are not read. */
  readonly count: number;
  /** The same with the special tokens around one text. */
  readonly tokens: number;
  /** UTF-16 units read, from the beginning. */
  readonly scannedChars: number;
}

/** TextScanner reads at most `limit` tokens of a text, special ones included. Throws RouterError "model_unsupported" when the places of the text's tokens cannot be told. */
export type TextScanner = (text: string, limit: number) => TextReading;

/** ScannerParts are what createScanner needs of a tokenizer and a model. */
export interface ScannerParts {
  readonly place: TokenPlacer;
  /** Special tokens around every window. */
  readonly prefix: readonly number[];
  readonly suffix: readonly number[];
  /** Longest window, special tokens included. */
  readonly maxTokens: number;
}

/** Windows share this many tokens, or a quarter of their room when that is less; each speaks for its half of what is shared. */
const OVERLAP = 64;

/** createScanner makes a scanner. */
export function createScanner({ place, prefix, suffix, maxTokens }: ScannerParts): TextScanner {
  const special = prefix.length + suffix.length;
  const room = Math.max(1, maxTokens - special);
  return (text, limit) => {
    const placed = place(text);
    if (placed === null)
      throw new RouterError("model_unsupported", "the tokenizer reads this text in a way that hides where its tokens stand");
    const { ids, starts, ends } = placed;
    const count = wholeWords(text, placed, Math.max(1, limit - special));
    const windows = windowsOf(count, room).map(({ first, length, from, to }) => ({
      ids: [...prefix, ...ids.slice(first, first + length), ...suffix],
      at: prefix.length + from - first,
      from,
      to,
    }));
    return {
      windows,
      starts,
      ends,
      count,
      tokens: count + special,
      scannedChars: count === ids.length ? text.length : (ends[count - 1] ?? 0),
    };
  };
}

/** wholeWords gives how many tokens are read: at most `limit`, and where it can be helped no part of a word. */
function wholeWords(text: string, { ids, starts }: PlacedTokens, limit: number): number {
  if (ids.length <= limit) return ids.length;
  let count = limit;
  while (count > 0 && !beginsWord(text, starts[count] ?? 0)) count -= 1;
  return count > 0 ? count : limit;
}

/** windowsOf covers `count` tokens with windows of at most `room`; each token is spoken for by exactly one. */
export function windowsOf(count: number, room: number): { first: number; length: number; from: number; to: number }[] {
  if (count <= room) return [{ first: 0, length: count, from: 0, to: count }];
  const step = room - Math.min(OVERLAP, Math.floor(room / 4));
  const windows: { first: number; length: number; from: number; to: number }[] = [];
  for (let first = 0; ; first += step) {
    const last = first + room >= count;
    // The last one reaches back as far as it can.
    const start = last ? count - room : first;
    const before = windows.at(-1);
    const from = before === undefined ? 0 : Math.ceil((start + before.first + room) / 2);
    if (before !== undefined) before.to = from;
    windows.push({ first: start, length: room, from, to: count });
    if (last) return windows;
  }
}
