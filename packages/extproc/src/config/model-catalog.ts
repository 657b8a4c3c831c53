import { z } from "zod";
import { acceptedBlock, acceptedList } from "./accepted.ts";
import type { SourceText } from "./config-error.ts";
import { warningAt, type ConfigWarning } from "./config-warning.ts";
import { at, type LocatedMap } from "./located.ts";

/**
 * `global.model_catalog`: in vLLM Semantic Router it says which models run. Here `turnout.classifier` does, because a model has to be
 * prepared under a name before it can be served; the catalog tunes the embedding signal and, where one of its paths names the encoder in
 * use, that encoder. Whatever else it asks for is a warning, so that a file of vLLM Semantic Router starts as it is.
 */

/** In the order in which vLLM Semantic Router prefers them when `model_type` does not choose. */
const families = ["mmbert", "bert", "multimodal", "qwen3", "gemma"] as const;
type Family = (typeof families)[number];

const path = z
  .string()
  .optional()
  .describe("Where its last part is turnout.classifier.model, target_dimension and target_layer are that encoder's; otherwise a warning.");

const embeddingConfig = z.strictObject({
  backend: z.enum(["onnx", "candle", "openvino"]).default("onnx").describe("Kept, not read: the encoder runs on ONNX Runtime."),
  model_type: z
    .enum(families)
    .optional()
    .describe("Which of the paths counts. Default: the first of mmbert, bert, multimodal, qwen3, gemma."),
  preload_embeddings: z.boolean().default(true).describe("Kept, not read: candidates are always encoded before Turnout is ready."),
  target_dimension: z.int().min(0).max(16_384).optional().describe("As turnout.classifier.dimension, which wins; 0 is the model's own."),
  target_layer: z.int().min(0).max(256).optional().describe("As turnout.classifier.layers, which wins; 0 is all of them."),
  enable_soft_matching: z
    .boolean()
    .default(true)
    .describe("When no rule of the embedding signal reaches its own threshold, those above min_score_threshold match."),
  min_score_threshold: z.number().min(-1).max(1).default(0.5).describe("Score from which rules match softly."),
  top_k: z.int().min(0).default(0).describe("Kept, not read: every rule that matches is given, as in vLLM Semantic Router's routing."),
  prototype_scoring: acceptedBlock("global.model_catalog.embeddings.semantic.embedding_config.prototype_scoring"),
});

const semanticSchema = z.strictObject({
  mmbert_model_path: path,
  bert_model_path: path,
  multimodal_model_path: path,
  qwen3_model_path: path,
  gemma_model_path: path,
  use_cpu: z.boolean().default(true).describe("The encoder always runs on the CPU; false is a warning."),
  embedding_config: embeddingConfig.prefault({}),
});

type Semantic = z.output<typeof semanticSchema>;

export const modelCatalogSchema = z.strictObject({
  embeddings: z.strictObject({ semantic: semanticSchema.prefault({}).describe("The encoder and the embedding signal.") }).prefault({}),
  system: acceptedBlock("global.model_catalog.system"),
  modules: acceptedBlock("global.model_catalog.modules"),
  external: acceptedList("global.model_catalog.external"),
  kbs: acceptedList("global.model_catalog.kbs"),
});

type ModelCatalog = z.output<typeof modelCatalogSchema>;

/** CatalogedEncoder is what the catalog says of the encoder in use; null: nothing. */
interface CatalogedEncoder {
  readonly dimension: number | null;
  readonly layers: number | null;
}

/** catalogedEncoder is what holds for the encoder `model`: only what stands beside a path that names it. */
export function catalogedEncoder({ embeddings: { semantic } }: ModelCatalog, model: string): CatalogedEncoder {
  if (nameOf(semantic) !== model) return { dimension: null, layers: null };
  const { target_dimension: dimension = 0, target_layer: layers = 0 } = semantic.embedding_config;
  return { dimension: dimension === 0 ? null : dimension, layers: layers === 0 ? null : layers };
}

/** softMatchThresholdOf is null where rules match by their own threshold only. */
export function softMatchThresholdOf({ embeddings: { semantic } }: ModelCatalog): number | null {
  const { enable_soft_matching: soft, min_score_threshold: threshold } = semantic.embedding_config;
  return soft ? threshold : null;
}

/** warnModelCatalog says what the catalog asks for in vain. Blocks without any effect have their warnings in accepted.ts. */
export function warnModelCatalog(root: LocatedMap, catalog: ModelCatalog, model: string, source: SourceText): readonly ConfigWarning[] {
  const place = at(root, ..."global.model_catalog.embeddings.semantic".split("."));
  const { semantic } = catalog.embeddings;
  const warnings: ConfigWarning[] = [];
  const warn = (key: readonly string[], message: string) => {
    const node = at(place, ...key);
    if (node !== undefined) warnings.push(warningAt(source, node, message));
  };
  const family = familyOf(semantic);
  const name = nameOf(semantic);
  if (family !== null && name !== model) {
    warn(
      [`${family}_model_path`],
      `the encoder in use is turnout.classifier.model, "${model}"; to use this one, prepare it as "${name}" (turnout models prepare) and name it there`,
    );
  }
  if (name !== model) {
    for (const key of ["target_dimension", "target_layer"] as const) {
      if ((semantic.embedding_config[key] ?? 0) > 0)
        warn(["embedding_config", key], `without effect: no path of the catalog names the encoder in use, "${model}"`);
    }
  }
  if (!semantic.use_cpu) warn(["use_cpu"], "the encoder runs on the CPU all the same");
  return warnings;
}

function familyOf(semantic: Semantic): Family | null {
  const given = (family: Family) => (semantic[`${family}_model_path`] ?? "") !== "";
  const { model_type: chosen } = semantic.embedding_config;
  if (chosen !== undefined) return given(chosen) ? chosen : null;
  return families.find(given) ?? null;
}

/** nameOf is the last part of the path that counts. */
function nameOf(semantic: Semantic): string | null {
  const family = familyOf(semantic);
  return family === null ? null : (semantic[`${family}_model_path`]?.split("/").findLast((part) => part !== "") ?? null);
}
