/**
 * Whether two answers say the same, for the shadow's count: the same numbers, and texts that are near. Crude on purpose and strict in
 * doubt; what it calls different lowers the trust in semantic hits, never serves one.
 */
import type { TextEmbedding } from "@turnout/shared";
import { textOf, type StoredCompletion } from "./completion/completion.ts";

/** Cosine from which two answers are near. */
const NEAR = 0.9;
const NUMBER = /\d+(?:[.,]\d+)*/g;

/** agree gives null where there is nothing to compare, such as calls of tools. */
export async function agree(
  one: StoredCompletion,
  other: StoredCompletion,
  embed: (text: string) => Promise<TextEmbedding>,
): Promise<boolean | null> {
  const [a, b] = [textOf(one).trim(), textOf(other).trim()];
  if (a === "" || b === "") return null;
  if (a === b) return true;
  if (numbersIn(a) !== numbersIn(b)) return false;
  const [{ vector: left }, { vector: right }] = await Promise.all([embed(a), embed(b)]);
  return left.reduce((sum, value, i) => sum + value * (right[i] ?? 0), 0) >= NEAR;
}

const numbersIn = (text: string) => [...new Set(text.match(NUMBER) ?? [])].toSorted().join(" ");
