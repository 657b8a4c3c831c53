/**
 * The queue in front of the workers, and the rule that cuts the next batch from it. Pure: it owns no timer and reads no clock,
 * time and the estimate of what a token costs are passed in. The dispatcher calls it; nothing else does.
 *
 * There is no waiting for a batch to fill: a batch is what waits when a worker frees up. Padding is what batching costs, so
 * texts are batched with texts of near length, under a budget of padded tokens. Length-blind batches measured worse than none.
 *
 * The oldest text leads the batch, unless texts of less than half its length wait. A text counts as shorter the more of its
 * patience it has used up, and as nothing when it can wait no longer. So a long text does not hold up chat prompts, and none
 * starves.
 *
 * What cannot be encoded before its deadline is refused before it costs anything. A queue in order of age otherwise collapses
 * under overload: each text is begun just in time to come too late.
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

/** Load is what admission must know of the workers. */
export interface Load {
  /** Milliseconds per unit of `batchWork` on one worker; 0 while nobody knows, and then nothing is refused for being late. */
  readonly msPerToken: number;
  readonly workers: number;
  /** What the running batches still need, summed over the workers. */
  readonly busyMs: number;
}

/** Admission says what became of a pushed entry: "full" and "late" are refusals, by the queue's limit and by the entry's deadline. */
export type Admission = "admitted" | "full" | "late";

/** Cut is the next batch, its leader first, and what was thrown out on the way. */
export interface Cut<Entry> {
  readonly batch: Entry[];
  /** Nobody waits for these any more: cancelled, or their deadline has passed. */
  readonly dropped: Entry[];
  /** These are waited for, but could not be encoded in time. */
  readonly shed: Entry[];
}

/** Neighbours may differ from the batch's leader by this share of its length, or by this many tokens if that is more. */
const NEAR_SHARE = 0.25;
const NEAR_TOKENS = 4;
/** What a batch costs beside its tokens, in tokens: 1 ms of fixed work in the graph against 0.11 ms per token. */
const BATCH_TOKENS = 8;
/** A text overtakes older ones of more than this many times its length. */
const OVERTAKEN = 2;
/**
 * At the door an entry is turned away only if it would be late even at this share of the estimated cost: a wrong refusal costs a burst
 * that would have been served (8 texts of 200 words: 34 % refused without hope, 14 % with), a wrong admission only a place in the queue,
 * since the cut sheds what has become hopeless.
 */
const HOPE = 0.7;
/** Patience of a text without a deadline: from then on it goes before younger ones, whatever its length. */
const UNHURRIED_MS = 1_000;

/** batchWork is what a batch costs in tokens, padding and fixed work included. */
export function batchWork(longest: number, items: number): number {
  return longest * items + BATCH_TOKENS;
}

export class Batcher<Entry extends QueuedText> {
  #limits: BatchLimits;
  /** In order of age. */
  #queue: Entry[] = [];

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** size counts what waits, including entries that the next cut will drop. */
  get size(): number {
    return this.#queue.length;
  }

  /** serveSingly ends batching, for an encoder that turned out not to bear company. */
  serveSingly(): void {
    this.#limits = { ...this.#limits, maxBatchItems: 1 };
  }

