/**
 * What the pair verifier knows of two questions: how their words align and what is left over on either side. Numbers in a fixed order; the
 * model is trained on exactly these. Symmetric: the order of the two questions does not matter. Pure.
 */
import { compareGuards } from "../guards/compare.ts";
import type { GuardFeatures } from "../guards/features.ts";
import { guards } from "../guards/registry.ts";
import { areOpposed } from "../guards/opposites.ts";
import type { Reading } from "../guards/read.ts";
import { alignTerms, trustOf, type Likeness } from "./alignment.ts";
import type { Lexicon } from "./lexicon.ts";
import { areSynonyms } from "./synonyms.ts";
import { joinLike, termsOf, type Role, type Term } from "./terms.ts";

/** Side is one question, read in every way that is needed. */
export interface Side {
  readonly reading: Reading;
  readonly features: GuardFeatures;
}

/** Difference is what aligning has left over, for the part of the model that knows words. */
export interface Difference {
  readonly now: readonly Term[];
  readonly stored: readonly Term[];
  /** Words in the same place of otherwise equal surroundings. */
  readonly replaced: readonly (readonly [string, string])[];
  /** Function words that only one has, with their role. */
  readonly loose: readonly string[];
}

export interface PairFeatures {
  readonly values: Float32Array;
  readonly difference: Difference;
}

const likenesses: readonly Likeness[] = ["form", "slip", "synonym", "related", "derived", "similar"];
const loose: readonly Role[] = ["wh", "modal", "person", "preposition", "quantifier", "conjunction", "tense", "filler"];

/** featureNames in the order of the values. */
export const featureNames: readonly string[] = [
  "cosine",
  "covered_least",
  "covered_most",
  "left_least",
  "left_most",
  "left_count_least",
  "left_count_most",
  "left_top_least",
  "left_top_most",
  "terms_least",
  "terms_most",
  "length_ratio",
  "order",
  "common_run",
  "replaced_one",
  "replaced_runs",
  "inserted_runs",
  "longest_replacement",
  "named_left_least",
  "named_left_most",
  "unknown_left_least",
  "unknown_left_most",
  "opposed",
  "tail_same",
  "same_start",
  "same_end",
  "known_share",
  "numbers_left",
  "symbols_left",
  "neighbors",
  "same_words",
  "symmetric",
  "same_subject",
  "hypothetical",
  "by",
  "turned_voice",
  "reordered",
  "plurals",
  "reluctance",
  ...likenesses.map((likeness) => `aligned_${likeness}`),
  ...loose.map((role) => `loose_${role}`),
  ...loose.map((role) => `shared_${role}`),
  ...guards.map(({ name }) => `guard_${name}`),
];

