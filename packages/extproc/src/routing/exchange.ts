/**
 * An exchange walks one HTTP request past the router: what of the head concerns us, what the body becomes, what the response
 * tells. It speaks the contract of @turnout/shared and knows no transport. Whatever is not ours passes untouched; whatever fails
 * in routing is a verdict, never a rejection.
 */
import { randomUUID } from "node:crypto";
import {
  RouterError,
  traceContextIn,
  type BodyVerdict,
  type CacheHit,
  type CacheSession,
  type CallOptions,
  type Clock,
  type Effect,
  type Exchange,
  type ExchangeFactory,
  type HeadVerdict,
  type HeaderChanges,
  type HeaderEntry,
  type HttpHead,
  type Logger,
  type Metrics,
  type Reply,
  type ResponseHead,
  type TraceContext,
} from "@turnout/shared";
import { cacheRouteOf, cacheSubjectOf } from "./caching.ts";
import { isRecord, parseBody, routingRequest, type Endpoint, type ParsedBody } from "./chat-request.ts";
import { codingsOf, createInflater, isSupported, type Inflate } from "./content-encoding.ts";
import { cacheHeaders, HEADER, namedModelHeaders, routeHeaders, untrustedNames } from "./headers.ts";
import type { ModelTarget } from "./models.ts";
import { editBody, type BodyEdits } from "./mutation.ts";
import { cachedReply, completionReply, errorReply, modelListReply } from "./replies.ts";
import { openTrace, untraced, type RequestTrace } from "./request-trace.ts";
import { createUsageReader, type UsageReader } from "./response/usage.ts";
import { failedRoute, type Route } from "./router.ts";
import type { RoutingSnapshot } from "./snapshot.ts";
import type { Tracer } from "./spans.ts";
import { logCacheHit, logRouting, recordCacheHit, recordRoute, recordUsage, SignalFailureLog } from "./telemetry.ts";

/** ExchangeParts is what exchanges share. `current` gives the snapshot that new exchanges take. */
export interface ExchangeParts {
  readonly current: () => RoutingSnapshot;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** Absent or null: nothing is traced, and trace contexts pass as they came. */
  readonly tracer?: Tracer | null;
}

interface SharedParts extends ExchangeParts {
  readonly inflate: Inflate;
  readonly failures: SignalFailureLog;
}

/** createExchangeFactory opens exchanges for a door. */
export function createExchangeFactory(parts: ExchangeParts): ExchangeFactory {
  const shared: SharedParts = { ...parts, inflate: createInflater(), failures: new SignalFailureLog(parts.logger, parts.clock) };
  return {
    open: (identity = "trusted") => new RoutedExchange(shared, parts.current(), identity),
    limits: () => parts.current().settings.limits,
  };
}

const ENDPOINTS: ReadonlyMap<string, Endpoint> = new Map([
  ["/v1/chat/completions", "chat"],
  ["/v1/completions", "completions"],
]);

/** How much of a client's own words an error repeats, characters. */
const MAX_ECHO = 256;

const UNCHANGED: HeaderChanges = { set: [], remove: [] };

/** KnownHead is what the body needs of the head. */
interface KnownHead {
  readonly endpoint: Endpoint;
  readonly method: string;
  readonly path: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly trace: TraceContext | null;
}

class RoutedExchange implements Exchange {
  readonly #parts: SharedParts;
  readonly #snapshot: RoutingSnapshot;
  readonly #trustsIdentity: boolean;
  #requestId: string | null = null;
  #head: KnownHead | null = null;
  #responseHeaders: readonly HeaderEntry[] = [];
  /** Model that usage is counted for; null while none is known. */
  #model: string | null = null;
  #observing = false;
  #usage: UsageReader | null = null;
  #session: CacheSession | null = null;
  #trace: RequestTrace = untraced;

  constructor(parts: SharedParts, snapshot: RoutingSnapshot, identity: "trusted" | "untrusted") {
    this.#parts = parts;
    this.#snapshot = snapshot;
    this.#trustsIdentity = snapshot.settings.trustIdentityHeaders && identity === "trusted";
  }

  get requestId(): string {
    this.#requestId ??= randomUUID();
    return this.#requestId;
  }

  get wantsResponseHead(): boolean {
    return this.#head !== null;
  }

  get responseBody(): "none" | "observe" {
    return this.#observing ? "observe" : "none";
  }

