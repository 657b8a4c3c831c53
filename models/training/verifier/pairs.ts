/** The pairs that the verifier learns from and is judged on, with the encoder's cosine of each. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "../encode.ts";

/** Pair is one question, another one, and whether the same answer serves both (1). */
export interface Pair {
  readonly text: string;
  readonly text2: string;
  readonly label: 0 | 1;
  readonly source: string;
}

export type MeasuredPair = Pair & { readonly cosine: number };

export const pairsDirectory = join(import.meta.dirname, "../data/pairs");

/** readPairs of a file of the pairs directory; none where there is no such file. */
export function readPairs(name: string): Pair[] {
  const file = join(pairsDirectory, name);
  if (!existsSync(file)) return [];
  return readFileSync(file, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Pair);
}

/** measured adds cosines. */
export async function measured(pairs: readonly Pair[], progress: (line: string) => void): Promise<MeasuredPair[]> {
  const encoded = await encode(
    pairs.flatMap(({ text, text2 }) => [text, text2]),
    progress,
  );
  return pairs.map((pair, i) => ({ ...pair, cosine: dot(encoded.vector(2 * i), encoded.vector(2 * i + 1)) }));
}

export function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let k = 0; k < a.length; k += 1) sum += (a[k] as number) * (b[k] as number);
  return sum;
}
