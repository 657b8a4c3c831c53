/**
 * What the cache must know of a configuration: when the same request might be routed otherwise, and when a decision might answer
 * otherwise. Revisions are hashes of everything that has a say, so that a reload of the same file finds what was kept. Pure.
 */
import { createHash } from "node:crypto";
import { RouterError, type CacheRoute, type CacheRouting, type CacheSubject, type EncoderIdentity } from "@turnout/shared";
import { cacheMetaOf } from "./headers.ts";
import type { Route, Router } from "./router.ts";
import type { RoutingSnapshot } from "./snapshot.ts";
import type { DecisionConfig, ProvidersConfig, RoutingConfig } from "./schema.ts";

/** Caching is what the exchanges of one configuration tell the cache. */
export interface Caching {
  /** routingBy the encoder that answers now, whose revision counts where it is asked; null: there is none. */
  routingBy(encoder: EncoderIdentity | null): CacheRouting;
  /** revisionOf what a decision makes of a request. */
  revisionOf(decision: string): string;
}

/** CachingParts has a say in how requests are routed, beside the configuration. */
export interface CachingParts {
  readonly config: RoutingConfig;
  readonly providers: ProvidersConfig;
  readonly router: Router;
  /** Settings and models outside of the configuration; asked only where something is cached, for a model is loaded to tell its revision. */
  readonly beside: () => readonly unknown[];
}

/** createCaching gives null where no decision caches. */
export function createCaching({ config, providers, router, beside }: CachingParts): Caching | null {
  if (router.cachingDecisions.length === 0) return null;
  const early = router.cachingDecisions.filter(({ repeatable }) => repeatable);
  const models = modelsOf(providers);
  const revisions = new Map(config.decisions.map((decision) => [decision.name, revisionOf(decision, models)]));
  const { readsHeaders, wantsEncoder, cachingDecisions } = router;
  const controls = cachingDecisions.flatMap(({ policy: { requestControls } }) =>
    requestControls.allowed.length > 0 ? [requestControls.header] : [],
  );
  const routing: CacheRouting = {
    revision: hashOf([config, models, beside()]),
    headers: readsHeaders,
    controls: [...new Set(controls)],
    earlyScopes: [...new Set(early.map(({ policy }) => policy.scope))],
  };
  return {
    routingBy: (encoder) => (wantsEncoder ? { ...routing, revision: `${routing.revision} ${nameOf(encoder)}` } : routing),
    revisionOf: (decision) => revisions.get(decision) ?? "",
  };
}

/** CachedHead is what the cache must know of a request beside its route. */
export interface CachedHead extends Pick<CacheSubject, "requestId" | "endpoint" | "body" | "headers"> {
  /** With the query. */
  readonly path: string;
}

/** cacheSubjectOf is a request as the cache sees it; null where nothing is cached. */
export function cacheSubjectOf({ path, ...head }: CachedHead, { caching, encoderModel }: RoutingSnapshot): CacheSubject | null {
  if (caching === null) return null;
  const mark = path.indexOf("?");
  return { ...head, query: mark === -1 ? "" : path.slice(mark + 1), routing: caching.routingBy(encoderModel()) };
}

/** cacheRouteOf is a route as the cache sees it; null where its answers are not cached. */
export function cacheRouteOf(route: Route, { caching, embedder, encoderModel, settings }: RoutingSnapshot): CacheRoute | null {
  const { decision, target, cachePolicy: policy } = route;
  if (caching === null || decision === null || policy === null) return null;
  return {
    decision: decision.name,
    revision: caching.revisionOf(decision.name),
    model: target.name,
    policy,
    meta: cacheMetaOf(route),
    barred: barredOf(route),
    encoder: encoderModel(),
    embed: embedIn({ embedder, settings }),
  };
}

/** embedIn gives the vector of a text as this snapshot's signals would have it. */
export function embedIn({ embedder, settings }: Pick<RoutingSnapshot, "embedder" | "settings">): CacheRoute["embed"] {
  return async (text, options) => {
    const [embedding] = await embedder.embed([{ text, window: settings.window }], options);
    if (embedding === undefined) throw new RouterError("internal", "the encoder answered no text. This is a bug.");
    return embedding;
  };
}

/** barredOf says why an answer of this route must not be shared between requests. */
function barredOf({ flagged, warnings, selection, trace }: Route): "flagged" | "degraded" | null {
  if (flagged) return "flagged";
  const failed = selection?.failed === true || trace.plugins.some(({ error }) => error !== null);
  return failed || warnings.some((warning) => warning !== "text_sampled") ? "degraded" : null;
}

/** revisionOf a decision leaves out what only says when it is taken. */
function revisionOf({ name, modelRefs, algorithm, plugins }: DecisionConfig, models: unknown): string {
  return hashOf([name, modelRefs, algorithm, plugins, models]);
}

const nameOf = (encoder: EncoderIdentity | null) => (encoder === null ? "" : `${encoder.model}@${encoder.revision}/${encoder.dimension}`);

/** modelsOf leaves out addresses and keys: where a model is served is not what it answers. What kind of server it is says how it is asked. */
function modelsOf({ defaults, models }: ProvidersConfig): unknown {
  return [
    defaults,
    models.map(({ name, provider_model_id, external_model_ids, reasoning_family, backend_refs }) => [
      name,
      provider_model_id,
      external_model_ids,
      reasoning_family,
      backend_refs.map(({ type, provider, extra_headers, api_version, chat_path }) => [
        type,
        provider,
        extra_headers,
        api_version,
        chat_path,
      ]),
    ]),
  ];
}

function hashOf(value: unknown): string {
  return createHash("sha256").update(JSON.stringify(value)).digest("base64url");
}
