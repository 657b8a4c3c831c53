/** Strategies order the decisions that matched. Each is a total order, so that equal requests are always routed alike. */

/** Ranked is what an order looks at. */
export interface Ranked {
  readonly name: string;
  readonly confidence: number;
  readonly priority: number;
  readonly tier: number;
}

type Order = (a: Ranked, b: Ranked) => number;

const byTier: Order = (a, b) => a.tier - b.tier;
const byConfidence: Order = (a, b) => b.confidence - a.confidence;
const byPriority: Order = (a, b) => b.priority - a.priority;
const byName: Order = (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0);

const chain =
  (...orders: readonly Order[]): Order =>
  (a, b) => {
    for (const order of orders) {
      const difference = order(a, b);
      if (difference !== 0) return difference;
    }
    return 0;
  };

const tiered = chain(byTier, byConfidence, byPriority, byName);
const strategies = {
  priority: chain(byPriority, byConfidence, byName),
  confidence: chain(byConfidence, byPriority, byName),
} as const;

/** best of the matched decisions: by tier as soon as one of them has a tier, by the strategy otherwise; null of none. */
export function best<T extends Ranked>(matched: readonly T[], strategy: "priority" | "confidence"): T | null {
  const order = matched.some(({ tier }) => tier > 0) ? tiered : strategies[strategy];
  return matched.reduce<T | null>((best, decision) => (best === null || order(decision, best) < 0 ? decision : best), null);
}
