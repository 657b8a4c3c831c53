/** Finds texts that nearly repeat others: half of their character 5-grams in common. What is trained on must not be what is judged on. */

const LENGTH = 5;
const LIKENESS = 0.5;
/** n-grams of more texts than this tell nothing, and would cost most of the time. */
const COMMON = 200;

function gramsOf(text: string): ReadonlySet<string> {
  const plain = text.toLowerCase().replaceAll(/\s+/g, " ").trim();
  const grams = new Set<string>();
  for (let at = 0; at + LENGTH <= plain.length; at += 1) grams.add(plain.slice(at, at + LENGTH));
  return grams.size === 0 ? new Set([plain]) : grams;
}

/** nearDuplicates says of each text whether it nearly repeats one of the others (Jaccard >= 0.5). */
export function nearDuplicates(texts: readonly string[], others: readonly string[]): boolean[] {
  const otherGrams = others.map(gramsOf);
  const owners = new Map<string, number[]>();
  otherGrams.forEach((grams, owner) => {
    for (const gram of grams) {
      const list = owners.get(gram);
      if (list === undefined) owners.set(gram, [owner]);
      else list.push(owner);
    }
  });
  return texts.map((text) => {
    const grams = gramsOf(text);
    const shared = new Map<number, number>();
    for (const gram of grams) {
      const list = owners.get(gram);
      if (list === undefined || list.length > COMMON) continue;
      for (const owner of list) shared.set(owner, (shared.get(owner) ?? 0) + 1);
    }
    return [...shared].some(([owner, count]) => count / (grams.size + (otherGrams[owner]?.size ?? 0) - count) >= LIKENESS);
  });
}
