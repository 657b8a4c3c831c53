/**
 * The language signal names the language of the user's text. Detection is eld's n-gram model in its smallest build (98.7 % of
 * sentences right by its authors' figures, about 0.1 ms for a long prompt). Its tables weigh some 90 MB of memory, so they are
 * loaded only when a configuration has language rules.
 */
import { defineSignal, RouterError, type SignalMatch } from "@turnout/shared";
import { z } from "zod";

/** Text that is too short or too odd to tell counts as English, with this confidence, as in vSR. */
const FALLBACK = { language: "en", confidence: 0.5 } as const;
const DEFAULT_THRESHOLD = 0.3;

/** What one detection reads at most, in characters: more changes nothing but the time it takes. */
const MAX_CHARACTERS = 2_048;

export const language = defineSignal({
  type: "language",
  configKey: "language",
  header: "language",
  needs: "nothing",
  summary: "Matches when the user's text is in the language that the rule's name says (ISO 639-1).",
  rule: z.strictObject({
    name: z
      .string()
      .regex(/^[a-z]{2}$/, "expected an ISO 639-1 code such as en or zh")
      .describe("The language's ISO 639-1 code, which is also what conditions refer to."),
    description: z.string().optional().describe("For people; not read."),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .default(DEFAULT_THRESHOLD)
      .describe("Confidence below which the text counts as English, as in vSR."),
  }),
  create(rules) {
    const loading = import("eld/extrasmall").then((module) => module.eld.newInstance());
    loading.catch(() => undefined); // reported by evaluate, per request, as the signal's error
    return {
      async evaluate(request) {
        const detector = await loading.catch((cause: unknown) => {
          throw new RouterError("internal", "the language tables could not be loaded", { cause });
        });
        const result = detector.detect(request.userText.slice(0, MAX_CHARACTERS));
        const score = result.getScores()[result.language] ?? 0;
        const matches: SignalMatch[] = [];
        for (const rule of rules) {
          const sure = result.isReliable() && score >= rule.threshold;
          const spoken = sure ? { language: result.language, confidence: score } : FALLBACK;
          if (spoken.language === rule.name) matches.push({ rule: rule.name, confidence: spoken.confidence, value: score });
        }
        return { matches };
      },
    };
  },
});
