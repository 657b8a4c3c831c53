/** What a thread must see of rows that are all written with rowVector, of partition 1, the first VECTORS of which stay. For scan.test.ts. */
import { cosine } from "../oracle.ts";
import type { Scan } from "../scan.ts";
import { randomNumbers } from "./vectors.ts";

/** VECTORS is how many different rows there are. */
export const VECTORS = 64;

/** rowVector is bytes that only depend on the row. */
export function rowVector(row: number, dimension: number): Int8Array {
  const random = randomNumbers(row % VECTORS);
  return Int8Array.from({ length: dimension }, () => Math.floor(random() * 255) - 127);
}

/** looker looks for one thing after the other, and says what was not as it must be. */
export function looker(scan: Scan, dimension: number): () => string[] {
  const vectors = Array.from({ length: VECTORS }, (_, row) => rowVector(row, dimension));
  // Its sign bits are those of memory that nobody has written: half a row would be the first to be found.
  const blank = new Int8Array(dimension).fill(1);
  let turn = 0;
  return () => {
    const known = turn % 2 === 0 ? (vectors[(turn / 2) % VECTORS] as Int8Array) : null;
    turn += 1;
    const query = known ?? blank;
    const found = scan.nearest({ partition: 1, vector: query, nowMs: 1 });
    const wrong = found
      .filter((near) => near.cosine !== cosine(query, vectors[near.row % VECTORS] as Int8Array))
      .map((near) => `row ${near.row} with a cosine of ${near.cosine}`);
    if (known !== null && found[0]?.cosine !== 1) wrong.push(`not the row that is there`);
    return wrong;
  };
}
