import type { ChatMessage, EmbeddedTier, SignalEvaluation } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { promptRequest } from "../chat-request.ts";
import { intentTier } from "../testing/intent-tier.ts";
import { signalContext, signalSettings } from "../testing/signal-parts.ts";
import { USER_FEEDBACK, userFeedback } from "./user-feedback.ts";

const opinions = {
  "lovely, it runs": { satisfied: 0.8, none: 0.2 },
  "which bolt?": { need_clarification: 0.6, none: 0.4 },
  "no, the bolt is brass": { wrong_answer: 0.7, want_different: 0.2, none: 0.1 },
  "one in green please": { want_different: 0.55, none: 0.45 },
  "how is brass made?": { need_clarification: 0.1, none: 0.9 },
  "hmm brass": { need_clarification: 0.3, none: 0.7 },
};
const foreign = "Ε";
const four = ["satisfied", "need_clarification", "wrong_answer", "want_different"].map((name) => ({ name }));
const message = (role: ChatMessage["role"], text: string): ChatMessage => ({ role, text, imageParts: 0 });
const answered = (text: string) => [message("user", "how do I mend it"), message("assistant", "With a bolt."), message("user", text)];

function evaluate(
  messages: readonly ChatMessage[],
  rules: readonly object[] = four,
  tier: EmbeddedTier | null = intentTier([USER_FEEDBACK], opinions, { threshold: 0.4, foreign }),
) {
  const evaluator = userFeedback.create(
    rules.map((rule) => userFeedback.rule.parse(rule)),
    signalSettings({ embedded: tier }),
  );
  return evaluator.evaluate(promptRequest(messages), signalContext()) as SignalEvaluation;
}

describe("user_feedback signal", () => {
  it.each<[text: string, expected: readonly string[]]>([
    ["lovely, it runs", ["satisfied"]],
    ["which bolt?", ["need_clarification"]],
    ["no, the bolt is brass", ["wrong_answer"]],
    ["one in green please", ["want_different"]],
    ["how is brass made?", []],
    ["hmm brass", []],
    ["", []],
    ["Ευχαριστώ πολύ", []],
  ])("after an answer, %j is %j", (text, expected) => {
    expect(evaluate(answered(text)).matches.map(({ rule }) => rule)).toEqual(expected);
  });

  it.each<[what: string, messages: readonly ChatMessage[], heard: boolean]>([
    ["a first message", [message("user", "lovely, it runs")], false],
    ["one after a system message", [message("system", "Be kind."), message("user", "lovely, it runs")], false],
    ["one before a prefilled answer", [message("user", "lovely, it runs"), message("assistant", "Great")], false],
    [
      "one after an answer and a tool's word",
      [...answered("ok").slice(0, 2), message("tool", "{}"), message("user", "lovely, it runs")],
      true,
    ],
  ])("hears feedback only after an answer: %s", (_, messages, heard) => {
    expect(evaluate(messages).matches.length > 0).toBe(heard);
  });

  it("matches only the likeliest, by its rule's threshold", () => {
    const low = four.map((rule) => ({ ...rule, threshold: 0.05 }));
    expect(evaluate(answered("no, the bolt is brass"), low).matches.map(({ rule }) => rule)).toEqual(["wrong_answer"]);
    expect(evaluate(answered("hmm brass"), low).matches.map(({ rule }) => rule)).toEqual(["need_clarification"]);
    expect(evaluate(answered("lovely, it runs"), [{ name: "satisfied", threshold: 0.9 }]).matches).toEqual([]);
  });

  it("gives probabilities as confidence, value and scores", () => {
    const { matches, scores } = evaluate(answered("no, the bolt is brass"), [{ name: "wrong_answer" }, { name: "want_different" }]);
    expect(matches).toEqual([{ rule: "wrong_answer", confidence: expect.closeTo(0.7, 2), value: expect.closeTo(0.7, 2) }]);
    expect(scores).toEqual([
      { rule: "wrong_answer", score: expect.closeTo(0.7, 2) },
      { rule: "want_different", score: expect.closeTo(0.2, 2) },
    ]);
  });

  it("says what is missing where the model has no such head", () => {
    expect(() => evaluate(answered("which bolt?"), four, intentTier([], {}))).toThrow(/no head "user_feedback"/);
  });
});
