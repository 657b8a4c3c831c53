/** A stand-in for the embedded tier in tests of the jailbreak signal: an attack is what contains the phrase, and cues say nothing. */
import { RouterError, type EmbeddedReading, type EmbeddedTier } from "@turnout/shared";
import { ATTACK, ATTACK_HEAD, CUE_HEAD } from "../jailbreak/attack-scale.ts";

export class PhraseTier implements EmbeddedTier {
  readonly revision = "test";
  readonly phrase: string;
  /** The texts whose words were read, in order. */
  readonly wordsRead: string[] = [];
  /** Called before each of them is read. */
  before: () => void = () => undefined;

  constructor(phrase: string) {
    this.phrase = phrase;
  }

  labelsOf(head: string): readonly string[] | null {
    return head === ATTACK_HEAD || head === CUE_HEAD ? [ATTACK] : null;
  }

  thresholdOf(): number {
    return 0.8;
  }

  encoderOf(): null {
    return null;
  }

  read(text: string): EmbeddedReading {
    const refuse = () => {
      throw new RouterError("internal", "the jailbreak signal must not ask for this");
    };
    return {
      text,
      coverage: 1,
      foreign: false,
      exam: 0,
      english: 1,
      combine: refuse,
      classify: (head) => {
        if (head === ATTACK_HEAD) {
          this.before();
          this.wordsRead.push(text);
        }
        const confidence = head === CUE_HEAD ? 0.5 : text.includes(this.phrase) ? 0.9999 : 0.0001;
        return { labels: [ATTACK], probabilities: Float32Array.of(confidence), best: ATTACK, confidence, standing: "sure" };
      },
    };
  }
}
