/**
 * Quoted and coded parts must be the same: code sign by sign; a quotation word by word, or its words must be in the other question without the
 * quotation marks.
 */
import { sameMarks, type Guard, type Marks } from "./guard.ts";
import { hashMark } from "./hash.ts";

/** Marks of a part: itself, how many words it has (0 for code, which has none), and each of them. */
export const spans: Guard = {
  name: "quoted",
  note: ({ tokens }) =>
    tokens
      .filter(({ kind }) => kind === "span")
      .flatMap(({ text, raw }) => {
        if (raw.startsWith("`")) return [hashMark(text), 0];
        const words = spanWords(text);
        return [hashMark(words.join(" ")), words.length, ...words.map(hashMark)];
      }),
  agree: (now, stored, words) => everyPart(now, stored, words.stored) && everyPart(stored, now, words.now),
};

/** spanWords are the words of a quotation, without what stands between them. */
export function spanWords(text: string): string[] {
  return text
    .toLowerCase()
    .split(/[\s.,!?;:]+/)
    .filter((word) => word !== "");
}

function everyPart(parts: Marks, others: Marks, words: Marks): boolean {
  for (let at = 0; at < parts.length; at += 2 + (parts[at + 1] as number)) {
    const length = parts[at + 1] as number;
    if (hasPart(others, parts[at] as number)) continue;
    if (length === 0 || !parts.subarray(at + 2, at + 2 + length).every((word) => words.includes(word))) return false;
  }
  return true;
}

function hasPart(parts: Marks, part: number): boolean {
  for (let at = 0; at < parts.length; at += 2 + (parts[at + 1] as number)) if (parts[at] === part) return true;
  return false;
}

/** code outside of quotation marks must be the same sign by sign, but for what ends a sentence. */
export const code: Guard = {
  name: "code",
  note: (reading) =>
    reading.code.map((chunk) => hashMark(chunk.replace(/(?<=[\p{L}\p{N})\]}])[.,!?:;"'`]+$/u, ""))).toSorted((a, b) => a - b),
  agree: sameMarks,
};
