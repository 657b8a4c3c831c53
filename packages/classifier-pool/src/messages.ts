/**
 * Everything that crosses between the pool's main thread and a worker: plain data, nothing else. Failures come back as data
 * too, because an Error loses its class and code on the way. Main and worker both import this file; it imports neither.
 */
import { move, transferableSymbol, valueSymbol } from "piscina";
import type { ErrorCode, TextWindow } from "@turnout/shared";

/** WorkerSettings is a worker's `workerData`: how to load the encoder. */
export interface WorkerSettings {
  /** Name of a registered backend, or the URL of a module that exports `load` (see backends/index.ts). */
  readonly backend: string;
  /** Directory of the prepared model, "" for backends without one. */
  readonly modelDirectory: string;
  readonly graphFile: string;
  readonly tokenizerFile: string;
  readonly dimension: number;
  readonly maxTokens: number;
}

/**
 * TextJob is one text to encode: whole, or, when it was far longer than its window, only the beginning ("head") or one part
 * each from beginning, middle and end. The worker cuts to the exact token count.
 */
export interface TextJob {
  readonly parts: readonly [string] | readonly [head: string, middle: string, tail: string];
  readonly window: TextWindow;
}

/** Failure is an error as data; the main thread makes a RouterError of it. */
export interface Failure {
  readonly ok: false;
  readonly code: ErrorCode;
  readonly message: string;
}

/** WarmUpReply says that a worker has loaded its encoder and run it once, and how long that took from the thread's start. */
export type WarmUpReply = { readonly ok: true; readonly threadId: number; readonly warmUpMs: number } | Failure;

/** TextReply is one text's outcome; `row` is its place in the batch's vectors. */
export type TextReply = { readonly ok: true; readonly row: number; readonly tokens: number; readonly sampled: boolean } | Failure;

/** BatchReply is one batch's outcome: one TextReply per job, in order, and the vectors of those that are ok, one after another. */
export type BatchReply =
  | {
      readonly ok: true;
      readonly texts: readonly TextReply[];
      readonly vectors: Float32Array;
      readonly tokenizeMs: number;
      readonly computeMs: number;
    }
  | Failure;

/** transferVectors hands the vectors' memory over to the main thread instead of copying it. */
export function transferVectors(reply: Extract<BatchReply, { ok: true }>): unknown {
  return move({ [transferableSymbol]: [reply.vectors.buffer], [valueSymbol]: reply } as unknown as Parameters<typeof move>[0]);
}
