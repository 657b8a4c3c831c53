/** The context signal estimates the prompt's length in tokens from its bytes, without a tokenizer. */
import { defineSignal, type SignalMatch } from "@turnout/shared";
import { z } from "zod";

/** tokenCount reads 32000, "32000", "32K" or "1M" (decimal multiples, as vSR's). */
const tokenCount = z
  .union([z.int().min(0), z.string().regex(/^\d+(\.\d+)?\s*[KkMm]?$/, 'expected a number of tokens such as 4000, "32K" or "1M"')])
  .transform((written) => {
    if (typeof written === "number") return written;
    const unit = written.at(-1)?.toUpperCase();
    return Math.round(Number.parseFloat(written) * (unit === "K" ? 1_000 : unit === "M" ? 1_000_000 : 1));
  });

/** estimateTokens is vSR's rule of thumb: four bytes of UTF-8 are a token. */
export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / 4);
}

export const context = defineSignal({
  type: "context",
  configKey: "context",
  header: "context",
  needs: "nothing",
  summary: "Matches when the estimated token count of all messages lies within a range.",
  rule: z
    .strictObject({
      name: z.string().min(1).describe("What conditions refer to."),
      description: z.string().optional().describe("For people; not read."),
      min_tokens: tokenCount.optional().describe('Least estimate that matches: a number, "32K" or "1M". Default: 0.'),
      max_tokens: tokenCount.optional().describe("Largest estimate that matches. Default: no limit."),
    })
    .refine((rule) => (rule.min_tokens ?? 0) <= (rule.max_tokens ?? Infinity), {
      path: ["max_tokens"],
      message: "max_tokens is below min_tokens, so the rule could never match",
    }),
  create: (rules) => ({
    evaluate(request) {
      const tokens = estimateTokens(request.textBytes);
      const matches: SignalMatch[] = [];
      for (const rule of rules) {
        if (tokens >= (rule.min_tokens ?? 0) && tokens <= (rule.max_tokens ?? Infinity)) {
          matches.push({ rule: rule.name, confidence: 1, value: tokens });
        }
      }
      return { matches };
    },
  }),
});
