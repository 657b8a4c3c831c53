import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batcher, batchWork, type BatchLimits, type Load, type QueuedText } from "./batcher.ts";

interface Entry extends QueuedText {
  readonly name: string;
  cancelled: boolean;
}

/** Nothing is known of the workers: nothing is refused for being late. */
const unknown: Load = { msPerToken: 0, workers: 1, busyMs: 0 };
const limits: BatchLimits = { queueLimit: 1024, maxBatchTokens: 192, maxBatchItems: 16 };

function entry(name: string, tokens: number, changes: Partial<Entry> = {}): Entry {
  return { name, tokens, enqueuedAt: 0, deadline: Number.POSITIVE_INFINITY, cancelled: false, alone: false, ...changes };
}

function batcherOf(entries: readonly Entry[], changes: Partial<BatchLimits> = {}): Batcher<Entry> {
  const batcher = new Batcher<Entry>({ ...limits, ...changes });
  for (const each of entries) expect(batcher.push(each, 0, unknown)).toBe("admitted");
  return batcher;
}

const names = (entries: readonly Entry[]) => entries.map(({ name }) => name);

describe("cut", () => {
  const a10 = entry("a", 10);
  it.each<{ rule: string; waiting: Entry[]; idle?: number; now?: number; limits?: Partial<BatchLimits>; batch: string[]; left: number }>([
    { rule: "gives nothing from an empty queue", waiting: [], batch: [], left: 0 },
    { rule: "gives nothing when no worker is idle", waiting: [a10], idle: 0, batch: [], left: 1 },
    { rule: "batches texts of the same length", waiting: [a10, entry("b", 10)], batch: ["a", "b"], left: 0 },
    {
      rule: "lets neighbours within 4 tokens join",
      waiting: [a10, entry("b", 14), entry("c", 15), entry("d", 6), entry("e", 5)],
      batch: ["a", "d", "b"],
      left: 2,
    },
    {
      rule: "lets neighbours within a quarter join",
      waiting: [entry("a", 40), entry("b", 50), entry("c", 51), entry("d", 30)],
      batch: ["a", "d", "b"],
      left: 1,
    },
    {
      rule: "lets short texts go before an older long one",
      waiting: [entry("a", 100), entry("b", 8), entry("c", 8)],
      batch: ["b", "c"],
      left: 1,
    },
    {
      rule: "lets a long text go first once it has waited a second",
      waiting: [entry("a", 500), entry("b", 8, { enqueuedAt: 999 })],
      now: 1_000,
      batch: ["a"],
      left: 1,
    },
    {
      rule: "lets a long text go first when its deadline allows no more waiting",
      waiting: [entry("a", 100, { deadline: 50 }), entry("b", 8, { enqueuedAt: 45 })],
      now: 46,
      batch: ["a"],
      left: 1,
    },
    {
      rule: "puts the oldest first of several that can wait no longer",
      waiting: [entry("a", 100), entry("b", 500), entry("c", 8)],
      now: 2_000,
      batch: ["a"],
      left: 2,
    },
    { rule: "lets a text over the budget go alone", waiting: [entry("a", 500), entry("b", 500)], batch: ["a"], left: 1 },
    {
      rule: "keeps the padded budget",
      waiting: [a10, entry("b", 14), entry("c", 10)],
      limits: { maxBatchTokens: 30 },
      batch: ["a", "c"],
      left: 1,
    },
    {
      rule: "keeps the item limit",
      waiting: [a10, entry("b", 10), entry("c", 10)],
      limits: { maxBatchItems: 2 },
      batch: ["a", "b"],
      left: 1,
    },
    { rule: "does not batch with an item limit of 1", waiting: [a10, entry("b", 10)], limits: { maxBatchItems: 1 }, batch: ["a"], left: 1 },
    {
      rule: "shares the queue with another idle worker",
      waiting: [a10, entry("b", 10), entry("c", 10)],
      idle: 2,
      batch: ["a", "b"],
      left: 1,
    },
    {
      rule: "prefers the shorter neighbour",
      waiting: [a10, entry("b", 12), entry("c", 9)],
      limits: { maxBatchItems: 2 },
      batch: ["a", "c"],
      left: 1,
    },
    {
      rule: "prefers a longer neighbour that has waited longer",
      waiting: [a10, entry("b", 12), entry("c", 11, { enqueuedAt: 500 })],
      now: 500,
      limits: { maxBatchItems: 2 },
      batch: ["a", "b"],
      left: 1,
    },
    { rule: "sends a suspect alone", waiting: [entry("a", 10, { alone: true }), entry("b", 10)], batch: ["a"], left: 1 },
    {
      rule: "keeps a suspect out of others' batches",
      waiting: [a10, entry("b", 10, { alone: true }), entry("c", 10)],
      batch: ["a", "c"],
      left: 1,
    },
  ])("$rule", ({ waiting, idle = 1, now = 0, limits: changes, batch, left }) => {
    const batcher = batcherOf(waiting, changes);
    const cut = batcher.cut(now, idle, 0);
    expect(names(cut.batch)).toEqual(batch);
    expect([cut.dropped, cut.shed]).toEqual([[], []]);
    expect(batcher.size).toBe(left);
  });

  it("drops and reports entries whose caller left or whose deadline passed", () => {
    const batcher = batcherOf([
      entry("left", 10, { cancelled: true }),
      entry("late", 10, { deadline: 5 }),
      entry("c", 10, { deadline: 6 }),
    ]);
    const { batch, dropped } = batcher.cut(5, 1, 0);
    expect(names(dropped)).toEqual(["left", "late"]);
    expect(names(batch)).toEqual(["c"]);
    expect(batcher.size).toBe(0);
  });

  it("reports the dropped even when no worker is idle", () => {
    const batcher = batcherOf([entry("left", 10, { cancelled: true }), entry("b", 10)]);
    expect(names(batcher.cut(0, 0, 0).dropped)).toEqual(["left"]);
    expect(batcher.size).toBe(1);
  });
});

