/** Numbers that are chosen on development data: the weights of opinions, and when the tables' word is enough. */
import { blend, logSoftmax } from "../../packages/classifier-pool/src/embedded/embedded-model.ts";

/** Judged is one text's opinions, each with log-probabilities or logits, and its right label. */
export interface Judged {
  readonly opinions: readonly Float32Array[];
  readonly label: number;
}

const ROUNDS = 100;

/** fitBlend finds the weights of the opinions at which the right labels are likeliest: a convex search, one weight after the other. */
export function fitBlend(rows: readonly Judged[]): number[] {
  const weights = (rows[0] as Judged).opinions.map((_, __, { length }) => 1 / length);
  for (let round = 0; round < ROUNDS; round += 1) {
    for (let n = 0; n < weights.length; n += 1) {
      let slope = 0;
      let bend = 1e-9;
      for (const { opinions, label } of rows) {
        const opinion = opinions[n] as Float32Array;
        const probabilities = logSoftmax(blend(opinions, weights), 1).map(Math.exp);
        const mean = opinion.reduce((sum, value, c) => sum + value * (probabilities[c] as number), 0);
        slope += mean - (opinion[label] as number);
        bend += opinion.reduce((sum, value, c) => sum + (value - mean) ** 2 * (probabilities[c] as number), 0);
      }
      weights[n] = Math.max(0, (weights[n] as number) - slope / bend);
    }
  }
  return weights.map((weight) => Number(weight.toFixed(3)));
}

/** Answered is one text with both answers, for the choice of the cascade. */
export interface Answered {
  /** The best label's probability less the next one's. */
  readonly lead: number;
  readonly coverage: number;
  readonly ownRight: boolean;
  readonly mixedRight: boolean;
}

/** fitCascade finds the least lead at which accuracy is within `loss` (0.01 is one point) of always asking the encoder. */
export function fitCascade(rows: readonly Answered[], coverage: number, loss: number): number {
  const right = (least: number) =>
    rows.filter((row) => (row.lead >= least && row.coverage >= coverage ? row.ownRight : row.mixedRight)).length;
  const wanted = right(Infinity) - loss * rows.length;
  const leads = Array.from({ length: 101 }, (_, i) => i / 100);
  return leads.find((least) => right(least) >= wanted) ?? 1;
}

/** Bins of the calibration error. */
const BINS = 15;

/** Answer is what was said with which confidence, and whether it was right. */
export interface Answer {
  readonly confidence: number;
  readonly right: boolean;
}

/** calibrationError is the mean distance between confidence and accuracy, over bins of confidence (ECE). */
export function calibrationError(answers: readonly Answer[]): number {
  const gaps = new Float64Array(BINS);
  for (const { confidence, right } of answers) {
    const bin = Math.min(BINS - 1, Math.floor(confidence * BINS));
    gaps[bin] = (gaps[bin] as number) + confidence - (right ? 1 : 0);
  }
  return gaps.reduce((sum, gap) => sum + Math.abs(gap), 0) / answers.length;
}
