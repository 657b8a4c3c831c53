/**
 * The user_feedback signal: what the latest message says of the answer before it. Only four things are feedback, under the fixed names
 * of vLLM Semantic Router; a new question, a follow-up or a new task is none of them, and so is whatever comes before the first answer.
 * The embedded tier answers, in this thread; nothing waits.
 */
import { defineSignal, RouterError, type RoutingRequest } from "@turnout/shared";
import { z } from "zod";
import { IntentScale, type IntentTask } from "../intent/intent-scale.ts";

const FEEDBACKS = ["satisfied", "need_clarification", "wrong_answer", "want_different"] as const;

/** USER_FEEDBACK is what the embedded model is asked; its last label is everything that is no feedback. */
export const USER_FEEDBACK: IntentTask = { head: "user_feedback", labels: [...FEEDBACKS, "none"], cueShare: 0.5 };

/** The threshold of the module, under global.model_catalog.modules. */
const MODULE = "feedback_detector.threshold";

export const userFeedback = defineSignal({
  type: "user_feedback",
  configKey: "user_feedbacks",
  header: "user-feedback",
  needs: "nothing",
  summary:
    "Tells what a message says of the assistant's answer before it: that it was good, not understood, wrong, or not what was wanted.",
  rule: z.strictObject({
    name: z.enum(FEEDBACKS).describe("Which feedback; what conditions refer to."),
    description: z.string().optional().describe("For people; not read."),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(`Probability from which the likeliest feedback matches. Default: the module's (${MODULE}), else the trained model's own.`),
  }),
  modules: { [MODULE]: "threshold" },
  create(rules, { embedded }) {
    const scale = IntentScale.of(embedded, USER_FEEDBACK);
    return {
      evaluate(request) {
        if (scale instanceof RouterError) throw scale;
        const probabilities = followsAnswer(request) ? scale.judge(request.userText) : null;
        if (probabilities === null) return { matches: [] };
        const scoreOf = (name: (typeof FEEDBACKS)[number]) => probabilities[FEEDBACKS.indexOf(name)] as number;
        const best = FEEDBACKS.reduce((best, name) => (scoreOf(name) > scoreOf(best) ? name : best));
        return {
          matches: rules
            .filter(({ name, threshold = scale.thresholdOf(name) }) => name === best && scoreOf(name) >= threshold)
            .map(({ name }) => ({ rule: name, confidence: scoreOf(name), value: scoreOf(name) })),
          scores: rules.map(({ name }) => ({ rule: name, score: scoreOf(name) })),
        };
      },
    };
  },
});

/** followsAnswer is true of a message, not an empty one, that an assistant has answered something before. */
function followsAnswer({ userText, messages }: RoutingRequest): boolean {
  if (userText.trim() === "") return false;
  const latest = messages.findLastIndex(({ role }) => role === "user");
  return messages.slice(0, latest).some(({ role }) => role === "assistant");
}
