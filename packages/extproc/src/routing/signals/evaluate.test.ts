import type { SignalEvaluator } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { routingSchema } from "../schema.ts";
import { routing, stillClock } from "../testing/fixtures.ts";
import { WordEmbedder } from "../testing/word-embedder.ts";
import { createEvaluators, evaluateSignals } from "./evaluate.ts";
import { signalSettings } from "../testing/signal-parts.ts";

const window = { maxTokens: 128, sampling: "head" } as const;
const request = promptRequest("a text");
const named = (type: string, evaluate: SignalEvaluator["evaluate"]) => ({ type, evaluator: { evaluate } });
const never = () => new Promise<never>(() => undefined);

describe("evaluateSignals", () => {
  it("evaluates only the signal types that are used and configured", () => {
    const { signals } = routingSchema.parse(routing);
    const types = (used: string[]) => createEvaluators(signals, new Set(used), signalSettings({ window })).map(({ type }) => type);
    expect(types(["keyword"])).toEqual(["keyword"]);
    expect(types(["domain", "keyword", "language"])).toEqual(["keyword", "domain"]);
    expect(types([])).toEqual([]);
  });

  it("sends what all signals ask for as one submission, each text and window once", async () => {
    const embedder = new WordEmbedder();
    const ask = (text: string, maxTokens: number) =>
      named(`ask ${text} ${maxTokens}`, async (_, { inference }) => {
        await inference.embed(text, { ...window, maxTokens });
        return { matches: [] };
      });
    const evaluators = [ask("one", 128), ask("one", 128), ask("one", 64), ask("two", 128)];
    const results = await evaluateSignals(evaluators, request, { embedder, clock: stillClock }, {});
    expect(embedder.submissions).toEqual([
      [
        { text: "one", window },
        { text: "one", window: { ...window, maxTokens: 64 } },
        { text: "two", window },
      ],
    ]);
    expect(results.outcomes.every(({ error }) => error === null)).toBe(true);
  });

  it("asks the encoder nothing when no signal does", async () => {
    const embedder = new WordEmbedder();
    await evaluateSignals([named("a", () => ({ matches: [] }))], request, { embedder, clock: stillClock }, {});
    expect(embedder.submissions).toEqual([]);
  });

  it("records a signal's failure, thrown or rejected, and keeps the others' matches", async () => {
    const results = await evaluateSignals(
      [
        named("throws", () => {
          throw new TypeError("broken");
        }),
        named("rejects", () => Promise.reject(new Error("broken too"))),
        named("works", () => ({ matches: [{ rule: "r", confidence: 0.5, value: 7 }], scores: [{ rule: "s", score: 0.1 }] })),
      ],
      request,
      { embedder: new WordEmbedder(), clock: stillClock },
      {},
    );
    expect(results.outcomes.map(({ type, error }) => [type, error?.code])).toEqual([
      ["throws", "internal"],
      ["rejects", "internal"],
      ["works", undefined],
    ]);
    expect([results.failed("throws"), results.failed("works"), results.failed("unheard of")]).toEqual([true, false, false]);
    expect([results.confidence("works", "r"), results.value("works", "r"), results.value("works", "s")]).toEqual([0.5, 7, 0.1]);
    expect(results.confidence("works", "s")).toBeUndefined();
  });

  it("returns what is known when the deadline passes and marks the rest", async () => {
    const results = await evaluateSignals(
      [named("late", never), named("known", () => ({ matches: [{ rule: "r", confidence: 1 }] }))],
      request,
      { embedder: new WordEmbedder(), clock: stillClock },
      { deadline: stillClock.now() + 5 },
    );
    expect(results.deadlineExceeded).toBe(true);
    expect(results.outcomes.map(({ error }) => error?.code)).toEqual(["deadline_exceeded", undefined]);
    expect(results.confidence("known", "r")).toBe(1);
  });

  it("ignores an answer, or a failure, that comes after the deadline", async () => {
    const late = Promise.withResolvers<{ matches: [] }>();
    const lateToo = Promise.withResolvers<{ matches: { rule: string; confidence: number }[] }>();
    const results = await evaluateSignals(
      [named("fails late", () => late.promise), named("answers late", () => lateToo.promise)],
      request,
      { embedder: new WordEmbedder(), clock: stillClock },
      { deadline: stillClock.now() },
    );
    late.reject(new Error("too late")); // an unhandled rejection would fail this run
    lateToo.resolve({ matches: [{ rule: "r", confidence: 1 }] });
    await lateToo.promise;
    expect(results.outcomes.map(({ error }) => error?.code)).toEqual(["deadline_exceeded", "deadline_exceeded"]);
    expect(results.confidence("answers late", "r")).toBeUndefined();
  });

  it("rejects with the reason when the caller leaves, before or while signals are evaluated", async () => {
    const parts = { embedder: new WordEmbedder(), clock: stillClock };
    const before = AbortSignal.abort();
    await expect(evaluateSignals([], request, parts, { signal: before })).rejects.toBe(before.reason);
    const controller = new AbortController();
    const evaluation = evaluateSignals([named("never", never)], request, parts, { signal: controller.signal });
    controller.abort();
    await expect(evaluation).rejects.toBe(controller.signal.reason);
  });

  it("passes deadline and cancellation on to the encoder", async () => {
    const embedder = new WordEmbedder();
    const seen: unknown[] = [];
    embedder.before = async (options) => void seen.push(options);
    const options = { signal: new AbortController().signal, deadline: 9_999_999 };
    await evaluateSignals(
      [named("a", async (_, { inference }) => (await inference.embed("x", window), { matches: [] }))],
      request,
      { embedder, clock: stillClock },
      options,
    );
    expect(seen).toEqual([options]);
  });

  it("tells a signal that asks after its first await that this is a bug", async () => {
    const results = await evaluateSignals(
      [named("late asker", async (_, { inference }) => (await Promise.resolve(), await inference.embed("x", window), { matches: [] }))],
      request,
      { embedder: new WordEmbedder(), clock: stillClock },
      {},
    );
    expect(results.outcomes[0]?.error?.message).toContain("This is a bug.");
  });
});
