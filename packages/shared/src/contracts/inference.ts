import type { RouterError } from "../errors.ts";
import type { TraceContext } from "../telemetry/trace-context.ts";
import type { CallOptions } from "./call-options.ts";

/**
 * TextWindow says which part of a long text the encoder reads: `maxTokens` tokens in all, special tokens included.
 * "head" reads the beginning; "head_middle_tail" reads a third from each place, as vSR samples long prompts.
 */
export interface TextWindow {
  readonly maxTokens: number;
  readonly sampling: "head" | "head_middle_tail";
}

/**
 * InferenceItem is one text of a submission, and what is wanted of it. The same (model, text, window) is computed once, whoever asked
 * for it.
 */
export interface InferenceItem {
  readonly text: string;
  /** A token classifier reads the text from its beginning, in overlapping stretches: `maxTokens` is then all that it reads, at most 8192. */
  readonly window: TextWindow;
  /** Name of a further model (`turnout.classifier.models`); absent: the encoder. An unknown one is refused with "model_unsupported". */
  readonly model?: string;
  /** Classification heads of the model to apply to the vector; an unknown one is refused with "model_unsupported". */
  readonly heads?: readonly string[];
  /** True: the entities that a token classifier finds. It has nothing else to say, and no other model can say it. */
  readonly entities?: boolean;
}

/** InferenceTimings tells where one item's time went, in milliseconds; made by the pool, turned into spans by the front. */
export interface InferenceTimings {
  readonly queueMs: number;
  readonly tokenizeMs: number;
  readonly computeMs: number;
  /** How many items shared the batch, this one included; 0 when the vector was remembered and nothing was computed. */
  readonly batchSize: number;
}

/** BatchMember is one caller of a batch's texts who told its trace. */
export interface BatchMember {
  readonly trace: TraceContext;
  /** Since when it has waited, as the other times here in `Clock.now()` milliseconds of the main thread. */
  readonly joinedAt: number;
}

/** BatchRecord is one batch that was answered: told once, to whoever makes spans of it. */
export interface BatchRecord {
  /** Name of the model. */
  readonly model: string;
  readonly texts: number;
  /** Read of all texts together. */
  readonly tokens: number;
  /** Handed to the thread, and answered by it. */
  readonly startedAt: number;
  readonly endedAt: number;
  readonly tokenizeMs: number;
  readonly computeMs: number;
  readonly threadId: number;
  readonly members: readonly BatchMember[];
}

/** TextEntity is a stretch of a text, in UTF-16 offsets of the text as it was given: `text.slice(start, end)`. */
export interface TextEntity {
  readonly start: number;
  readonly end: number;
  /** The model's label, without the prefix of its scheme ("B-", "I-"). */
  readonly type: string;
  /** Mean probability of the entity's words, 0 to 1. */
  readonly score: number;
}

/** TextScan is what a token classifier found. */
export interface TextScan {
  /** In the order of the text; never overlapping. */
  readonly entities: readonly TextEntity[];
  /** UTF-16 units read, from the beginning of the text; nothing is known of what follows. */
  readonly scannedChars: number;
}

/** TextEmbedding is what a model says of one item. */
export interface TextEmbedding {
  /** L2-normalised vector of the model's dimension, empty for a model that only classifies. Callers may share it: never write to it. */
  readonly vector: Float32Array;
  /** Logits of the heads asked for, one per label in the order of EncoderStatus, ready for softmax. Absent when none was asked for. */
  readonly heads?: ReadonlyMap<string, Float32Array>;
  /** Set when `entities` were asked for. */
  readonly scan?: TextScan;
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

/**
 * Evaluator answers each item on its own, in the order of the items: a text that failed, or a model that cannot be loaded, takes no
 * other item with it, and what is known when the deadline passes is given. Never rejects.
 */
export interface Evaluator {
  evaluate(items: readonly InferenceItem[], options: CallOptions): Promise<(TextEmbedding | RouterError)[]>;
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

/** FurtherModel is a further model of a pool, loaded by each worker when a text first needs it, unless it is preloaded. */
export type FurtherModel = {
  /** Name by which items ask for it. */
  readonly name: string;
} & (
  | {
      readonly state: "ready";
      /** The prepared model's own name. */
      readonly model: string;
      readonly revision: string;
      /** Length of its vectors; 0 where it has none. */
      readonly dimension: number;
      readonly heads: readonly ClassifierHead[];
      /** Types of entities it can find; empty unless it is a token classifier. */
      readonly entityTypes: readonly string[];
      /** Workers that have loaded it; unknown for a remote pool. */
      readonly workers?: number;
    }
  | { readonly state: "starting" }
  /** It is tried again, each time after a longer while. */
  | { readonly state: "unavailable"; readonly reason: string }
);

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
      /** The further models, in the order of the configuration. Absent when there are none. */
      readonly models?: readonly FurtherModel[];
    }
  /** Nothing has needed it yet, so that it is neither loaded nor prepared. */
  | { readonly state: "idle"; readonly model: string }
  | { readonly state: "starting"; readonly model: string }
  | { readonly state: "unavailable"; readonly model: string; readonly reason: string };

/** Classifier is the pool as the front sees it: embedded threads or a remote service, in the same words. */
export interface Classifier extends Embedder, Evaluator {
  status(): EncoderStatus;
  /** Resolves once the pool is ready or known to be unavailable; never rejects. */
  whenSettled(): Promise<EncoderStatus>;
  close(): Promise<void>;
}
