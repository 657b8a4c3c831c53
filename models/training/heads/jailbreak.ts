/**
 * What the jailbreak signal learns from: attacks on a model's instructions, and harmless texts, those with the same words first of all.
 * Two heads of one label: one reads the words of a chunk, the other its cues (packages/extproc/src/routing/jailbreak, which also cuts
 * the texts here as it does there).
 */
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

/** Risk from which a chunk counts as an attack: chosen on development data so that at most 1 % of harmless texts with trigger words reach it. */
const THRESHOLD = 0.8;
/** Chunks of one text that are learned from: a long one must not outweigh fifty short ones. */
const MAX_CHUNKS = 6;
const ATTACK_WEIGHT = 1.5;
/** Attacks shorter than this are also learned in the midst of harmless messages, as they stand in a document. */
const SHORT = 400;
const MIXED_WEIGHT = 0.75;
const MIXED_BENIGN = 600;

/** Harmless texts of other corpora, of which every n-th is taken. */
const BENIGN: Readonly<Record<string, number>> = {
  "chat/H.jsonl": 2,
  "chat/I.jsonl": 2,
  "chat/J.jsonl": 2,
  "chat/K.jsonl": 2,
  "chat_domain.train.jsonl": 3,
  "domain.train.jsonl": 6,
  "clinc150.train.jsonl": 12,
};
export const isChat = ({ source }: AttackRow) => source.startsWith("chat");

/** attackRows of the training sets. */
export function attackRows(): AttackRow[] {
  const labelled = ["jailbreak.train.jsonl", "injection_own.train.jsonl", "injection/S.jsonl"].flatMap((file) =>
    readLines<AttackRow>(file),
  );
  const benign = Object.entries(BENIGN).flatMap(([file, nth]) =>
    readLines<{ readonly text: string }>(file)
      .filter((_, index) => index % nth === 0)
      .map(({ text }) => ({ text, label: 0, source: file })),
  );
  return [...labelled, ...benign];
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

/** mixed are short attacks between harmless messages, and as long texts of harmless messages alone. */
function mixed(rows: readonly AttackRow[]): Piece[] {
  const chat = rows.filter(isChat).map(({ text }) => text);
  const some = (n: number) => chat[(n * 7_919) % chat.length] as string;
  const piece = (texts: readonly string[], label: number): Piece => ({
    text: texts.join("\n\n").slice(0, TIER_CUT.length),
    label,
    weight: label === 1 ? MIXED_WEIGHT : 1,
  });
  const attacks = rows.filter(({ text, label }) => label === 1 && text.length < SHORT);
  return [
    ...attacks.map(({ text }, n) => piece([some(2 * n), text, some(2 * n + 1)], 1)),
    ...Array.from({ length: MIXED_BENIGN }, (_, n) => piece([some(3 * n), some(3 * n + 1), some(3 * n + 2)], 0)),
  ];
}
