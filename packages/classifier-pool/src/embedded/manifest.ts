/**
 * Manifest of an embedded model: the JSON beside its tables. It says what the heads answer, which encoder they may be combined with,
 * and the numbers that were chosen on development data; nothing of it is configuration.
 */
import { RouterError } from "@turnout/shared";
import { z } from "zod";
import { FEATURES_VERSION, ROWS } from "./features.ts";

const probability = z.number().min(0).max(1);

const calibration = z.strictObject({
  /** Softmax temperature for texts in the style of conversation, and of examination questions. */
  chat: z.number().positive(),
  exam: z.number().positive(),
});

const encoderHead = z.strictObject({
  /** The encoder whose vectors the network was trained on. */
  model: z.string().min(1),
  revision: z.string().min(1),
  dimension: z.int().positive(),
  /** Neurons of the network on it. */
  hidden: z.int().positive(),
  /** Weight of the encoder's log-probabilities in the combination, 0 to 1. */
  weight: probability,
  temperature: calibration,
});

const cascade = z.strictObject({
  /** Confidence from which the embedded tier answers alone, by style. */
  confidence: calibration,
  /** Share of a text's words that must be known for that. */
  coverage: probability,
});

const head = z.strictObject({
  labels: z.array(z.string().min(1)).min(1),
  /** "softmax": one of the labels; "sigmoid": each label for itself. */
  kind: z.enum(["softmax", "sigmoid"]),
  /** Rows of its table, a power of two; features are folded to it. */
  rows: z.int().positive().max(ROWS),
  /** True: its table has further rows for texts in the style of examinations. */
  styled: z.boolean(),
  temperature: calibration,
  cascade: cascade.optional(),
  encoder: encoderHead.optional(),
  /** Thresholds of sigmoid labels, chosen on development data. */
  thresholds: z.record(z.string(), probability).optional(),
});

export const manifestSchema = z.strictObject({
  format: z.literal("turnout-embedded/1"),
  features: z.int(),
  revision: z.string().min(1),
  /** SHA-256 of the tables' file. */
  sha256: z.string().regex(/^[0-9a-f]{64}$/),
  scripts: z.array(z.string().min(1)).min(1),
  heads: z.record(z.string(), head),
});

/** EmbeddedManifest describes one embedded model. */
export type EmbeddedManifest = z.output<typeof manifestSchema>;
export type HeadManifest = z.output<typeof head>;

/** parseManifest throws RouterError("model_corrupt") on anything else than a manifest whose features this program computes. */
export function parseManifest(json: string): EmbeddedManifest {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    throw new RouterError("model_corrupt", "the embedded model's manifest is no JSON", { cause: error });
  }
  const parsed = manifestSchema.safeParse(value);
  if (!parsed.success) throw new RouterError("model_corrupt", `the embedded model's manifest: ${z.prettifyError(parsed.error)}`);
  if (parsed.data.features !== FEATURES_VERSION) {
    throw new RouterError(
      "model_corrupt",
      `the embedded model was trained on features version ${parsed.data.features}, this program computes version ${FEATURES_VERSION}: train it anew (models/training)`,
    );
  }
  return parsed.data;
}
