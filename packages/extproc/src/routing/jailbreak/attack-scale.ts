/**
 * The risk that a chunk of text is an attack on the model's instructions, as the embedded tier sees it: by its words and n-grams, and
 * by its cues. N-grams know what has been seen; cues carry over to what has not (left-one-source-out figures: docs/accuracy.md).
 */
import { RouterError, type EmbeddedTier } from "@turnout/shared";
import { CueReader } from "./cues.ts";

/** Heads of the embedded model, and the one label of each. */
export const ATTACK_HEAD = "attack";
export const CUE_HEAD = "attack_cues";
export const ATTACK = "attack";

/** CUE_SHARE is how much the cues count in the log-odds; the n-grams count the rest. Chosen on sources left out of training. */
const CUE_SHARE = 0.7;

/** AttackScale measures chunks. It owns buffers: one for each thread. */
export class AttackScale {
  readonly #embedded: EmbeddedTier;
  readonly #reader = new CueReader();
  /** Risk from which a chunk counts as an attack, chosen on development data. */
  readonly threshold: number;

  /** Throws "model_unsupported" when the embedded model has no such heads. */
  constructor(embedded: EmbeddedTier) {
    for (const head of [ATTACK_HEAD, CUE_HEAD]) {
      if (embedded.labelsOf(head)?.[0] !== ATTACK)
        throw new RouterError("model_unsupported", `the embedded model has no head "${head}" for attacks`);
    }
    this.#embedded = embedded;
    this.threshold = embedded.thresholdOf(ATTACK_HEAD, ATTACK);
  }

  /** cues is a chunk's number of cues: what is worth reading first. Some ten times cheaper than risk. */
  cues(chunk: string): number {
    return this.#reader.count(chunk);
  }

  /** risk of a chunk, 0 to 1. */
  risk(chunk: string): number {
    const byWords = this.#oddsOf(ATTACK_HEAD, chunk);
    const byCues = this.#oddsOf(CUE_HEAD, this.#reader.cues(chunk));
    return 1 / (1 + Math.exp(-(CUE_SHARE * byCues + (1 - CUE_SHARE) * byWords)));
  }

  /** #oddsOf is the logarithm of the odds. */
  #oddsOf(head: string, text: string): number {
    const probability = Math.min(Math.max(this.#embedded.read(text).classify(head).probabilities[0] as number, 1e-6), 1 - 1e-6);
    return Math.log(probability / (1 - probability));
  }
}
