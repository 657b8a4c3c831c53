import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { describe, expect, it } from "vitest";
import { createScan } from "./scan.ts";
import { looker, rowVector, VECTORS } from "./testing/looker.ts";

const dimension = 384;
const maxRows = 60_000;

describe("the scan", () => {
  it("shows two threads whole rows only, while one of them writes and frees rows and takes memory", async () => {
    const scan = createScan({ dimension, maxRows });
    const vectors = Array.from({ length: VECTORS }, (_, row) => rowVector(row, dimension));
    const write = (row: number) => scan.write(row, { partition: 1, expiresMs: 2, vector: vectors[row % VECTORS] as Int8Array });
    for (let row = 0; row < VECTORS; row += 1) write(row);
    const look = looker(scan, dimension);
    const worker = new Worker(new URL("./testing/scan-reader.ts", import.meta.url), {
      workerData: { memory: scan.memory, dimension, maxRows },
      execArgv: ["--conditions=source"],
    });
    try {
      await once(worker, "message");
      const wrong: string[] = [];
      for (let row = VECTORS; row < maxRows; row += 1) {
        write(row);
        if (row % 3 === 0) scan.free(row);
        if (row % 500 === 0) wrong.push(...look());
      }
      const heard = once(worker, "message");
      worker.postMessage("stop", []);
      const [seen] = (await heard) as [string[]];
      expect([...wrong, ...seen]).toEqual([]);
    } finally {
      await worker.terminate();
    }
  });
});
