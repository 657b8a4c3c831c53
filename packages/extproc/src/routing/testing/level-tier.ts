/** A stand-in for the embedded tier in tests of the complexity signal: a text's shares are those of the phrase that it begins with. */
import { RouterError, type EmbeddedTier } from "@turnout/shared";
import { COMPLEXITY_HEAD, LEVELS } from "../signals/complexity-scale.ts";

/** levelTier gives [hard, medium, easy] by phrase, and a third each where it knows none. A text that begins with "?" is foreign. */
export function levelTier(opinions: Readonly<Record<string, readonly [number, number, number]>>): EmbeddedTier {
  const refuse = () => {
    throw new RouterError("internal", "the complexity signal must not ask for this");
  };
  return {
    revision: "levels",
    labelsOf: (head) => (head === COMPLEXITY_HEAD ? LEVELS : null),
    thresholdOf: refuse,
    encoderOf: () => null,
    read: (text) => ({
      text,
      coverage: 1,
      foreign: text.startsWith("?"),
      exam: 0,
      english: 1,
      combine: refuse,
      classify() {
        const [, shares = [1 / 3, 1 / 3, 1 / 3]] = Object.entries(opinions).find(([phrase]) => text.startsWith(phrase)) ?? [];
        const probabilities = Float32Array.from(shares);
        const confidence = Math.max(...probabilities);
        return { labels: LEVELS, probabilities, confidence, best: LEVELS[probabilities.indexOf(confidence)] ?? "", standing: "sure" };
      },
    }),
  };
}
