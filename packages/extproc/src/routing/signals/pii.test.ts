import { RouterError, type ChatMessage, type InferenceItem, type SignalEvaluation, type TextEmbedding } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { routingSchema } from "../schema.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";
import { evaluateSignals } from "./evaluate.ts";
import { pii } from "./pii.ts";

const evaluatorOf = (...rules: readonly object[]) =>
  pii.create(
    rules.map((rule) => pii.rule.parse(rule)),
    signalSettings(),
  );

async function matches(rule: object, prompt: string | readonly ChatMessage[]): Promise<readonly string[]> {
  const evaluation = await evaluatorOf({ name: "rule", ...rule }).evaluate(promptRequest(prompt), signalContext());
  return evaluation.matches.map(({ rule, confidence }) => `${rule} ${confidence}`);
}

const say = (role: ChatMessage["role"], text: string): ChatMessage => ({ role, text, imageParts: 0 });
const card = "my card 4111 1111 1111 1111";
const mail = "mail ann@example.org";

describe("pii rules", () => {
  it.each([
    [{}, card, ["rule 0.99"]],
    [{}, "what is a credit card", []],
    [{ pii_types_allowed: ["CREDIT_CARD"] }, card, []],
    [{ pii_types_allowed: ["credit-card", "EMAIL"] }, `${card}, ${mail}`, []],
    [{ pii_types_allowed: ["EMAIL_ADDRESS"] }, `${card}, ${mail}`, ["rule 0.99"]],
    [{ threshold: 0.85 }, "it is 536-22-8726", ["rule 0.85"]],
    [{ threshold: 0.9 }, "it is 536-22-8726", []],
    [{}, "Mr. Smith sues", []],
    [{ threshold: 0.3 }, "Mr. Smith sues", ["rule 0.4"]],
    [{ threshold: 0 }, "nothing", []],
  ])("%j on %j: %j", async (rule, text, expected) => {
    expect(await matches(rule, text)).toEqual(expected);
  });

  it("read the last user message alone, unless they include the history", async () => {
    const messages = [say("user", card), say("assistant", "Thanks."), say("user", "And now?")];
    expect(await matches({}, messages)).toEqual([]);
    expect(await matches({ include_history: true }, messages)).toEqual(["rule 0.99"]);
    expect(await matches({ include_history: true }, [say("tool", mail), say("user", "And now?")])).toEqual(["rule 0.99"]);
  });

  it("are judged each by itself, with scores for those that do not match", async () => {
    const evaluator = evaluatorOf({ name: "cards", pii_types_allowed: ["EMAIL"] }, { name: "all" });
    expect(await evaluator.evaluate(promptRequest(mail), signalContext())).toMatchObject({
      matches: [{ rule: "all", confidence: 0.99, value: 0.99 }],
      scores: [
        { rule: "cards", score: 0 },
        { rule: "all", score: 0.99 },
      ],
    });
  });

  it("have a threshold each", async () => {
    const evaluator = evaluatorOf({ name: "strict", threshold: 0.5 }, { name: "lax", threshold: 0.9 });
    const { matches, scores } = await evaluator.evaluate(promptRequest("it is 536-22-8726"), signalContext());
    expect(matches.map(({ rule }) => rule)).toEqual(["strict"]);
    expect(scores).toContainEqual({ rule: "lax", score: 0.85 });
  });

  it("refuse a type that nobody knows, unless a model may have it", () => {
    const problem = (rule: object) => pii.rule.safeParse({ name: "r", ...rule }).error?.issues[0];
    expect(problem({ pii_types_allowed: ["EMAIL", "EMAIL_ADRESS"] })).toMatchObject({ path: ["pii_types_allowed", 1] });
    expect(problem({ pii_types_allowed: ["EMAIL_ADRESS"] })?.message).toContain('unknown type of personal data "EMAIL_ADRESS"');
    expect(problem({ pii_types_allowed: ["SHOE_SIZE"], model: "mine" })).toBeUndefined();
    expect(problem({ pii_types_allowed: ["ORGANIZATION", "GPE", "AGE"] })).toBeUndefined();
  });

  it("are the values of routing.signals.pii", () => {
    const { signals } = routingSchema.parse({ signals: { pii: [{ name: "strict", threshold: 0.85, include_history: true }] } });
    expect(signals.pii).toEqual([{ name: "strict", threshold: 0.85, pii_types_allowed: [], include_history: true, on_error: "no_match" }]);
  });
});

