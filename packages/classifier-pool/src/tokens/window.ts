/**
 * Cuts a long text down to what its window can need, before anything tokenizes it: a prompt of a megabyte costs no more than
 * one of a few kilobytes. Called in the front at admission. The exact cut by tokens is the worker's (tokenizer.ts).
 */
import type { TextWindow } from "@turnout/shared";
import type { TextJob } from "../messages.ts";

/**
 * Characters kept per token of the window. English runs at 4 to 6 characters per token, so the kept text nearly always holds
 * more tokens than the window; text that is sparser than this (wide indentation) fills the window only in part.
 */
const CHARACTERS_PER_TOKEN = 12;
/** How far a part that begins inside a word may move to begin at the next one. */
const WORD_SEARCH = 32;

/** Excerpt is a text cut for its window. `cut` is true when characters were left out. */
export interface Excerpt {
  readonly parts: TextJob["parts"];
  readonly cut: boolean;
}

/** excerpt keeps the parts of `text` which `window` reads: the beginning, or a third each of beginning, middle and end. */
export function excerpt(text: string, window: TextWindow): Excerpt {
  const room = window.maxTokens * CHARACTERS_PER_TOKEN;
  if (text.length <= room) return { parts: [text], cut: false };
  switch (window.sampling) {
    case "head":
      return { parts: [slice(text, 0, room)], cut: true };
    case "head_middle_tail": {
      const third = Math.floor(room / 3);
      const middle = Math.floor((text.length - third) / 2);
      return {
        parts: [slice(text, 0, third), slice(text, middle, middle + third), slice(text, text.length - third, text.length)],
        cut: true,
      };
    }
    default:
      return window.sampling satisfies never;
  }
}

/** slice begins at a word's start where one is near, and never cuts a surrogate pair in two. */
function slice(text: string, from: number, to: number): string {
  let start = from;
  if (start > 0) {
    const limit = Math.min(start + WORD_SEARCH, to);
    let space = start;
    while (space < limit && !isSpace(text.charCodeAt(space - 1))) space += 1;
    if (space < limit) start = space;
    else if (isLowSurrogate(text.charCodeAt(start))) start += 1;
  }
  const end = to < text.length && isLowSurrogate(text.charCodeAt(to)) ? to - 1 : to;
  return text.slice(start, end);
}

function isSpace(code: number): boolean {
  return code === 0x20 || (code >= 0x09 && code <= 0x0d);
}

function isLowSurrogate(code: number): boolean {
  return code >= 0xdc00 && code <= 0xdfff;
}
