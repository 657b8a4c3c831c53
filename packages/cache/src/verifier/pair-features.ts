/**
 * What the pair verifier's trees see of two questions: one number for each measure, in the order of this table. The model is trained on exactly
 * these. Symmetric: the order of the two questions does not matter. Pure.
 */
import { areOpposed } from "../guards/opposites.ts";
import { guards } from "../guards/registry.ts";
import { trustOf, type Likeness } from "./alignment.ts";
import { compareSides, type Comparison, type Half, type Side } from "./comparison.ts";
import type { Lexicon } from "./lexicon.ts";
import { looseCount, neighborsOf, orderOf } from "./sequences.ts";
import type { Role, Term } from "./terms.ts";
import { isBy, sameOrder, sameWords, saysWho, turnedVoice } from "./voice.ts";

type Measure = (pair: Comparison) => number;

const likenesses: readonly Likeness[] = ["form", "slip", "synonym", "related", "derived", "similar"];
const loose: readonly Role[] = ["wh", "modal", "person", "preposition", "quantifier", "conjunction", "tense", "filler"];

const setOf = (words: string): ReadonlySet<string> => new Set(words.split(/\s+/));
/** Function words that may stand for each other without changing much, by role; what only one question has of the others weighs more. */
const mild =
  setOf(`what which can could may i you one we my your our me us in on at of for with about using regarding within all every each any
  that who so because since as while when although though is are be being am do does a an the`);
const symmetric = setOf("and or versus between compare difference both same similar mix combine");
const supposing = setOf("if would were ever case imagine suppose hypothetically might whether");
/** Words that turn what follows round without being a negation. */
const reluctant = setOf(
  "prevent avoid stop quit refuse fail against lack overcome resist fight delete remove block reject ignore skip keep from instead rather",
);

const flag = (is: boolean) => (is ? 1 : 0);
const total = (terms: readonly Term[]) => terms.reduce((sum, { weight }) => sum + weight, 0);
const top = (terms: readonly Term[]) => terms.reduce((most, { weight }) => Math.max(most, weight), 0);
const count = (terms: readonly Term[], is: (term: Term) => boolean) => terms.reduce((sum, term) => sum + flag(is(term)), 0);
const isNamed = (term: Term) => term.named || term.kind === "number" || term.kind === "span";
const isPlural = (one: string, other: string) => `${one}s` === other || `${other}s` === one || `${one}es` === other || `${other}es` === one;

/** both makes two measures of one that each half has: the lesser and the greater. */
function both(name: string, of: (half: Half, pair: Comparison) => number): Record<string, Measure> {
  return {
    [`${name}_least`]: (pair) => Math.min(of(pair.now, pair), of(pair.stored, pair)),
    [`${name}_most`]: (pair) => Math.max(of(pair.now, pair), of(pair.stored, pair)),
  };
}

/** looseIn counts the words of a kind that only one question has. */
const looseIn =
  (is: (term: Term) => boolean): Measure =>
  ({ now, stored }) =>
    looseCount(now.terms.filter(is), stored.terms.filter(is));

/** each makes a measure for each name. */
const each = <Name extends string>(prefix: string, names: readonly Name[], of: (name: Name) => Measure): Record<string, Measure> =>
  Object.fromEntries(names.map((name) => [`${prefix}_${name}`, of(name)]));

/** covered is the share of a half's weight that has a counterpart, as far as that is trusted. */
function covered(half: Half, { now, aligned }: Comparison): number {
  const all = total(half.content);
  if (all === 0) return 1;
  const found = aligned.reduce(
    (sum, pair) => sum + trustOf(pair.likeness) * ((half === now ? now.content[pair.now] : half.content[pair.stored])?.weight ?? 0),
    0,
  );
  return found / all;
}

