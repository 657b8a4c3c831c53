import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batcher, batchWork, type BatchLimits, type Load, type QueuedText } from "./batcher.ts";

interface Entry extends QueuedText {
  readonly name: string;
  cancelled: boolean;
}

/** Nothing is known of the workers: nothing is refused for being late. */
const unknown: Load = { msPerToken: 0, workers: 1, running: [] };
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
    const cut = batcher.cut(now, idle, unknown);
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
    const { batch, dropped } = batcher.cut(5, 1, unknown);
    expect(names(dropped)).toEqual(["left", "late"]);
    expect(names(batch)).toEqual(["c"]);
    expect(batcher.size).toBe(0);
  });

  it("reports the dropped even when no worker is idle", () => {
    const batcher = batcherOf([entry("left", 10, { cancelled: true }), entry("b", 10)]);
    expect(names(batcher.cut(0, 0, unknown).dropped)).toEqual(["left"]);
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
    expect(names(batcher.cut(0, 1, unknown).batch)).toEqual(["r"]);
    expect(names(batcher.cut(0, 1, unknown).batch)).toEqual(["a"]);
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
    const cut = batcher.cut(0, 1, { ...unknown, msPerToken });
    expect([names(cut.batch), names(cut.shed), names(cut.dropped)]).toEqual([batch, shed, []]);
  });

  const load: Load = { msPerToken: 1, workers: 2, running: [] };
  const busy = (leftMs: number): Partial<Load> => ({ running: [{ tokens: 20, leftMs }] });
  it.each<{ rule: string; waiting?: Entry[]; pushed: Entry; load?: Partial<Load>; becomes: "queued" | "standby" | "late" }>([
    { rule: "queues what has the time", pushed: entry("x", 20, { deadline: 28 }), becomes: "queued" },
    { rule: "refuses what has not, though nobody is before it", pushed: entry("x", 20, { deadline: 13 }), becomes: "late" },
    { rule: "doubts its estimate before it refuses", pushed: entry("x", 20, { deadline: 15 }), becomes: "standby" },
    { rule: "counts what runs, shared by the workers", pushed: entry("x", 20, { deadline: 78 }), load: busy(100), becomes: "queued" },
    {
      rule: "keeps on standby what could begin only after what runs",
      pushed: entry("x", 20, { deadline: 69 }),
      load: busy(100),
      becomes: "standby",
    },
    {
      rule: "counts what waits before it",
      waiting: [entry("a", 20), entry("b", 20)],
      pushed: entry("x", 20, { deadline: 38 }),
      becomes: "standby",
    },
    {
      rule: "queues what the estimate would not but a cheaper machine could serve: the cut judges again",
      waiting: [entry("a", 20), entry("b", 20)],
      pushed: entry("x", 20, { deadline: 42 }),
      becomes: "queued",
    },
    {
      rule: "does not count longer texts, which it overtakes",
      waiting: [entry("a", 400)],
      pushed: entry("x", 20, { deadline: 104 }),
      becomes: "queued",
    },
    {
      rule: "does not count those whose caller left",
      waiting: [entry("a", 20, { cancelled: true }), entry("b", 20, { cancelled: true })],
      pushed: entry("x", 20, { deadline: 28 }),
      becomes: "queued",
    },
    { rule: "queues whoever has no deadline", pushed: entry("x", 500), load: busy(1e6), becomes: "queued" },
  ])("admission $rule", ({ waiting = [], pushed, load: changes, becomes }) => {
    const batcher = batcherOf(waiting);
    const admission = batcher.push(pushed, 0, { ...load, ...changes });
    expect(admission === "admitted" ? (batcher.standby === 1 ? "standby" : "queued") : admission).toBe(becomes);
  });
});

describe("standby", () => {
  const load: Load = { msPerToken: 1, workers: 1, running: [] };
  const queued = entry("queued", 20, { deadline: 60 });

  function withStandby(waiting: readonly Entry[], standby: readonly Entry[], changes: Partial<BatchLimits> = {}): Batcher<Entry> {
    const batcher = batcherOf(waiting, changes);
    for (const each of standby) expect(batcher.push(each, 0, load)).toBe("admitted");
    expect(batcher.standby).toBe(standby.length);
    return batcher;
  }

  it("does not delay those in the queue", () => {
    const batcher = withStandby([queued], [entry("s", 20, { deadline: 30 })]);
    expect(names(batcher.cut(0, 1, load).batch)).toEqual(["queued"]);
    expect(batcher.standby).toBe(1);
  });

  it("is taken up when a worker has nobody else, the youngest first and as many as have the time", () => {
    const standby = [entry("a", 20, { deadline: 41 }), entry("b", 20, { deadline: 42 }), entry("c", 20, { deadline: 43 })];
    const batcher = withStandby([entry("gone", 40, { deadline: 50 })], standby);
    const { batch, dropped } = batcher.cut(0, 1, load);
    expect([names(batch), names(dropped)]).toEqual([["gone"], []]);
    expect(names(batcher.cut(10, 1, load).batch)).toEqual(["c"]);
    expect(batcher.standby).toBe(2);
  });

  it("is taken up behind the queue when that has become shorter than it was thought to be", () => {
    const leaver = entry("leaver", 40);
    const batcher = withStandby([leaver, queued], [entry("s", 20, { deadline: 62 })]);
    leaver.cancelled = true;
    expect(names(batcher.cut(0, 1, load).batch)).toEqual(["queued", "s"]);
  });

  it("ends with a refusal once no time is left, and with the caller's leaving", () => {
    const leaver = entry("leaver", 20, { deadline: 38 });
    const batcher = withStandby(
      [entry("q", 20), entry("r", 20)],
      [leaver, entry("s", 20, { deadline: 38 }), entry("t", 20, { deadline: 39 })],
    );
    leaver.cancelled = true;
    const { dropped, shed } = batcher.cut(24.5, 0, load);
    expect([names(dropped), names(shed)]).toEqual([["leaver"], ["s"]]);
    expect([batcher.size, batcher.standby]).toEqual([3, 1]);
  });

  it("has a quarter of the places: beyond it whoever would be late is refused at the door", () => {
    const batcher = withStandby([queued], [entry("s", 20, { deadline: 30 })], { queueLimit: 4 });
    expect(batcher.push(entry("t", 20, { deadline: 30 }), 0, load)).toBe("late");
    expect(batcher.push(entry("u", 20), 0, load)).toBe("admitted");
    expect(names(batcher.drain())).toEqual(["queued", "u", "s"]);
    expect(batcher.size).toBe(0);
  });
});

