/** Every header that Turnout reads or writes, in one table with vSR's spelling, and what a route says in them. Pure. */
import type { CacheHit, HeaderEntry } from "@turnout/shared";
import type { ModelTarget } from "./models.ts";
import type { Route } from "./router.ts";
import { estimateTokens } from "./signals/context.ts";
import { signals } from "./signals/index.ts";

export const HEADER = {
  requestId: "x-request-id",
  debug: "x-vsr-debug",
  skipProcessing: "x-vsr-skip-processing",
  upstreamModel: "x-selected-model",
  schemaVersion: "x-vsr-schema-version",
  responsePath: "x-vsr-response-path",
  decision: "x-vsr-selected-decision",
  confidence: "x-vsr-selected-confidence",
  algorithm: "x-vsr-selected-algorithm",
  model: "x-vsr-selected-model",
  category: "x-vsr-selected-category",
  reasoning: "x-vsr-selected-reasoning",
  warnings: "x-vsr-response-warnings",
  cacheHit: "x-vsr-cache-hit",
  cacheSimilarity: "x-vsr-cache-similarity",
  cacheKind: "x-vsr-cache-kind",
  cacheAge: "age",
  cacheEntry: "x-vsr-cache-entry",
  contextTokens: "x-vsr-context-token-count",
  injectedSystemPrompt: "x-vsr-injected-system-prompt",
  matchedPrefix: "x-vsr-matched-",
} as const;

/** HeaderFacts says of a header who sends it, when, and what it says. */
export interface HeaderFacts {
  readonly on: "client's request" | "model's request" | "response" | "debug response";
  readonly says: string;
}

/** headerFacts is what docs/headers-and-metrics.md prints. */
export const headerFacts: Readonly<Record<keyof typeof HEADER, HeaderFacts>> = {
  requestId: { on: "client's request", says: "Names the request in logs and in what the router answers itself; made up when absent." },
  debug: { on: "client's request", says: "`true` asks for the headers that say why." },
  skipProcessing: { on: "client's request", says: "`true` passes untouched, where `global.router.skip_processing.enabled` allows it." },
  upstreamModel: { on: "model's request", says: "The logical model or LoRA adapter that was chosen; gateways may route by it." },
  schemaVersion: { on: "response", says: "Version of these headers." },
  responsePath: { on: "response", says: "Who made the response: `upstream`, `cache`, `fast_response` or `error`." },
  decision: { on: "response", says: "The decision taken; absent when none matched and the default model answers." },
  confidence: { on: "response", says: "Its confidence, four decimals." },
  algorithm: { on: "response", says: "What selected among its candidates." },
  model: { on: "response", says: "The model or adapter that was chosen or asked for." },
  warnings: {
    on: "response",
    says: "In what way the routing was less than it could be: `deadline_exceeded`, `classifier_overloaded`, `classifier_unavailable`, `signal_failed`, `text_sampled`, `routing_failed` (the default model answers), separated by commas.",
  },
  cacheHit: { on: "response", says: "`true` when the answer came from the response cache." },
  cacheAge: { on: "response", says: "Seconds since a cached answer was made." },
  cacheKind: { on: "debug response", says: "`exact` for the same request, `semantic` for one that asks the same." },
  cacheSimilarity: { on: "debug response", says: "Cosine between the question and the one that was answered, four decimals." },
  cacheEntry: { on: "debug response", says: "Name of the entry that answered, for `POST /api/v1/response-cache/feedback`." },
  category: { on: "debug response", says: "The domain found." },
  reasoning: { on: "debug response", says: "`on` or `off`; absent when the model's reasoning was left alone." },
  contextTokens: { on: "debug response", says: "Estimated tokens of all messages." },
  injectedSystemPrompt: { on: "debug response", says: "`true` when a plugin set the system prompt." },
  matchedPrefix: { on: "debug response", says: "Before a signal's suffix: the names of its rules that matched." },
};

/** ResponsePath says who made the response. */
export type ResponsePath = "upstream" | "cache" | "fast_response" | "error";

const SCHEMA_VERSION = "2";

/** Names that only a router may write. From a client they could pose as one, or steer a gateway that routes by them. */
const ROUTER_HEADERS = /^(x-selected-model|x-vsr-internal-auth|x-vsr-looper-.*|x-vsr-selected-.*)$/;
const IDENTITY_HEADERS = /^x-authz-/;

