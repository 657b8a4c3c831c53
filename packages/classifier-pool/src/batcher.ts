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
 * While shorter texts keep arriving, long ones never take all workers at once: the last worker is kept for the short. A short text
 * would otherwise wait for a long one to end, however short its queue.
 *
 * What cannot be encoded before its deadline never costs a worker anything. A queue in order of age otherwise collapses under
 * overload: each text is begun just in time to come too late. So a text that would be late behind what waits already goes on
 * standby. It is taken up when there is room after all, the youngest first, and refused when no time is left. It is not refused
 * at the door: the estimate may be wrong, and whoever is refused at once asks again at once, with CPU that the workers lack.
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

/** RunningBatch is what a worker is busy with. */
export interface RunningBatch {
  /** The longest text of it. */
  readonly tokens: number;
  /** Milliseconds until it ends, by estimate. */
  readonly leftMs: number;
}

/** Load is what the queue must know of the workers. */
export interface Load {
  /** Milliseconds per unit of `batchWork` on one worker; 0 while nobody knows, and then nothing is refused for being late. */
  readonly msPerToken: number;
  readonly workers: number;
  readonly running: readonly RunningBatch[];
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
 * Standby is for an entry that would be late even if what waits before it took only this share of its estimated cost. Doubt costs little,
 * as the cut sheds what has become hopeless; without it, at twice the capacity 10 % of the long texts are in time, not 15 %.
 */
const HOPE = 0.85;
/**
 * Standby ends when the text, begun now, would be late even at this share of the estimate. On a machine that others keep busy the estimate
 * is too high, and refusals at once would make it worse: 32 callers on a fifth of the speed get 22 texts a second in time, not 4.
 */
const LAST_HOPE = 0.5;
/** Of the places in the queue, this share may be taken by texts on standby. */
const STANDBY_SHARE = 0.25;
/** Shorter texts are expected for so long after one has come: a long batch takes 10 to 25 ms. */
const EXPECTED_MS = 100;
/** A worker counts as free for a short text if it will be within this many times what the text costs. */
const SOON = 2;
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
  /** Too late for their turn behind the queue, but not yet too late; in order of age. */
  #standby: Entry[] = [];
  /** When a text last came, by the binary logarithm of its tokens. */
  readonly #lastSeen = new Float64Array(32).fill(Number.NEGATIVE_INFINITY);

  constructor(limits: BatchLimits) {
    this.#limits = limits;
  }

  /** size counts what waits, including entries that the next cut will drop. */
  get size(): number {
    return this.#queue.length + this.#standby.length;
  }

  /** standby counts those of them that wait for room. */
  get standby(): number {
    return this.#standby.length;
  }

  /** serveSingly ends batching, for an encoder that turned out not to bear company. */
  serveSingly(): void {
    this.#limits = { ...this.#limits, maxBatchItems: 1 };
  }

