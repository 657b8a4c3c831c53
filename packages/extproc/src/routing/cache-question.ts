/**
 * A request as it would be routed and looked up, without doing either for anybody: for the management API, which explains, and fills the
 * cache with answers that are known.
 */
import { RouterError, type CacheRoute, type CacheSubject, type CallOptions, type ExchangeFactory } from "@turnout/shared";
import { cacheRouteOf, cacheSubjectOf } from "./caching.ts";
import { parseBody, routingRequest } from "./chat-request.ts";
import type { RoutingSnapshot } from "./snapshot.ts";

const PATH = "/v1/chat/completions";

/** CacheQuestion is what the cache would be asked; null parts: this request's answers are not cached. */
export interface CacheQuestion {
  readonly decision: string | null;
  readonly lookup: { readonly subject: CacheSubject; readonly route: CacheRoute } | null;
}

/** cacheQuestion routes a chat request. `headers` are those that a trusted gateway would send. Throws "request_invalid". */
export async function cacheQuestion(
  request: object,
  headers: ReadonlyMap<string, string>,
  snapshot: RoutingSnapshot,
  options: CallOptions,
): Promise<CacheQuestion> {
  const bytes = Buffer.from(JSON.stringify(request));
  const body = parseBody(bytes, "chat");
  if (typeof body === "string") throw new RouterError("request_invalid", `request: ${body}`);
  if (!snapshot.settings.autoModelNames.includes(body.model))
    throw new RouterError(
      "request_invalid",
      `request.model: only routed requests are cached, those for ${snapshot.settings.autoModelNames.join(", ")}`,
    );
  const head = { requestId: "test", method: "POST", path: PATH, headers };
  const route = await snapshot.router.route(routingRequest(head, body), options);
  const subject = cacheSubjectOf({ ...head, endpoint: "chat", body: bytes }, snapshot);
  const cacheRoute = cacheRouteOf(route, snapshot);
  return {
    decision: route.decision?.name ?? null,
    lookup: subject === null || cacheRoute === null ? null : { subject, route: cacheRoute },
  };
}

/** KnownAnswer is a chat request and the completion that it was answered with. */
export interface KnownAnswer {
  readonly request: object;
  readonly response: object;
  readonly headers: Readonly<Record<string, string>>;
}

/** offerAnswer walks a known answer past the router as if a model had given it; true when it was taken up to be kept. */
export async function offerAnswer(
  exchanges: ExchangeFactory,
  { request, response, headers }: KnownAnswer,
  options: CallOptions,
): Promise<boolean> {
  const exchange = exchanges.open();
  try {
    const entries = Object.entries({ ...headers, "content-type": "application/json" });
    exchange.onRequestHead({ method: "POST", path: PATH, headers: entries, endOfStream: false });
    const verdict = await exchange.onRequestBody(Buffer.from(JSON.stringify(request)), options);
    if (verdict.kind === "reply") return false;
    exchange.onResponseHead({ status: 200, headers: [["content-type", "application/json"]] });
    if (exchange.responseBody === "none") return false;
    exchange.onResponseChunk(Buffer.from(JSON.stringify(response)), true);
    return true;
  } finally {
    exchange.close();
  }
}
