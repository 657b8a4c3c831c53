/** A stand-in for the embedded tier in tests of the signals that ask what a message wants: its words say what the test wrote down, its cues nothing. */
import { RouterError, type EmbeddedTier, type TextClassification } from "@turnout/shared";
import { cueHeadOf, type IntentTask } from "../intent/intent-scale.ts";

/** Opinion is the share of each label that is not 0. */
export type Opinion = Readonly<Record<string, number>>;

export interface IntentTierOptions {
  /** Threshold of every label; 0.5 by default. */
  readonly threshold?: number;
  /** A text that begins with this is in a script nobody knows. */
  readonly foreign?: string;
}

/** intentTier has the heads of the tasks. A text of no opinion has equal shares of all labels. */
export function intentTier(
  tasks: readonly IntentTask[],
  opinions: Readonly<Record<string, Opinion>>,
  { threshold = 0.5, foreign }: IntentTierOptions = {},
): EmbeddedTier {
  const labelsOf = (name: string) => tasks.find(({ head }) => name === head || name === cueHeadOf(head))?.labels ?? null;
  const refuse = () => {
    throw new RouterError("internal", "signals of intent must not ask for this");
  };
  // The cues are averaged in: squared words against equal cues are the words again.
  const classify = (text: string, name: string): TextClassification => {
    const labels = labelsOf(name) ?? [];
    const opinion = tasks.some(({ head }) => head === name) ? opinions[text] : undefined;
    const share = tasks.find(({ head }) => head === name)?.cueShare ?? 0;
    const powers = labels.map((label) => (opinion === undefined ? 1 : (opinion[label] ?? 0) ** (1 / (1 - share))));
    const sum = powers.reduce((total, power) => total + power, 0);
    const probabilities = Float32Array.from(powers, (power) => power / sum);
    const confidence = Math.max(...probabilities);
    return { labels, probabilities, confidence, best: labels[probabilities.indexOf(confidence)] ?? "", standing: "sure" };
  };
  return {
    revision: "intent",
    labelsOf,
    thresholdOf: () => threshold,
    encoderOf: () => null,
    read(text) {
      const unknown = foreign !== undefined && text.startsWith(foreign);
      return { text, coverage: 1, foreign: unknown, exam: 0, english: 1, classify: (head) => classify(text, head), combine: refuse };
    },
  };
}
