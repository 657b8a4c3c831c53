/**
 * The fact_check signal: whether a right answer depends on facts of the world that can be looked up. Its two rules have fixed names, as
 * in vLLM Semantic Router: one of them holds for every message that can be judged, neither for one in a script nobody trained. The
 * embedded tier answers, in this thread; nothing waits.
 */
import { defineSignal, RouterError } from "@turnout/shared";
import { z } from "zod";
import { IntentScale, type IntentTask } from "../intent/intent-scale.ts";

export const NEEDS_FACT_CHECK = "needs_fact_check";
export const NO_FACT_CHECK_NEEDED = "no_fact_check_needed";

/** FACT_CHECK is what the embedded model is asked. */
export const FACT_CHECK: IntentTask = { head: "fact_check", labels: [NO_FACT_CHECK_NEEDED, NEEDS_FACT_CHECK], cueShare: 0.4 };

/** The threshold of the module, under global.model_catalog.modules. */
const MODULE = "hallucination_mitigation.fact_check.threshold";

export const factCheck = defineSignal({
  type: "fact_check",
  configKey: "fact_check",
  header: "fact-check",
  needs: "nothing",
  summary: "Tells messages whose answer depends on checkable facts of the world from all others.",
  rule: z.strictObject({
    name: z.enum([NEEDS_FACT_CHECK, NO_FACT_CHECK_NEEDED]).describe("Which of the two; what conditions refer to."),
    description: z.string().optional().describe("For people; not read."),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(
        `Probability from which a message counts as ${NEEDS_FACT_CHECK}, for either rule. Default: the module's (${MODULE}), else the trained model's own.`,
      ),
  }),
  modules: { [MODULE]: "threshold" },
  create(rules, { embedded }) {
    const scale = IntentScale.of(embedded, FACT_CHECK);
    return {
      evaluate({ userText }) {
        if (scale instanceof RouterError) throw scale;
        const [none, needs] = (userText.trim() === "" ? null : scale.judge(userText)) ?? [];
        if (none === undefined || needs === undefined) return { matches: [] };
        const judged = rules.map(({ name, threshold = scale.thresholdOf(NEEDS_FACT_CHECK) }) => {
          const wanted = name === NEEDS_FACT_CHECK;
          return { rule: name, score: wanted ? needs : none, matched: needs >= threshold === wanted };
        });
        return {
          matches: judged.filter(({ matched }) => matched).map(({ rule, score }) => ({ rule, confidence: score, value: score })),
          scores: judged.map(({ rule, score }) => ({ rule, score })),
        };
      },
    };
  },
});
