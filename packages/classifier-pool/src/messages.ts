/**
 * Everything that crosses between the pool's main thread and a worker: plain data, nothing else. Failures come back as data
 * too, because an Error loses its class and code on the way. Main and worker both import this file; it imports neither.
 */
import { move, transferableSymbol, valueSymbol } from "piscina";
import type { EncoderBatching, ErrorCode, TextScan, TextWindow } from "@turnout/shared";
import type { GraphSettings } from "./model/graph-settings.ts";

/** ModelSettings say how to load one model. A worker gets its encoder's as `workerData`, and a further model's with every batch for it. */
export interface ModelSettings {
  /** Name of a registered backend, or the URL of a module that exports `load` (see backends/index.ts). */
  readonly backend: string;
  /** Directory of the prepared model, "" for backends without one. */
  readonly modelDirectory: string;
  readonly graph: GraphSettings;
  readonly tokenizerFile: string;
  /** Length of the vectors; 0 when there are only logits. */
  readonly dimension: number;
  readonly maxTokens: number;
  readonly heads: readonly HeadFile[];
  /** Set when the encoder's output is logits, to be given out as this head. */
  readonly classification: { readonly name: string; readonly labels: number } | null;
  /** Set when the encoder's output is logits per token: what the labels are, in their order. */
  readonly tokenLabels: readonly string[] | null;
  /** Largest int8 weight of the graph; null where there is none, or nobody has looked. */
  readonly weightLimit: number | null;
  /** Names model, revision and directory: what has the same key is loaded once. */
  readonly key: string;
}

/** HeadFile is a classification head of the model: `labels` rows of `dimension` float32 weights, then `labels` float32 biases. */
export interface HeadFile {
  readonly name: string;
  readonly labels: number;
  readonly file: string;
}

/**
 * TextJob is one text to encode: whole, or, when it was far longer than its window, only the beginning ("head") or one part
 * each from beginning, middle and end. The worker cuts to the exact token count.
 */
export interface TextJob {
  readonly parts: readonly [string] | readonly [head: string, middle: string, tail: string];
  readonly window: TextWindow;
}

/** EncodeJob is a TextJob with the names of the model's heads to apply to its vector. */
export interface EncodeJob extends TextJob {
  readonly heads: readonly string[];
}

/** Failure is an error as data; the main thread makes a RouterError of it. */
export interface Failure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Batch is what a worker is given: texts for one model. */
export interface Batch {
  /** Null: the worker's encoder. */
  readonly model: ModelSettings | null;
  readonly jobs: readonly EncodeJob[];
}

/** LoadFailure says why a worker has not loaded a further model. */
export interface LoadFailure {
  readonly key: string;
  readonly message: string;
}

/** WarmUp asks a worker to load its encoder, and these further models too; one that fails is tried again with its first batch. */
export interface WarmUp {
  readonly preload: readonly ModelSettings[];
}

/** WarmUpReply says that a worker has loaded its encoder and run it once, and how long that took from the thread's start. */
export type WarmUpReply =
  | {
      readonly ok: true;
      readonly threadId: number;
      readonly warmUpMs: number;
      readonly batching: EncoderBatching;
      /** Keys of the further models that were loaded. */
      readonly loaded: readonly string[];
      /** The others. */
      readonly failed: readonly LoadFailure[];
    }
  | Failure;

/** TextReply is one text's outcome; `row` is its place in the batch's vectors. A token classifier gives a `scan` and no vector. */
export type TextReply =
  | { readonly ok: true; readonly row: number; readonly tokens: number; readonly sampled: boolean; readonly scan?: TextScan }
  | Failure;

/** HeadLogits has `width` logits per row of the batch, of the heads that any of its texts asked for, one head after another. */
export interface HeadLogits {
  readonly spans: readonly { readonly name: string; readonly start: number; readonly labels: number }[];
  readonly width: number;
  readonly values: Float32Array;
}

/** BatchReply is one batch's outcome: one TextReply per job, in order, and the vectors of those that are ok, one after another. */
export type BatchReply =
  | {
      readonly ok: true;
      readonly texts: readonly TextReply[];
      readonly vectors: Float32Array;
      /** Null when no text asked for a head. */
      readonly logits: HeadLogits | null;
      readonly tokenizeMs: number;
      readonly computeMs: number;
      /** Who answered, and how it runs the model. */
      readonly threadId: number;
      readonly batching: EncoderBatching;
    }
  | BatchFailure;

/** BatchFailure is the failure of all texts of a batch. */
interface BatchFailure extends Failure {
  /** True: the worker could not even load the model. */
  readonly unloaded: boolean;
}

/** transferVectors hands the memory of vectors and logits over to the main thread instead of copying it. */
export function transferVectors(reply: Extract<BatchReply, { ok: true }>): unknown {
  const buffers = reply.logits === null ? [reply.vectors.buffer] : [reply.vectors.buffer, reply.logits.values.buffer];
  return move({ [transferableSymbol]: buffers, [valueSymbol]: reply } as unknown as Parameters<typeof move>[0]);
}
