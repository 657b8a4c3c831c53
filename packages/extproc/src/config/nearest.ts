import { distance } from "fastest-levenshtein";

/** nearest finds the known word that a misspelled one most likely meant; null when none is close enough to suggest. */
export function nearest(word: string, known: Iterable<string>): string | null {
  const wanted = plain(word);
  const limit = Math.max(1, Math.floor(wanted.length / 3));
  let best: string | null = null;
  let bestDistance = limit + 1;
  for (const candidate of known) {
    const steps = distance(wanted, plain(candidate));
    if (steps < bestDistance) {
      best = candidate;
      bestDistance = steps;
    }
  }
  return best;
}

/** plain takes away what people mix up: case, dashes and underscores. */
function plain(word: string): string {
  return word.toLowerCase().replaceAll("-", "_");
}
