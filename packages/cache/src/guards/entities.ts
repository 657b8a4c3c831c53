/**
 * Names: each of one question must be in the other, in whatever case, or as the initials of a longer name there. A slip of one letter is
 * tolerated in long names only, and by their letters: "Nietzche" is Nietzsche, but Java is not JavaScript and v1 is not v2.
 */
import type { Guard, Marks } from "./guard.ts";
import { hashMark } from "./hash.ts";
import { shouted, type Token } from "./read.ts";

/** Four marks to a name: itself, its initials' (0 for none), which letters it has (0 where no slip is tolerated), its length. */
const STRIDE = 4;
const LONG = 7;

/** Capitals that name nothing which could be another. */
const titles: ReadonlySet<string> = new Set(
  "mr mrs dr prof sir madam question answer user assistant chatgpt ai gpt claude please thanks thank hi hello ok".split(" "),
);

export const entities: Guard = {
  name: "entity",
  note: ({ tokens }) =>
    namesOf(tokens).flatMap(({ text, initials }) => [
      hashMark(text),
      initials === "" ? 0 : hashMark(shouted.has(initials.toUpperCase()) ? `${initials}^` : initials),
      lettersOf(text),
      text.length,
    ]),
  // One that only one question names may be beside the point; two that take each other's place are not.
  agree: (now, stored, words) => every(now, words.stored, stored) || every(stored, words.now, now),
};

interface Name {
  readonly text: string;
  readonly initials: string;
}

/** namesOf finds the names, those of several words with their initials. */
function namesOf(tokens: readonly Token[]): Name[] {
  const names: Name[] = [];
  for (let i = 0; i < tokens.length; i += 1) {
    if (!isName(tokens[i])) continue;
    let end = i + 1;
    while (
      end < tokens.length &&
      (isName(tokens[end]) || (/^(?:of|and|for|the|de|la)$/.test(tokens[end]?.text ?? "") && isName(tokens[end + 1])))
    )
      end += 1;
    const run = tokens.slice(i, end).filter(isName);
    const initials = run.length < 2 ? "" : run.map(({ text }) => text[0]).join("");
    names.push(...run.map(({ text }) => ({ text, initials })));
    i = end;
  }
  return names;
}

function isName(token: Token | undefined): boolean {
  return token !== undefined && token.kind === "word" && token.named && !titles.has(token.text);
}

/** lettersOf a long name, one bit each. */
function lettersOf(text: string): number {
  if (text.length < LONG || /\d/.test(text)) return 0;
  let bits = 0;
  for (const letter of text) bits |= 1 << (letter.charCodeAt(0) % 26);
  return bits >>> 0;
}

function every(names: Marks, words: Marks, others: Marks): boolean {
  for (let at = 0; at < names.length; at += STRIDE) {
    const name = names[at] as number;
    const initials = names[at + 1] as number;
    if (words.includes(name) || (initials !== 0 && words.includes(initials))) continue;
    if (!isInitials(name, others) && !isNear(names, at, others)) return false;
  }
  return true;
}

function isInitials(name: number, others: Marks): boolean {
  for (let at = 1; at < others.length; at += STRIDE) if (others[at] === name) return true;
  return false;
}

function isNear(names: Marks, at: number, others: Marks): boolean {
  const letters = names[at + 2] as number;
  if (letters === 0) return false;
  for (let other = 0; other < others.length; other += STRIDE) {
    const found = others[other + 2] as number;
    if (found !== 0 && Math.abs((names[at + 3] as number) - (others[other + 3] as number)) <= 1 && bitsOf(letters ^ found) <= 2)
      return true;
  }
  return false;
}

function bitsOf(value: number): number {
  let count = 0;
  for (let rest = value >>> 0; rest !== 0; rest &= rest - 1) count += 1;
  return count;
}
