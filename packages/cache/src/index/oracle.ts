/** A VectorIndex that compares everything with everything: what the real one is tested and measured against. It never evicts. */
import { quantise, type IndexedVector, type VectorIndex } from "./vector-index.ts";

export function createNaiveIndex(): VectorIndex {
  const entries = new Map<string, IndexedVector>();
  return {
    get size() {
      return entries.size;
    },
    bytes: 0,
    add: (id, entry) => entries.set(id, { ...entry, vector: entry.vector.slice() }),
    remove: (id) => entries.delete(id),
    nearest: ({ partition, vector, nowMs, limit }) => {
      const bytes = vector instanceof Int8Array ? vector : quantise(vector).vector;
      return [...entries]
        .filter(([, entry]) => entry.partition === partition && entry.expiresMs > nowMs)
        .map(([id, entry]) => ({ id, cosine: cosine(bytes, entry.vector) }))
        .sort((a, b) => b.cosine - a.cosine)
        .slice(0, limit);
    },
    clear: () => entries.clear(),
  };
}

/** cosine of two vectors of signed bytes. */
export function cosine(a: Int8Array, b: Int8Array): number {
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
}

function dot(a: Int8Array, b: Int8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += (a[i] as number) * (b[i] as number);
  return sum;
}
