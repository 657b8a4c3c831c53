/**
 * What the queue's rules gain, and what they cost. First a simulated pool (packages/classifier-pool/src/testing/simulated-pool.ts):
 * two workers, callers with a deadline of 80 ms, load as a multiple of the capacity; policies differ in one rule each. Simulated
 * time: the same figures on every machine. `inTimePerSecond` is goodput, `inVain` the share of computed texts that came too late.
 * Then what 15 % of long texts do to the short ones (the same number of short ones with and without them), what bursts get, and what
 * callers get who ask again as soon as they are answered, and so cost CPU that the workers lack.
 * Last the rules' own cost: microseconds for one push and its part of a cut, by texts that wait; real time, best of the rounds.
 *
 *   pnpm bench batcher [--seconds 10] [--rounds 5]
 */
import { parseArgs } from "node:util";
import { Batcher, type QueuedText } from "../packages/classifier-pool/src/batcher.ts";
import {
  capacityOf,
  defaultPolicy,
  inTime,
  lengths,
  mulberry32,
  simulate,
  waitOf,
  type SimulatedPolicy,
} from "../packages/classifier-pool/src/testing/simulated-pool.ts";

const { values: flags } = parseArgs({ options: { seconds: { type: "string", default: "10" }, rounds: { type: "string", default: "5" } } });
const seconds = Number(flags.seconds);
const policies: Record<string, SimulatedPolicy> = {
  default: defaultPolicy,
  unbatched: { ...defaultPolicy, limits: { ...defaultPolicy.limits, maxBatchItems: 1 } },
  refusesNothing: { ...defaultPolicy, estimating: false },
};

for (const [kind, tokens] of Object.entries(lengths)) {
  const capacity = capacityOf(tokens);
  for (const load of [0.5, 1, 2, 5]) {
    const goodput: Record<string, number> = {};
    for (const [policy, rules] of Object.entries(policies)) {
      const texts = simulate({ perSecond: capacity * load, seconds, patienceMs: 80, tokens }, 1, rules);
      const answered = inTime(texts);
      const late = texts.filter(({ outcome }) => outcome === "too_late").length;
      goodput[policy] = answered.length / seconds;
      print({
        kind,
        load,
        policy,
        inTimePerSecond: round(answered.length / seconds),
        ofCapacity: round(answered.length / seconds / capacity),
        p50Ms: round(waitOf(answered, 0.5)),
        p99Ms: round(waitOf(answered, 0.99)),
        inVain: round(late / Math.max(1, late + answered.length)),
      });
    }
    print({
      kind,
      load,
      ratio: "goodput",
      "default/unbatched": round((goodput["default"] ?? 0) / (goodput["unbatched"] ?? 0)),
      "default/refusesNothing": round((goodput["default"] ?? 0) / (goodput["refusesNothing"] ?? 0)),
    });
  }
}

for (const load of [0.3, 0.5, 0.7, 0.85]) {
  const perSecond = capacityOf(lengths.mixed) * load;
  const mixed = simulate({ perSecond, seconds, patienceMs: 80, tokens: lengths.mixed }, 1);
  const alone = inTime(simulate({ perSecond: perSecond * 0.85, seconds, patienceMs: 80, tokens: lengths.short }, 1));
  const [short, long] = [mixed.filter(({ tokens }) => tokens < 80), mixed.filter(({ tokens }) => tokens >= 80)];
  const p99Ms = { alone: waitOf(alone, 0.99), short: waitOf(inTime(short), 0.99), long: waitOf(inTime(long), 0.99) };
  print({
    load,
    aloneP99Ms: round(p99Ms.alone),
    shortP99Ms: round(p99Ms.short),
    longP99Ms: round(p99Ms.long),
    longInTime: round(inTime(long).length / long.length),
    ratio: "shortP99",
    "mixed/alone": round(p99Ms.short / p99Ms.alone),
  });
}

const medium = { seconds, patienceMs: 80, tokens: lengths.medium };
const crowds = [
  ...[8, 20].map((together) => ({ burst: together, load: { ...medium, together, perSecond: capacityOf(lengths.medium) / 2 } })),
  ...[8, 20, 32, 128].map((together) => ({ askingAgain: together, load: { ...medium, together } })),
];
for (const { load, ...crowd } of crowds) {
  const texts = simulate(load, 1);
  const answered = inTime(texts);
  print({
    ...crowd,
    askedPerSecond: round(texts.length / seconds),
    inTimePerSecond: round(answered.length / seconds),
    ofAsked: round(answered.length / texts.length),
    p50Ms: round(waitOf(answered, 0.5)),
    p99Ms: round(waitOf(answered, 0.99)),
  });
}

for (const waiting of [1, 10, 100, 1000]) {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < Number(flags.rounds); round += 1) best = Math.min(best, usPerText(waiting, round));
  print({ waiting, usPerText: round(best) });
}

/** usPerText fills a queue and cuts it empty, again and again. */
function usPerText(waiting: number, seed: number): number {
  const random = mulberry32(seed);
  const batcher = new Batcher<QueuedText>(defaultPolicy.limits);
  const load = { msPerToken: 0.001, workers: 2, running: [{ tokens: 20, leftMs: 5 }] };
  let texts = 0;
  const started = performance.now();
  while (texts < 20_000) {
    const now = texts;
    for (let index = 0; index < waiting; index += 1) {
      batcher.push({ tokens: lengths.mixed(random), enqueuedAt: now, deadline: now + 1e6, cancelled: false, alone: false }, now, load);
    }
    while (batcher.size > 0) texts += batcher.cut(now, 1, load).batch.length;
  }
  return ((performance.now() - started) * 1000) / texts;
}

function print(line: Record<string, unknown>): void {
  console.log(JSON.stringify({ scope: "batcher", ...line }));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
