/**
 * Tells how long the embedded tier took for each signal of a request: it answers in the calling thread, between the signal's own lines,
 * where nobody else could tell. Made where requests are traced; elsewhere signals have the tier itself.
 */
import type { Clock, EmbeddedReading, EmbeddedTier } from "@turnout/shared";

/** EmbeddedStep is one text that the tier read and judged, or judged anew with the encoder's vector. */
export interface EmbeddedStep {
  /** In milliseconds of the clock. */
  readonly startedAt: number;
  readonly durationMs: number;
  readonly head: string;
}

export class EmbeddedWatch {
  /** What signals are given in place of the tier. */
  readonly tier: EmbeddedTier;
  readonly #clock: Clock;
  /** Of the signal that starts now. What is read then belongs to it for good, however late it is judged. */
  #steps: EmbeddedStep[] | null = null;

  constructor(tier: EmbeddedTier, clock: Clock) {
    this.#clock = clock;
    this.tier = {
      revision: tier.revision,
      labelsOf: (head) => tier.labelsOf(head),
      thresholdOf: (head, label) => tier.thresholdOf(head, label),
      encoderOf: (head) => tier.encoderOf(head),
      read: (text) => this.#read(tier, text),
    };
  }

  /** during collects what `work` asks before it first waits, and what comes of that later. */
  during<Result>(steps: EmbeddedStep[], work: () => Result): Result {
    this.#steps = steps;
    try {
      return work();
    } finally {
      this.#steps = null;
    }
  }

  #read(tier: EmbeddedTier, text: string): EmbeddedReading {
    const clock = this.#clock;
    const steps = this.#steps;
    let startedAt: number | null = clock.now();
    const reading = tier.read(text);
    if (steps === null) return reading;
    /** The first judgement is told together with the reading, which it follows at once. */
    const told = <Judgement>(head: string, judge: () => Judgement): Judgement => {
      const from = startedAt ?? clock.now();
      startedAt = null;
      const judgement = judge();
      steps.push({ startedAt: from, durationMs: clock.now() - from, head });
      return judgement;
    };
    return {
      text: reading.text,
      coverage: reading.coverage,
      foreign: reading.foreign,
      // Reckoned with when they are asked for.
      get exam() {
        return reading.exam;
      },
      get english() {
        return reading.english;
      },
      classify: (head) => told(head, () => reading.classify(head)),
      combine: (head, vector) => told(head, () => reading.combine(head, vector)),
    };
  }
}
