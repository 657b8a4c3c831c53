/** Numbers that are chosen on development data: softmax temperatures, the weight of the encoder, and when the tables' word is enough. */
import { logSoftmax, mix } from "../../packages/classifier-pool/src/embedded/embedded-model.ts";

/** Scored is one text's log-probabilities (or logits) and its right label. */
export interface Scored {
  readonly scores: Float32Array;
  readonly label: number;
}

const grid = (from: number, to: number, step: number) =>
  Array.from({ length: Math.round((to - from) / step) + 1 }, (_, i) => from + i * step);

/** fitTemperature minimises the mean negative log-likelihood. */
export function fitTemperature(rows: readonly Scored[]): number {
  const loss = (t: number) => rows.reduce((sum, { scores, label }) => sum - (logSoftmax(scores, t)[label] as number), 0);
  return bestOf(grid(0.2, 3, 0.05), loss);
}

/** fitWeight of the second opinion, minimising the mean loss over the sets given, each at its own best temperature. */
export function fitWeight(
  sets: readonly (readonly { readonly own: Float32Array; readonly other: Float32Array; readonly label: number }[])[],
): number {
  const loss = (weight: number) =>
    sets.reduce((sum, rows) => {
      const mixed = rows.map(({ own, other, label }) => ({ label, scores: mix(own, other, weight) }));
      const t = fitTemperature(mixed);
      return sum + mixed.reduce((total, { scores, label }) => total - (logSoftmax(scores, t)[label] as number), 0) / rows.length;
    }, 0);
  return bestOf(grid(0.2, 0.8, 0.05), loss);
}

/** Answered is one text with both answers, for the choice of the cascade. */
export interface Answered {
  readonly confidence: number;
  readonly coverage: number;
  readonly ownRight: boolean;
  readonly mixedRight: boolean;
}

/** Loss of accuracy that is allowed for not asking the encoder. */
const ALLOWED_LOSS = 0.005;

/** fitCascade finds the least confidence at which accuracy is within ALLOWED_LOSS of always asking the encoder. */
export function fitCascade(rows: readonly Answered[], coverage: number): number {
  const accuracy = (confidence: number) =>
    rows.filter((row) => (row.confidence >= confidence && row.coverage >= coverage ? row.ownRight : row.mixedRight)).length / rows.length;
  const always = rows.filter(({ mixedRight }) => mixedRight).length / rows.length;
  const found = grid(0, 1, 0.01).find((confidence) => accuracy(confidence) >= always - ALLOWED_LOSS) ?? 1;
  return Number(found.toFixed(2));
}

function bestOf(values: readonly number[], loss: (value: number) => number): number {
  let best = values[0] as number;
  let least = Infinity;
  for (const value of values) {
    const at = loss(value);
    if (at < least) [best, least] = [value, at];
  }
  return Number(best.toFixed(3));
}
