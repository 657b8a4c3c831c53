/**
 * The floors of the signals that ask what a message wants: on development data, of an author never trained on, the model that comes
 * with Turnout is as good as was measured (models/training/heads/intent-figures.ts), less what chance explains.
 */
import { readFileSync } from "node:fs";
import { createEmbeddedTier } from "@turnout/classifier-pool/embedded";
import type { SignalEvaluation, SignalEvaluator } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { promptRequest } from "../routing/index.ts";
import { FACT_CHECK, factCheck } from "../routing/signals/fact-check.ts";
import { MODALITY, modality } from "../routing/signals/modality.ts";
import { USER_FEEDBACK, userFeedback } from "../routing/signals/user-feedback.ts";
import { signalContext, signalSettings } from "../routing/testing/signal-parts.ts";

const embedded = createEmbeddedTier();
const settings = signalSettings({ embedded });
const factChecks = factCheck.create([factCheck.rule.parse({ name: "needs_fact_check" })], settings);
const feedbacks = userFeedback.create(
  USER_FEEDBACK.labels.slice(0, -1).map((name) => userFeedback.rule.parse({ name })),
  settings,
);
const modalities = modality.create(
  MODALITY.labels.map((name) => modality.rule.parse({ name })),
  settings,
);

interface Row {
  readonly text: string;
  readonly label: string | number;
  readonly style?: string;
}

const rowsOf = (file: string): Row[] =>
  readFileSync(new URL(`../../../../models/training/data/${file}`, import.meta.url), "utf8")
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line) as Row);

/** foundIn a message after an answer; null where no rule matches. */
function foundIn(evaluator: SignalEvaluator, text: string): string | null {
  const answer = { role: "assistant", text: "Here you are.", imageParts: 0 } as const;
  const evaluation = evaluator.evaluate(promptRequest([answer, { role: "user", text, imageParts: 0 }]), signalContext());
  return (evaluation as SignalEvaluation).matches[0]?.rule ?? null;
}

// A model of before these heads were trained has nothing to measure.
describe.skipIf([FACT_CHECK, USER_FEEDBACK, MODALITY].some(({ head }) => embedded.labelsOf(head) === null))("the embedded model", () => {
  it.each<[what: string, evaluator: SignalEvaluator, file: string, labelOf: (found: string | null) => string | number, floor: number]>([
    ["facts to be checked", factChecks, "fact_check", (found) => (found === null ? 0 : 1), 0.85],
    ["feedback on an answer", feedbacks, "user_feedback", (found) => found ?? "none", 0.64],
    ["wishes for images", modalities, "modality", (found) => found ?? "AR", 0.73],
  ])("tells %s as often as was measured", (_, evaluator, file, labelOf, floor) => {
    const rows = rowsOf(`intent/${file}.dev.jsonl`);
    const right = rows.filter(({ text, label }) => labelOf(foundIn(evaluator, text)) === label);
    expect(right.length / rows.length).toBeGreaterThanOrEqual(floor);
  });

  it.each(["chat_domain.dev.jsonl", "chat/L.dev.jsonl"])(
    "hears hardly any feedback in new questions, nor wishes for images: %s",
    (file) => {
      const rows = rowsOf(file).filter(({ style = "" }) => style !== "followup" && style !== "smalltalk");
      const wrongly = (evaluator: SignalEvaluator, nothing: string | null) =>
        rows.filter(({ text }) => foundIn(evaluator, text) !== nothing).length / rows.length;
      expect(wrongly(feedbacks, null)).toBeLessThan(0.02);
      expect(wrongly(modalities, "AR")).toBeLessThan(0.02);
    },
  );
});
