/** Runs a prepared graph in tests, on the test's own thread, and compares vectors. */
import { InferenceSession, Tensor } from "onnxruntime-node";

/** GraphSession embeds padded batches of token ids. */
export interface GraphSession {
  run(rows: readonly (readonly number[])[]): Promise<Float32Array[]>;
  release(): Promise<void>;
}

/** openGraph opens a graph file. */
export async function openGraph(path: string): Promise<GraphSession> {
  const session = await InferenceSession.create(path, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  return {
    async run(rows) {
      const width = Math.max(...rows.map((row) => row.length));
      const ids = new BigInt64Array(rows.length * width);
      const mask = new BigInt64Array(rows.length * width);
      for (const [index, row] of rows.entries()) {
        ids.set(row.map(BigInt), index * width);
        mask.fill(1n, index * width, index * width + row.length);
      }
      const dims = [rows.length, width];
      const { embedding } = await session.run({
        input_ids: new Tensor("int64", ids, dims),
        attention_mask: new Tensor("int64", mask, dims),
      });
      const values = embedding!.data as Float32Array;
      const dimension = values.length / rows.length;
      return rows.map((_, index) => values.slice(index * dimension, (index + 1) * dimension));
    },
    release: () => session.release(),
  };
}

/** cosine of two vectors. */
export function cosine(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let dot = 0;
  let lengths = [0, 0] as [number, number];
  for (let i = 0; i < a.length; i++) {
    dot += a[i]! * b[i]!;
    lengths = [lengths[0] + a[i]! ** 2, lengths[1] + b[i]! ** 2];
  }
  return dot / Math.sqrt(lengths[0] * lengths[1]);
}

/** largestDifference is the largest absolute difference of two vectors' components. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let largest = 0;
  for (let i = 0; i < a.length; i++) largest = Math.max(largest, Math.abs(a[i]! - b[i]!));
  return largest;
}
