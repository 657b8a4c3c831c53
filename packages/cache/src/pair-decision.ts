/**
 * Whether a question would be answered by what was answered to another, all else being equal: the cache's decision for one pair of texts,
 * without a store. For measuring (`turnout eval --task cache`) and for people who ask why; a request is decided by session.ts from the
 * same parts.
 */
import type { PairVerifier } from "./cache-parts.ts";
import { compareFeatures } from "./guards/compare.ts";
import { featuresOf } from "./guards/features.ts";
import { canonicalRequest, defaultEligibility, semanticEligibility, type CanonicalRequest } from "./identity/index.ts";

/** PairOutcome is the decision and what it was taken by: the same request, a bar of identity/, a guard, the threshold or the verifier. */
export interface PairOutcome {
  readonly serve: boolean;
  readonly by: string;
  /** 0 to 1, how sure it is that both ask the same; for ranking. */
  readonly score: number;
}

export interface PairDecisionOptions {
  readonly verifier: PairVerifier;
  readonly similarityThreshold: number;
}

/** decidePair takes the cosine of the two texts' vectors; NaN where one was too long to be encoded whole. */
export function decidePair(
  text: string,
  stored: string,
  cosine: number,
  { verifier, similarityThreshold }: PairDecisionOptions,
): PairOutcome {
  const [now, before] = [requestOf(text), requestOf(stored)];
  if (now === null || before === null) return { serve: false, by: "unreadable", score: 0 };
  if (now.exact === before.exact) return { serve: true, by: "exact", score: 1 };
  for (const request of [now, before]) {
    const eligible = semanticEligibility(request, defaultEligibility);
    if (!eligible.allowed) return { serve: false, by: eligible.reason, score: 0 };
  }
  if (!(cosine >= similarityThreshold)) return { serve: false, by: "threshold", score: Math.max(0, cosine) / 4 };
  const [words, storedWords] = [now.lastUserText ?? "", before.lastUserText ?? ""];
  const [asked, kept] = [featuresOf(words), featuresOf(storedWords)];
  if (asked === null || kept === null) return { serve: false, by: "features", score: 0 };
  const verdict = compareFeatures(asked, kept);
  if (!verdict.pass) return { serve: false, by: verdict.guard, score: cosine / 4 };
  const { serve, verdict: by, guard, probability } = verifier.decide(words, storedWords, cosine);
  return { serve, by: guard ?? by, score: probability ?? (serve ? 1 : cosine / 4) };
}

function requestOf(text: string): CanonicalRequest | null {
  const body = JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }] });
  const request = canonicalRequest(Buffer.from(body), "chat");
  return request.kind === "request" ? request : null;
}
