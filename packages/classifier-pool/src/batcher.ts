/**
 * The queue in front of the workers, and the rule that cuts the next batch from it. Pure: it owns no timer and reads no clock,
 * time is passed in. The dispatcher calls it; nothing else does.
 *
 * There is no waiting for a batch to fill: a batch is what waits when a worker frees up. Padding is what batching costs, so
 * texts are batched with texts of near length, under a budget of padded tokens. Length-blind batches measured worse than none.
 */

/** QueuedText is what the batcher must know of an entry; the estimate in `tokens` includes special tokens. */
export interface QueuedText {
  readonly tokens: number;
  /** Arrival, in clock milliseconds. */
  readonly enqueuedAt: number;
  /** Clock milliseconds after which nobody waits; Infinity when somebody waits for ever. */
  readonly deadline: number;
  /** True once every caller has left. */
  readonly cancelled: boolean;
  /** True when the text must not share a batch: one of its former batch broke a worker. */
  readonly alone: boolean;
}

/** BatchLimits bound the queue and one batch. */
export interface BatchLimits {
  /** Texts that may wait. */
  readonly queueLimit: number;
  /** Padded tokens of one batch: longest text times texts. A single longer text still goes, alone. */
  readonly maxBatchTokens: number;
  readonly maxBatchItems: number;
}

/** Cut is the next batch, oldest entry first, and what was thrown out on the way: cancelled entries and expired ones. */
export interface Cut<Entry> {
  readonly batch: Entry[];
  readonly dropped: Entry[];
}

/** Neighbours may differ from the oldest entry by this share of its length, or by this many tokens if that is more. */
const NEAR_SHARE = 0.25;
const NEAR_TOKENS = 4;
/** Among neighbours the shorter goes first, but each millisecond of waiting counts as one token less. */
const AGEING_TOKENS_PER_MS = 1;

export class Batcher<Entry extends QueuedText> {
  readonly #limits: BatchLimits;
  /** In order of age. */
  #queue: Entry[] = [];

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** size counts what waits, including entries that the next cut will drop. */
  get size(): number {
    return this.#queue.length;
  }

  /** push admits an entry, or returns false when the queue is full of entries that somebody waits for. */
  push(entry: Entry): boolean {
    if (this.#queue.length >= this.#limits.queueLimit) {
      this.#queue = this.#queue.filter((waiting) => !waiting.cancelled);
      if (this.#queue.length >= this.#limits.queueLimit) return false;
    }
    this.#queue.push(entry);
    return true;
  }

  /** requeue puts entries of a failed batch back in front; they were admitted once and are not counted against the limit. */
  requeue(entries: readonly Entry[]): void {
    this.#queue.unshift(...entries);
  }

  /**
   * cut takes the next batch for one of `idleWorkers` idle workers. The oldest live entry is always in it, so an entry waits
   * for at most as many cuts as there were entries before it. Idle workers share the queue evenly.
   */
  cut(now: number, idleWorkers: number): Cut<Entry> {
    const dropped: Entry[] = [];
    const live: Entry[] = [];
    for (const entry of this.#queue) (entry.cancelled || entry.deadline <= now ? dropped : live).push(entry);

    const oldest = live[0];
    if (oldest === undefined || idleWorkers < 1) {
      this.#queue = live;
      return { batch: [], dropped };
    }
    const share = Math.ceil(live.length / idleWorkers);
    const batch = this.#fill(oldest, live, Math.min(this.#limits.maxBatchItems, share), now);
    const taken = new Set(batch);
    this.#queue = live.filter((entry) => !taken.has(entry));
    return { batch, dropped };
  }

  /** drain empties the queue and returns what waited. */
  drain(): Entry[] {
    const waiting = this.#queue;
    this.#queue = [];
    return waiting;
  }

  #fill(oldest: Entry, live: readonly Entry[], maxItems: number, now: number): Entry[] {
    const batch = [oldest];
    if (oldest.alone || maxItems < 2) return batch;
    const reach = Math.max(NEAR_TOKENS, oldest.tokens * NEAR_SHARE);
    const near = live.filter((entry) => entry !== oldest && !entry.alone && Math.abs(entry.tokens - oldest.tokens) <= reach);
    near.sort((a, b) => urgency(a, now) - urgency(b, now));
    let longest = oldest.tokens;
    for (const entry of near) {
      if (batch.length === maxItems) break;
      const padded = Math.max(longest, entry.tokens);
      if (padded * (batch.length + 1) > this.#limits.maxBatchTokens) continue;
      batch.push(entry);
      longest = padded;
    }
    return batch;
  }
}

function urgency(entry: QueuedText, now: number): number {
  return entry.tokens - (now - entry.enqueuedAt) * AGEING_TOKENS_PER_MS;
}
