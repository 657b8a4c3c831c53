/**
 * What the heads that ask what a message wants have in common: the rows that authors wrote for them, harmless messages of other
 * corpora, and two heads of each question, one that reads words and one that reads cues (packages/extproc/src/routing/intent).
 */
import { IntentCueReader } from "../../../packages/extproc/src/routing/intent/cues.ts";
import { cueHeadOf, type IntentTask } from "../../../packages/extproc/src/routing/intent/intent-scale.ts";
import { readLines } from "../corpora.ts";
import type { HeadRecipe } from "../heads.ts";
import { nearDuplicates } from "../near-duplicates.ts";

/** IntentRow is one message that an author labelled. */
export interface IntentRow {
  readonly text: string;
  readonly label: string;
  readonly source: string;
}

const EPOCHS = 20;

/** Corpora of messages to an assistant, written for other labels. */
const CHAT = ["chat/H.jsonl", "chat/I.jsonl", "chat/J.jsonl", "chat/K.jsonl", "chat/M.jsonl", "chat/N.jsonl", "clinc150.train.jsonl"];

/** authoredRows are those of one question; "dev" is never trained on, nor is what nearly repeats it. */
export function authoredRows(head: string, set: "train" | "dev"): IntentRow[] {
  const development = rowsIn(`${head}.dev.jsonl`);
  if (set === "dev") return development;
  const rows = [...rowsIn(`${head}.jsonl`), ...rowsIn(`${head}.more.jsonl`)];
  const repeats = nearDuplicates(
    rows.map(({ text }) => text),
    development.map(({ text }) => text),
  );
  return rows.filter((_, index) => repeats[index] === false);
}

function rowsIn(name: string): IntentRow[] {
  const rows = readLines<{ readonly text: string; readonly label: string | number; readonly source: string }>(`intent/${name}`);
  return rows.map((row) => ({ ...row, label: String(row.label) }));
}

/** ChatRow is a message of another corpus; `label` is a domain or an intent. */
export interface ChatRow {
  readonly text: string;
  readonly label: string;
  readonly style?: string;
}

/** chatRows are every n-th message of other corpora that `fits`, labelled anew. */
export function chatRows(nth: number, label: string, fits: (row: ChatRow) => boolean): IntentRow[] {
  return CHAT.flatMap((file) =>
    readLines<ChatRow>(file)
      .filter((row, index) => index % nth === 0 && fits(row))
      .map(({ text }) => ({ text, label, source: file })),
  );
}

/** intentHeads are the recipes of both heads of a question. */
export function intentHeads(
  { head, labels }: IntentTask,
  rows: readonly IntentRow[],
  options: { readonly rows: number; readonly thresholds: Record<string, number> },
): HeadRecipe[] {
  const reader = new IntentCueReader();
  const examples = (read: (text: string) => string) =>
    rows.map(({ text, label }) => ({
      text: read(text),
      target: Float32Array.from(labels, (one) => (one === label ? 1 : 0)),
      weight: 1,
    }));
  const common = { labels: [...labels], kind: "softmax" as const, epochs: EPOCHS };
  return [
    { ...common, name: head, rows: options.rows, thresholds: options.thresholds, examples: examples((text) => text) },
    { ...common, name: cueHeadOf(head), rows: 1 << 13, examples: examples((text) => reader.cues(text)) },
  ];
}
