/**
 * For tests and benchmarks: the batcher and its estimate in a simulated pool. Random arrivals, workers whose batches take a noisy
 * time, callers with deadlines who may leave. All time is simulated, so that a seed always gives the same run.
 */
import { Batcher, batchWork, type BatchLimits, type Load, type QueuedText } from "../batcher.ts";
import { ComputeEstimate } from "../compute-estimate.ts";

/** What a token costs on a worker, as measured with int8 all-MiniLM-L6-v2. */
const MS_PER_TOKEN = 0.115;
const WORKERS = 2;

/** SimulatedText is one text and what became of it. */
export interface SimulatedText extends QueuedText {
  cancelled: boolean;
  outcome: "waits" | "in_time" | "too_late" | "refused" | "dropped";
  settledAt: number;
}

/** SimulatedLoad is what arrives. */
export interface SimulatedLoad {
  /** Texts per second, evenly at random; without it, callers ask again as soon as they are answered. */
  readonly perSecond?: number;
  /** Texts that arrive together, or callers who ask again and again. */
  readonly together?: number;
  readonly seconds: number;
  readonly patienceMs: number;
  /** Draws the length of the next text. */
  readonly tokens: Lengths;
  /** Share of callers who leave somewhere in their patience. */
  readonly leaving?: number;
}

/**
 * What a text costs beside its encoding, on a machine whose cores the workers do not have to themselves: a caller and a front who
 * handle one text at a time, and take that time from the workers in equal parts. Only callers who ask again and again cost it.
 */
const FRONT_MS = 0.8;

/** SimulatedPolicy is how the pool decides. */
export interface SimulatedPolicy {
  readonly limits: BatchLimits;
  /** False: it never learns what a token costs, and so refuses nothing for being late. */
  readonly estimating: boolean;
}

type Lengths = (random: () => number) => number;

/** defaultPolicy is that of the real pool. */
export const defaultPolicy: SimulatedPolicy = { limits: { queueLimit: 1024, maxBatchTokens: 192, maxBatchItems: 16 }, estimating: true };

const short: Lengths = (random) => 8 + Math.floor(random() * 16);

/** lengths are kinds of traffic: chat prompts, paragraphs, and chat prompts with 15 % long ones among them. */
export const lengths = {
  short,
  medium: (random) => 60 + Math.floor(random() * 30),
  mixed: (random) => (random() < 0.15 ? 80 + Math.floor(random() * 48) : short(random)),
} satisfies Record<string, Lengths>;

