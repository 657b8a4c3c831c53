/**
 * From labels of tokens to entities of a text. A word has the label of its first token, as token classifiers are trained; words of one
 * entity are joined as the labels' scheme says: BIO, BIOES (BILOU), or plain labels. Pure; runs in the worker.
 */
import type { TextEntity } from "@turnout/shared";
import { beginsWord } from "../tokens/words.ts";

/** TokenLabels are the labels of a text's first `count` tokens, and how probable they are. */
export interface TokenLabels {
  readonly count: number;
  readonly starts: Int32Array;
  readonly ends: Int32Array;
  /** Index of each token's label. */
  readonly labels: Int32Array;
  readonly scores: Float32Array;
}

/** LabelScheme says what each label means, by its index. */
export type LabelScheme = readonly LabelMeaning[];

/** LabelMeaning: null is outside of any entity. `opens`: never goes on with the entity before; `closes`: nothing goes on with it. */
type LabelMeaning = { readonly type: string; readonly opens: boolean; readonly closes: boolean } | null;

/** The label of what is no entity. */
const OUTSIDE = "O";
const PREFIXED = /^([BIESLU])[-_](.+)$/;

/** labelScheme reads a model's labels; null when none of them says "no entity". Where every other label has a prefix, prefixes mean something. */
export function labelScheme(labels: readonly string[]): LabelScheme | null {
  if (!labels.includes(OUTSIDE)) return null;
  const prefixed = labels.every((label) => label === OUTSIDE || PREFIXED.test(label));
  return labels.map((label) => {
    if (label === OUTSIDE) return null;
    const [, prefix = "I", type = label] = (prefixed ? PREFIXED.exec(label) : null) ?? [];
    return { type, opens: "BSU".includes(prefix), closes: "ESLU".includes(prefix) };
  });
}

/** entityTypes are the types that a scheme knows, each once. */
export function entityTypes(scheme: LabelScheme): string[] {
  return [...new Set(scheme.flatMap((meaning) => (meaning === null ? [] : [meaning.type])))];
}

/** findEntities joins tokens to words and words to entities. An entity's score is the mean of its words'. */
export function findEntities(text: string, tokens: TokenLabels, scheme: LabelScheme): TextEntity[] {
  const entities: TextEntity[] = [];
  let open: { type: string; start: number; end: number; sum: number; words: number } | null = null;
  const close = () => {
    if (open !== null) entities.push({ start: open.start, end: open.end, type: open.type, score: open.sum / open.words });
    open = null;
  };
  for (const { start, end, label, score } of wordsOf(text, tokens)) {
    const meaning = scheme[label] ?? null;
    if (meaning === null || meaning.opens || open?.type !== meaning.type) close();
    if (meaning === null) continue;
    open ??= { type: meaning.type, start, end, sum: 0, words: 0 };
    open.end = end;
    open.sum += score;
    open.words += 1;
    if (meaning.closes) close();
  }
  close();
  return entities;
}

interface LabelledWord {
  readonly start: number;
  end: number;
  readonly label: number;
  readonly score: number;
}

function wordsOf(text: string, { count, starts, ends, labels, scores }: TokenLabels): LabelledWord[] {
  const words: LabelledWord[] = [];
  let word: LabelledWord | null = null;
  for (let token = 0; token < count; token += 1) {
    const start = starts[token] ?? 0;
    const end = ends[token] ?? 0;
    // Mere space that belongs to no word.
    if (start === end && (start >= text.length || text.slice(start, start + 1).trim() === "")) continue;
    if (word === null || (word.end > word.start && start >= word.end && beginsWord(text, start))) {
      word = { start, end, label: labels[token] ?? 0, score: scores[token] ?? 0 };
      words.push(word);
    }
    word.end = Math.max(word.end, end);
  }
  return words.filter((found) => found.end > found.start);
}

/** labelTokens takes the most probable labels of a text's tokens `from..to`; the first of them has row `row` of the logits. */
export function labelTokens(
  logits: Float32Array,
  width: number,
  row: number,
  from: number,
  to: number,
  { labels, scores }: Pick<TokenLabels, "labels" | "scores">,
): void {
  for (let token = from; token < to; token += 1) {
    const start = (row + token - from) * width;
    let best = 0;
    for (let label = 1; label < width; label += 1) {
      if ((logits[start + label] ?? 0) > (logits[start + best] ?? 0)) best = label;
    }
    const peak = logits[start + best] ?? 0;
    let sum = 0;
    for (let label = 0; label < width; label += 1) sum += Math.exp((logits[start + label] ?? 0) - peak);
    labels[token] = best;
    scores[token] = 1 / sum;
  }
}