describe("the queue", () => {
  it("refuses an entry when it is full", () => {
    const batcher = batcherOf([entry("a", 10), entry("b", 10)], { queueLimit: 2 });
    expect(batcher.push(entry("c", 10), 0, unknown)).toBe("full");
    expect(batcher.size).toBe(2);
  });

  it("makes room by forgetting entries whose caller left", () => {
    const batcher = batcherOf([entry("a", 10), entry("b", 10, { cancelled: true })], { queueLimit: 2 });
    expect(batcher.push(entry("c", 10), 0, unknown)).toBe("admitted");
    expect(names(batcher.drain())).toEqual(["a", "c"]);
  });

  it("puts requeued entries in front, above the limit", () => {
    const batcher = batcherOf([entry("a", 10)], { queueLimit: 1 });
    batcher.requeue([entry("r", 10, { alone: true })]);
    expect(names(batcher.cut(0, 1, 0).batch)).toEqual(["r"]);
    expect(names(batcher.cut(0, 1, 0).batch)).toEqual(["a"]);
  });
});

describe("what would come too late", () => {
  it.each<{ rule: string; msPerToken?: number; waiting: Entry[]; batch: string[]; shed: string[] }>([
    {
      rule: "is shed when its own tokens take longer than it can wait",
      waiting: [entry("a", 100, { deadline: 107 }), entry("b", 20)],
      batch: ["b"],
      shed: ["a"],
    },
    { rule: "is kept when there is just time enough", waiting: [entry("a", 100, { deadline: 108 })], batch: ["a"], shed: [] },
    {
      rule: "is not known while nobody knows what a token costs",
      msPerToken: 0,
      waiting: [entry("a", 100, { deadline: 1 })],
      batch: ["a"],
      shed: [],
    },
    {
      rule: "is shed when it has the time for itself but, while much waits, not for company",
      waiting: [entry("a", 20, { deadline: 40 }), ...["b", "c", "d", "e"].map((name) => entry(name, 20))],
      batch: ["b", "c", "d", "e"],
      shed: ["a"],
    },
    {
      rule: "does not join a batch that would make a member late",
      waiting: [..."abcdefgh"].map((name) => entry(name, 20, { deadline: 110 })),
      batch: ["a", "b", "c", "d", "e"],
      shed: [],
    },
  ])("$rule", ({ msPerToken = 1, waiting, batch, shed }) => {
    const batcher = batcherOf(waiting);
    const cut = batcher.cut(0, 1, msPerToken);
    expect([names(cut.batch), names(cut.shed), names(cut.dropped)]).toEqual([batch, shed, []]);
  });

  const load: Load = { msPerToken: 1, workers: 2, busyMs: 0 };
  it.each<{ rule: string; waiting?: Entry[]; pushed: Entry; load?: Partial<Load>; admission: string }>([
    { rule: "admits what has the time", pushed: entry("x", 20, { deadline: 28 }), admission: "admitted" },
    { rule: "refuses what has not, though nobody is before it", pushed: entry("x", 20, { deadline: 19 }), admission: "late" },
    {
      rule: "counts what runs, shared by the workers",
      pushed: entry("x", 20, { deadline: 78 }),
      load: { busyMs: 100 },
      admission: "admitted",
    },
    {
      rule: "refuses what could begin only after what runs",
      pushed: entry("x", 20, { deadline: 69 }),
      load: { busyMs: 100 },
      admission: "late",
    },
    {
      rule: "counts what waits before it",
      waiting: [entry("a", 20), entry("b", 20)],
      pushed: entry("x", 20, { deadline: 30 }),
      admission: "late",
    },
    {
      rule: "lets in what the estimate refuses but a cheaper machine would serve: the cut judges again",
      waiting: [entry("a", 20), entry("b", 20)],
      pushed: entry("x", 20, { deadline: 36 }),
      admission: "admitted",
    },
    {
      rule: "does not count longer texts, which it overtakes",
      waiting: [entry("a", 400)],
      pushed: entry("x", 20, { deadline: 104 }),
      admission: "admitted",
    },
    {
      rule: "does not count those whose caller left",
      waiting: [entry("a", 20, { cancelled: true }), entry("b", 20, { cancelled: true })],
      pushed: entry("x", 20, { deadline: 28 }),
      admission: "admitted",
    },
    { rule: "admits whoever has no deadline", pushed: entry("x", 500), load: { busyMs: 1e6 }, admission: "admitted" },
  ])("admission $rule", ({ waiting = [], pushed, load: changes, admission }) => {
    expect(batcherOf(waiting).push(pushed, 0, { ...load, ...changes })).toBe(admission);
  });
});

