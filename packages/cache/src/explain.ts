/**
 * Why a request would be answered from the cache, or would not: every step of a lookup with what it found, for people. It serves nothing
 * and changes nothing, and tells neither questions nor answers. Asked through the management API.
 */
import type { CacheRoute, CacheSubject, CallOptions } from "@turnout/shared";
import type { CacheParts } from "./cache-parts.ts";
import { decodePayload } from "./completion/payload.ts";
import {
  canonicalRequest,
  entryId,
  exactEligibility,
  partition,
  scopeHash,
  semanticEligibility,
  type CanonicalRequest,
} from "./identity/index.ts";
import { decidePair } from "./pair-decision.ts";
import { answerConditions, MAX_CANDIDATES } from "./session.ts";

/** CacheExplanation goes as far as a lookup would. */
export interface CacheExplanation {
  /** "cached", or why this request can neither be answered from the cache nor kept in it. */
  readonly use: string;
  /** Entry of the very same request; null: there is none. */
  readonly exact: { readonly id: string; readonly ageSeconds: number } | null;
  /** "allowed", or why a similar question's answer may not do. */
  readonly semantic: string;
  /** The nearest questions under the same conditions, the nearest first. */
  readonly candidates: readonly ExplainedCandidate[];
}

/** ExplainedCandidate is one near question, and what would be made of it. */
export interface ExplainedCandidate {
  readonly id: string;
  readonly similarity: number;
  readonly serve: boolean;
  /** What decided: `threshold`, a guard, `identical`, `verified`, `doubted`, `expired`. */
  readonly by: string;
  /** How sure it is that both ask the same, 0 to 1. */
  readonly score: number;
}

const nothing = (use: string): CacheExplanation => ({ use, exact: null, semantic: use, candidates: [] });

/** explain rejects when the store or the encoder cannot be asked. */
export async function explain(
  parts: CacheParts,
  subject: CacheSubject,
  route: CacheRoute,
  options: CallOptions,
): Promise<CacheExplanation> {
  if (route.barred !== null) return nothing(route.barred);
  const scope = scopeHash(route.policy.scope, subject.headers, parts.scope);
  if (scope.kind === "none") return nothing(scope.reason);
  const request = canonicalRequest(subject.body, subject.endpoint, subject.query);
  if (request.kind === "uncacheable") return nothing(request.reason);
  const eligible = exactEligibility(request, parts.eligibility);
  if (!eligible.allowed) return nothing(eligible.reason);
  const conditions = answerConditions(request, route, scope.hash);
  const id = entryId({ ...conditions, embeddingRevision: null }, request.exact);
  const [payload] = await parts.backend.get([id], options);
  const kept = decoded(parts, payload ?? null);
  return {
    use: "cached",
    exact: kept === null ? null : { id, ageSeconds: Math.round((parts.clock.wallMs() - kept.createdMs) / 1_000) },
    ...(await similar(parts, request, route, partition(conditions, request.context), options)),
  };
}

async function similar(
  parts: CacheParts,
  request: CanonicalRequest,
  route: CacheRoute,
  here: Uint8Array,
  options: CallOptions,
): Promise<Pick<CacheExplanation, "semantic" | "candidates">> {
  const { policy, encoder } = route;
  const eligible = semanticEligibility(request, parts.eligibility);
  if (!eligible.allowed) return { semantic: eligible.reason, candidates: [] };
  if (!policy.semantic) return { semantic: "mode_exact", candidates: [] };
  if (encoder === null) return { semantic: "no_encoder", candidates: [] };
  const words = request.lastUserText ?? "";
  const { vector, sampled } = await route.embed(words, options);
  if (sampled) return { semantic: "too_long", candidates: [] };
  const near = parts.table.nearest(here, vector, MAX_CANDIDATES);
  const payloads = await parts.backend.get(
    near.map(({ entry }) => entry.id),
    options,
  );
  const similarityThreshold = policy.similarityThreshold ?? parts.settings.similarityThreshold;
  const candidates = near.map(({ entry: { id }, cosine: similarity }, index) => {
    const answer = decoded(parts, payloads[index] ?? null);
    if (answer === null || answer.userText === null) return { id, similarity, serve: false, by: "expired", score: 0 };
    return { id, similarity, ...decidePair(words, answer.userText, similarity, { verifier: parts.verifier, similarityThreshold }) };
  });
  return { semantic: "allowed", candidates };
}

function decoded({ clock }: CacheParts, payload: Uint8Array | null) {
  if (payload === null) return null;
  const result = decodePayload(payload);
  return result.kind === "answer" && result.answer.expiresMs > clock.wallMs() ? result.answer : null;
}
