/**
 * Contract ↔ wire, both directions: items, embeddings, failures and models as classifier.v1 writes them. Pure. Numbers of a vector travel as
 * their bytes; every platform that runs the encoder is little-endian, as is the wire.
 */
import {
  errorCatalogue,
  RouterError,
  type EncoderStatus,
  type ErrorCode,
  type FurtherModel,
  type InferenceItem,
  type TextEmbedding,
  type TextScan,
  type TraceContext,
} from "@turnout/shared";
import type { Embedding, EmbeddingRead, Item, ItemRead, Model, ModelRead, Outcome, OutcomeRead, ScanRead } from "./protocol.ts";
import { thin } from "./thin.ts";

/** encodeItem drops what of a long text its window cannot reach, so that a prompt of a megabyte is a message of kilobytes. */
export function encodeItem({ text, window, heads, model, entities }: InferenceItem, trace?: TraceContext): Item {
  return {
    text: thin(text, window),
    window: { maxTokens: window.maxTokens, sampling: window.sampling === "head" ? "HEAD" : "HEAD_MIDDLE_TAIL" },
    ...(heads === undefined ? {} : { heads: [...heads] }),
    ...(model === undefined ? {} : { model }),
    ...(entities === undefined ? {} : { entities }),
    ...(trace === undefined ? {} : { trace }),
  };
}

/** decodeItem throws `request_invalid` when the window is missing; an empty text is a text. */
export function decodeItem({ text = "", window, heads = [], model = "", entities = false }: ItemRead): InferenceItem {
  const maxTokens = window?.maxTokens ?? 0;
  if (maxTokens === 0) throw new RouterError("request_invalid", "an item has no window.max_tokens");
  return {
    text,
    window: { maxTokens, sampling: window?.sampling === "HEAD_MIDDLE_TAIL" ? "head_middle_tail" : "head" },
    ...(heads.length === 0 ? {} : { heads }),
    ...(model === "" ? {} : { model }),
    ...(entities ? { entities } : {}),
  };
}

/** encodeOutcome writes an embedding of the item's model, or a failure by its code. */
export function encodeOutcome(outcome: TextEmbedding | RouterError, model: string | undefined): Outcome {
  return outcome instanceof RouterError
    ? { failure: { code: outcome.code, message: outcome.message } }
    : { embedding: { ...encodeEmbedding(outcome), ...(model === undefined ? {} : { model }) } };
}

/** decodeOutcome reads an item's outcome; a code that this version does not know is `internal`. A `dimension` of null is not known. */
export function decodeOutcome(
  { embedding, failure }: OutcomeRead,
  item: InferenceItem,
  dimension: number | null,
): TextEmbedding | RouterError {
  if (embedding !== undefined) {
    const answered = (embedding.model ?? "") === (item.model ?? "") && (embedding.scan !== undefined || item.entities !== true);
    return answered
      ? decodeEmbedding(embedding, dimension)
      : new RouterError("encoder_unavailable", `the classifier service is too old to serve the model "${item.model ?? ""}"`);
  }
  const code = failure?.code ?? "";
  return new RouterError(
    isErrorCode(code) ? code : "internal",
    failure?.message ?? "the classifier's reply has neither result nor failure",
  );
}

/** encodeModels writes the encoder first, then the further models. */
export function encodeModels({ model, revision, dimension, heads = [], models = [] }: Extract<EncoderStatus, { state: "ready" }>): Model[] {
  const headsOf = (described: typeof heads) => described.map(({ name, labels }) => ({ name, labels: [...labels] }));
  return [
    { name: model, revision, dimension, heads: headsOf(heads) },
    ...models.map((further): Model => {
      const servedAs = further.name;
      if (further.state === "starting") return { servedAs, state: "STARTING" };
      if (further.state === "unavailable") return { servedAs, state: "UNAVAILABLE", reason: further.reason };
      const { model: name, entityTypes } = further;
      return {
        servedAs,
        name,
        revision: further.revision,
        dimension: further.dimension,
        heads: headsOf(further.heads),
        entityTypes: [...entityTypes],
      };
    }),
  ];
}

/** decodeModels reads what encodeModels wrote; null when there is no encoder. */
export function decodeModels([encoder, ...further]: readonly ModelRead[]): Omit<
  Extract<EncoderStatus, { state: "ready" }>,
  "state"
> | null {
  if (encoder === undefined) return null;
  const { name = "", revision = "", dimension = 0 } = encoder;
  const heads = headsRead(encoder);
  return {
    model: name,
    revision,
    dimension,
    ...(heads.length === 0 ? {} : { heads }),
    ...(further.length === 0 ? {} : { models: further.map(decodeFurther) }),
  };
}

function decodeFurther(read: ModelRead): FurtherModel {
  const { servedAs: name = "", name: model = "", revision = "", dimension = 0, entityTypes = [], state, reason = "" } = read;
  if (state === "STARTING") return { name, state: "starting" };
  if (state === "UNAVAILABLE") return { name, state: "unavailable", reason };
  return { name, state: "ready", model, revision, dimension, heads: headsRead(read), entityTypes };
}

function headsRead({ heads = [] }: ModelRead): { name: string; labels: readonly string[] }[] {
  return heads.map(({ name = "", labels = [] }) => ({ name, labels }));
}

function decodeScan({ entities = [], scannedChars = 0 }: ScanRead): TextScan {
  return {
    entities: entities.map(({ start = 0, end = 0, type = "", score = 0 }) => ({ start, end, type, score })),
    scannedChars,
  };
}

function encodeEmbedding({ vector, tokens, sampled, timings, heads, scan }: TextEmbedding): Embedding {
  return {
    vector: bytesOf(vector),
    tokens,
    sampled,
    timings,
    ...(heads === undefined ? {} : { heads: Array.from(heads, ([name, logits]) => ({ name, logits: bytesOf(logits) })) }),
    ...(scan === undefined ? {} : { scan: { entities: [...scan.entities], scannedChars: scan.scannedChars } }),
  };
}

function decodeEmbedding(
  { vector, tokens = 0, sampled = false, timings, heads, scan }: EmbeddingRead,
  dimension: number | null,
): TextEmbedding | RouterError {
  const values = floatsOf(vector);
  if (dimension !== null && values.length !== dimension)
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
    ...(scan === undefined ? {} : { scan: decodeScan(scan) }),
    ...(heads === undefined ? {} : { heads: new Map(heads.map(({ name = "", logits }) => [name, floatsOf(logits)])) }),
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