/** pairFeatures compares two questions. */
export function pairFeatures(one: Side, other: Side, cosine: number, lexicon: Lexicon): PairFeatures {
  const [own, others] = [termsOf(one.reading, lexicon), termsOf(other.reading, lexicon)];
  const [now, stored] = [joinLike(own, others), joinLike(others, own)];
  const isContent = ({ role, kind }: Term) => role === "content" && kind !== "symbol";
  const [contentNow, contentStored] = [now.filter(isContent), stored.filter(isContent)];
  const aligned = alignTerms(contentNow, contentStored, lexicon);
  const pairsNow = new Set(aligned.map((pair) => pair.now));
  const pairsStored = new Set(aligned.map((pair) => pair.stored));
  const leftNow = contentNow.filter((_, i) => !pairsNow.has(i));
  const leftStored = contentStored.filter((_, i) => !pairsStored.has(i));
  const total = (terms: readonly Term[]) => terms.reduce((sum, { weight }) => sum + weight, 0);
  const top = (terms: readonly Term[]) => terms.reduce((most, { weight }) => Math.max(most, weight), 0);
  const [allNow, allStored] = [total(contentNow), total(contentStored)];
  let coveredNow = 0;
  let coveredStored = 0;
  for (const { now: i, stored: j, likeness } of aligned) {
    coveredNow += trustOf(likeness) * (contentNow[i] as Term).weight;
    coveredStored += trustOf(likeness) * (contentStored[j] as Term).weight;
  }
  const runs = runsOf(now, stored, lexicon);
  const sides: number[] = [];
  const both = (a: number, b: number) => sides.push(Math.min(a, b), Math.max(a, b));
  both(allNow === 0 ? 1 : coveredNow / allNow, allStored === 0 ? 1 : coveredStored / allStored);
  both(total(leftNow), total(leftStored));
  both(leftNow.length, leftStored.length);
  both(top(leftNow), top(leftStored));
  both(contentNow.length, contentStored.length);
  const named = (terms: readonly Term[]) => terms.filter((term) => term.named || term.kind === "number" || term.kind === "span").length;
  const unknown = (terms: readonly Term[]) => terms.filter(({ known }) => !known).length;
  const rest: number[] = [];
  rest.push(Math.min(now.length, stored.length) / Math.max(1, now.length, stored.length));
  rest.push(orderOf(aligned.map(({ stored: at }) => at)));
  rest.push((2 * runs.common) / Math.max(1, now.length + stored.length));
  rest.push(
    runs.replaced.length === 1 && runs.inserted === 0 && runs.longest === 1 ? 1 : 0,
    runs.replaced.length,
    runs.inserted,
    runs.longest,
  );
  const nameds = [named(leftNow), named(leftStored)] as const;
  const unknowns = [unknown(leftNow), unknown(leftStored)] as const;
  rest.push(Math.min(...nameds), Math.max(...nameds), Math.min(...unknowns), Math.max(...unknowns));
  rest.push(leftNow.some(({ text }) => leftStored.some((left) => areOpposed(text, left.text))) ? 1 : 0);
  rest.push(tailSame(one.reading, other.reading) ? 1 : 0);
  rest.push(now[0]?.stem === stored[0]?.stem ? 1 : 0, now.at(-1)?.stem === stored.at(-1)?.stem ? 1 : 0);
  const words = [...now, ...stored].filter(({ kind }) => kind === "word");
  rest.push(words.filter(({ known }) => known).length / Math.max(1, words.length));
  rest.push([...leftNow, ...leftStored].filter(({ kind }) => kind === "number").length);
  rest.push(
    looseOf(
      now.filter(({ kind }) => kind === "symbol"),
      stored.filter(({ kind }) => kind === "symbol"),
    ).length,
  );
  const [spoken, heard] = [now.filter(isSpoken), stored.filter(isSpoken)];
  rest.push(neighborsOf(spoken, heard));
  rest.push(sameWords(spoken, heard) ? 1 : 0);
  rest.push(now.some(({ text }) => symmetric.has(text)) && stored.some(({ text }) => symmetric.has(text)) ? 1 : 0);
  rest.push(spoken[0]?.stem === heard[0]?.stem ? 1 : 0);
  rest.push(looseOf(now.filter(isHypothetical), stored.filter(isHypothetical)).length);
  rest.push(looseOf(now.filter(isBy), stored.filter(isBy)).length);
  rest.push(turnedVoice(now, stored) || turnedVoice(stored, now) ? 1 : 0);
  rest.push(sameWords(spoken, heard) && !sameOrder(spoken, heard) ? 1 : 0);
  rest.push(aligned.filter(({ now: i, stored: j, likeness }) => likeness === "form" && isPlural((contentNow[i] as Term).text, (contentStored[j] as Term).text)).length);
  rest.push(looseOf(now.filter(isReluctant), stored.filter(isReluctant)).length);
  for (const likeness of likenesses) rest.push(aligned.filter((pair) => pair.likeness === likeness).length);
  const looseWords: string[] = [];
  const shared: number[] = [];
  for (const role of loose) {
    const [a, b] = [now.filter((term) => term.role === role), stored.filter((term) => term.role === role)];
    const found = looseOf(a, b);
    looseWords.push(...found);
    rest.push(found.length);
    shared.push((a.length + b.length - found.length) / 2);
  }
  const objections = compareGuards(one.features, other.features);
  return {
    values: Float32Array.from([cosine, ...sides, ...rest, ...shared, ...guards.map(({ name }) => (objections.includes(name) ? 1 : 0))]),
    difference: { now: leftNow, stored: leftStored, replaced: runs.replaced, loose: looseWords },
  };
}

const symmetric: ReadonlySet<string> = new Set("and or versus between compare difference both same similar mix combine".split(" "));
const supposing: ReadonlySet<string> = new Set("if would were ever case imagine suppose hypothetically might whether".split(" "));
const isHypothetical = ({ text }: Term) => supposing.has(text);
/** By whom something is done, and by when. */
const isBy = ({ text }: Term) => text === "by";
/** Words that say who does what to whom. */
const isSpoken = ({ role, kind }: Term) => kind !== "symbol" && (role === "content" || role === "person");

/** neighborsOf is the share of words that follow each other in both questions. */
function neighborsOf(now: readonly Term[], stored: readonly Term[]): number {
  const follow = (terms: readonly Term[]) => terms.slice(1).map(({ stem }, i) => `${terms[i]?.stem} ${stem}`);
  const [a, b] = [follow(now), new Set(follow(stored))];
  return a.length + b.size === 0 ? 1 : (2 * a.filter((pair) => b.has(pair)).length) / (a.length + b.size);
}

