/**
 * What the jailbreak signal learns from: attacks on a model's instructions, and harmless texts, those with the same words first of all.
 * Two heads of one label: one reads the words of a chunk, the other its cues (packages/extproc/src/routing/jailbreak, which also cuts
 * the texts here as it does there).
 */
import { existsSync, readdirSync } from "node:fs";
import { ATTACK, ATTACK_HEAD, CUE_HEAD } from "../../../packages/extproc/src/routing/jailbreak/attack-scale.ts";
import { Chunks, TIER_CUT } from "../../../packages/extproc/src/routing/jailbreak/chunks.ts";
import { CueReader } from "../../../packages/extproc/src/routing/jailbreak/cues.ts";
import { readLines } from "../corpora.ts";
import type { HeadRecipe } from "../heads.ts";

/** AttackRow is one text: 1 for an attack. */
export interface AttackRow {
  readonly text: string;
  readonly label: number;
  readonly source: string;
}

/** Risk from which a chunk counts as an attack: at most 1 % of harmless texts with trigger words reach it (jailbreak-figures.ts). */
export const THRESHOLD = 0.92;
/** Chunks of one text that are learned from: a long one must not outweigh fifty short ones. */
const MAX_CHUNKS = 6;
const ATTACK_WEIGHT = 1.5;
/** Attacks shorter than this are also learned in the midst of harmless messages, as they stand in a document. */
const SHORT = 400;
const MIXED_WEIGHT = 0.75;
const MIXED_BENIGN = 600;

/** Harmless texts of other corpora, of which every n-th is taken. */
const BENIGN: Readonly<Record<string, number>> = {
  "chat/H.jsonl": 4,
  "chat/I.jsonl": 4,
  "chat/J.jsonl": 4,
  "chat/K.jsonl": 4,
  "chat_domain.train.jsonl": 6,
  "domain.train.jsonl": 12,
  "clinc150.train.jsonl": 24,
};
const isChat = ({ source }: AttackRow) => source.startsWith("chat");

/** authoredAttacks are the rows that authors wrote for this signal under briefs of their own; "….dev.jsonl" is never trained on. */
export function authoredAttacks(set: "train" | "dev"): AttackRow[] {
  const folder = new URL("../data/injection/", import.meta.url);
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".jsonl") && name.includes(".dev.") === (set === "dev"));
  return names.toSorted().flatMap((name) => {
    const author = name.replace(/(\.dev)?\.jsonl$/, "");
    return readLines<AttackRow>(`injection/${name}`).map((row) => ({ ...row, source: `turnout-${author}/${row.source}` }));
  });
}

/** attackRows of the training sets. */
export function attackRows(): AttackRow[] {
  const labelled = ["jailbreak.train.jsonl", "injection_own.train.jsonl"].flatMap((file) => readLines<AttackRow>(file));
  const benign = Object.entries(BENIGN).flatMap(([file, nth]) =>
    readLines<{ readonly text: string }>(file)
      .filter((_, index) => index % nth === 0)
      .map(({ text }) => ({ text, label: 0, source: file })),
  );
  return [...labelled, ...authoredAttacks("train"), ...benign];
}

interface Piece {
  readonly text: string;
  readonly label: number;
  readonly weight: number;
}

/** jailbreakHeads are the recipes of both heads. */
export function jailbreakHeads(rows: readonly AttackRow[] = attackRows()): HeadRecipe[] {
  const reader = new CueReader();
  const pieces = [...rows.flatMap(piecesOf), ...mixed(rows)];
  const examples = (read: (text: string) => string) =>
    pieces.map(({ text, label, weight }) => ({ text: read(text), target: Float32Array.of(label), weight }));
  return [
    {
      name: ATTACK_HEAD,
      labels: [ATTACK],
      kind: "sigmoid",
      rows: 1 << 16,
      epochs: 4,
      thresholds: { [ATTACK]: THRESHOLD },
      examples: examples((text) => text),
    },
    { name: CUE_HEAD, labels: [ATTACK], kind: "sigmoid", rows: 1 << 13, epochs: 8, examples: examples((text) => reader.cues(text)) },
  ];
}

function piecesOf({ text, label }: AttackRow): Piece[] {
  const all = new Chunks([text], TIER_CUT).all();
  const step = Math.ceil(all.length / MAX_CHUNKS);
  const weight = label === 1 ? ATTACK_WEIGHT : 1;
  const taken = all.filter((_, index) => index % step === 0);
  return taken.map((chunk) => ({ text: chunk, label, weight: weight / Math.sqrt(taken.length) }));
}

/** mixed are short attacks before, between and after harmless messages, and as long texts of harmless messages alone. */
function mixed(rows: readonly AttackRow[]): Piece[] {
  const chat = rows.filter(isChat).map(({ text }) => text);
  const some = (n: number) => chat[(n * 7_919) % chat.length] as string;
  const joined = (texts: readonly string[]) => texts.join("\n\n").slice(0, TIER_CUT.length);
  const attacks = rows.filter(({ text, label }) => label === 1 && text.length < SHORT);
  return [
    ...attacks.flatMap(({ text }, n) =>
      [0, 1, 2].map((place) => {
        const texts = [some(6 * n + 2 * place), some(6 * n + 2 * place + 1)].toSpliced(place, 0, text);
        return { text: joined(texts), label: 1, weight: MIXED_WEIGHT };
      }),
    ),
    ...Array.from({ length: MIXED_BENIGN }, (_, n) => ({
      text: joined([some(3 * n), some(3 * n + 1), some(3 * n + 2)]),
      label: 0,
      weight: 1,
    })),
  ];
}
