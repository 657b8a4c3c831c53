import type { Embedder } from "@turnout/shared";
import { expect, it } from "vitest";
import { WordEmbedder } from "../testing/word-embedder.ts";
import { Anchors } from "./anchors.ts";

const window = { maxTokens: 128, sampling: "head" } as const;

it("encodes each text once, a few at a time", async () => {
  const embedder = new WordEmbedder();
  const texts = Array.from({ length: 40 }, (_, index) => `word${index}`);
  await new Anchors([...texts, ...texts], window).warm(embedder, {});
  expect(embedder.submissions.map((items) => items.length)).toEqual([16, 16, 8]);
  expect(embedder.submissions.flat().map(({ text }) => text)).toEqual(texts);
});

it("keeps the former vectors when warming fails, and takes the new ones when it succeeds", async () => {
  const anchors = new Anchors(["one"], window);
  const embedder = new WordEmbedder();
  await anchors.warm(embedder, {});
  const before = anchors.similarities(new Float32Array(512).fill(1));
  embedder.failWith("worker_failed");
  await expect(anchors.warm(embedder, {})).rejects.toMatchObject({ code: "worker_failed" });
  expect(anchors.similarities(new Float32Array(512).fill(1))).toEqual(before);
});

it("compares with the centre of a group as with one more anchor", async () => {
  const embedder = new WordEmbedder();
  const anchors = new Anchors(["first"], window, ["left", "right"]);
  await anchors.warm(embedder, {});
  const [probe] = await embedder.embed([{ text: "left", window }], {});
  const cosines = anchors.similarities(probe?.vector ?? new Float32Array());
  expect(cosines[anchors.groupRow]).toBeCloseTo(Math.SQRT1_2);
  expect(cosines).toHaveLength(2);
});

it("refuses vectors of a model with another dimension", async () => {
  const anchors = new Anchors(["one"], window);
  await anchors.warm(new WordEmbedder() satisfies Embedder, {});
  expect(() => anchors.similarities(new Float32Array(3))).toThrow(expect.objectContaining({ code: "encoder_unavailable" }));
});
