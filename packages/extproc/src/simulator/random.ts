/**
 * Seeded chance for the simulator: the same seed gives the same answers, spreads and failures. Not for secrets.
 */

/** Random draws numbers in [0, 1). */
export type Random = () => number;

/** createRandom is mulberry32: 32 bits of state, good enough to look natural, the same on every machine. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** seedOf mixes a text into a seed (FNV-1a), so that the same prompt gets the same answer whatever else runs. */
export function seedOf(text: string, seed: number): number {
  let hash = (0x811c9dc5 ^ Math.imul(seed, 0x9e3779b1)) >>> 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return hash;
}

/** spread draws around a mean (normal, Box-Muller), never more than 70 % away from it, as llm-d does. */
export function spread(mean: number, standardDeviation: number, random: Random): number {
  if (standardDeviation === 0) return mean;
  const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  return Math.min(mean * 1.7, Math.max(mean * 0.3, mean + normal * standardDeviation));
}