describe("pii in long texts", () => {
  const long = "The weather was fine that day. ".repeat(40_000);

  it.each([0, 0.03, 0.5, 0.97, 1])("is found at %f of a megabyte", async (share) => {
    const place = Math.floor(long.length * share);
    expect(await matches({}, `${long.slice(0, place)} ${card} ${long.slice(place)}`)).toEqual(["rule 0.99"]);
  });

  it("is found in any message of a long history", async () => {
    const history = Array.from({ length: 200 }, (_, index) => say("user", index === 137 ? card : long.slice(0, 5_000)));
    expect(await matches({ include_history: true }, [...history, say("user", "And now?")])).toEqual(["rule 0.99"]);
  });

  it("lets others have a turn, tells what it knows so far, and stops when the caller leaves", async () => {
    const told: SignalEvaluation[] = [];
    const controller = new AbortController();
    const evaluation = evaluatorOf({ name: "strict", on_error: "match" }, { name: "lax" }).evaluate(promptRequest(long), {
      ...signalContext(),
      provisional: (evaluation) => void told.push(evaluation),
      signal: controller.signal,
    });
    expect(told.at(-1)?.matches).toEqual([{ rule: "strict", confidence: 0, value: 0 }]);
    controller.abort();
    await expect(evaluation).rejects.toThrow("aborted");
    expect(told.length).toBeLessThan(5);
  });
});

