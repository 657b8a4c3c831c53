/**
 * Contract ↔ wire, both directions: items, embeddings and failures as classifier.v1 writes them. Pure. Numbers of a vector travel as
 * their bytes; every platform that runs the encoder is little-endian, as is the wire.
 */
import { errorCatalogue, RouterError, type ErrorCode, type InferenceItem, type TextEmbedding } from "@turnout/shared";
import type { Embedding, EmbeddingRead, Item, ItemRead, Outcome, OutcomeRead } from "./protocol.ts";
import { thin } from "./thin.ts";

/** encodeItem drops what of a long text its window cannot reach, so that a prompt of a megabyte is a message of kilobytes. */
export function encodeItem({ text, window, heads }: InferenceItem): Item {
  return {
    text: thin(text, window),
    window: { maxTokens: window.maxTokens, sampling: window.sampling === "head" ? "HEAD" : "HEAD_MIDDLE_TAIL" },
    ...(heads === undefined ? {} : { heads: [...heads] }),
  };
}

/** decodeItem throws `request_invalid` when the window is missing; an empty text is a text. */
export function decodeItem({ text = "", window, heads = [] }: ItemRead): InferenceItem {
  const maxTokens = window?.maxTokens ?? 0;
  if (maxTokens === 0) throw new RouterError("request_invalid", "an item has no window.max_tokens");
  return {
    text,
    window: { maxTokens, sampling: window?.sampling === "HEAD_MIDDLE_TAIL" ? "head_middle_tail" : "head" },
    ...(heads.length === 0 ? {} : { heads }),
  };
}

/** encodeOutcome writes an embedding, or a failure by its code. */
export function encodeOutcome(outcome: TextEmbedding | RouterError): Outcome {
  return outcome instanceof RouterError
    ? { failure: { code: outcome.code, message: outcome.message } }
    : { embedding: encodeEmbedding(outcome) };
}

/** decodeOutcome reads an outcome; a code that this version does not know is `internal`. */
export function decodeOutcome({ embedding, failure }: OutcomeRead, dimension: number): TextEmbedding | RouterError {
  if (embedding !== undefined) return decodeEmbedding(embedding, dimension);
  const code = failure?.code ?? "";
  return new RouterError(
    isErrorCode(code) ? code : "internal",
    failure?.message ?? "the classifier's reply has neither result nor failure",
  );
}

function encodeEmbedding({ vector, tokens, sampled, timings, heads }: TextEmbedding): Embedding {
  return {
    vector: bytesOf(vector),
    tokens,
    sampled,
    timings,
    ...(heads === undefined ? {} : { heads: Object.fromEntries(Array.from(heads, ([head, logits]) => [head, bytesOf(logits)])) }),
  };
}

function decodeEmbedding(
  { vector, tokens = 0, sampled = false, timings, heads }: EmbeddingRead,
  dimension: number,
): TextEmbedding | RouterError {
  const values = floatsOf(vector);
  if (values.length !== dimension)
    return new RouterError("encoder_unavailable", `the classifier's vector has ${values.length} dimensions, its model has ${dimension}`);
  return {
    vector: values,
    tokens,
    sampled,
    timings: {
      queueMs: timings?.queueMs ?? 0,
      tokenizeMs: timings?.tokenizeMs ?? 0,
      computeMs: timings?.computeMs ?? 0,
      batchSize: timings?.batchSize ?? 0,
    },
    ...(heads === undefined ? {} : { heads: new Map(Object.entries(heads).map(([head, logits]) => [head, floatsOf(logits)])) }),
  };
}

/** bytesOf is a view: nothing is copied until the message is written. */
function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
}

/** floatsOf copies, because a message's bytes are not aligned to four, and so that one vector does not keep the whole message. */
function floatsOf(bytes: Buffer | undefined): Float32Array {
  const values = new Float32Array(Math.floor((bytes?.length ?? 0) / Float32Array.BYTES_PER_ELEMENT));
  bytes?.copy(new Uint8Array(values.buffer));
  return values;
}

function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(errorCatalogue, code);
}