/** "I", "me" and "my" are one person, wherever they stand. */
const persons: ReadonlyMap<string, string> = new Map(
  [
    ["i", "me my mine myself we us our ours"],
    ["you", "your yours yourself"],
    ["he", "him his himself"],
    ["she", "her hers herself"],
    ["they", "them their theirs"],
    ["it", "its itself"],
  ].flatMap(([one, others]) => (others as string).split(" ").map((other): [string, string] => [other, one as string])),
);
const personless = ({ stem, text }: Term) => persons.get(text) ?? stem;

function sameWords(now: readonly Term[], stored: readonly Term[]): boolean {
  return now.length === stored.length && now.map(personless).toSorted().join(" ") === stored.map(personless).toSorted().join(" ");
}

function sameOrder(now: readonly Term[], stored: readonly Term[]): boolean {
  return now.map(personless).join(" ") === stored.map(personless).join(" ");
}

/** turnedVoice finds "killed by Brutus" where the other question has "killed Brutus". */
function turnedVoice(passive: readonly Term[], active: readonly Term[]): boolean {
  if (active.some(isBy)) return false;
  return passive.some((term, at) => {
    if (!isBy(term)) return false;
    const deed = passive[at - 1];
    const doer = passive.slice(at + 1).find(isSpoken);
    if (deed === undefined || doer === undefined) return false;
    const done = active.findIndex(({ stem }) => stem === deed.stem);
    return done >= 0 && active.findIndex((other) => personless(other) === personless(doer)) > done;
  });
}

const isPlural = (one: string, other: string) => `${one}s` === other || `${other}s` === one || `${one}es` === other || `${other}es` === one;
/** Words that turn what follows round without being a negation. */
const reluctant: ReadonlySet<string> = new Set(
  "prevent avoid stop quit refuse fail against lack overcome resist fight delete remove block reject ignore skip keep from instead rather anyway".split(" "),
);
const isReluctant = ({ text }: Term) => reluctant.has(text);

/** orderOf is the share of neighbouring aligned terms that stand in the same order. */
function orderOf(places: readonly number[]): number {
  if (places.length < 2) return 1;
  let pairs = 0;
  let kept = 0;
  for (let i = 0; i < places.length; i += 1) {
    for (let j = i + 1; j < places.length; j += 1) {
      pairs += 1;
      if ((places[i] as number) < (places[j] as number)) kept += 1;
    }
  }
  return kept / pairs;
}

/** looseOf lists the words that only one side has, as often as it has them more. */
function looseOf(now: readonly Term[], stored: readonly Term[]): string[] {
  const counts = new Map<string, number>();
  for (const { text } of now) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const { text } of stored) counts.set(text, (counts.get(text) ?? 0) - 1);
  return [...counts].flatMap(([text, count]) => Array.from({ length: Math.abs(count) }, () => text));
}

/** runsOf walks the longest common subsequence of all terms and gathers what stands between. */
function runsOf(now: readonly Term[], stored: readonly Term[], lexicon: Lexicon) {
  const [n, m] = [now.length, stored.length];
  const width = m + 1;
  const table = new Uint16Array((n + 1) * width);
  const same = (i: number, j: number) => {
    const [a, b] = [now[i] as Term, stored[j] as Term];
    return (
      a.stem === b.stem ||
      (a.kind === "word" && b.kind === "word" && a.role === "content" && (areSynonyms(a.stem, b.stem) || lexicon.related(a.stem, b.stem)))
    );
  };
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let j = m - 1; j >= 0; j -= 1) {
      table[i * width + j] = same(i, j)
        ? (table[(i + 1) * width + j + 1] as number) + 1
        : Math.max(table[(i + 1) * width + j] as number, table[i * width + j + 1] as number);
    }
  }
  const replaced: (readonly [string, string])[] = [];
  let inserted = 0;
  let longest = 0;
  let [i, j, startNow, startStored] = [0, 0, 0, 0];
  const close = () => {
    const [a, b] = [now.slice(startNow, i), stored.slice(startStored, j)];
    if (a.length > 0 && b.length > 0) {
      replaced.push([a.map(({ stem }) => stem).join(" "), b.map(({ stem }) => stem).join(" ")]);
      longest = Math.max(longest, a.length, b.length);
    } else if (a.length + b.length > 0) {
      inserted += 1;
    }
  };
  while (i < n && j < m) {
    if (same(i, j)) {
      close();
      i += 1;
      j += 1;
      startNow = i;
      startStored = j;
    } else if ((table[(i + 1) * width + j] as number) >= (table[i * width + j + 1] as number)) {
      i += 1;
    } else {
      j += 1;
    }
  }
  i = n;
  j = m;
  close();
  return { common: table[0] as number, replaced, inserted, longest };
}

/** tailSame tells whether one question is the other after some words of introduction. */
function tailSame(one: Reading, other: Reading): boolean {
  const [short, long] = one.key.length < other.key.length ? [one, other] : [other, one];
  return short.tokens.length >= 3 && long.key.endsWith(` ${short.key}`);
}
