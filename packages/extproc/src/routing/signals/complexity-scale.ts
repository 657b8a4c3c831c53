/** How much thinking a request asks for, as the embedded tier sees it, in microseconds and in the calling thread. */
import { RouterError, type EmbeddedTier } from "@turnout/shared";
import { withCues } from "./complexity-cues.ts";

/** LEVELS of complexity, as rules match and as the head's labels are. */
export const LEVELS = ["hard", "medium", "easy"] as const;

/** COMPLEXITY_HEAD of the embedded model reads what withCues writes. */
export const COMPLEXITY_HEAD = "complexity";

/** Softmax temperature; with it, shares say about how often a level is right. Chosen on authors left out of training. */
const TEMPERATURE = 0.6;

/** Shares of the levels, in the order of LEVELS; they sum to 1. */
export type Shares = readonly [hard: number, medium: number, easy: number];

/** UNKNOWN is what is said of a text of which nothing is known. */
export const UNKNOWN: Shares = [1 / 3, 1 / 3, 1 / 3];

export class ComplexityScale {
  readonly #embedded: EmbeddedTier;

  /** Throws "model_unsupported" when the embedded model has no such head. */
  constructor(embedded: EmbeddedTier) {
    if (embedded.labelsOf(COMPLEXITY_HEAD)?.join() !== LEVELS.join())
      throw new RouterError("model_unsupported", `the embedded model has no head "${COMPLEXITY_HEAD}"`);
    this.#embedded = embedded;
  }

  /** sharesOf the levels; UNKNOWN for a text in scripts that the model has never met. */
  sharesOf(text: string): Shares {
    const reading = this.#embedded.read(withCues(text));
    if (reading.foreign) return UNKNOWN;
    const [hard, medium, easy] = reading.classify(COMPLEXITY_HEAD).probabilities;
    return normalised([logOf(hard) / TEMPERATURE, logOf(medium) / TEMPERATURE, logOf(easy) / TEMPERATURE]);
  }
}

/** normalised turns log-odds into shares. */
export function normalised([hard, medium, easy]: Shares): Shares {
  const top = Math.max(hard, medium, easy);
  const [a, b, c] = [Math.exp(hard - top), Math.exp(medium - top), Math.exp(easy - top)];
  const sum = a + b + c;
  return [a / sum, b / sum, c / sum];
}

/** logOf a share, none of which is quite nothing. */
export const logOf = (share: number | undefined) => Math.log(Math.max(share ?? 0, 1e-6));
