/**
 * TextStanding says how far a classification can be relied on: "sure", "unsure" (ask the encoder, if there is one), or "foreign": a
 * script that the model has never met, about which its probabilities say nothing.
 */
export type TextStanding = "sure" | "unsure" | "foreign";

/** TextClassification is what one head says of one text. */
export interface TextClassification {
  readonly labels: readonly string[];
  /** One per label, 0 to 1; they sum to 1 where the labels exclude each other. */
  readonly probabilities: Float32Array;
  readonly best: string;
  /** Probability of the best label, calibrated: about as often is it right. */
  readonly confidence: number;
  readonly standing: TextStanding;
}

/** EncoderIdentity says whose vectors these are: those of another revision or length are of another space. */
export interface EncoderIdentity {
  readonly model: string;
  readonly revision: string;
  readonly dimension: number;
}

/** EmbeddedReading is what the embedded tier says of one text. Its methods throw "model_unsupported" for a head that there is not. */
export interface EmbeddedReading {
  readonly text: string;
  /** Share of the text's words that the model knows, 0 to 1. */
  readonly coverage: number;
  /** True for a text in scripts that the model does not know. */
  readonly foreign: boolean;
  /** Probability that the text is an examination question, and that it is English. */
  readonly exam: number;
  readonly english: number;
  classify(head: string): TextClassification;
  /** combine takes the encoder's vector of the same text into account. */
  combine(head: string, vector: Float32Array): TextClassification;
}

/** EmbeddedTier classifies texts in microseconds in the calling thread, from a model that comes with Turnout. */
export interface EmbeddedTier {
  readonly revision: string;
  /** labelsOf a head, or null when there is no such head. */
  labelsOf(head: string): readonly string[] | null;
  /** thresholdOf a label that stands for itself, chosen on development data. */
  thresholdOf(head: string, label: string): number;
  /** encoderOf says with which encoder's vectors a head can be combined; null where with none. */
  encoderOf(head: string): EncoderIdentity | null;
  read(text: string): EmbeddedReading;
}
