/**
 * The names under which entries are kept and found. All are digests: they hold the keyed scope, so that nobody without the secret can
 * try out whether a question was asked. Pure.
 */
import { digest, digestBytes } from "./framing.ts";

/** EarlyConditions are what may change the answer to an identical request before any signal was evaluated. */
export interface EarlyConditions {
  /** From scopeHash. */
  readonly scope: string;
  /** From canonicalRequest. */
  readonly exact: string;
  readonly configRevision: string;
  /**
   * Everything beside the canonical request that routing reads: request headers. Null is "absent".
   * The name should say of what kind it is ("header:x-region").
   */
  readonly dependencies: ReadonlyMap<string, string | null>;
}

/** earlyKey points to the entry of an identical request under identical conditions, whatever decision that led to. */
export function earlyKey({ scope, exact, configRevision, dependencies }: EarlyConditions): string {
  const sorted = [...dependencies].sort(([one], [other]) => (one < other ? -1 : 1));
  return digest("early", [scope, exact, configRevision, ...sorted.flat()]);
}

/** AnswerConditions are what stands for an answer beside the request itself. */
export interface AnswerConditions {
  /** From scopeHash. */
  readonly scope: string;
  readonly decision: string;
  /** Of the decision's configuration: what its plugins add to a request is part of the request. */
  readonly decisionRevision: string;
  readonly requestedModel: string;
  readonly selectedModel: string;
  /** The plugin's revision.cache_epoch and revision.model_revision, as configured. */
  readonly cacheEpoch: string | null;
  readonly modelRevision: string | null;
  /** Embedding model and its revision; null for an entry without a vector. */
  readonly embeddingRevision: string | null;
}

/** entryId of a request's answer: the same request overwrites its entry. `exact` is from canonicalRequest or exactHash. */
export function entryId(conditions: AnswerConditions, exact: string): string {
  return digest("entry", [...answerFields(conditions), exact]);
}

/** partition holds what must be equal, bit for bit, before words are compared by meaning: 32 bytes. */
export function partition(conditions: AnswerConditions, context: string): Uint8Array {
  return digestBytes("partition", [...answerFields(conditions), context]);
}

/** indexPartition is what the index filters by while it scans; the policy compares all 32 bytes. */
export function indexPartition(partition: Uint8Array): number {
  return new DataView(partition.buffer, partition.byteOffset, partition.byteLength).getUint32(0, true);
}

function answerFields(conditions: AnswerConditions): readonly (string | null)[] {
  const { scope, decision, decisionRevision, requestedModel, selectedModel, cacheEpoch, modelRevision, embeddingRevision } = conditions;
  return [scope, decision, decisionRevision, requestedModel, selectedModel, cacheEpoch, modelRevision, embeddingRevision];
}
