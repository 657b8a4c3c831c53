/**
 * Trains boosted decision trees of one depth on logistic loss: histograms of at most 64 bins, second-order gains, rows and features drawn
 * anew for each tree. Deterministic for the same rows in the same order.
 */
import type { Trees } from "../../../packages/cache/src/verifier/trees.ts";
import { seeded } from "../random.ts";

export interface Row {
  readonly values: Float32Array;
  readonly label: 0 | 1;
  readonly weight: number;
}

export interface BoostingOptions {
  readonly depth: number;
  readonly count: number;
  readonly rate: number;
  /** Least sum of second derivatives in a leaf. */
  readonly leafMass: number;
  readonly shrink: number;
  readonly rowShare: number;
  readonly featureShare: number;
  readonly seed: number;
  /** 1 where a greater value may only speak for the same question, -1 where only against, by feature. */
  readonly directions: readonly number[];
}

const boostingDefaults: BoostingOptions = {
  depth: 4,
  count: 300,
  rate: 0.05,
  leafMass: 3,
  shrink: 4,
  rowShare: 0.8,
  featureShare: 0.4,
  seed: 11,
  directions: [],
};

const BINS = 64;

export function trainTrees(rows: readonly Row[], options: BoostingOptions = boostingDefaults): Trees {
  const { depth, count, rate, leafMass, shrink, rowShare, featureShare } = options;
  const width = (rows[0] as Row).values.length;
  const random = seeded(options.seed);
  const cuts = Array.from({ length: width }, (_, f) => cutsOf(rows, f));
  const bins = cuts.map((cut, f) => Uint8Array.from(rows, ({ values }) => binOf(cut, values[f] as number)));
  const inner = (1 << depth) - 1;
  const trees = {
    depth,
    count,
    base: baseOf(rows),
    features: new Uint8Array(count * inner),
    thresholds: new Float32Array(count * inner).fill(Infinity),
    leaves: new Float32Array(count * (inner + 1)),
  };
  const scores = new Float64Array(rows.length).fill(trees.base);
  const slope = new Float64Array(rows.length);
  const curve = new Float64Array(rows.length);
  const node = new Uint16Array(rows.length);
  const drawn = new Uint8Array(rows.length);
  for (let tree = 0; tree < count; tree += 1) {
    for (let i = 0; i < rows.length; i += 1) {
      const { label, weight } = rows[i] as Row;
      const p = 1 / (1 + Math.exp(-(scores[i] as number)));
      slope[i] = (p - label) * weight;
      curve[i] = Math.max(1e-6, p * (1 - p)) * weight;
      drawn[i] = random() < rowShare ? 1 : 0;
    }
    const asked = Array.from({ length: width }, (_, f) => f).filter(() => random() < featureShare);
    node.fill(0);
    for (let level = 0; level < depth; level += 1) {
      const first = (1 << level) - 1;
      const nodes = 1 << level;
      const best = Array.from({ length: nodes }, () => ({ gain: 1e-6, feature: 0, bin: BINS }));
      for (const f of asked) {
        const column = bins[f] as Uint8Array;
        const direction = options.directions[f] ?? 0;
        const sums = new Float64Array(nodes * BINS * 2);
        for (let i = 0; i < rows.length; i += 1) {
          if (drawn[i] === 0) continue;
          const at = ((node[i] as number) - first) * BINS * 2 + 2 * (column[i] as number);
          sums[at] = (sums[at] as number) + (slope[i] as number);
          sums[at + 1] = (sums[at + 1] as number) + (curve[i] as number);
        }
        for (let n = 0; n < nodes; n += 1) {
          const here = sums.subarray(n * BINS * 2, (n + 1) * BINS * 2);
          let [g, h] = [0, 0];
          for (let b = 0; b < BINS; b += 1) {
            g += here[2 * b] as number;
            h += here[2 * b + 1] as number;
          }
          let [left, mass] = [0, 0];
          for (let b = 0; b < (cuts[f] as Float32Array).length; b += 1) {
            left += here[2 * b] as number;
            mass += here[2 * b + 1] as number;
            if (mass < leafMass || h - mass < leafMass) continue;
            const gain = left ** 2 / (mass + shrink) + (g - left) ** 2 / (h - mass + shrink) - g ** 2 / (h + shrink);
            const known = best[n] as (typeof best)[number];
            if (direction !== 0 && direction * ((g - left) / (h - mass + shrink) - left / (mass + shrink)) > 0) continue;
            if (gain > known.gain) best[n] = { gain, feature: f, bin: b };
          }
        }
      }
      for (let n = 0; n < nodes; n += 1) {
        const { feature, bin } = best[n] as (typeof best)[number];
        const at = tree * inner + first + n;
        trees.features[at] = feature;
        if (bin < BINS) trees.thresholds[at] = (cuts[feature] as Float32Array)[bin] as number;
      }
      for (let i = 0; i < rows.length; i += 1) {
        const { feature, bin } = best[(node[i] as number) - first] as (typeof best)[number];
        node[i] = 2 * (node[i] as number) + (((bins[feature] as Uint8Array)[i] as number) > bin ? 2 : 1);
      }
    }
    const sums = new Float64Array(2 * (inner + 1));
    for (let i = 0; i < rows.length; i += 1) {
      if (drawn[i] === 0) continue;
      const leaf = 2 * ((node[i] as number) - inner);
      sums[leaf] = (sums[leaf] as number) + (slope[i] as number);
      sums[leaf + 1] = (sums[leaf + 1] as number) + (curve[i] as number);
    }
    for (let leaf = 0; leaf <= inner; leaf += 1) {
      trees.leaves[tree * (inner + 1) + leaf] = (-rate * (sums[2 * leaf] as number)) / ((sums[2 * leaf + 1] as number) + shrink);
    }
    for (let i = 0; i < rows.length; i += 1)
      scores[i] = (scores[i] as number) + (trees.leaves[tree * (inner + 1) + (node[i] as number) - inner] as number);
  }
  return trees;
}

function baseOf(rows: readonly Row[]): number {
  const all = rows.reduce((sum, { weight }) => sum + weight, 0);
  const equal = rows.reduce((sum, { weight, label }) => sum + weight * label, 0);
  return Math.log(equal / (all - equal));
}

/** cutsOf a feature: thresholds between its values, at quantiles where there are many. A value goes right when it is greater. */
function cutsOf(rows: readonly Row[], feature: number): Float32Array {
  const values = Float32Array.from(rows, ({ values: all }) => all[feature] as number).toSorted();
  const distinct = [...new Set(values)];
  const middles = distinct.slice(1).map((value, i) => (value + (distinct[i] as number)) / 2);
  if (middles.length < BINS) return Float32Array.from(middles);
  const quantiles = Array.from({ length: BINS - 1 }, (_, i) => values[Math.floor(((i + 1) * values.length) / BINS)] as number);
  return Float32Array.from(new Set(quantiles));
}

function binOf(cuts: Float32Array, value: number): number {
  let [low, high] = [0, cuts.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (value > (cuts[middle] as number)) low = middle + 1;
    else high = middle;
  }
  return low;
}
