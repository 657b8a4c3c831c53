/** Keeps the encoder's vectors of training texts so that a text's neighbours among them can be found: signs only, eight in a byte. */
import type { Neighbours } from "../../packages/classifier-pool/src/embedded/encoder-head.ts";

/** neighboursOf vectors with their labels. */
export function neighboursOf(
  examples: readonly { readonly vector: Float32Array; readonly label: number }[],
  dimension: number,
): Neighbours {
  const center = new Float32Array(dimension);
  for (const { vector } of examples) vector.forEach((value, i) => (center[i] = (center[i] as number) + value / examples.length));
  const signs = new Uint8Array((examples.length * dimension) / 8);
  examples.forEach(({ vector }, text) => {
    vector.forEach((value, i) => {
      const bit = text * dimension + i;
      if (value > (center[i] as number)) signs[bit >> 3] = (signs[bit >> 3] as number) | (1 << (bit & 7));
    });
  });
  return { center, signs, labels: Uint8Array.from(examples, ({ label }) => label) };
}
