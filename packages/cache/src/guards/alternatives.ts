/**
 * Guards of one kind: words of which a question names one and means not the others, in families. Two questions disagree when each names one
 * of a family that the other does not: "a table" and "a poem"; but not when one names none.
 */
import type { Guard } from "./guard.ts";
import { stem } from "./stem.ts";
import type { Token } from "./read.ts";

/** Family is a list of alternatives, each written as the words that mean it. */
export type Family = readonly string[];

/** Marks are 64 times the family's number, plus the alternative's. */
const SPAN = 64;

export function alternatives(
  name: string,
  families: readonly Family[],
  counts: (tokens: readonly Token[], at: number) => boolean = () => true,
): Guard {
  const marksOf = new Map<string, number[]>();
  for (const [family, members] of families.entries()) {
    for (const [member, words] of members.entries()) {
      for (const word of words.split(" ")) {
        const known = marksOf.get(stem(word));
        const mark = SPAN * family + member;
        if (known === undefined) marksOf.set(stem(word), [mark]);
        else known.push(mark);
      }
    }
  }
  return {
    name,
    note: ({ tokens }) => {
      const found = new Set<number>();
      for (const [at, { kind, text }] of tokens.entries()) {
        if (kind !== "word") continue;
        const marks = marksOf.get(stem(text));
        if (marks !== undefined && counts(tokens, at)) for (const mark of marks) found.add(mark);
      }
      return [...found].toSorted((a, b) => a - b);
    },
    agree: (now, stored) => {
      for (const mark of now) {
        if (stored.includes(mark)) continue;
        const family = Math.floor(mark / SPAN);
        for (const other of stored) if (Math.floor(other / SPAN) === family && !now.includes(other)) return false;
      }
      return true;
    },
  };
}
