/**
 * Entries as they are, out of one store and into another: a backup, or a warm start of a new one. An entry that leaves is what the store
 * holds, questions and answers in plain words; one that comes is only found under the same secret, configuration and models.
 */
import type { CallOptions, TextEmbedding } from "@turnout/shared";
import type { CacheParts } from "./cache-parts.ts";
import { decodePayload } from "./completion/payload.ts";
import { featuresOf } from "./guards/features.ts";
import { semanticRow } from "./session.ts";

/** Entries that are fetched at a time. */
const CHUNK = 50;
const CHUNK_BUDGET_MS = 5_000;

/** exportEntries gives all that this replica knows, each as base64. Rejects when the store cannot be read. */
export async function* exportEntries({ table, backend, clock }: CacheParts, signal?: AbortSignal): AsyncGenerator<string> {
  const ids = table.matching({}).map(({ id }) => id);
  for (let at = 0; at < ids.length; at += CHUNK) {
    const options = { deadline: clock.now() + CHUNK_BUDGET_MS, ...(signal === undefined ? {} : { signal }) };
    for (const payload of await backend.get(ids.slice(at, at + CHUNK), options)) {
      if (payload !== null) yield Buffer.from(payload).toString("base64");
    }
  }
}

/** importEntry keeps one such entry; false when it is broken or has expired. Rejects when the store cannot be written. */
export async function importEntry(
  { backend, clock }: CacheParts,
  entry: string,
  embed: (text: string, options: CallOptions) => Promise<TextEmbedding>,
  options: CallOptions,
): Promise<boolean> {
  const payload = Buffer.from(entry, "base64");
  const decoded = decodePayload(payload);
  if (decoded.kind === "broken" || decoded.answer.expiresMs <= clock.wallMs()) return false;
  const { id, scope, decision, model, partition, createdMs, expiresMs, userText } = decoded.answer;
  const features = userText === null ? null : featuresOf(userText);
  // Without an encoder it is kept for the same request alone.
  const embedding = userText === null || features === null ? null : await embed(userText, options).catch(() => null);
  const semantic = features === null || embedding === null || embedding.sampled ? null : semanticRow(embedding.vector, features);
  await backend.put({ row: { id, scope, decision, model, partition, createdMs, expiresMs, semantic }, payload, pointers: [] }, options);
  return true;
}