/**
 * A naive model of the whole: a plain list, the rules spelled out as checks after the fact. Random arrivals, cancellations,
 * deadlines and cuts run against both.
 */
describe("under random load", () => {
  const arrival = fc.record({
    kind: fc.constant("push" as const),
    tokens: fc.integer({ min: 2, max: 300 }),
    patience: fc.integer({ min: 1, max: 400 }),
  });
  const cancel = fc.record({ kind: fc.constant("cancel" as const), pick: fc.nat() });
  const cut = fc.record({
    kind: fc.constant("cut" as const),
    idle: fc.integer({ min: 1, max: 4 }),
    elapsed: fc.integer({ min: 0, max: 30 }),
  });
  const steps = fc.array(fc.oneof({ weight: 6, arbitrary: arrival }, { weight: 1, arbitrary: cancel }, { weight: 2, arbitrary: cut }), {
    maxLength: 300,
  });
  const anyLimits = fc.record({
    queueLimit: fc.integer({ min: 1, max: 60 }),
    maxBatchTokens: fc.integer({ min: 16, max: 512 }),
    maxBatchItems: fc.integer({ min: 1, max: 20 }),
  });

  it("settles every entry once, keeps the budget, and computes nothing for nobody or too late", () => {
    fc.assert(
      fc.property(anyLimits, steps, fc.constantFrom(0, 0.05, 0.5), (bounds, script, msPerToken) => {
        const batcher = new Batcher<Entry>(bounds);
        const waiting: Entry[] = [];
        const settled = new Set<Entry>();
        let now = 0;
        const settle = (entries: readonly Entry[]) => {
          for (const each of entries) {
            expect(settled.has(each)).toBe(false);
            settled.add(each);
            waiting.splice(waiting.indexOf(each), 1);
          }
        };
        const runCut = (idle: number) => {
          const alive = waiting.filter((each) => !each.cancelled && each.deadline > now);
          const { batch, dropped, shed } = batcher.cut(now, idle, msPerToken);
          expect(new Set(dropped)).toEqual(new Set(waiting.filter((each) => !alive.includes(each))));
          expect(shed.every((each) => alive.includes(each))).toBe(true);
          expect(batch.length > 0).toBe(alive.length > shed.length);
          if (batch.length > 0) {
            expect(batch.every((each) => alive.includes(each) && !shed.includes(each))).toBe(true);
            expect(batch.length).toBeLessThanOrEqual(Math.min(bounds.maxBatchItems, Math.ceil((alive.length - shed.length) / idle)));
            const longest = Math.max(...batch.map(({ tokens }) => tokens));
            if (batch.length > 1) expect(longest * batch.length).toBeLessThanOrEqual(bounds.maxBatchTokens);
            const leader = batch[0]!.tokens;
            for (const { tokens } of batch) expect(Math.abs(tokens - leader)).toBeLessThanOrEqual(Math.max(4, leader / 4));
            for (const { deadline } of batch) expect(now + batchWork(longest, batch.length) * msPerToken).toBeLessThanOrEqual(deadline);
            // The leader has overtaken nobody of its own length who was there before it and has no more time.
            for (const each of alive.slice(0, alive.indexOf(batch[0]!))) {
              if (!shed.includes(each) && each.tokens === leader) expect(each.deadline).toBeGreaterThan(batch[0]!.deadline);
            }
          }
          settle(shed);
          settle([...dropped, ...batch]);
          expect(batcher.size).toBe(waiting.length);
        };
        for (const [index, step] of script.entries()) {
          if (step.kind === "push") {
            const each = entry(`e${index}`, step.tokens, { enqueuedAt: now, deadline: now + step.patience });
            const room = waiting.filter(({ cancelled }) => !cancelled).length < bounds.queueLimit;
            const full = waiting.length >= bounds.queueLimit;
            expect(batcher.push(each, now, unknown)).toBe(room ? "admitted" : "full");
            // Full with some gone: the batcher forgot the gone ones, which nobody waits for.
            if (full) settle(waiting.filter(({ cancelled }) => cancelled));
            if (room) waiting.push(each);
          } else if (step.kind === "cancel") {
            const each = waiting[step.pick % Math.max(1, waiting.length)];
            if (each !== undefined) each.cancelled = true;
          } else {
            now += step.elapsed;
            runCut(step.idle);
          }
        }
        while (batcher.size > 0) runCut(1);
        expect(waiting).toEqual([]);
      }),
      { numRuns: 300, seed: 20_260_301 },
    );
  });
});
