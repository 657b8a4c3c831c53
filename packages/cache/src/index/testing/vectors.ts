/** Vectors that have neighbours, as those of sentences have, for tests and benchmarks: made by a seed. */

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

export interface Clusters {
  readonly dimension: number;
  readonly clusters: number;
  readonly random: () => number;
}

/**
 * clusteredVectors gives a maker of unit vectors around so many centres. The cosine of a vector and its centre is 0.8 to 1, so that of two
 * vectors of a centre is 0.64 to 1; vectors of two centres have hardly anything in common.
 */
export function clusteredVectors({ dimension, clusters, random }: Clusters): () => Float32Array {
  const centres = Array.from({ length: clusters }, () => direction(dimension, random));
  return () => {
    const centre = centres[Math.floor(random() * clusters)] as Float32Array;
    const cosine = 0.8 + 0.2 * random();
    const noise = direction(dimension, random);
    const sine = Math.sqrt(1 - cosine * cosine);
    return unit(centre.map((value, i) => cosine * value + sine * (noise[i] as number)));
  };
}

function direction(dimension: number, random: () => number): Float32Array {
  // The sum of three even numbers is near enough to a normal one.
  return unit(Float32Array.from({ length: dimension }, () => random() + random() + random() - 1.5));
}

function unit(vector: Float32Array): Float32Array {
  const length = Math.sqrt(vector.reduce((sum, value) => sum + value * value, 0));
  return vector.map((value) => value / length);
}