  onRequestHead(head: HttpHead): HeadVerdict {
    const { settings } = this.#snapshot;
    const startedAt = this.#parts.clock.now();
    const remove = untrustedNames(head.headers, this.#trustsIdentity, settings.identityHeaders);
    const headers = joinedHeaders(head.headers, new Set(remove));
    this.#requestId = headers.get(HEADER.requestId) ?? null;
    const passThrough: HeadVerdict = { kind: "passThrough", changes: { set: [], remove } };
    if (settings.skipProcessingEnabled && headers.get(HEADER.skipProcessing) === "true") return passThrough;

    const path = head.path.split("?", 1)[0] ?? "";
    if (head.method === "GET" && path === "/v1/models") {
      return { kind: "reply", reply: modelListReply(this.#snapshot, this.#unixSeconds()) };
    }
    const endpoint = head.method === "POST" ? ENDPOINTS.get(path) : undefined;
    if (endpoint === undefined) return passThrough;
    if (head.endOfStream) return this.#unrouted("no_body", passThrough);
    if (!isJson(headers.get("content-type"))) return this.#unrouted("content_type", passThrough);
    if (!isSupported(codingsOf(headers.get("content-encoding")))) return this.#unrouted("content_encoding", passThrough);

    const trace = this.#openTrace(head, endpoint, path, startedAt);
    this.#head = { endpoint, method: head.method, path: head.path, headers, trace };
    this.#observing = settings.observeUsage || this.#snapshot.cache !== null;
    // A compressed response could be read neither for its token counts nor for the cache.
    return { kind: "wantsBody", changes: { set: this.#observing ? [["accept-encoding", "identity"]] : [], remove } };
  }

  /** #openTrace gives the context that whoever works for the request is told. */
  #openTrace(head: HttpHead, endpoint: Endpoint, path: string, startedAt: number): TraceContext | null {
    const { tracer = null, clock } = this.#parts;
    const parent = head.trace === undefined ? traceContextIn(head.headers) : head.trace;
    if (tracer === null) return parent;
    const { method, traceLink: link = null } = head;
    this.#trace = openTrace(tracer, clock, { endpoint, requestId: this.requestId, method, path, parent, link, startedAt });
    return this.#trace.context;
  }

  async onRequestBody(body: Uint8Array, options: CallOptions): Promise<BodyVerdict> {
    if (this.#head === null) throw new RouterError("internal", "a body came for a request that wanted none. This is a bug.");
    try {
      return await this.#routeBody(this.#head, body, this.#callOptions(options, this.#head.trace));
    } catch (error) {
      options.signal?.throwIfAborted();
      return this.#refuse(RouterError.from(error));
    }
  }

  onBodyRefused(reason: "too_large" | "too_slow"): Reply {
    this.#observing = false;
    const { maxBodyBytes, bodyTimeoutMs } = this.#snapshot.settings.limits;
    return this.#errorReply(
      reason === "too_large"
        ? new RouterError("body_too_large", `the request body is larger than ${maxBodyBytes} bytes`)
        : new RouterError("body_too_slow", `the request body took longer than ${bodyTimeoutMs} ms`),
    );
  }

  #errorReply(error: RouterError): Reply {
    const reply = errorReply(error);
    this.#trace.answered("error", reply.status, error.code);
    return reply;
  }

  onResponseHead(head: ResponseHead): HeaderChanges {
    if (this.#observing) {
      const headers = joinedHeaders(head.headers, new Set());
      const contentType = headers.get("content-type");
      const plain = codingsOf(headers.get("content-encoding")).length === 0;
      const success = head.status >= 200 && head.status < 300;
      this.#usage = this.#snapshot.settings.observeUsage && plain && success ? createUsageReader(contentType) : null;
      const mayKeep = plain && !/(^|,)\s*no-store\s*(,|$)/i.test(headers.get("cache-control") ?? "");
      const keeps = this.#session?.responseStarted(head.status, mayKeep ? contentType : undefined) === true;
      if (!keeps) this.#endSession(false);
      this.#observing = this.#usage !== null || keeps;
    }
    this.#trace.responseStarted(head.status, this.#observing);
    return this.#responseHeaders.length === 0 ? UNCHANGED : { set: this.#responseHeaders, remove: [] };
  }

  onResponseChunk(chunk: Uint8Array, endOfStream: boolean): void {
    this.#usage?.push(chunk);
    this.#session?.responseChunk(chunk);
    if (chunk.length > 0) this.#trace.responseChunk();
    if (!endOfStream) return;
    this.#countUsage();
    this.#endSession(true);
    this.#trace.responseEnded();
  }

  close(): void {
    this.#countUsage(); // a stream that was cut short has cost what it says it has
    this.#endSession(false);
    this.#trace.close();
  }

  async #routeBody(head: KnownHead, bytes: Uint8Array, options: CallOptions): Promise<BodyVerdict> {
    const { clock, inflate } = this.#parts;
    const { settings, models, router } = this.#snapshot;
    const started = clock.now();
    const codings = codingsOf(head.headers.get("content-encoding"));
    const { maxBodyBytes: maxBytes } = settings.limits;
    const plain = codings.length === 0 ? bytes : await inflate(bytes, codings, { maxBytes, ...signalOf(options) });
    const body = parseBody(plain, head.endpoint);
    if (typeof body === "string") return this.#forwardUnrouted(body);

    const { model } = body;
    if (!settings.autoModelNames.includes(model)) {
      const target = models.find(model);
      if (target === null) return this.#unknownModel(model);
      const edits = { model: model === target.name ? target.wireName : model, systemPrompts: [], reasoning: null };
      this.#responseHeaders = namedModelHeaders(target);
      this.#took(started, model, target, null);
      return this.#forward(body, edits, target, null, codings.length > 0);
    }

    const request = routingRequest({ ...head, requestId: this.requestId }, body);
    this.#openSession(head, plain);
    const follow = (route: Route) => this.#follow(route, head, body, started, codings.length > 0);
    try {
      const known = await this.#early(options);
      if (known !== null) return this.#answerFromCache(known, head, body, started);
      const route = await this.#trace.routing(options, (inner) => router.route(request, inner));
      const hit = await this.#lookup(route, options);
      return hit === null ? follow(route) : this.#answerFromCache(hit, head, body, started, route);
    } catch (error) {
      options.signal?.throwIfAborted();
      const bug = RouterError.from(error);
      if (bug.code !== "internal") throw bug;
      this.#parts.logger.error({ err: bug, request_id: this.requestId }, "routing failed; the default model answers. This is a bug.");
      this.#endSession(false); // whatever it was going to keep, the default model's answer is another
      return follow(failedRoute(request, models));
    }
  }

  #openSession(head: KnownHead, body: Uint8Array): void {
    const { cache } = this.#snapshot;
    const subject = cacheSubjectOf({ ...head, requestId: this.requestId, body }, this.#snapshot);
    if (cache !== null && subject !== null) this.#session = cache.open(subject);
  }

  async #early(options: CallOptions): Promise<CacheHit | null> {
    const session = this.#session;
    if (session === null) return null;
    // Without a decision that can be known so early nothing is looked for, and there is nothing to tell.
    if (!this.#snapshot.router.cachingDecisions.some(({ repeatable }) => repeatable)) return session.early(options);
    return this.#trace.cacheLookup("request", options, (inner) => session.early(inner));
  }

  async #lookup(route: Route, options: CallOptions): Promise<CacheHit | null> {
    const session = this.#session;
    if (session === null) return null;
    const cacheRoute = cacheRouteOf(route, this.#snapshot);
    if (cacheRoute !== null) return this.#trace.cacheLookup("question", options, (inner) => session.lookup(cacheRoute, inner));
    this.#endSession(false);
    return null;
  }

  /** #answerFromCache ends the request with what was kept. `route`: the one it took; absent where it was known before routing. */
  #answerFromCache(hit: CacheHit, head: KnownHead, body: ParsedBody, started: number, route?: Route): BodyVerdict {
    this.#observing = false;
    this.#endSession(false);
    const { metrics, logger, clock } = this.#parts;
    const headers = cacheHeaders(hit, head.headers.get(HEADER.debug) === "true");
    const options = body.value["stream_options"];
    const answer = hit.render({
      stream: body.stream,
      includeUsage: isRecord(options) && options["include_usage"] === true,
      id: this.requestId,
      model: body.model,
      unixSeconds: this.#unixSeconds(),
    });
    if (route !== undefined) {
      recordRoute(metrics, route);
      this.#parts.failures.tell(route);
    }
    recordCacheHit(metrics, hit);
    const latencyMs = clock.now() - started;
    metrics.routingLatency.observe(latencyMs / 1_000);
    this.#trace.answered("cache", 200);
    this.#trace.took(latencyMs);
    logCacheHit(logger, { requestId: this.requestId, originalModel: body.model, hit, latencyMs });
    return { kind: "reply", reply: cachedReply(answer, headers) };
  }

  #endSession(complete: boolean): void {
    const session = this.#session;
    this.#session = null;
    session?.close(complete);
  }