describe("pii with a token classifier", () => {
  const answer = (scan: TextEmbedding["scan"]): TextEmbedding => ({
    vector: new Float32Array(),
    tokens: 1,
    sampled: false,
    timings: { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: 1 },
    ...(scan === undefined ? {} : { scan }),
  });
  const entity = (type: string, score: number) => ({ start: 0, end: 3, type, score });

  /** What becomes of rules when a classifier answers each text with `reply`. */
  async function outcome(
    rules: readonly object[],
    prompt: string | readonly ChatMessage[],
    reply: (item: InferenceItem) => TextEmbedding | RouterError,
  ) {
    const asked: InferenceItem[] = [];
    const embedder = {
      embed: () => Promise.reject(new Error("not asked")),
      evaluate: async (items: readonly InferenceItem[]) => items.map((item) => (asked.push(item), reply(item))),
    };
    const parts = { embedder, clock: { now: () => 0, wallMs: () => 0 } };
    const { outcomes } = await evaluateSignals([{ type: "pii", evaluator: evaluatorOf(...rules) }], promptRequest(prompt), parts, {});
    return { asked, matched: outcomes[0]?.matches.map(({ rule, confidence }) => `${rule} ${confidence}`), ...outcomes[0] };
  }

  it("needs the pool only where a rule names a model", () => {
    expect(evaluatorOf({ name: "a" }).needs).toBe("nothing");
    expect(evaluatorOf({ name: "a" }, { name: "b", model: "ner" }).needs).toBe("embedding");
  });

  it("counts the model's entities beside what the detectors find, for the rules that name it", async () => {
    const rules = [{ name: "plain" }, { name: "ner", model: "ner" }, { name: "lax", model: "ner", pii_types_allowed: ["PERSON"] }];
    const text = "Ada wrote it";
    const { asked, matched, error } = await outcome(rules, text, () => answer({ entities: [entity("PER", 0.9)], scannedChars: 12 }));
    expect(asked).toEqual([{ text, window: { maxTokens: 8192, sampling: "head" }, model: "ner", entities: true }]);
    expect([matched, error]).toEqual([["ner 0.9"], null]);
  });

  it("asks for the history only where a rule of that model includes it", async () => {
    const messages = [say("assistant", "Ada"), say("user", "who?")];
    const reply = ({ text }: InferenceItem) =>
      answer({ entities: text === "Ada" ? [entity("PERSON", 0.8)] : [], scannedChars: text.length });
    expect((await outcome([{ name: "a", model: "ner" }], messages, reply)).asked.map(({ text }) => text)).toEqual(["who?"]);
    const other = await outcome(
      [
        { name: "a", model: "ner" },
        { name: "b", include_history: true },
      ],
      messages,
      reply,
    );
    expect(other.asked.map(({ text }) => text)).toEqual(["who?"]);
    const both = await outcome(
      [
        { name: "a", model: "ner" },
        { name: "b", model: "ner", include_history: true },
      ],
      messages,
      reply,
    );
    expect([both.asked.length, both.matched]).toEqual([2, ["b 0.8"]]);
  });

  it("keeps what the detectors found when the model fails, and tells the failure", async () => {
    const rules = [
      { name: "found", model: "ner" },
      { name: "open", model: "ner", pii_types_allowed: ["CREDIT_CARD"] },
    ];
    const closed = { name: "closed", model: "ner", pii_types_allowed: ["CREDIT_CARD"], on_error: "match" };
    const plain = { name: "plain", pii_types_allowed: ["CREDIT_CARD"], on_error: "match" };
    const { matched, error } = await outcome([...rules, closed, plain], card, () => new RouterError("overloaded", "full"));
    expect([matched, error?.code]).toEqual([["found 0.99", "closed 0"], "overloaded"]);
  });

  it.each([
    ["texts", Array.from({ length: 1_101 }, (_, index) => `message ${index}`), 32],
    ["characters", Array.from({ length: 12 }, (_, index) => `${index} `.padEnd(60_000, "word ")), 2],
    ["characters of one text", ["first", "long ".repeat(100_000), "last"], 1],
  ])("is given the latest of very many %s, and on_error judges the rules that want the rest", async (_what, texts, count) => {
    const rules = [
      { name: "open", model: "ner", include_history: true },
      { name: "closed", model: "ner", include_history: true, on_error: "match" },
      { name: "current", model: "ner", on_error: "match" },
    ];
    const history = texts.map((text) => say("tool", text));
    const reply = ({ text }: InferenceItem) => answer({ entities: [], scannedChars: text.length });
    const { asked, matched, error, sampled } = await outcome(rules, [...history, say("user", "who?")], reply);
    expect(asked.map(({ text }) => text)).toEqual(["who?", ...texts.toReversed().slice(0, count)]);
    expect([matched, error?.code, sampled]).toEqual([["closed 0"], "text_unscanned", true]);
    expect(error?.message).toContain(`${count} texts of the history, and not ${texts.length - count} more`);
  });

  it("counts what was found in one text when another one fails", async () => {
    const rules = [{ name: "all", model: "ner", include_history: true }];
    const messages = [say("tool", "Ada"), say("tool", "Grace"), say("user", "who?")];
    const reply = ({ text }: InferenceItem) =>
      text === "Grace"
        ? new RouterError("overloaded", "full")
        : answer({ entities: text === "Ada" ? [entity("PERSON", 0.8)] : [], scannedChars: 9 });
    const { matched, error } = await outcome(rules, messages, reply);
    expect([matched, error?.code]).toEqual([["all 0.8"], "overloaded"]);
  });

  it("says so when the model has read only the beginning", async () => {
    const rules = [
      { name: "open", model: "ner" },
      { name: "closed", model: "ner", on_error: "match" },
    ];
    const { matched, sampled, error } = await outcome(rules, "a very long text", () => answer({ entities: [], scannedChars: 5 }));
    expect([matched, sampled, error]).toEqual([["closed 0"], true, null]);
  });
});
