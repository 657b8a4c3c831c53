import { RouterError, type InferenceItem, type TextEmbedding } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { WordEmbedder } from "../testing/word-embedder.ts";
import { createRequestInference } from "./request-inference.ts";

const window = { maxTokens: 64, sampling: "head" } as const;

/** An embedder that also answers each text for itself; the model "broken" never does. */
class FairEmbedder extends WordEmbedder {
  async evaluate(items: readonly InferenceItem[]): Promise<(TextEmbedding | RouterError)[]> {
    const answers = await this.embed(items, {});
    return answers.map((answer, index) =>
      items[index]?.model === "broken" ? new RouterError("encoder_unavailable", "it is broken") : answer,
    );
  }
}

describe("a request's inference", () => {
  it("sends all that is wished in one submission, the same wish once, with all heads asked for", async () => {
    const embedder = new FairEmbedder();
    const inference = createRequestInference(embedder);
    const wishes = [
      inference.embed("some text", window),
      inference.infer({ text: "some text", window, heads: ["domain"] }),
      inference.infer({ text: "some text", window, heads: ["tone", "domain"] }),
      inference.infer({ text: "some text", window, model: "names", entities: true }),
    ];
    inference.flush({});
    await Promise.all(wishes);
    expect(embedder.submissions).toEqual([
      [
        { text: "some text", window, heads: ["domain", "tone"] },
        { text: "some text", window, model: "names", entities: true },
      ],
    ]);
  });

  it("fails the wish alone that cannot be answered", async () => {
    const inference = createRequestInference(new FairEmbedder());
    const good = inference.embed("some text", window);
    const bad = inference.infer({ text: "some text", window, model: "broken" });
    inference.flush({});
    await expect(bad).rejects.toMatchObject({ code: "encoder_unavailable" });
    expect((await good).vector.length).toBeGreaterThan(0);
  });

  it("refuses what is wished too late, but gives what is known", async () => {
    const inference = createRequestInference(new FairEmbedder());
    const first = inference.infer({ text: "some text", window, heads: ["domain"] });
    inference.flush({});
    expect(await inference.embed("some text", window)).toBe(await first);
    await expect(inference.embed("another text", window)).rejects.toMatchObject({ code: "internal" });
    await expect(inference.infer({ text: "some text", window, heads: ["tone"] })).rejects.toMatchObject({ code: "internal" });
  });
});
