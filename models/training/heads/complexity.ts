/**
 * What the complexity signal learns from: messages of several authors, each with how much thinking a good answer takes, and messages of
 * other corpora, of which only the usual is known. The head reads a message and its cues
 * (packages/extproc/src/routing/signals/complexity-cues.ts).
 */
import { withCues } from "../../../packages/extproc/src/routing/signals/complexity-cues.ts";
import { COMPLEXITY_HEAD, LEVELS } from "../../../packages/extproc/src/routing/signals/complexity-scale.ts";
import { readLines } from "../corpora.ts";
import type { HeadRecipe } from "../heads.ts";
import { authoredRows, type IntentRow } from "./intent.ts";

/** Share of a label that is spread over the others: where a level ends, authors differ. */
const SMOOTHING = 0.05;

/**
 * USUAL are the shares of the levels, in the order of LEVELS, among messages of a kind; a kind that is not here is a message to an
 * assistant like any other. They keep the head from strong words on messages unlike those of the authors.
 */
const USUAL: Readonly<Record<string, readonly number[]>> = {
  message: [0.25, 0.45, 0.3],
  short: [0.25, 0.3, 0.45],
  smalltalk: [0.02, 0.08, 0.9],
  command: [0.02, 0.13, 0.85],
};
const USUAL_WEIGHT = 0.1;
const CHAT = ["chat/H.jsonl", "chat/I.jsonl", "chat/J.jsonl", "chat/K.jsonl", "chat/M.jsonl", "chat/N.jsonl"];
/** Every so manyth text is taken, so that together they do not outweigh the authors. */
const CHAT_STRIDE = 8;
const COMMAND_STRIDE = 48;

/** complexityRows are labelled with one of LEVELS. */
export const complexityRows = (set: "train" | "dev"): IntentRow[] => authoredRows(COMPLEXITY_HEAD, set);

/** complexityHead is the recipe. */
export function complexityHead(rows: readonly IntentRow[] = complexityRows("train")): HeadRecipe {
  const authored = rows.map(({ text, label }) => ({
    text: withCues(text),
    target: Float32Array.from(LEVELS, (level) => (level === label ? 1 - SMOOTHING : SMOOTHING / (LEVELS.length - 1))),
    weight: 1,
  }));
  return { name: COMPLEXITY_HEAD, labels: [...LEVELS], kind: "softmax", rows: 1 << 15, epochs: 12, examples: [...authored, ...usual()] };
}

function usual(): HeadRecipe["examples"] {
  // What is pasted says nothing of what is asked of it.
  const chat = CHAT.flatMap((file) => readLines<{ readonly text: string; readonly style: string }>(file)).filter(
    ({ style }, index) => index % CHAT_STRIDE === 0 && style !== "pasted",
  );
  const commands = readLines<{ readonly text: string }>("clinc150.train.jsonl").filter((_, index) => index % COMMAND_STRIDE === 0);
  return [...chat, ...commands.map(({ text }) => ({ text, style: "command" }))].map(({ text, style }) => ({
    text: withCues(text),
    target: Float32Array.from(USUAL[style] ?? (USUAL["message"] as readonly number[])),
    weight: USUAL_WEIGHT,
  }));
}
