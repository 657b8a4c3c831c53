import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { Tokenizer } from "@huggingface/tokenizers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GraphSession } from "../testing/graph-session.ts";
import { cosine, largestDifference, openGraph } from "../testing/graph-session.ts";
import { seededRandom } from "../testing/tiny-bert.ts";
import { defaultModel, defaultModelsDirectory, loadManifest } from "./index.ts";
import { modelDirectory } from "./index.ts";

/** The first components of each text's embedding, from a double-precision forward pass in Python (numpy, Rust tokenizer). */
interface Reference {
  readonly text: string;
  readonly tokens: number;
  readonly head: readonly number[];
}

const directories = (["fp32", "int8"] as const).map((variant) => modelDirectory(defaultModelsDirectory(), defaultModel, variant));
const manifests = await Promise.all(directories.map((directory) => loadManifest(directory).catch(() => null)));
const present = manifests.every((manifest) => manifest !== null);
const how = present ? "" : ` (skipped: run "turnout models prepare ${defaultModel}" for the variants int8 and fp32)`;

describe.skipIf(!present)(`the prepared ${defaultModel}${how}`, () => {
  let references: (Reference & { ids: number[] })[];
  let fp32: GraphSession;
  let int8: GraphSession;

  beforeAll(async () => {
    const tokenizer = new Tokenizer(JSON.parse(await readFile(join(directories[0]!, manifests[0]!.tokenizer), "utf8")), {});
    const file: Reference[] = JSON.parse(await readFile(new URL("../testing/minilm-reference.json", import.meta.url), "utf8"));
    references = file.map((reference) => ({ ...reference, ids: tokenizer.encode(reference.text).ids }));
    fp32 = await openGraph(join(directories[0]!, manifests[0]!.graph));
    int8 = await openGraph(join(directories[1]!, manifests[1]!.graph));
  });
  afterAll(() => Promise.all([fp32, int8].map((graph) => graph?.release())));

  it("equals the reference in fp32", async () => {
    for (const { ids, tokens, head } of references) {
      expect(ids).toHaveLength(tokens);
      const [embedding] = await fp32.run([ids]);
      expect(largestDifference(embedding!.slice(0, head.length), head)).toBeLessThan(1e-5);
    }
  });

  it("stays within cosine 0.99 in int8", async () => {
    const cosines: number[] = [];
    for (const { ids } of references) {
      const [[exact], [fast]] = await Promise.all([fp32.run([ids]), int8.run([ids])]);
      cosines.push(cosine(exact!, fast!));
    }
    expect(Math.min(...cosines)).toBeGreaterThan(0.99);
  });

  it("embeds a text alike whatever its neighbours in the batch", async () => {
    const random = seededRandom(17);
    for (let round = 0; round < 5; round++) {
      const batch = Array.from({ length: 8 }, () => references[Math.floor(random() * references.length)]!.ids);
      const together = await int8.run(batch);
      for (const [index, ids] of batch.entries()) {
        const [alone] = await int8.run([ids]);
        expect(largestDifference(together[index]!, alone!)).toBeLessThan(1e-6);
      }
    }
  });
});