  /** follow turns a route into what the door has to do. */
  #follow(route: Route, head: KnownHead, body: ParsedBody, started: number, compressed: boolean): BodyVerdict {
    const debug = head.headers.get(HEADER.debug) === "true";
    const answer = route.effects.find((effect) => effect.kind === "respondWithText");
    const headers = routeHeaders(route, answer === undefined ? "upstream" : "fast_response", debug);
    const systemPrompts = route.effects.filter((effect) => effect.kind === "setSystemPrompt");
    const edits = { model: route.target.wireName, systemPrompts, reasoning: route.target.reasoning };
    const verdict =
      answer === undefined ? this.#forward(body, edits, route.target, route, compressed) : this.#answer(answer.text, body, headers);
    if (answer === undefined) {
      this.#responseHeaders = headers;
      this.#parts.metrics.routingModifications.inc({ source_model: body.model, target_model: route.target.name });
    }
    recordRoute(this.#parts.metrics, route);
    this.#parts.failures.tell(route);
    this.#took(started, body.model, route.target, route);
    return verdict;
  }

  /** `route`: null where the client named the model. */
  #forward(body: ParsedBody, edits: BodyEdits, target: ModelTarget, route: Route | null, compressed: boolean): BodyVerdict {
    const changed = editBody(body, edits);
    const hasState = this.#head?.headers.has("tracestate") === true;
    const traced = this.#trace.forwarded({ target, originalModel: body.model, route, hasState });
    const changes = headerChanges(route?.effects ?? [], target, traced);
    this.#model = target.name;
    this.#parts.metrics.modelRequests.inc({ model: target.name });
    const remove = compressed && changed !== null ? [...changes.remove, "content-encoding"] : changes.remove;
    return { kind: "forward", changes: { ...changes, remove }, body: changed, backendModel: target.model };
  }

  #answer(text: string, { endpoint, stream, model }: ParsedBody, headers: readonly HeaderEntry[]): BodyVerdict {
    this.#observing = false;
    const { requestId } = this;
    this.#trace.answered("plugin", 200);
    const reply = completionReply({ text, requestId, model, endpoint, stream, unixSeconds: this.#unixSeconds(), headers });
    return { kind: "reply", reply };
  }

  #unknownModel(model: string): BodyVerdict {
    if (this.#snapshot.settings.unknownModel === "pass_through") return this.#forwardUnrouted("unknown_model");
    return this.#refuse(new RouterError("model_unknown", `model ${JSON.stringify(model.slice(0, MAX_ECHO))} is not available`));
  }

  #refuse(error: RouterError): BodyVerdict {
    this.#observing = false;
    if (error.code === "internal") this.#parts.logger.error({ err: error, request_id: this.requestId }, "routing failed");
    return { kind: "reply", reply: this.#errorReply(error) };
  }

  #forwardUnrouted(reason: string): BodyVerdict {
    this.#observing = false;
    return this.#unrouted(reason, { kind: "forward", changes: UNCHANGED, body: null, backendModel: null });
  }

  #unrouted<Verdict>(reason: string, verdict: Verdict): Verdict {
    this.#parts.metrics.unroutedBodies.inc({ reason });
    return verdict;
  }

  #took(started: number, originalModel: string, target: ModelTarget, route: Route | null): void {
    const { clock, metrics, logger } = this.#parts;
    const latencyMs = clock.now() - started;
    metrics.routingLatency.observe(latencyMs / 1_000);
    this.#trace.took(latencyMs);
    logRouting(logger, { requestId: this.requestId, originalModel, target, route, latencyMs });
  }

  #callOptions({ signal, deadline = Infinity }: CallOptions, trace: TraceContext | null): CallOptions {
    const ours = this.#parts.clock.now() + this.#snapshot.settings.deadlineMs;
    return { deadline: Math.min(ours, deadline), ...signalOf({ signal }), ...(trace === null ? {} : { trace }) };
  }

  #countUsage(): void {
    const completion = this.#usage?.end() ?? null;
    this.#usage = null;
    if (completion === null) return;
    this.#trace.completed(completion);
    const { usage } = completion;
    if (usage !== null && this.#model !== null) recordUsage(this.#parts.metrics, this.#model, usage);
  }

  #unixSeconds(): number {
    return Math.floor(this.#parts.clock.wallMs() / 1_000);
  }
}

