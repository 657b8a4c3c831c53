import type { CallOptions } from "./call-options.ts";
import type { EncoderIdentity } from "./embedded.ts";
import type { TextEmbedding } from "./inference.ts";

/** CacheScope says with whom an answer may be shared. */
export type CacheScope = "user" | "team" | "tenant" | "global";

/** CachePolicy is how the answers of one decision are cached; what is null is the store's to say. */
export interface CachePolicy {
  /** False: an answer is only served to the very same request. */
  readonly semantic: boolean;
  readonly scope: CacheScope;
  /** Least cosine at which a stored question is looked at; whether it asks the same is judged after that. */
  readonly similarityThreshold: number | null;
  readonly ttlSeconds: number | null;
  readonly requestControls: CacheControls;
  /** Whatever the operator writes here; answers of another revision are not found. */
  readonly revision: { readonly cacheEpoch: string | null; readonly modelRevision: string | null };
}

/** CacheControls is what a client may say about caching in a request header. */
export interface CacheControls {
  readonly header: string;
  readonly allowed: readonly CacheDirective[];
  readonly maxTtlSeconds: number | null;
}

export type CacheDirective = "no-cache" | "no-store" | "bypass" | "max-age" | "ttl";

/** CacheSubject is one request as the cache sees it, before it is routed. */
export interface CacheSubject {
  readonly requestId: string;
  readonly endpoint: "chat" | "completions";
  /** What follows `?` in the path: the model's server may read it, so that it is part of the request. Absent: nothing. */
  readonly query?: string;
  /** The body as the client sent it, inflated. */
  readonly body: Uint8Array;
  /** Lower-case names; what clients may not say of themselves has been removed. */
  readonly headers: ReadonlyMap<string, string>;
  readonly routing: CacheRouting;
}

/** CacheRouting is what the present configuration makes of caching, the same for all of its requests. */
export interface CacheRouting {
  /** Changes whenever the same request might be routed otherwise. */
  readonly revision: string;
  /** Request headers that routing reads. */
  readonly headers: readonly string[];
  /** Request headers by which clients control caching; a request that carries one is looked up once its decision is known. */
  readonly controls: readonly string[];
  /** Scopes of the decisions whose route depends on nothing but the request; their answers are found before it is routed. */
  readonly earlyScopes: readonly CacheScope[];
}

/** CacheRoute is where the request would go, if the cache has no answer. */
export interface CacheRoute {
  readonly decision: string;
  /** Changes whenever this decision might make another answer of the same request. */
  readonly revision: string;
  /** Logical model or adapter. */
  readonly model: string;
  readonly policy: CachePolicy;
  /** Told again, as it is, with an answer that is served before the request is routed. */
  readonly meta: Readonly<Record<string, string>>;
  /** Why this request must neither be answered from the cache nor stored; null: it may be. */
  readonly barred: "flagged" | "degraded" | null;
  /** The encoder whose vectors `embed` gives; null: there is none now. */
  readonly encoder: EncoderIdentity | null;
  embed(text: string, options: CallOptions): Promise<TextEmbedding>;
}

/** CacheHit is an answer. */
export interface CacheHit {
  /** Name of the entry, by which it can be told wrong. */
  readonly id: string;
  readonly kind: "exact" | "semantic";
  readonly decision: string;
  readonly model: string;
  readonly meta: Readonly<Record<string, string>>;
  readonly ageSeconds: number;
  /** Cosine to the stored question; 1 for the same request. */
  readonly similarity: number;
  /** render makes the response's body, whole or as an event stream, whichever way it was stored. */
  render(options: RenderOptions): { readonly contentType: string; readonly body: string };
}

export interface RenderOptions {
  readonly stream: boolean;
  /** `stream_options.include_usage` of the request. */
  readonly includeUsage: boolean;
  readonly id: string;
  /** Name of the model to tell the client, where the upstream did not say its own. */
  readonly model: string;
  readonly unixSeconds: number;
}

/** CacheSession walks one request past the cache. Nothing of it ever throws or rejects: a broken cache is a miss that is counted. */
export interface CacheSession {
  /** early looks for the same request's answer before it is routed; null: there is none. */
  early(options: CallOptions): Promise<CacheHit | null>;
  /** lookup looks for an answer once the route is known. On a miss, the upstream's answer is wanted. */
  lookup(route: CacheRoute, options: CallOptions): Promise<CacheHit | null>;
  /** responseStarted says whether the upstream's answer is wanted; then every chunk of it is, decoded. */
  responseStarted(status: number, contentType: string | undefined): boolean;
  responseChunk(chunk: Uint8Array): void;
  /** close is called once, whatever became of the request. `complete`: the answer was seen to its end. */
  close(complete: boolean): void;
}

/** ResponseCache keeps answers of models. */
export interface ResponseCache {
  open(subject: CacheSubject): CacheSession;
}
