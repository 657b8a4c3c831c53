import type { BatchRecord } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { RecordingTracer } from "../routing/testing/recording-tracer.ts";
import { createBatchRecorder } from "./classifier-batches.ts";

const trace = (id: string, flags = "01") => ({ traceparent: `00-${id.repeat(32)}-${id.repeat(16)}-${flags}` });
const batch = (changes: Partial<BatchRecord> = {}): BatchRecord => ({
  model: "encoder",
  texts: 2,
  tokens: 30,
  startedAt: 100,
  endedAt: 112,
  tokenizeMs: 1,
  computeMs: 7,
  threadId: 3,
  members: [
    { trace: trace("a"), joinedAt: 90 },
    { trace: trace("b"), joinedAt: 105 },
  ],
  ...changes,
});

const recorded = (record: BatchRecord) => {
  const tracer = new RecordingTracer();
  createBatchRecorder(tracer)(record);
  return tracer.spans.map(({ name, parent, startedAt, endedAt, links = [] }) => [name, parent, startedAt, endedAt, links.length]);
};

describe("createBatchRecorder", () => {
  it("tells the batch once, and to each caller what it was in it for", () => {
    const [a, b] = [trace("a").traceparent, trace("b").traceparent];
    expect(recorded(batch())).toEqual([
      ["classifier.batch", null, 100, 112, 2],
      ["classifier.queue", a, 90, 100, 0],
      ["classifier.tokenize", a, 102, 103, 0],
      ["classifier.compute", a, 103, 110, 1],
      // It came while the text was with the thread already.
      ["classifier.tokenize", b, 102, 103, 0],
      ["classifier.compute", b, 103, 110, 1],
    ]);
  });

  it("leaves out callers who are not recorded, and batches that have no other", () => {
    const members = [
      { trace: trace("a", "00"), joinedAt: 90 },
      { trace: trace("b"), joinedAt: 90 },
    ];
    expect(recorded(batch({ members })).map(([name]) => name)).toEqual([
      "classifier.batch",
      "classifier.queue",
      "classifier.tokenize",
      "classifier.compute",
    ]);
    expect(recorded(batch({ members: members.slice(0, 1) }))).toEqual([]);
    expect(recorded(batch({ members: [] }))).toEqual([]);
  });
});