describe("the last idle worker", () => {
  const long = { tokens: 100, leftMs: 50 };
  const base = { now: 50, idle: 1, seen: 8, running: [long], waiting: [entry("long", 100)] };
  it.each<{ rule: string; batch: string[] } & Partial<typeof base>>([
    { rule: "is kept for short texts while all others are busy with long ones", batch: [] },
    { rule: "goes to a short text", waiting: [entry("long", 100), entry("short", 8)], batch: ["short"] },
    { rule: "goes to a text that is not twice as long as those that come", seen: 60, batch: ["long"] },
    { rule: "goes to a long text when no short one has come lately", now: 100, batch: ["long"] },
    {
      rule: "goes to a long text when another worker is busy with short ones",
      running: [long, { tokens: 10, leftMs: 50 }],
      batch: ["long"],
    },
    { rule: "goes to a long text when another worker will soon be free", running: [long, { tokens: 100, leftMs: 40 }], batch: ["long"] },
    { rule: "goes to a long text when it is the only worker, or others serve other models", running: [], batch: ["long"] },
    { rule: "is kept even from a long text that can wait no longer", waiting: [entry("long", 100, { enqueuedAt: -2_000 })], batch: [] },
    { rule: "is not the last while another is idle", idle: 2, batch: ["long"] },
  ])("$rule", (changes) => {
    const { now, idle, seen, running, waiting } = { ...base, ...changes };
    const batcher = batcherOf([entry("seen", seen)]);
    expect(names(batcher.cut(0, 2, unknown).batch)).toEqual(["seen"]);
    for (const each of waiting) expect(batcher.push(each, 0, { ...unknown, workers: 2 })).toBe("admitted");
    const cut = batcher.cut(now, idle, { msPerToken: 1, workers: 2, running });
    expect([names(cut.batch), names(cut.shed)]).toEqual([changes.batch, []]);
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
    running: fc.array(fc.record({ tokens: fc.integer({ min: 2, max: 300 }), leftMs: fc.integer({ min: 0, max: 40 }) }), { maxLength: 3 }),
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
        const loadOf = (running: Load["running"]): Load => ({ msPerToken, workers: 2, running });
        const runCut = (idle: number, running: Load["running"]) => {
          const alive = waiting.filter((each) => !each.cancelled && each.deadline > now);
          const { batch, dropped, shed } = batcher.cut(now, idle, loadOf(running));
          expect(new Set(dropped)).toEqual(new Set(waiting.filter((each) => !alive.includes(each))));
          expect(shed.every((each) => alive.includes(each))).toBe(true);
          // Only for the sake of shorter texts does an idle worker get nothing, and never the only one at work.
          if (idle > 1 || running.length === 0) expect(batch.length > 0).toBe(alive.length > shed.length);
          if (batch.length > 0) {
            expect(batch.every((each) => alive.includes(each) && !shed.includes(each))).toBe(true);
            expect(batch.length).toBeLessThanOrEqual(Math.min(bounds.maxBatchItems, Math.ceil((alive.length - shed.length) / idle)));
            const longest = Math.max(...batch.map(({ tokens }) => tokens));
            if (batch.length > 1) expect(longest * batch.length).toBeLessThanOrEqual(bounds.maxBatchTokens);
            const leader = batch[0]!.tokens;
            for (const { tokens } of batch) expect(Math.abs(tokens - leader)).toBeLessThanOrEqual(Math.max(4, leader / 4));
            // Alone, a text from standby is begun in the hope that the estimate is too high.
            const estimate = batchWork(longest, batch.length) * msPerToken * (batch.length === 1 ? 0.5 : 1);
            for (const { deadline } of batch) expect(now + estimate).toBeLessThanOrEqual(deadline);
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
            const admission = batcher.push(each, now, loadOf([]));
            if (!room) expect(admission).toBe("full");
            else if (now + (batchWork(each.tokens, 1) * msPerToken) / 2 > each.deadline) expect(["late", "admitted"]).toContain(admission);
            // Besides, whoever finds all places for standby taken.
            else if (batcher.standby + 1 <= bounds.queueLimit / 4) expect(admission).toBe("admitted");
            // Full with some gone: the batcher forgot the gone ones, which nobody waits for.
            if (full) settle(waiting.filter(({ cancelled }) => cancelled));
            if (admission === "admitted") waiting.push(each);
          } else if (step.kind === "cancel") {
            const each = waiting[step.pick % Math.max(1, waiting.length)];
            if (each !== undefined) each.cancelled = true;
          } else {
            now += step.elapsed;
            runCut(step.idle, step.running);
          }
        }
        while (batcher.size > 0) runCut(1, []);
        expect(waiting).toEqual([]);
      }),
      { numRuns: 300, seed: 20_260_301 },
    );
  });
});
