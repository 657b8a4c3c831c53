import type { BatchRecord, InferenceItem } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { createClassifierPool } from "./pool.ts";

const window = { maxTokens: 128, sampling: "head" } as const;
const item = (text: string): InferenceItem => ({ text, window });
const trace = (id: string) => ({ traceparent: `00-${id.repeat(32)}-${id.repeat(16)}-01` });

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0)) await close();
});

async function startPool() {
  const records: BatchRecord[] = [];
  const pool = createClassifierPool({ backend: "deterministic", workers: 1, onBatch: (batch) => records.push(batch) });
  open.push(() => pool.close());
  await pool.whenSettled();
  return { pool, records };
}

describe("what a pool tells of its batches", () => {
  it("is one record for all who share one, whoever asked for the same text", async () => {
    const { pool, records } = await startPool();
    const [first, , third] = await Promise.all([
      pool.embed([item("one text"), item("another text")], { trace: trace("a") }),
      pool.embed([item("one text")], { trace: trace("b") }),
      pool.embed([item("a third")], {}),
    ]);
    expect(records).toHaveLength(1);
    const [{ members, startedAt, endedAt, tokenizeMs, computeMs, ...record }] = records as [BatchRecord];
    expect(record).toEqual({
      model: "deterministic",
      texts: 3,
      tokens: [...first, ...third].reduce((sum, { tokens }) => sum + tokens, 0),
      threadId: expect.any(Number) as number,
    });
    // Twice for two texts: each of them waited. Who told no trace is not there.
    expect(members.map(({ trace: { traceparent } }) => traceparent[3]).toSorted()).toEqual(["a", "a", "b"]);
    for (const { joinedAt } of members) expect(joinedAt).toBeLessThanOrEqual(startedAt);
    expect(endedAt - startedAt).toBeGreaterThanOrEqual(tokenizeMs + computeMs);
  });

  it("is nothing of a text that is remembered", async () => {
    const { pool, records } = await startPool();
    await pool.embed([item("one text")], { trace: trace("a") });
    await pool.embed([item("one text")], { trace: trace("b") });
    expect(records.map(({ members }) => members.length)).toEqual([1]);
  });
});
