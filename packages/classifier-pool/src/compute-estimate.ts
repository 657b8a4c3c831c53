/**
 * What a token costs just now, learnt from the batches that came back. The dispatcher records and asks; the batcher is told.
 * Pure: time is passed in.
 */

/** Weight of the newest batch: about ten batches make a new estimate. */
const WEIGHT = 0.1;
/** One batch counts as at most so many times the estimate, so that a pause of the machine does not refuse seconds of texts. */
const OUTLIER = 3;
/** Without a batch for this long the estimate halves, again and again: were it too high, everything would be refused and nothing learnt. */
const HALF_LIFE_MS = 500;

export class ComputeEstimate {
  #mean = 0;
  #deviation = 0;
  #recordedAt = 0;

  /** record takes the time of one batch, hand-over to the thread and back included, and its `batchWork`. */
  record(work: number, ms: number, now: number): void {
    const measured = ms / work;
    if (this.#mean === 0) {
      this.#mean = measured;
    } else {
      const counted = Math.min(measured, this.#mean * OUTLIER);
      this.#deviation += WEIGHT * (Math.abs(counted - this.#mean) - this.#deviation);
      this.#mean += WEIGHT * (counted - this.#mean);
    }
    this.#recordedAt = now;
  }

  /** msPerToken is the mean and one mean deviation, so that most batches keep it; 0 while nothing is known. */
  msPerToken(now: number): number {
    const age = Math.floor(Math.max(0, now - this.#recordedAt) / HALF_LIFE_MS);
    return (this.#mean + this.#deviation) * 0.5 ** age;
  }
}
