/**
 * What the queue must reach as a whole, in a simulated pool: goodput under overload against an oracle that never waits and never
 * guesses, nobody starving, nothing computed for nobody.
 */
import { describe, expect, it } from "vitest";
import { capacityOf, inTime, lengths, simulate, waitOf } from "./testing/simulated-pool.ts";

describe.each([1, 2, 3])("a simulated pool (seed %i)", (seed) => {
  it.each([
    { kind: "short", tokens: lengths.short, overload: 2 },
    { kind: "medium", tokens: lengths.medium, overload: 2 },
    { kind: "mixed", tokens: lengths.mixed, overload: 2 },
    { kind: "short", tokens: lengths.short, overload: 10 },
    { kind: "medium", tokens: lengths.medium, overload: 10 },
  ])(
    "answers 80 % of its capacity in time under $overload x overload of $kind texts, and computes little in vain",
    ({ tokens, overload }) => {
      const seconds = 10;
      const texts = simulate({ perSecond: capacityOf(tokens) * overload, seconds, patienceMs: 80, tokens }, seed);
      const answered = inTime(texts).length;
      expect(answered / seconds / capacityOf(tokens)).toBeGreaterThan(0.8);
      expect(texts.filter(({ outcome }) => outcome === "too_late").length).toBeLessThan(answered * 0.1);
    },
  );

  it("answers nearly all in time below its capacity", () => {
    const texts = simulate({ perSecond: capacityOf(lengths.mixed) * 0.7, seconds: 10, patienceMs: 80, tokens: lengths.mixed }, seed);
    expect(inTime(texts).length).toBeGreaterThan(texts.length * 0.97);
  });

  it("lets nobody starve: long texts get their share under overload by short ones", () => {
    const texts = simulate({ perSecond: capacityOf(lengths.mixed) * 2, seconds: 10, patienceMs: 80, tokens: lengths.mixed }, seed);
    const long = texts.filter((text) => text.tokens >= 80);
    expect(inTime(long).length).toBeGreaterThan(long.length * 0.1);
  });

  it("keeps a text without deadline waiting for a bounded time, whatever comes after it", () => {
    const texts = simulate(
      {
        perSecond: capacityOf(lengths.short) * 0.6,
        seconds: 10,
        patienceMs: Number.POSITIVE_INFINITY,
        tokens: (random) => (random() < 0.005 ? 500 : lengths.short(random)),
      },
      seed,
    );
    const long = texts.filter((text) => text.tokens === 500);
    expect(waitOf(long, 1)).toBeLessThan(1_200);
  });

  it.each([0.3, 0.5])("at a load of %f keeps short texts quick beside long ones", (utilisation) => {
    const perSecond = capacityOf(lengths.mixed) * utilisation;
    const load = { seconds: 60, patienceMs: 80 };
    const mixed = simulate({ ...load, perSecond, tokens: lengths.mixed }, seed);
    const alone = simulate({ ...load, perSecond: perSecond * 0.85, tokens: lengths.short }, seed);
    const among = mixed.filter((text) => text.tokens < 80);
    expect(waitOf(among, 0.99)).toBeLessThan(waitOf(alone, 0.99) * 2);
    expect(inTime(mixed).length).toBeGreaterThan(mixed.length * 0.995);
  });

  it.each([20, 32])("serves %i callers who ask again at once no worse than it serves 8", (together) => {
    const served = (callers: number) => inTime(simulate({ together: callers, seconds: 10, patienceMs: 80, tokens: lengths.medium }, seed));
    expect(served(together).length).toBeGreaterThan(served(8).length * 0.9);
  });

  it("refuses no text of a burst at the door", () => {
    const bursts = simulate({ perSecond: 110, together: 20, seconds: 10, patienceMs: 80, tokens: lengths.medium }, seed);
    const refused = bursts.filter(({ outcome, settledAt, enqueuedAt }) => outcome === "refused" && settledAt === enqueuedAt);
    expect(refused).toEqual([]);
    expect(inTime(bursts).length).toBeGreaterThan(bursts.length * 0.55);
  });

  it("never computes what its callers have left", () => {
    const texts = simulate(
      { perSecond: capacityOf(lengths.short) * 1.5, seconds: 5, patienceMs: 80, tokens: lengths.short, leaving: 0.5 },
      seed,
    );
    expect(texts.every(({ outcome }) => outcome !== "waits")).toBe(true);
  });
});
