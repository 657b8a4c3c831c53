import { z } from "zod";

/** Durations as Go writes them, which is what vLLM Semantic Router's files contain: "300s", "1m30s", "250ms". */
const millisecondsPer = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const;

const wholeDuration = /^(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h))+$/;

/** duration is the schema of such a text; it stays text in the document, durationMs reads it. */
export const duration = z.string().regex(wholeDuration, 'a duration such as "30s", "1m30s" or "250ms"');

/** durationMs gives milliseconds; the text must have passed `duration`. */
export function durationMs(text: string): number {
  let total = 0;
  for (const [, amount, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) {
    total += Number(amount) * millisecondsPer[unit as keyof typeof millisecondsPer];
  }
  return total;
}
