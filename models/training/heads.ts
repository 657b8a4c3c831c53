/** The heads beside the domains, and what each learns from. */
import { jailbreakHeads } from "./heads/jailbreak.ts";

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
  return [...jailbreakHeads()];
}