/** simulate runs a load to its end and returns its texts. Throws when a batch holds a text that its caller had left. */
export function simulate(
  { perSecond, together = 1, seconds, patienceMs, tokens, leaving = 0 }: SimulatedLoad,
  seed: number,
  { limits, estimating }: SimulatedPolicy = defaultPolicy,
): SimulatedText[] {
  const random = mulberry32(seed);
  const batcher = new Batcher<SimulatedText>(limits);
  const estimate = new ComputeEstimate();
  const texts: SimulatedText[] = [];
  const events: { at: number; run: () => void }[] = [];
  const running = new Set<{ cutAt: number; work: number; tokens: number; endsAt: number }>();
  let frontFreeAt = 0;
  const schedule = (at: number, run: () => void) => {
    let place = events.length;
    while (place > 0 && (events[place - 1]?.at ?? 0) > at) place -= 1;
    events.splice(place, 0, { at, run });
  };
  const settle = (text: SimulatedText, outcome: SimulatedText["outcome"], at: number) => {
    Object.assign(text, { outcome, settledAt: at });
    if (perSecond === undefined && at < seconds * 1000) askAgain(at);
  };
  const load = (now: number): Load => {
    const msPerToken = estimate.msPerToken(now);
    const left = [...running].map(({ cutAt, work, tokens }) => ({ tokens, leftMs: Math.max(0, cutAt + work * msPerToken - now) }));
    return { msPerToken, workers: WORKERS, running: left };
  };

  const pump = (now: number) => {
    while (running.size < WORKERS) {
      const { batch, dropped, shed } = batcher.cut(now, WORKERS - running.size, load(now));
      for (const text of dropped) settle(text, "dropped", now);
      for (const text of shed) settle(text, "refused", now);
      if (batch.length === 0) return;
      if (batch.some(({ cancelled }) => cancelled)) throw new Error("a text was computed that nobody waits for");
      const longest = Math.max(...batch.map((text) => text.tokens));
      const work = batchWork(longest, batch.length);
      // Between 0.8 and 1.2 of the mean, now and then twice that.
      const endsAt = now + work * MS_PER_TOKEN * (0.8 + 0.4 * random()) * (random() < 0.02 ? 2 : 1);
      const runningBatch = { cutAt: now, work, tokens: longest, endsAt };
      running.add(runningBatch);
      const end = (at: number) => {
        if (runningBatch.endsAt > at) return schedule(runningBatch.endsAt, () => end(runningBatch.endsAt));
        running.delete(runningBatch);
        if (estimating) estimate.record(work, at - now, at);
        for (const text of batch) settle(text, at <= text.deadline ? "in_time" : "too_late", at);
        pump(at);
      };
      schedule(endsAt, () => end(endsAt));
    }
  };

  const ask = (at: number) => {
    const text: SimulatedText = {
      tokens: tokens(random),
      enqueuedAt: at,
      deadline: at + patienceMs,
      cancelled: false,
      alone: false,
      outcome: "waits",
      settledAt: at,
    };
    texts.push(text);
    if (batcher.push(text, at, load(at)) !== "admitted") settle(text, "refused", at);
    if (random() < leaving) schedule(at + random() * patienceMs, () => (text.cancelled = true));
  };
  const askAgain = (now: number) => {
    const at = Math.max(now, frontFreeAt) + FRONT_MS;
    frontFreeAt = at;
    for (const batch of running) batch.endsAt += FRONT_MS / WORKERS;
    schedule(at, () => {
      ask(at);
      pump(at);
    });
  };
  const arrive = (at: number, rate: number) => {
    for (let text = 0; text < together; text += 1) ask(at);
    pump(at);
    const next = at - (Math.log(1 - random()) * 1000 * together) / rate;
    if (next < seconds * 1000) schedule(next, () => arrive(next, rate));
  };
  if (perSecond === undefined) for (let caller = 0; caller < together; caller += 1) askAgain(0);
  else schedule(0, () => arrive(0, perSecond));
  for (let event = events.shift(); event !== undefined; event = events.shift()) event.run();
  return texts;
}

/** capacityOf gives the oracle's texts per second: full batches of texts of equal length, back to back, on all workers. */
export function capacityOf(tokens: Lengths): number {
  const { limits } = defaultPolicy;
  const random = mulberry32(99);
  let work = 0;
  const draws = 10_000;
  for (let draw = 0; draw < draws; draw += 1) {
    const length = tokens(random);
    const items = Math.min(limits.maxBatchItems, Math.floor(limits.maxBatchTokens / length));
    work += batchWork(length, items) / items;
  }
  return (WORKERS * 1000) / ((work / draws) * MS_PER_TOKEN * 1.02);
}

/** inTime are the texts that were answered before their deadline. */
export const inTime = (texts: readonly SimulatedText[]) => texts.filter(({ outcome }) => outcome === "in_time");

/** waitOf gives the quantile `q` of the time until the texts were settled, in simulated milliseconds. */
export function waitOf(texts: readonly SimulatedText[], q: number): number {
  const waits = texts.map(({ settledAt, enqueuedAt }) => settledAt - enqueuedAt).sort((a, b) => a - b);
  return waits[Math.min(waits.length - 1, Math.floor(waits.length * q))] ?? Number.NaN;
}

/** mulberry32 is a small seeded generator of numbers from 0 to 1. */
export function mulberry32(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 2 ** 32;
  };
}
