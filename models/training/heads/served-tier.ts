/** The embedded tier with heads that were trained just now in it, as it would be served: what figures are measured with. */
import { readFileSync } from "node:fs";
import type { EmbeddedTier } from "../../../packages/shared/src/index.ts";
import { createEmbeddedModel, defaultEmbeddedModel } from "../../../packages/classifier-pool/src/embedded/embedded-model.ts";
import { Featurizer, type Features } from "../../../packages/classifier-pool/src/embedded/features.ts";
import { parseManifest, type HeadManifest } from "../../../packages/classifier-pool/src/embedded/manifest.ts";
import { parseSafetensors, type StoredTensor } from "../../../packages/classifier-pool/src/model/prepare/safetensors.ts";
import type { HeadRecipe } from "../heads.ts";
import { writeSafetensors, type Tensor } from "../safetensors.ts";
import { trainTable } from "../table.ts";

const served = parseManifest(readFileSync(`${defaultEmbeddedModel}/manifest.json`, "utf8"));
const stored = parseSafetensors(readFileSync(`${defaultEmbeddedModel}/model.safetensors`));
const idf = (stored.get("idf") as StoredTensor).bytes;
const featurizer = new Featurizer(served.scripts);
const known = new Map<string, Features>();

function featuresOf(text: string): Features {
  const features = known.get(text) ?? featurizer.features(text);
  known.set(text, features);
  return features;
}

/** servedTier trains the recipes' heads, with the word frequencies of the served model. */
export function servedTier(recipes: readonly HeadRecipe[]): EmbeddedTier {
  const heads: Record<string, HeadManifest> = { traits: served.heads["traits"] as HeadManifest };
  const tensors: Record<string, Tensor> = {};
  for (const { name, labels, kind, rows, epochs, thresholds = {}, examples } of recipes) {
    const learned = examples.map(({ text, target, weight }) => ({ features: featuresOf(text), target, weight, exam: 0 }));
    const trained = trainTable(learned, idf, { labels: labels.length, kind, rows, styled: false, epochs, progress: () => undefined });
    tensors[`${name}.table`] = { shape: [rows, labels.length], data: trained.table };
    tensors[`${name}.scale`] = { shape: [labels.length], data: trained.scale };
    tensors[`${name}.bias`] = { shape: [labels.length], data: trained.bias };
    heads[name] = { labels, kind, rows, styled: false, temperature: { chat: 1, exam: 1 }, thresholds };
  }
  return createEmbeddedModel({ ...served, heads }, new Map([...stored, ...parseSafetensors(writeSafetensors(tensors))]));
}
