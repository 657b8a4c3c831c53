/** Boosted decision trees, evaluated. All trees have the same depth, so that one is a row of numbers. Pure; trained by models/training/verifier. */

/** Trees is the model: a sum of `count` trees over the features, through a logistic function. */
export interface Trees {
  readonly depth: number;
  readonly count: number;
  readonly base: number;
  /** Feature of each inner node, tree after tree, level after level. */
  readonly features: Uint8Array;
  /** Threshold of each inner node: greater goes right. */
  readonly thresholds: Float32Array;
  /** Values of the leaves, tree after tree, from left to right. */
  readonly leaves: Float32Array;
}

/** scoreOf is the log-odds that a pair with these features asks the same. */
export function scoreOf({ depth, count, base, features, thresholds, leaves }: Trees, values: Float32Array): number {
  const inner = (1 << depth) - 1;
  let sum = base;
  for (let tree = 0; tree < count; tree += 1) {
    let node = 0;
    const first = tree * inner;
    for (let level = 0; level < depth; level += 1) {
      const at = first + node;
      node = 2 * node + ((values[features[at] as number] as number) > (thresholds[at] as number) ? 2 : 1);
    }
    sum += leaves[tree * (inner + 1) + node - inner] as number;
  }
  return sum;
}
