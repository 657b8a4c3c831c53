/**
 * What the user_feedback signal learns from: messages after an answer, with and without feedback, and messages of other corpora, which
 * are none. Follow-ups, small talk and thanks of those are left out: nobody has said which of them are feedback.
 */
import { USER_FEEDBACK } from "../../../packages/extproc/src/routing/signals/user-feedback.ts";
import type { HeadRecipe } from "../heads.ts";
import { authoredRows, chatRows, intentHeads, type ChatRow, type IntentRow } from "./intent.ts";

/** Every n-th message of other corpora is learned from. */
const CHAT_NTH = 25;
/**
 * Probability from which the likeliest feedback counts: 0.6 % of chat_domain.train, from which nothing is learnt here, reach it (without
 * follow-ups, small talk and thanks).
 */
const THRESHOLDS = { satisfied: 0.3, need_clarification: 0.4, wrong_answer: 0.3, want_different: 0.3 };

const UNTOLD = new Set(["followup", "smalltalk", "thank_you", "yes", "no", "maybe", "repeat", "cancel"]);
const isTold = ({ label, style = "" }: ChatRow) => !UNTOLD.has(style) && !UNTOLD.has(label);

/** feedbackRows of authors. */
export const feedbackRows = (set: "train" | "dev"): IntentRow[] => authoredRows(USER_FEEDBACK.head, set);

/** userFeedbackHeads are the recipes of both heads. */
export function userFeedbackHeads(rows: readonly IntentRow[] = feedbackRows("train")): HeadRecipe[] {
  return intentHeads(USER_FEEDBACK, [...rows, ...chatRows(CHAT_NTH, "none", isTold)], { rows: 1 << 15, thresholds: THRESHOLDS });
}
