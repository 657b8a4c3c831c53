/** Compares two rows of terms as sequences: what runs alike, what is moved, what only one has. Pure. */
import type { Term } from "./terms.ts";

/** Runs are what stands between the terms of the longest common subsequence. */
export interface Runs {
  readonly common: number;
  /** How often something stands in the place of something else. */
  readonly replaced: number;
  /** How often something stands where the other question has nothing. */
  readonly inserted: number;
  /** Terms in the longest replacement. */
  readonly longest: number;
}

export function runsOf(now: readonly Term[], stored: readonly Term[], same: (one: Term, other: Term) => boolean): Runs {
  const [n, m] = [now.length, stored.length];
  const width = m + 1;
  const table = new Uint16Array((n + 1) * width);
  const alike = new Uint8Array(n * m);
  for (let i = n - 1; i >= 0; i -= 1) {
    for (let j = m - 1; j >= 0; j -= 1) {
      const equal = same(now[i] as Term, stored[j] as Term);
      if (equal) alike[i * m + j] = 1;
      table[i * width + j] = equal
        ? (table[(i + 1) * width + j + 1] as number) + 1
        : Math.max(table[(i + 1) * width + j] as number, table[i * width + j + 1] as number);
    }
  }
  let [replaced, inserted, longest] = [0, 0, 0];
  let [i, j, startNow, startStored] = [0, 0, 0, 0];
  const close = () => {
    const [a, b] = [i - startNow, j - startStored];
    if (a > 0 && b > 0) {
      replaced += 1;
      longest = Math.max(longest, a, b);
    } else if (a + b > 0) {
      inserted += 1;
    }
  };
  while (i < n && j < m) {
    if (alike[i * m + j] === 1) {
      close();
      i += 1;
      j += 1;
      startNow = i;
      startStored = j;
    } else if ((table[(i + 1) * width + j] as number) >= (table[i * width + j + 1] as number)) {
      i += 1;
    } else {
      j += 1;
    }
  }
  [i, j] = [n, m];
  close();
  return { common: table[0] as number, replaced, inserted, longest };
}

/** Tiles are the longest stretches that both questions have, wherever they stand: few long ones are clauses that moved, many short ones are words that did. */
export interface Tiles {
  readonly count: number;
  readonly shortest: number;
  /** Mean length. */
  readonly mean: number;
}

export function tilesOf(now: readonly string[], stored: readonly string[]): Tiles {
  const usedNow = new Uint8Array(now.length);
  const usedStored = new Uint8Array(stored.length);
  const lengths: number[] = [];
  for (;;) {
    let [length, atNow, atStored] = [0, 0, 0];
    for (let i = 0; i < now.length; i += 1) {
      for (let j = 0; j < stored.length; j += 1) {
        let k = 0;
        while (
          i + k < now.length &&
          j + k < stored.length &&
          usedNow[i + k] === 0 &&
          usedStored[j + k] === 0 &&
          now[i + k] === stored[j + k]
        )
          k += 1;
        if (k > length) [length, atNow, atStored] = [k, i, j];
      }
    }
    if (length === 0) break;
    usedNow.fill(1, atNow, atNow + length);
    usedStored.fill(1, atStored, atStored + length);
    lengths.push(length);
  }
  const total = lengths.reduce((sum, length) => sum + length, 0);
  return { count: lengths.length, shortest: lengths.at(-1) ?? 0, mean: lengths.length === 0 ? 0 : total / lengths.length };
}

/** orderOf is the share of pairs of aligned terms that stand in the same order, by their places in the other question. */
export function orderOf(places: readonly number[]): number {
  if (places.length < 2) return 1;
  let pairs = 0;
  let kept = 0;
  for (let i = 0; i < places.length; i += 1) {
    for (let j = i + 1; j < places.length; j += 1) {
      pairs += 1;
      if ((places[i] as number) < (places[j] as number)) kept += 1;
    }
  }
  return kept / pairs;
}

/** neighborsOf is the share of pairs of neighbours that both have. */
export function neighborsOf(now: readonly Term[], stored: readonly Term[]): number {
  const follow = (terms: readonly Term[]) => terms.slice(1).map(({ stem }, i) => `${terms[i]?.stem} ${stem}`);
  const [a, b] = [follow(now), new Set(follow(stored))];
  return a.length + b.size === 0 ? 1 : (2 * a.filter((pair) => b.has(pair)).length) / (a.length + b.size);
}

/** looseCount counts the words that only one side has, as often as it has them more. */
export function looseCount(now: readonly Term[], stored: readonly Term[]): number {
  const counts = new Map<string, number>();
  for (const { text } of now) counts.set(text, (counts.get(text) ?? 0) + 1);
  for (const { text } of stored) counts.set(text, (counts.get(text) ?? 0) - 1);
  let loose = 0;
  for (const count of counts.values()) loose += Math.abs(count);
  return loose;
}
