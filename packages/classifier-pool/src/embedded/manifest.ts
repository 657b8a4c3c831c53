/**
 * Manifest of an embedded model: the JSON beside its tables. It says what the heads answer, which encoder they may be combined with,
 * and the numbers that were chosen on development data; nothing of it is configuration.
 */
import { RouterError } from "@turnout/shared";
import { z } from "zod";
import { FEATURES_VERSION, ROWS } from "./features.ts";

const probability = z.number().min(0).max(1);

/** byStyle has one setting for texts in the style of conversation, and one for examination questions. */
const byStyle = <Setting extends z.ZodType>(setting: Setting) => z.strictObject({ chat: setting, exam: setting });

const weight = z.number().nonnegative();

const encoderHead = z.strictObject({
  /** The encoder whose vectors the network was trained on. */
  model: z.string().min(1),
  revision: z.string().min(1),
  /** Numbers of a vector; their signs are kept eight in a byte. */
  dimension: z.int().positive().multipleOf(8),
  /** Neurons of the network on it. */
  hidden: z.int().positive(),
  /** Training texts that the vector is compared with. */
  neighbours: z.int().positive(),
  /** Weights of the log-probabilities of the tables, the network and the neighbours; their sum sharpens or flattens. */
  blend: byStyle(z.tuple([weight, weight, weight])),
});

const cascade = z.strictObject({
  /** How far the best label's probability must be above the next one's for the embedded tier to answer alone. */
  lead: byStyle(probability),
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
  /** Softmax temperature by style, and of texts in other languages than English where theirs is another. */
  temperature: byStyle(z.number().positive()).extend({ languages: z.number().positive().optional() }),
  cascade: cascade.optional(),
  encoder: encoderHead.optional(),
  /** Thresholds of sigmoid labels, chosen on development data. */
  thresholds: z.record(z.string(), probability).optional(),
});

export const manifestSchema = z.strictObject({
  format: z.literal("turnout-embedded/2"),
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
export type EncoderHeadManifest = z.output<typeof encoderHead>;

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
