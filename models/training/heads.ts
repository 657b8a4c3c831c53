/** The heads beside the domains, and what each learns from. */
import { complexityHead } from "./heads/complexity.ts";
import { factCheckHeads } from "./heads/fact-check.ts";
import { jailbreakHeads } from "./heads/jailbreak.ts";
import { modalityHeads } from "./heads/modality.ts";
import { userFeedbackHeads } from "./heads/user-feedback.ts";

/** HeadRecipe is one further head of the model. */
export interface HeadRecipe {
  readonly name: string;
  readonly labels: string[];
  readonly kind: "softmax" | "sigmoid";
  /** A power of two. */
  readonly rows: number;
  readonly epochs: number;
  readonly thresholds?: Record<string, number>;
  readonly examples: readonly { readonly text: string; readonly target: Float32Array; readonly weight: number }[];
}

/** otherHeads in the order in which they are trained. */
export function otherHeads(): HeadRecipe[] {
  return [...jailbreakHeads(), complexityHead(), ...factCheckHeads(), ...userFeedbackHeads(), ...modalityHeads()];
}
