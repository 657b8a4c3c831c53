/** How long a replica that failed is left alone: doubling from a quarter of a second, with jitter so that fronts do not return together. Pure. */
const FIRST_MS = 250;
const LONGEST_MS = 4_000;

/** backoffMs is 0 for no failure: a connection that was closed by age is opened again at once. */
export function backoffMs(failures: number, random: () => number = Math.random): number {
  if (failures <= 0) return 0;
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** (failures - 1)) * (0.75 + random() / 4);
}
