/**
 * Judges whether a stored question asks the same as the one asked now, so that its answer may be served: the same after folding, or
 * stopped by a guard, or as the learned pair verifier says. Synchronous and pure once its weights are loaded; session.ts calls it for the few
 * candidates that the index proposes.
 */
import type { PairDecision, PairVerifier } from "../cache-parts.ts";
import { compareFeatures } from "../guards/compare.ts";
import { featuresOfReading } from "../guards/features.ts";
import { readQuestion, sameQuestion } from "../guards/read.ts";
import { isForeign, pairFeatures } from "./pair-features.ts";
import { scoreOf } from "./trees.ts";
import { loadWeights, type VerifierWeights } from "./weights.ts";

/** createPairVerifier loads the weights that are shipped with the package, unless it is given others. */
export function createPairVerifier(weights: VerifierWeights = loadWeights()): PairVerifier {
  const { trees, calibration, threshold, cosine: leastCosine, lexicon } = weights;
  return {
    decide(text: string, stored: string, cosine: number): PairDecision {
      const [now, then] = [readQuestion(text), readQuestion(stored)];
      if (now === null || then === null) return text === stored ? identical : doubted;
      if (sameQuestion(now, then)) return identical;
      const [marks, storedMarks] = [featuresOfReading(now), featuresOfReading(then)];
      if (marks === null || storedMarks === null) return doubted;
      const verdict = compareFeatures(marks, storedMarks);
      if (!verdict.pass) return { serve: false, verdict: "guarded", guard: verdict.guard };
      if (!(cosine >= leastCosine)) return doubted;
      const values = pairFeatures({ reading: now, features: marks }, { reading: then, features: storedMarks }, cosine, lexicon);
      if (isForeign(values)) return doubted;
      const probability = 1 / (1 + Math.exp(-(calibration.scale * scoreOf(trees, values) + calibration.offset)));
      const serve = probability >= threshold;
      return { serve, verdict: serve ? "verified" : "doubted", probability };
    },
  };
}

const identical: PairDecision = { serve: true, verdict: "identical" };
const doubted: PairDecision = { serve: false, verdict: "doubted" };
