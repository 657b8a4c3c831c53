/** Aligns the content terms of two questions, the most alike first, and says of each pair in what way they are alike. Pure. */
import { distance } from "fastest-levenshtein";
import { areOpposed } from "../guards/opposites.ts";
import type { Lexicon } from "./lexicon.ts";
import { areSynonyms } from "./synonyms.ts";
import type { Term } from "./terms.ts";

/** Likeness in falling order of trust. */
export type Likeness = "same" | "form" | "slip" | "synonym" | "related" | "derived" | "similar";

export interface Alignment {
  readonly now: number;
  readonly stored: number;
  readonly likeness: Likeness;
}

const trust: Readonly<Record<Likeness, number>> = {
  same: 1,
  form: 0.97,
  slip: 0.9,
  synonym: 0.8,
  related: 0.75,
  derived: 0.7,
  similar: 0.4,
};

/** trustOf how alike two terms are, 0 to 1. */
export const trustOf = (likeness: Likeness): number => trust[likeness];

/** alignTerms pairs each term with at most one of the other side; of several equally alike, the one nearest to its place. */
export function alignTerms(now: readonly Term[], stored: readonly Term[], lexicon: Lexicon): Alignment[] {
  const candidates: (Alignment & { readonly score: number })[] = [];
  for (const [i, one] of now.entries()) {
    for (const [j, other] of stored.entries()) {
      const likeness = likenessOf(one, other, lexicon);
      if (likeness === undefined) continue;
      const place = Math.abs(i / Math.max(1, now.length - 1) - j / Math.max(1, stored.length - 1));
      candidates.push({ now: i, stored: j, likeness, score: trust[likeness] - 0.02 * place });
    }
  }
  candidates.sort((a, b) => b.score - a.score || a.now - b.now || a.stored - b.stored);
  const usedNow = new Uint8Array(now.length);
  const usedStored = new Uint8Array(stored.length);
  const found: Alignment[] = [];
  for (const candidate of candidates) {
    if (usedNow[candidate.now] === 1 || usedStored[candidate.stored] === 1) continue;
    usedNow[candidate.now] = 1;
    usedStored[candidate.stored] = 1;
    found.push(candidate);
  }
  return found.sort((a, b) => a.now - b.now);
}

function likenessOf(one: Term, other: Term, lexicon: Lexicon): Likeness | undefined {
  if (one.kind !== other.kind) return undefined;
  if (one.text === other.text) return "same";
  if (one.kind !== "word") return one.kind === "span" && one.text.toLowerCase() === other.text.toLowerCase() ? "form" : undefined;
  if (one.stem === other.stem) return "form";
  if (areOpposed(one.text, other.text)) return undefined;
  if (areSynonyms(one.stem, other.stem)) return "synonym";
  if (lexicon.related(one.stem, other.stem)) return "related";
  const [a, b] = [one.text, other.text];
  const shorter = Math.min(a.length, b.length);
  if (shorter < 3 || Math.abs(a.length - b.length) > 6) return undefined;
  if (!(one.known && other.known) && shorter >= 4) {
    const edits = slips(a, b);
    if (edits <= (shorter >= 8 ? 2 : 1)) return "slip";
  }
  let prefix = 0;
  while (prefix < shorter && a[prefix] === b[prefix]) prefix += 1;
  if (prefix >= 4 && prefix >= 0.6 * Math.max(one.stem.length, other.stem.length)) return "derived";
  if (shorter >= 5 && slips(a, b) <= 0.34 * shorter) return "similar";
  return undefined;
}

/** slips counts edits, two letters that changed places as one. */
function slips(a: string, b: string): number {
  const edits = distance(a, b);
  if (edits !== 2 || a.length !== b.length) return edits;
  for (let i = 0; i + 1 < a.length; i += 1) {
    if (a[i] !== b[i]) return a[i] === b[i + 1] && a[i + 1] === b[i] && a.slice(i + 2) === b.slice(i + 2) ? 1 : edits;
  }
  return edits;
}