function signalOf({ signal }: { readonly signal?: AbortSignal | undefined }): { readonly signal?: AbortSignal } {
  return signal === undefined ? {} : { signal };
}

/** headerChanges of the request that goes upstream. */
function headerChanges(effects: readonly Effect[], target: ModelTarget, traced: HeaderChanges): HeaderChanges {
  const set: HeaderEntry[] = [[HEADER.upstreamModel, target.name], ...traced.set];
  const remove: string[] = [...traced.remove];
  for (const effect of effects) {
    if (effect.kind === "setRequestHeader") set.push([effect.name, effect.value]);
    else if (effect.kind === "removeRequestHeader") remove.push(effect.name);
  }
  return { set, remove };
}

function joinedHeaders(headers: readonly HeaderEntry[], without: ReadonlySet<string>): ReadonlyMap<string, string> {
  const joined = new Map<string, string>();
  for (const [name, value] of headers) {
    if (without.has(name)) continue;
    const before = joined.get(name);
    joined.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return joined;
}

/** isJson is also true when nothing is said of the type: the body then shows whether it can be read. */
function isJson(contentType: string | undefined): boolean {
  const type = contentType?.split(";", 1)[0]?.trim().toLowerCase();
  return type === undefined || type === "" || type === "application/json" || /^application\/[\w.+-]+\+json$/.test(type);
}
