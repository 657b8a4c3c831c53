/** Guard is the seam between the guards and what calls them: what it notes of a question, and whether two notes may be of the same one. */
import type { Reading } from "./read.ts";

/** Marks are a guard's notes of one question: 32-bit numbers from which nothing can be read. */
export type Marks = Uint32Array;

export interface Guard {
  /** Label of the metric and of what the management API explains. */
  readonly name: string;
  note(reading: Reading): readonly number[];
  /** agree tells whether two questions may get the same answer, as far as this guard can tell. Symmetric. */
  agree(now: Marks, stored: Marks, words: { readonly now: Marks; readonly stored: Marks }): boolean;
}

/** sameMarks compares sorted lists. */
export function sameMarks(now: Marks, stored: Marks): boolean {
  if (now.length !== stored.length) return false;
  for (let i = 0; i < now.length; i += 1) if (now[i] !== stored[i]) return false;
  return true;
}
