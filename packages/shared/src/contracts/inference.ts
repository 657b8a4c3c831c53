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
}

/** InferenceTimings tells where one item's time went, in milliseconds; made by the pool, turned into spans by the front. */
export interface InferenceTimings {
  readonly queueMs: number;
  readonly tokenizeMs: number;
  readonly computeMs: number;
  /** How many items shared the batch, this one included. */
  readonly batchSize: number;
}

/** TextEmbedding is what the encoder says of one item. */
export interface TextEmbedding {
  /** L2-normalised vector of the model's dimension. */
  readonly vector: Float32Array;
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

/** EncoderStatus says whether an encoder can be asked now; `reason` is written for the operator. */
export type EncoderStatus =
  | { readonly state: "ready"; readonly model: string; readonly revision: string; readonly dimension: number }
  | { readonly state: "starting"; readonly model: string }
  | { readonly state: "unavailable"; readonly model: string; readonly reason: string };

/** Classifier is the pool as the front sees it: embedded threads today, a remote service in the same words later. */
export interface Classifier extends Embedder {
  status(): EncoderStatus;
  /** Resolves once the pool is ready or known to be unavailable; never rejects. */
  whenSettled(): Promise<EncoderStatus>;
  close(): Promise<void>;
}