  /** push admits an entry unless the queue is full of entries that somebody waits for, or the entry's turn would come too late. */
  push(entry: Entry, now: number, load: Load): Admission {
    if (this.#queue.length >= this.#limits.queueLimit) {
      this.#queue = this.#queue.filter((waiting) => !waiting.cancelled);
      if (this.#queue.length >= this.#limits.queueLimit) return "full";
    }
    if (this.#comesTooLate(entry, now, load)) return "late";
    this.#queue.push(entry);
    return "admitted";
  }

  /** requeue puts entries of a failed batch back in front; they were admitted once and are not counted against the limit. */
  requeue(entries: readonly Entry[]): void {
    this.#queue.unshift(...entries);
  }

  /**
   * cut takes the next batch for one of `idleWorkers` idle workers, which share the queue evenly. Its company are the
   * most urgent entries of near length for which there is budget and time. `msPerToken` as in Load.
   */
  cut(now: number, idleWorkers: number, msPerToken: number): Cut<Entry> {
    const dropped: Entry[] = [];
    const shed: Entry[] = [];
    const alive: Entry[] = [];
    for (const entry of this.#queue) (entry.cancelled || entry.deadline <= now ? dropped : alive).push(entry);
    if (idleWorkers < 1) {
      this.#queue = alive;
      return { batch: [], dropped, shed };
    }
    const waitingTokens = tokensOf(alive);
    const live: Entry[] = [];
    for (const entry of alive) (now + this.#neededMs(entry, waitingTokens, msPerToken) > entry.deadline ? shed : live).push(entry);

    const batch = this.#fill(live, Math.ceil(live.length / idleWorkers), now, msPerToken);
    const taken = new Set(batch);
    this.#queue = live.filter((entry) => !taken.has(entry));
    return { batch, dropped, shed };
  }

  /** drain empties the queue and returns what waited. */
  drain(): Entry[] {
    const waiting = this.#queue;
    this.#queue = [];
    return waiting;
  }

  /** Whether `entry` would get its turn too late: after what runs, and after what goes before it now. Costs one pass over the queue. */
  #comesTooLate(entry: Entry, now: number, { msPerToken, workers, busyMs }: Load): boolean {
    if (msPerToken === 0 || entry.deadline === Number.POSITIVE_INFINITY) return false;
    let ahead = 0;
    for (const waiting of this.#queue) {
      if (waiting.cancelled) continue;
      if (this.#length(waiting, now, msPerToken) <= entry.tokens * OVERTAKEN) ahead += this.#share(waiting.tokens);
    }
    const hopeful = msPerToken * HOPE;
    const turn = now + (busyMs + ahead * hopeful) / workers;
    return turn + batchWork(entry.tokens, 1) * hopeful > entry.deadline;
  }

  /**
   * The time an entry needs once a worker takes it: for itself and, when much waits, for half a full batch. Were texts served
   * with no time to spare for company, batches would shrink to one just when batching is needed.
   */
  #neededMs({ tokens, alone }: Entry, waitingTokens: number, msPerToken: number): number {
    const company = alone || this.#limits.maxBatchItems === 1 ? 0 : Math.min(waitingTokens, this.#limits.maxBatchTokens / 2);
    return batchWork(Math.max(tokens, company), 1) * msPerToken;
  }

  /** What a text costs as one of a full batch of its kind. */
  #share(tokens: number): number {
    const items = Math.max(1, Math.min(this.#limits.maxBatchItems, Math.floor(this.#limits.maxBatchTokens / tokens)));
    return batchWork(tokens, items) / items;
  }

  /** The length by which an entry is ranked: its tokens, less and less as its patience runs out. */
  #length({ tokens, enqueuedAt, deadline }: Entry, now: number, msPerToken: number): number {
    // The last moment to begin, and before it the time of a batch that may be cut just then.
    const busy = (batchWork(tokens, 1) + this.#limits.maxBatchTokens / 2) * msPerToken;
    const patience = deadline === Number.POSITIVE_INFINITY ? UNHURRIED_MS : deadline - enqueuedAt - busy;
    const waited = now - enqueuedAt;
    return waited >= patience ? 0 : tokens * (1 - waited / patience);
  }

  #fill(live: readonly Entry[], share: number, now: number, msPerToken: number): Entry[] {
    const lengths = new Map(live.map((entry) => [entry, this.#length(entry, now, msPerToken)]));
    const lengthOf = (entry: Entry) => lengths.get(entry) ?? entry.tokens;
    let leader = live[0];
    for (const entry of live) if (leader !== undefined && lengthOf(entry) * OVERTAKEN < lengthOf(leader)) leader = entry;
    if (leader === undefined) return [];

    const batch = [leader];
    const maxItems = Math.min(this.#limits.maxBatchItems, share);
    if (leader.alone || maxItems < 2) return batch;
    const { tokens } = leader;
    const reach = Math.max(NEAR_TOKENS, tokens * NEAR_SHARE);
    const near = live.filter((entry) => entry !== leader && !entry.alone && Math.abs(entry.tokens - tokens) <= reach);
    near.sort((a, b) => lengthOf(a) - lengthOf(b));
    let longest = tokens;
    let earliest = leader.deadline;
    for (const entry of near) {
      if (batch.length === maxItems) break;
      const padded = Math.max(longest, entry.tokens);
      const items = batch.length + 1;
      const deadline = Math.min(earliest, entry.deadline);
      if (padded * items > this.#limits.maxBatchTokens || now + batchWork(padded, items) * msPerToken > deadline) continue;
      batch.push(entry);
      longest = padded;
      earliest = deadline;
    }
    return batch;
  }
}

function tokensOf(entries: readonly QueuedText[]): number {
  let tokens = 0;
  for (const entry of entries) tokens += entry.tokens;
  return tokens;
}
