import { createMetrics, silentLogger } from "@turnout/shared";
import { expect, it } from "vitest";
import { createEmbeddedClassifier } from "./embedded-classifier.ts";

it("does not wait for a pool that still loads when it is closed", async () => {
  const classifier = createEmbeddedClassifier({
    settings: {
      model: "any",
      variant: "int8",
      dimension: 8,
      layers: null,
      backend: "deterministic",
      modelsDirectory: null,
      workers: 1,
      queueLimit: 16,
      maxBatchTokens: 64,
      embeddingCacheBytes: 0,
      furtherModels: [],
    },
    sources: [],
    env: {},
    logger: silentLogger,
    metrics: createMetrics(),
  });
  classifier.start();
  await classifier.close();
  // A pool that had been waited for would have become ready.
  expect(await classifier.whenSettled()).toMatchObject({ state: "unavailable", reason: "the classifier pool is closed" });
});
