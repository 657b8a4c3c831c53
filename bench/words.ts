/** Prompts of everyday words for benchmarks: made by a seed, the same on every machine, taken from no data set. */

const vocabulary =
  "please compare summer winter travel plans train ticket price garden tools kitchen music history report update server error customer order delivery why how does".split(
    " ",
  );

/** randomNumbers is mulberry32: numbers from 0 to 1, the same for the same seed. */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** sentence of so many words. From ten words on almost every one is new. */
export function sentence(words: number, random: () => number): string {
  return Array.from({ length: words }, () => vocabulary[Math.floor(random() * vocabulary.length)]).join(" ");
}
