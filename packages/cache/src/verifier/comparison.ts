/** Comparison is two questions side by side: their terms aligned, what is left over, what runs alike. Pure; pair-features.ts measures it. */
import { compareGuards } from "../guards/compare.ts";
import type { GuardFeatures } from "../guards/features.ts";
import type { Reading } from "../guards/read.ts";
import { alignTerms, type Alignment } from "./alignment.ts";
import type { Lexicon } from "./lexicon.ts";
import { runsOf, tilesOf, type Runs, type Tiles } from "./sequences.ts";
import { areSynonyms } from "./synonyms.ts";
import { joinLike, termsOf, type Term } from "./terms.ts";
import { personless } from "./voice.ts";

/** Side is one question, read in every way that is needed. */
export interface Side {
  readonly reading: Reading;
  readonly features: GuardFeatures;
}

/** Half is what a comparison knows of one of the two. */
export interface Half {
  readonly terms: readonly Term[];
  readonly content: readonly Term[];
  /** Content without a counterpart. */
  readonly left: readonly Term[];
}

export interface Comparison {
  readonly cosine: number;
  readonly now: Half;
  readonly stored: Half;
  readonly aligned: readonly Alignment[];
  readonly runs: Runs;
  readonly tiles: Tiles;
  /** Whether one question is the other after some words of introduction. */
  readonly tailSame: boolean;
  /** Guards that object. */
  readonly objections: readonly string[];
}

export function compareSides(one: Side, other: Side, cosine: number, lexicon: Lexicon): Comparison {
  const [own, others] = [termsOf(one.reading, lexicon), termsOf(other.reading, lexicon)];
  const [now, stored] = [joinLike(own, others), joinLike(others, own)];
  const isContent = ({ role, kind }: Term) => role === "content" && kind !== "symbol";
  const [contentNow, contentStored] = [now.filter(isContent), stored.filter(isContent)];
  const aligned = alignTerms(contentNow, contentStored, lexicon);
  const [pairedNow, pairedStored] = [new Set(aligned.map((pair) => pair.now)), new Set(aligned.map((pair) => pair.stored))];
  const same = (a: Term, b: Term) => a.stem === b.stem || (a.role === "content" && b.role === "content" && alike(a.stem, b.stem));
  const alike = (a: string, b: string) => areSynonyms(a, b) || lexicon.related(a, b);
  return {
    cosine,
    now: { terms: now, content: contentNow, left: contentNow.filter((_, i) => !pairedNow.has(i)) },
    stored: { terms: stored, content: contentStored, left: contentStored.filter((_, i) => !pairedStored.has(i)) },
    aligned,
    runs: runsOf(now, stored, same),
    tiles: tilesOf(now.map(personless), stored.map(personless)),
    tailSame: tailSame(one.reading, other.reading),
    objections: compareGuards(one.features, other.features),
  };
}

function tailSame(one: Reading, other: Reading): boolean {
  const [short, long] = one.key.length < other.key.length ? [one, other] : [other, one];
  return short.tokens.length >= 3 && long.key.endsWith(` ${short.key}`);
}
