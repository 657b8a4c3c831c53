/** Limits of what is asked for: at least, at most, under, over, only, except. Each must be in both questions or in neither. */
import { sameMarks, type Guard } from "./guard.ts";
import type { Token } from "./read.ts";

/** What may follow each other, and the limit it means. */
const limits: readonly (readonly [RegExp, number])[] = [
  [/^(?:at least|minimum of|no (?:fewer|less) than|not (?:fewer|less) than|or more|or above|or over|upwards of)\b/, 1],
  [/^(?:at most|maximum of|up to \d|no more than|not more than|or less|or fewer|or under|no later than|not exceeding)\b/, 2],
  [/^(?:(?:less|fewer|cheaper|shorter|lower|smaller|younger) than|under \S* ?\d|below \S* ?\d)/, 3],
  [/^(?:(?:more|greater|longer|higher|bigger|larger|older) than|over \S* ?\d|above \S* ?\d|exceeding)\b/, 4],
  [/^(?:except|excluding|apart from|other than|but not|leaving out)\b/, 5],
  [/^(?:exactly|precisely) \d/, 6],
  [/^(?:only|solely|exclusively)\b/, 7],
  [/^(?:including|inclusive)\b/, 8],
];
const beginnings: ReadonlySet<string> = new Set(
  `at minimum no not or upwards maximum up less fewer cheaper shorter lower smaller younger under below more greater longer higher bigger larger
  older over above exceeding except excluding apart other but leaving exactly precisely only solely exclusively including inclusive`.split(
    /\s+/,
  ),
);

export const limiters: Guard = {
  name: "limit",
  note: ({ tokens }) => {
    const found = new Set<number>();
    for (const [at, { text }] of tokens.entries()) {
      if (!beginnings.has(text)) continue;
      const ahead = lineOf(tokens, at);
      const limit = limits.find(([pattern]) => pattern.test(ahead));
      if (limit !== undefined) found.add(limit[1]);
    }
    return [...found].toSorted((a, b) => a - b);
  },
  agree: sameMarks,
};

const lineOf = (tokens: readonly Token[], at: number) =>
  tokens
    .slice(at, at + 3)
    .map(({ text }) => text)
    .join(" ");
