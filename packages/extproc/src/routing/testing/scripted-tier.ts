/** An embedded tier for tests: it says of each text what the test wrote down, and of a combination what the test wrote down for that. */
import type { EmbeddedReading, EmbeddedTier, TextClassification, TextStanding } from "@turnout/shared";

/** Opinion is the share of each label, and how far to trust it. */
export interface Opinion {
  readonly shares: Readonly<Record<string, number>>;
  readonly standing?: TextStanding;
  /** What it is together with the encoder; the same by default. */
  readonly combined?: Readonly<Record<string, number>>;
}

/** fitting is the encoder that the tier's head can be combined with. */
export const fitting = { model: "fitting", revision: "r1", dimension: 512 };

/** scriptedTier has one head, "domain", which can be combined with the encoder `fitting`. */
export function scriptedTier(labels: readonly string[], opinions: Readonly<Record<string, Opinion>>): EmbeddedTier {
  const classification = (shares: Readonly<Record<string, number>>, standing: TextStanding): TextClassification => {
    const probabilities = Float32Array.from(labels, (label) => shares[label] ?? 0);
    const confidence = Math.max(...probabilities);
    return { labels, probabilities, confidence, best: labels[probabilities.indexOf(confidence)] ?? "", standing };
  };
  const reading = (text: string): EmbeddedReading => {
    const { shares, standing = "sure", combined = shares } = opinions[text] ?? { shares: {} };
    return {
      text,
      coverage: 1,
      foreign: standing === "foreign",
      exam: 0,
      english: 1,
      classify: () => classification(shares, standing),
      combine: () => classification(combined, "sure"),
    };
  };
  return {
    revision: "scripted",
    labelsOf: (head) => (head === "domain" ? labels : null),
    thresholdOf: () => 0.5,
    encoderOf: () => fitting,
    read: reading,
  };
}