const measures: Readonly<Record<string, Measure>> = {
  cosine: ({ cosine }) => cosine,
  ...both("covered", covered),
  ...both("left", ({ left }) => total(left)),
  ...both("left_count", ({ left }) => left.length),
  ...both("left_top", ({ left }) => top(left)),
  ...both("left_named", ({ left }) => count(left, isNamed)),
  ...both("left_unknown", ({ left }) => count(left, ({ known }) => !known)),
  ...both("content", ({ content }) => content.length),
  length_ratio: ({ now, stored }) => Math.min(now.terms.length, stored.terms.length) / Math.max(1, now.terms.length, stored.terms.length),
  left_numbers: ({ now, stored }) => count([...now.left, ...stored.left], ({ kind }) => kind === "number"),
  opposed: ({ now, stored }) => flag(now.left.some(({ text }) => stored.left.some((other) => areOpposed(text, other.text)))),
  order: ({ aligned }) => orderOf(aligned.map(({ stored }) => stored)),
  common_run: ({ runs, now, stored }) => (2 * runs.common) / Math.max(1, now.terms.length + stored.terms.length),
  replaced_one: ({ runs }) => flag(runs.replaced === 1 && runs.inserted === 0 && runs.longest === 1),
  replaced: ({ runs }) => runs.replaced,
  inserted: ({ runs }) => runs.inserted,
  longest_replacement: ({ runs }) => runs.longest,
  tiles: ({ tiles }) => tiles.count,
  tile_mean: ({ tiles }) => tiles.mean,
  tile_shortest: ({ tiles }) => tiles.shortest,
  tail_same: ({ tailSame }) => flag(tailSame),
  same_start: ({ now, stored }) => flag(now.terms[0]?.stem === stored.terms[0]?.stem),
  same_end: ({ now, stored }) => flag(now.terms.at(-1)?.stem === stored.terms.at(-1)?.stem),
  known_share: ({ now, stored }) => {
    const words = [...now.terms, ...stored.terms].filter(({ kind }) => kind === "word");
    return count(words, ({ known }) => known) / Math.max(1, words.length);
  },
  neighbors: ({ now, stored }) => neighborsOf(now.terms.filter(saysWho), stored.terms.filter(saysWho)),
  same_subject: ({ now, stored }) => flag(now.terms.find(saysWho)?.stem === stored.terms.find(saysWho)?.stem),
  same_words: ({ now, stored }) => flag(sameWords(now.terms.filter(saysWho), stored.terms.filter(saysWho))),
  reordered: ({ now, stored }) => {
    const [a, b] = [now.terms.filter(saysWho), stored.terms.filter(saysWho)];
    return flag(sameWords(a, b) && !sameOrder(a, b));
  },
  symmetric: ({ now, stored }) => flag([now, stored].every(({ terms }) => terms.some(({ text }) => symmetric.has(text)))),
  turned_voice: ({ now, stored }) => flag(turnedVoice(now.terms, stored.terms) || turnedVoice(stored.terms, now.terms)),
  plurals: ({ aligned, now, stored }) =>
    aligned.filter(
      (pair) => pair.likeness === "form" && isPlural(now.content[pair.now]?.text ?? "", stored.content[pair.stored]?.text ?? ""),
    ).length,
  loose_by: looseIn(isBy),
  loose_supposing: looseIn(({ text }) => supposing.has(text)),
  loose_reluctant: looseIn(({ text }) => reluctant.has(text)),
  loose_symbols: looseIn(({ kind }) => kind === "symbol"),
  loose_strong: looseIn(({ role, text }) => role !== "content" && role !== "filler" && !mild.has(text)),
  ...each(
    "aligned",
    likenesses,
    (likeness) =>
      ({ aligned }) =>
        aligned.filter((pair) => pair.likeness === likeness).length,
  ),
  ...each("loose", loose, (role) => looseIn((term) => term.role === role)),
  ...each("strong", ["modal", "person", "preposition", "quantifier", "conjunction", "tense"] as const, (role) =>
    looseIn((term) => term.role === role && !mild.has(term.text)),
  ),
  ...each("shared", loose, (role) => ({ now, stored }) => {
    const [a, b] = [now.terms.filter((term) => term.role === role), stored.terms.filter((term) => term.role === role)];
    return (a.length + b.length - looseCount(a, b)) / 2;
  }),
  ...each(
    "guard",
    guards.map(({ name }) => name),
    (name) =>
      ({ objections }) =>
        flag(objections.includes(name)),
  ),
};

/** featureNames in the order of the values. */
export const featureNames: readonly string[] = Object.keys(measures);
const inOrder = Object.values(measures);

const KNOWN_SHARE = featureNames.indexOf("known_share");
/** Share of English words below which two questions are not judged: the encoder and the lists know no other language. */
const LEAST_KNOWN = 0.6;

/** isForeign tells whether a pair is in a language that cannot be judged. */
export const isForeign = (values: Float32Array): boolean => (values[KNOWN_SHARE] as number) < LEAST_KNOWN;

/** pairFeatures compares two questions. */
export function pairFeatures(one: Side, other: Side, cosine: number, lexicon: Lexicon): Float32Array {
  const pair = compareSides(one, other, cosine, lexicon);
  return Float32Array.from(inOrder, (measure) => measure(pair));
}
