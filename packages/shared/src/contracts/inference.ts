import type { CallOptions } from "./call-options.ts";

/**
 * TextWindow says which part of a long text the encoder reads: `maxTokens` tokens in all, special tokens included.
 * "head" reads the beginning; "head_middle_tail" reads a third from each place, as vSR samples long prompts.
 */
export interface TextWindow {
  readonly maxTokens: number;
  readonly sampling: "head" | "head_middle_tail";
}

/** InferenceItem is one text of a submission. The same (text, window) is encoded once, whoever asked for it. */
export interface InferenceItem {
  readonly text: string;
  readonly window: TextWindow;
  /** Classification heads of the model to apply to the vector; an unknown one is refused with "model_unsupported". */
  readonly heads?: readonly string[];
}

/** InferenceTimings tells where one item's time went, in milliseconds; made by the pool, turned into spans by the front. */
export interface InferenceTimings {
  readonly queueMs: number;
  readonly tokenizeMs: number;
  readonly computeMs: number;
  /** How many items shared the batch, this one included; 0 when the vector was remembered and nothing was computed. */
  readonly batchSize: number;
}

/** TextEmbedding is what the encoder says of one item. */
export interface TextEmbedding {
  /** L2-normalised vector of the model's dimension. Callers may share it: never write to it. */
  readonly vector: Float32Array;
  /** Logits of the heads asked for, one per label in the order of EncoderStatus, ready for softmax. Absent when none was asked for. */
  readonly heads?: ReadonlyMap<string, Float32Array>;
  /** Tokens read, special tokens included. */
  readonly tokens: number;
  /** True when the text was longer than its window, so that only a sample was read. */
  readonly sampled: boolean;
  readonly timings: InferenceTimings;
}

/** Embedder turns texts into vectors, in the order of the items. Rejects with a RouterError when the pool cannot answer in time. */
export interface Embedder {
  embed(items: readonly InferenceItem[], options: CallOptions): Promise<TextEmbedding[]>;
}

/** ClassifierHead is one classification head of the model: a linear layer on the vector, one logit per label. */
export interface ClassifierHead {
  readonly name: string;
  readonly labels: readonly string[];
}

/**
 * EncoderBatching says what an encoder bears, as found at warm-up: any texts padded to one length, only texts of equal length, or one
 * text at a time. What it does not bear would make a text's vector depend on its neighbours.
 */
export type EncoderBatching = "padded" | "equal_lengths" | "single";

/** EncoderStatus says whether an encoder can be asked now; `reason` is written for the operator. */
export type EncoderStatus =
  | {
      readonly state: "ready";
      readonly model: string;
      readonly revision: string;
      /** Length of the vectors; 0 for a model that only classifies. */
      readonly dimension: number;
      readonly heads?: readonly ClassifierHead[];
      /** Unknown for a remote pool. */
      readonly batching?: EncoderBatching;
    }
  | { readonly state: "starting"; readonly model: string }
  | { readonly state: "unavailable"; readonly model: string; readonly reason: string };

/** Classifier is the pool as the front sees it: embedded threads today, a remote service in the same words later. */
export interface Classifier extends Embedder {
  status(): EncoderStatus;
  /** Resolves once the pool is ready or known to be unavailable; never rejects. */
  whenSettled(): Promise<EncoderStatus>;
  close(): Promise<void>;
}