/** untrustedNames are the headers to remove from what a client sends. Servers that read `-` and `_` as the same must not be fooled either. */
export function untrustedNames(
  headers: readonly HeaderEntry[],
  trustIdentityHeaders: boolean,
  identityHeaders: readonly string[] = [],
): readonly string[] {
  const names = new Set<string>();
  const isIdentity = (name: string) => IDENTITY_HEADERS.test(name) || identityHeaders.some((own) => dashed(own) === name);
  for (const [name] of headers) {
    const read = dashed(name);
    if (ROUTER_HEADERS.test(read) || (!trustIdentityHeaders && isIdentity(read))) names.add(name);
  }
  return [...names];
}

const dashed = (name: string) => (name.includes("_") ? name.replaceAll("_", "-") : name);

/** pathHeaders are on every response of a request that is ours. */
export function pathHeaders(path: ResponsePath): HeaderEntry[] {
  return [
    [HEADER.schemaVersion, SCHEMA_VERSION],
    [HEADER.responsePath, path],
  ];
}

/** namedModelHeaders are for a request whose client chose the model. */
export function namedModelHeaders(target: ModelTarget): HeaderEntry[] {
  return [...pathHeaders("upstream"), [HEADER.model, headerText(target.name)]];
}

/** CacheMeta is what is kept beside an answer, so that a request which is answered before it is routed can say how it would have been. */
export interface CacheMeta {
  readonly confidence: string;
  readonly algorithm: string;
}

/** cacheMetaOf a route. */
export function cacheMetaOf({ decision, selection }: Route): Readonly<Record<keyof CacheMeta, string>> {
  return { confidence: decision?.confidence.toFixed(4) ?? "", algorithm: selection?.algorithm ?? "" };
}

/** cacheHeaders tell that and how the cache has answered. */
export function cacheHeaders({ id, kind, decision, model, meta, ageSeconds, similarity }: CacheHit, debug: boolean): HeaderEntry[] {
  const { confidence = "", algorithm = "" }: Partial<CacheMeta> = meta;
  const headers: HeaderEntry[] = [
    ...pathHeaders("cache"),
    [HEADER.cacheHit, "true"],
    [HEADER.cacheAge, String(Math.floor(ageSeconds))],
    [HEADER.decision, headerText(decision)],
    [HEADER.model, headerText(model)],
  ];
  if (confidence !== "") headers.push([HEADER.confidence, headerText(confidence)]);
  if (algorithm !== "") headers.push([HEADER.algorithm, headerText(algorithm)]);
  if (debug) headers.push([HEADER.cacheKind, kind], [HEADER.cacheSimilarity, similarity.toFixed(4)], [HEADER.cacheEntry, headerText(id)]);
  return headers;
}

/** routeHeaders tell the client how it was routed; with `debug` also why. */
export function routeHeaders(route: Route, path: ResponsePath, debug: boolean): HeaderEntry[] {
  const { decision, selection, target, warnings } = route;
  const headers = pathHeaders(path);
  if (decision !== null) headers.push([HEADER.decision, headerText(decision.name)], [HEADER.confidence, decision.confidence.toFixed(4)]);
  if (selection !== null) headers.push([HEADER.algorithm, selection.algorithm]);
  if (path === "upstream") headers.push([HEADER.model, headerText(target.name)]);
  if (warnings.length > 0) headers.push([HEADER.warnings, warnings.join(",")]);
  if (debug) headers.push(...debugHeaders(route));
  return headers;
}

function debugHeaders({ trace, target, request, effects }: Route): HeaderEntry[] {
  const headers: HeaderEntry[] = [];
  for (const { type, matches } of trace.signals) {
    const header = signals.find((signal) => signal.type === type)?.header ?? null;
    if (header === null || matches.length === 0) continue;
    headers.push([HEADER.matchedPrefix + header, headerText(matches.map(({ rule }) => rule).join(","))]);
  }
  const category = trace.signals.find(({ type }) => type === "domain")?.matches[0]?.rule;
  if (category !== undefined) headers.push([HEADER.category, headerText(category)]);
  if (target.reasoning !== null) headers.push([HEADER.reasoning, target.reasoning.enabled ? "on" : "off"]);
  headers.push([HEADER.contextTokens, String(estimateTokens(request.textBytes))]);
  headers.push([HEADER.injectedSystemPrompt, String(effects.some(({ kind }) => kind === "setSystemPrompt"))]);
  return headers;
}

/** headerText makes a configured name fit for a header: field values are visible ASCII and spaces. */
function headerText(text: string): string {
  return text.toWellFormed().replace(/[^\x20-\x7E]/gu, (character) => encodeURIComponent(character));
}
