import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Batcher, type BatchLimits, type QueuedText } from "./batcher.ts";

interface Entry extends QueuedText {
  readonly name: string;
  cancelled: boolean;
}

const limits: BatchLimits = { queueLimit: 1024, maxBatchTokens: 192, maxBatchItems: 16 };

function entry(name: string, tokens: number, changes: Partial<Entry> = {}): Entry {
  return { name, tokens, enqueuedAt: 0, deadline: Number.POSITIVE_INFINITY, cancelled: false, alone: false, ...changes };
}

function batcherOf(entries: readonly Entry[], changes: Partial<BatchLimits> = {}): Batcher<Entry> {
  const batcher = new Batcher<Entry>({ ...limits, ...changes });
  for (const each of entries) expect(batcher.push(each)).toBe(true);
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
      rule: "takes the oldest even when all others are alike",
      waiting: [entry("a", 100), entry("b", 8), entry("c", 8)],
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
      waiting: [a10, entry("b", 12), entry("c", 9, { enqueuedAt: 5 })],
      now: 6,
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
    const cut = batcher.cut(now, idle);
    expect(names(cut.batch)).toEqual(batch);
    expect(cut.dropped).toEqual([]);
    expect(batcher.size).toBe(left);
  });

  it("drops and reports entries whose caller left or whose deadline passed", () => {
    const batcher = batcherOf([
      entry("left", 10, { cancelled: true }),
      entry("late", 10, { deadline: 5 }),
      entry("c", 10, { deadline: 6 }),
    ]);
    const { batch, dropped } = batcher.cut(5, 1);
    expect(names(dropped)).toEqual(["left", "late"]);
    expect(names(batch)).toEqual(["c"]);
    expect(batcher.size).toBe(0);
  });

  it("reports the dropped even when no worker is idle", () => {
    const batcher = batcherOf([entry("left", 10, { cancelled: true }), entry("b", 10)]);
    expect(names(batcher.cut(0, 0).dropped)).toEqual(["left"]);
    expect(batcher.size).toBe(1);
  });
});

describe("the queue", () => {
  it("refuses an entry when it is full", () => {
    const batcher = batcherOf([entry("a", 10), entry("b", 10)], { queueLimit: 2 });
    expect(batcher.push(entry("c", 10))).toBe(false);
    expect(batcher.size).toBe(2);
  });

  it("makes room by forgetting entries whose caller left", () => {
    const batcher = batcherOf([entry("a", 10), entry("b", 10, { cancelled: true })], { queueLimit: 2 });
    expect(batcher.push(entry("c", 10))).toBe(true);
    expect(names(batcher.drain())).toEqual(["a", "c"]);
  });

  it("puts requeued entries in front, above the limit", () => {
    const batcher = batcherOf([entry("a", 10)], { queueLimit: 1 });
    batcher.requeue([entry("r", 10, { alone: true })]);
    expect(names(batcher.cut(0, 1).batch)).toEqual(["r"]);
    expect(names(batcher.cut(0, 1).batch)).toEqual(["a"]);
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

  it("settles every entry once, keeps the budget, serves the oldest and computes nothing for nobody", () => {
    fc.assert(
      fc.property(anyLimits, steps, (bounds, script) => {
        const batcher = new Batcher<Entry>(bounds);
        const waiting: Entry[] = [];
        const settled = new Set<Entry>();
        const cutsSeen = new Map<Entry, number>();
        const ahead = new Map<Entry, number>();
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
          const { batch, dropped } = batcher.cut(now, idle);
          expect(new Set(dropped)).toEqual(new Set(waiting.filter((each) => !alive.includes(each))));
          expect(batch.length > 0).toBe(alive.length > 0);
          for (const each of alive) cutsSeen.set(each, (cutsSeen.get(each) ?? 0) + 1);
          if (batch.length > 0) {
            expect(batch[0]).toBe(alive[0]);
            expect(batch.every((each) => alive.includes(each))).toBe(true);
            expect(batch.length).toBeLessThanOrEqual(Math.min(bounds.maxBatchItems, Math.ceil(alive.length / idle)));
            const longest = Math.max(...batch.map(({ tokens }) => tokens));
            if (batch.length > 1) expect(longest * batch.length).toBeLessThanOrEqual(bounds.maxBatchTokens);
            const oldest = batch[0]!.tokens;
            for (const { tokens } of batch) expect(Math.abs(tokens - oldest)).toBeLessThanOrEqual(Math.max(4, oldest / 4));
            // Nobody starves: an entry is served by the cut after all those that were there before it.
            for (const each of batch) expect(cutsSeen.get(each)!).toBeLessThanOrEqual(ahead.get(each)! + 1);
          }
          settle([...dropped, ...batch]);
          expect(batcher.size).toBe(waiting.length);
        };
        for (const [index, step] of script.entries()) {
          if (step.kind === "push") {
            const each = entry(`e${index}`, step.tokens, { enqueuedAt: now, deadline: now + step.patience });
            const room = waiting.filter(({ cancelled }) => !cancelled).length < bounds.queueLimit;
            const full = waiting.length >= bounds.queueLimit;
            expect(batcher.push(each)).toBe(room);
            // Full with some gone: the batcher forgot the gone ones, which nobody waits for.
            if (full) settle(waiting.filter(({ cancelled }) => cancelled));
            if (room) {
              ahead.set(each, waiting.length);
              waiting.push(each);
            }
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
