/** The verifier's weights as they are stored (data/verifier.json): trees, what words weigh, words that mean the same, and the threshold. */
import { readFileSync } from "node:fs";
import { RouterError } from "@turnout/shared";
import { z } from "zod";
import { featureNames } from "./pair-features.ts";
import { createLexicon, type Lexicon } from "./lexicon.ts";
import type { Trees } from "./trees.ts";
import { WordPairs } from "./word-pairs.ts";

const bytes = z.base64().transform((text) => Uint8Array.from(Buffer.from(text, "base64")));
const floats = bytes.transform((raw) => new Float32Array(raw.buffer, 0, raw.byteLength / 4));

const document = z.object({
  /** What the trees were trained on; another build's features are other numbers. */
  features: z.array(z.string()),
  trees: z.object({ depth: z.int(), count: z.int(), base: z.number(), features: bytes, thresholds: floats, leaves: floats }),
  /** The log-odds times scale plus offset are calibrated. */
  calibration: z.object({ scale: z.number(), offset: z.number() }),
  /** Probability from which an answer is served. */
  threshold: z.number(),
  /** Least cosine that was judged. */
  cosine: z.number(),
  /** Stems by what they weigh, in steps: the first list weighs least. */
  words: z.array(z.string()),
  related: bytes,
});

export interface VerifierWeights {
  readonly trees: Trees;
  readonly calibration: { readonly scale: number; readonly offset: number };
  readonly threshold: number;
  readonly cosine: number;
  readonly lexicon: Lexicon;
}

/** loadWeights reads the file that is shipped with the package. Throws model_corrupt when it was made for other features. */
export function loadWeights(): VerifierWeights {
  const file = new URL("../../data/verifier.json", import.meta.url);
  const { features, trees, calibration, threshold, cosine, words, related } = document.parse(JSON.parse(readFileSync(file, "utf8")));
  if (features.join() !== featureNames.join()) {
    throw new RouterError(
      "model_corrupt",
      "data/verifier.json was trained on other features than this build reads; run models/training/verifier/train.ts",
    );
  }
  return { trees, calibration, threshold, cosine, lexicon: createLexicon(words, new WordPairs(related)) };
}