  /** push admits an entry unless the queue is full of entries that somebody waits for, or the entry has no hope of being in time. */
  push(entry: Entry, now: number, load: Load): Admission {
    if (this.size >= this.#limits.queueLimit) {
      this.#queue = this.#queue.filter((waiting) => !waiting.cancelled);
      this.#standby = this.#standby.filter((waiting) => !waiting.cancelled);
      if (this.size >= this.#limits.queueLimit) return "full";
    }
    this.#lastSeen[lengthClass(entry.tokens)] = now;
    if (this.#comesTooLate(entry, now, load)) {
      if (isLate(entry, now, load.msPerToken * LAST_HOPE) || this.#standby.length >= this.#limits.queueLimit * STANDBY_SHARE) return "late";
      this.#standby.push(entry);
    } else {
      this.#queue.push(entry);
    }
    return "admitted";
  }

  /** requeue puts entries of a failed batch back in front; they were admitted once and are not counted against the limit. */
  requeue(entries: readonly Entry[]): void {
    this.#queue.unshift(...entries);
  }

  /**
   * cut takes the next batch for one of `idleWorkers` idle workers, which share the queue evenly. Its company are the most urgent
   * entries of near length for which there is budget and time. The batch is empty when nothing waits, or when what waits must
   * leave the worker to shorter texts; another batch is running then, and its end is the time to cut again.
   */
  cut(now: number, idleWorkers: number, load: Load): Cut<Entry> {
    const { msPerToken } = load;
    const dropped: Entry[] = [];
    const shed: Entry[] = [];
    const alive: Entry[] = [];
    const isGone = (entry: Entry) => entry.cancelled || entry.deadline <= now;
    for (const entry of this.#queue) (isGone(entry) ? dropped : alive).push(entry);
    const standby: Entry[] = [];
    for (const entry of this.#standby) (isGone(entry) ? dropped : isLate(entry, now, msPerToken * LAST_HOPE) ? shed : standby).push(entry);
    this.#standby = standby;
    if (idleWorkers < 1) {
      this.#queue = alive;
      return { batch: [], dropped, shed };
    }
    const waitingTokens = tokensOf(alive);
    const live: Entry[] = [];
    for (const entry of alive) (now + this.#neededMs(entry, waitingTokens, msPerToken) > entry.deadline ? shed : live).push(entry);
    this.#takeUp(live, now, load);

    const tooLong = idleWorkers > 1 ? Number.POSITIVE_INFINITY : this.#tooLongForLastWorker(now, load);
    const allowed = live.filter(({ tokens }) => tokens < tooLong);
    const batch = this.#fill(allowed, Math.ceil(allowed.length / idleWorkers), now, msPerToken);
    const taken = new Set(batch);
    this.#queue = live.filter((entry) => !taken.has(entry));
    return { batch, dropped, shed };
  }

  /** drain empties the queue and returns what waited. */
  drain(): Entry[] {
    const waiting = [...this.#queue, ...this.#standby];
    this.#queue = [];
    this.#standby = [];
    return waiting;
  }

  /** Whether `entry` would get its turn too late: after what runs, and after what goes before it now. Costs one pass over the queue. */
  #comesTooLate(entry: Entry, now: number, { msPerToken, workers, running }: Load): boolean {
    if (msPerToken === 0 || entry.deadline === Number.POSITIVE_INFINITY) return false;
    let ahead = 0;
    for (const waiting of this.#queue) {
      if (waiting.cancelled) continue;
      if (this.#length(waiting, now, msPerToken) <= entry.tokens * OVERTAKEN) ahead += this.#share(waiting.tokens);
    }
    const hopeful = msPerToken * HOPE;
    return isLate(entry, now + (busyMs(running) + ahead * hopeful) / workers, hopeful);
  }

  /** Moves entries from standby to the end of `live` while they would be in time there; the youngest has the most time. */
  #takeUp(live: Entry[], now: number, { msPerToken, workers, running }: Load): void {
    let turn = now + busyMs(running) / workers;
    for (const { tokens } of live) turn += (this.#share(tokens) * msPerToken) / workers;
    while (this.#standby.length > 0) {
      const entry = this.#standby.at(-1) as Entry;
      // With nobody else for the idle worker, its turn is now.
      if (live.length > 0 && isLate(entry, turn, msPerToken)) return;
      this.#standby.pop();
      live.push(entry);
      turn += (this.#share(entry.tokens) * msPerToken) / workers;
    }
  }

  /** Texts from this length on leave the last idle worker alone: all others are busy with long texts, and a short one may come any moment. */
  #tooLongForLastWorker(now: number, { msPerToken, running }: Load): number {
    const kind = this.#lastSeen.findIndex((seenAt) => now - seenAt < EXPECTED_MS);
    if (running.length === 0 || kind < 0) return Number.POSITIVE_INFINITY;
    const long = shortest(kind + 1) * OVERTAKEN;
    const soon = batchWork(shortest(kind + 1), 1) * SOON * msPerToken;
    return running.every(({ tokens, leftMs }) => tokens >= long && leftMs > soon) ? long : Number.POSITIVE_INFINITY;
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

/** isLate tells of an entry that would be late even if begun, alone, at `turn`. */
function isLate({ tokens, deadline }: QueuedText, turn: number, msPerToken: number): boolean {
  return turn + batchWork(tokens, 1) * msPerToken > deadline;
}

function busyMs(running: readonly RunningBatch[]): number {
  return running.reduce((sum, { leftMs }) => sum + leftMs, 0);
}

/** lengthClass tells lengths apart by their power of two; shortest is the least length of a class. */
const lengthClass = (tokens: number) => 31 - Math.clz32(tokens);
const shortest = (kind: number) => 2 ** kind;

function tokensOf(entries: readonly QueuedText[]): number {
  let tokens = 0;
  for (const entry of entries) tokens += entry.tokens;
  return tokens;
}
