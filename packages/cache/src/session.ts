/**
 * One request's walk past the cache: the same request's answer, then a similar one's, then the model's own answer on its way back. The
 * rules of what may be served are here; nothing throws or rejects, and whatever is broken is a miss that is counted.
 */
import {
  RouterError,
  type CacheHit,
  type CacheRoute,
  type CacheSession,
  type CacheSubject,
  type CallOptions,
  type RenderOptions,
} from "@turnout/shared";
import type { CacheBackend, SemanticRow } from "./backends/backend.ts";
import type { CacheParts } from "./cache-parts.ts";
import { createAccumulator, type Accumulator } from "./completion/accumulate.ts";
import { decodePayload, encodePayload, type StoredAnswer } from "./completion/payload.ts";
import { renderEventStream, renderJson } from "./completion/render.ts";
import { decodeFeatures, encodeFeatures, featuresOf, type GuardFeatures } from "./guards/features.ts";
import { compareFeatures } from "./guards/compare.ts";
import {
  canonicalRequest,
  earlyKey,
  entryId,
  exactEligibility,
  partition,
  requestControls,
  scopeHash,
  semanticEligibility,
  type AnswerConditions,
  type CanonicalRequest,
  type ControlWarning,
  type RequestControls,
} from "./identity/index.ts";
import { quantise } from "./index/vector-index.ts";
import type { Lease } from "./single-flight.ts";

/** How many near questions are judged, and how many answers are fetched for them. */
export const MAX_CANDIDATES = 8;
const MAX_FETCHED = 3;

/** Planned is an answer that will be kept if the model gives it. */
interface Planned {
  readonly route: CacheRoute;
  readonly conditions: AnswerConditions;
  readonly id: string;
  readonly ttlSeconds: number;
  /** The user's words, if questions like it may be given its answer. */
  readonly words: string | null;
  /** Of the words; made while the model answers. Never rejects. */
  readonly vector: Promise<Float32Array | null> | null;
  readonly purges: number;
}

/** Bounded is a call that has to be done by a time. */
type Bounded = CallOptions & { readonly deadline: number };

/** Shadow is a semantic hit that was not served, to be compared with what the model answers. */
interface Shadow {
  readonly route: CacheRoute;
  readonly similarity: number;
  readonly answer: StoredAnswer;
}

/** LookupResult is what can become of a look; where the cache is not used, a reason stands in its place. */
type LookupResult = "hit_early" | "hit_exact" | "hit_semantic" | "shadow" | "miss";

export class Session implements CacheSession {
  readonly #parts: CacheParts;
  readonly #subject: CacheSubject;
  /** Read when first asked for; null: it has no identity, or asks for variety. */
  #canonical: CanonicalRequest | null | undefined;
  #planned: Planned | null = null;
  #shadow: Shadow | null = null;
  #lease: Lease | null = null;
  #accumulator: Accumulator | null = null;
  /** What both looks have taken so far, milliseconds. */
  #spentMs = 0;
  #closed = false;

  constructor(parts: CacheParts, subject: CacheSubject) {
    this.#parts = parts;
    this.#subject = subject;
  }

  async early(options: CallOptions): Promise<CacheHit | null> {
    const { routing, headers } = this.#subject;
    // What a client says of caching is the decision's to allow, which is not known yet.
    if (routing.controls.some((name) => headers.has(name))) return null;
    const scopes = this.#earlyScopes();
    if (scopes.length === 0) return null;
    return this.#timed("early", options, async (bounded) => {
      const request = this.#read();
      if (request === null) return null;
      const found = await this.#call("find", (backend) =>
        backend.find(
          scopes.map((scope) => this.#earlyKey(request, scope)),
          bounded,
        ),
      );
      if (found === null) return null;
      const answer = this.#verified(found.payload, found.id, request);
      if (answer === null || !scopes.includes(answer.scope)) return null;
      this.#count("hit_early");
      return this.#hit("exact", answer, 1);
    });
  }

  async lookup(route: CacheRoute, options: CallOptions): Promise<CacheHit | null> {
    return this.#timed("lookup", options, async (bounded) => {
      const { policy } = route;
      if (route.barred !== null) return this.#bypass(route.barred);
      const scope = scopeHash(policy.scope, this.#subject.headers, this.#parts.scope);
      if (scope.kind === "none") {
        this.#parts.tellMissingIdentity(route.decision, policy.scope, scope.reason);
        return this.#bypass("no_identity");
      }
      const request = this.#read();
      if (request === null) return null;
      const controls = this.#controls(route);
      for (const warning of controls.warnings) this.#count(warning);
      const conditions = answerConditions(request, route, scope.hash);
      const id = entryId({ ...conditions, embeddingRevision: null }, request.exact);
      const ttlSeconds = controls.ttlSeconds ?? policy.ttlSeconds ?? this.#parts.settings.ttlSeconds;
      const keeps = controls.write && ttlSeconds > 0;
      let rest = bounded;
      if (controls.read) {
        const hit = await this.#exact(id, request, controls, bounded);
        if (hit !== null) return hit;
        const before = this.#parts.clock.now();
        const theirs = keeps ? await this.#afterOthers(id, request, controls, bounded) : null;
        if (theirs !== null) return theirs;
        // The time that others took is not this lookup's.
        rest = { ...bounded, deadline: bounded.deadline + this.#parts.clock.now() - before };
      }
      const words = controls.read || keeps ? this.#comparable(request, route) : null;
      const here = partition(conditions, request.context);
      // Where nothing is kept under these conditions, as in most conversations, the request does not wait for its vector.
      const vector = words !== null && controls.read && this.#parts.table.compares(here) ? await this.#vector(words, route, rest) : null;
      if (words !== null && vector !== null) {
        const hit = await this.#semantic(words, vector, here, route, controls, rest);
        if (hit !== null) {
          this.#lease?.end(false);
          return hit;
        }
      }
      if (controls.read) this.#missed(route.decision);
      if (keeps) {
        const later = { deadline: this.#parts.clock.now() + STORE_BUDGET_MS };
        const ofWords = words === null ? null : vector === null ? this.#vector(words, route, later) : Promise.resolve(vector);
        this.#planned = { route, conditions, id, ttlSeconds, words, vector: ofWords, purges: this.#parts.table.purges };
      }
      return null;
    });
  }

  responseStarted(status: number, contentType: string | undefined): boolean {
    if (this.#planned === null && this.#shadow === null) return false;
    // Of the others that say "success", one is a part and one a promise.
    if (status !== 200) return this.#skip("status");
    this.#accumulator = createAccumulator({
      contentType,
      protocol: this.#subject.endpoint,
      maxBytes: this.#parts.settings.maxAnswerBytes,
    });
    return true;
  }

  responseChunk(chunk: Uint8Array): void {
    this.#accumulator?.push(chunk);
  }

  close(complete: boolean): void {
    this.#closed = true;
    const accumulator = this.#accumulator;
    const planned = this.#planned;
    const shadow = this.#shadow;
    const lease = this.#lease;
    this.#accumulator = this.#planned = this.#shadow = this.#lease = null;
    const answered = (kept: boolean) => lease?.end(kept);
    if (accumulator === null) return answered(false);
    // Reading and packing a long answer takes milliseconds: its last bytes go to the client first.
    setImmediate(() => {
      this.#ended(accumulator, planned, shadow, complete).then(answered, (error: unknown) => {
        this.#fail("store", error);
        answered(false);
      });
    });
  }

  /** #ended keeps an answer that went by, if it may be kept; true when it is. */
  async #ended(accumulator: Accumulator, planned: Planned | null, shadow: Shadow | null, complete: boolean): Promise<boolean> {
    const answer = accumulator.end();
    if (answer.kind === "refused") {
      // An answer that was cut off has its reason from the stream; one whose client left has none.
      if (planned !== null) this.#skip(complete ? answer.reason : "aborted");
      return false;
    }
    if (shadow !== null) void this.#parts.compare(shadow.route, shadow.similarity, shadow.answer.completion, answer.completion);
    const request = this.#canonical ?? null;
    return planned !== null && request !== null && this.#store(planned, request, answer.completion);
  }

  /** #read the request, where somebody may be given its answer or keep it. */
  #read(): CanonicalRequest | null {
    if (this.#canonical !== undefined) return this.#canonical;
    const { body, endpoint, query } = this.#subject;
    const request = canonicalRequest(body, endpoint, query);
    if (request.kind === "uncacheable") {
      this.#bypass(request.reason);
      return (this.#canonical = null);
    }
    const eligible = exactEligibility(request, this.#parts.eligibility);
    if (!eligible.allowed) this.#bypass(eligible.reason);
    return (this.#canonical = eligible.allowed ? request : null);
  }

  /** #exact looks for the very same request's answer. */
  async #exact(id: string, request: CanonicalRequest, controls: RequestControls, options: CallOptions): Promise<CacheHit | null> {
    const payloads = await this.#call("get", (backend) => backend.get([id], options));
    const payload = payloads?.[0] ?? null;
    const answer = payload === null ? null : this.#verified(payload, id, request);
    if (answer === null || isTooOld(answer, controls, this.#now())) return null;
    this.#count("hit_exact");
    return this.#hit("exact", answer, 1);
  }

  /** #afterOthers waits for an identical request that is upstream, if the operator wants that, and looks again. */
  async #afterOthers(id: string, request: CanonicalRequest, controls: RequestControls, options: CallOptions): Promise<CacheHit | null> {
    const { flights, settings, metrics, backend, clock } = this.#parts;
    // While the store is away, what the first is answered cannot be handed on.
    if (settings.singleFlightMs === 0 || backend.state().state === "unavailable") return null;
    const { deadline: _, ...waiting } = options;
    const turn = await flights.join(id, settings.singleFlightMs, waiting);
    if (turn.kind === "go") {
      // A request may be over before its turn comes: nobody would end the lease any more.
      if (this.#closed) turn.lease.end(false);
      else this.#lease = turn.lease;
      return null;
    }
    metrics.responseCacheWaiters.inc({ backend: backend.name, outcome: turn.kind });
    const again = { ...waiting, deadline: clock.now() + settings.lookupBudgetMs };
    return turn.kind === "answered" ? this.#exact(id, request, controls, again) : null;
  }

  /** #comparable gives the user's words, where a similar question's answer may do. */
  #comparable(request: CanonicalRequest, { policy, encoder }: CacheRoute): string | null {
    if (!policy.semantic || encoder === null || request.lastUserText === null) return null;
    const eligible = semanticEligibility(request, this.#parts.eligibility);
    if (eligible.allowed) return request.lastUserText;
    this.#count(`exact_only_${eligible.reason}`);
    return null;
  }

  /** #vector of the words; the signals have had it made already, as a rule. */
  async #vector(words: string, { embed }: CacheRoute, options: CallOptions): Promise<Float32Array | null> {
    try {
      const { vector, sampled } = await embed(words, options);
      // The vector of a part says nothing of the whole.
      return sampled ? null : vector;
    } catch (error) {
      this.#fail("embed", error);
      return null;
    }
  }

  async #semantic(
    text: string,
    vector: Float32Array,
    here: Uint8Array,
    route: CacheRoute,
    controls: RequestControls,
    options: CallOptions,
  ): Promise<CacheHit | null> {
    const { table, settings, metrics, verifier, calibration, random } = this.#parts;
    const threshold = route.policy.similarityThreshold ?? settings.similarityThreshold;
    const features = featuresOf(text);
    if (features === null) return null;
    const candidates = table.nearest(here, vector, MAX_CANDIDATES).filter(({ entry, cosine }) => {
      if (cosine < threshold || entry.features === null) return false;
      const stored = decodeFeatures(entry.features);
      const verdict = stored === null ? null : compareFeatures(features, stored);
      if (verdict !== null && !verdict.pass) metrics.cacheGuards.inc({ guard: verdict.guard });
      return verdict?.pass === true;
    });
    const fetched = candidates.slice(0, MAX_FETCHED);
    if (fetched.length === 0) return null;
    const ids = fetched.map(({ entry }) => entry.id);
    const payloads = (await this.#call("get", (backend) => backend.get(ids, options))) ?? [];
    for (const [index, { entry, cosine }] of fetched.entries()) {
      const payload = payloads[index] ?? null;
      const answer = payload === null ? null : this.#decoded(payload, entry.id);
      if (answer === null || Buffer.compare(answer.partition, here) !== 0 || answer.userText === null) continue;
      if (isTooOld(answer, controls, this.#now())) continue;
      const decision = verifier.decide(text, answer.userText, cosine);
      if (!decision.serve) {
        metrics.cacheGuards.inc({ guard: decision.guard ?? decision.verdict });
        continue;
      }
      if (!calibration.allows(route.decision, route.revision) || random() < settings.shadowShare) {
        this.#shadow = { route, similarity: cosine, answer };
        this.#count("shadow");
        return null;
      }
      this.#count("hit_semantic");
      return this.#hit("semantic", answer, cosine);
    }
    return null;
  }

  /** #store keeps an answer; true when it is kept. */
  async #store(planned: Planned, request: CanonicalRequest, completion: StoredAnswer["completion"]): Promise<boolean> {
    const { route, conditions, id, ttlSeconds, words, purges } = planned;
    const { settings, table, writes, clock } = this.#parts;
    // Somebody has ordered answers to be forgotten while this one was on its way: it may be one of them.
    if (table.purges !== purges) return this.#skip("purged_meanwhile");
    // The world is nobody who could be told to write less.
    if (route.policy.scope !== "global" && !writes.admit(conditions.scope)) return this.#skip("write_limit");
    const options = { deadline: clock.now() + STORE_BUDGET_MS };
    const features = words === null ? null : featuresOf(words);
    const vector = features === null ? null : await planned.vector;
    const createdMs = this.#now();
    const expiresMs = createdMs + ttlSeconds * 1_000;
    const here = partition(conditions, request.context);
    const payload = encodePayload({
      id,
      scope: conditions.scope,
      decision: route.decision,
      model: route.model,
      exact: request.exact,
      partition: here,
      userText: request.lastUserText,
      meta: route.meta,
      createdMs,
      expiresMs,
      completion,
    });
    if (payload.length > settings.maxAnswerBytes) return this.#skip("too_large");
    const semantic = vector === null || features === null ? null : semanticRow(vector, features);
    const { decision, model } = route;
    const row = { id, scope: conditions.scope, decision, model, partition: here, createdMs, expiresMs, semantic };
    const early = this.#subject.routing.earlyScopes.includes(route.policy.scope);
    const pointers = early ? [this.#earlyKey(request, conditions.scope)] : [];
    // A purge may have come while the vector was made.
    if (table.purges !== purges) return this.#skip("purged_meanwhile");
    return (await this.#call("put", (backend) => backend.put({ row, payload, pointers }, options).then(() => true))) ?? false;
  }

  /** #verified is the answer to this very request, or null. */
  #verified(payload: Uint8Array, id: string, request: CanonicalRequest): StoredAnswer | null {
    const answer = this.#decoded(payload, id);
    return answer !== null && answer.exact === request.exact ? answer : null;
  }

  /** #decoded is what was kept under this id, if it is whole and alive. */
  #decoded(payload: Uint8Array, id: string): StoredAnswer | null {
    const decoded = decodePayload(payload);
    if (decoded.kind === "broken") {
      this.#parts.metrics.cacheErrors.inc({ operation: "decode", code: decoded.reason });
      return null;
    }
    const { answer } = decoded;
    return answer.id === id && answer.expiresMs > this.#now() ? answer : null;
  }

  #hit(kind: "exact" | "semantic", answer: StoredAnswer, similarity: number): CacheHit {
    const { decision, model, meta, completion } = answer;
    const ageSeconds = Math.max(0, (this.#now() - answer.createdMs) / 1_000);
    this.#parts.metrics.responseCacheAge.observe(ageSeconds);
    const protocol = this.#subject.endpoint;
    const render = ({ stream, includeUsage, id, model: asked, unixSeconds: created }: RenderOptions) => {
      const identity = { id: `${protocol === "chat" ? "chatcmpl" : "cmpl"}-${id}`, created, model: completion.model ?? asked, protocol };
      return stream
        ? { contentType: "text/event-stream", body: renderEventStream(completion, { ...identity, includeUsage }) }
        : { contentType: "application/json", body: renderJson(completion, identity) };
    };
    return { id: answer.id, kind, decision, model, meta, ageSeconds, similarity, render };
  }

  #controls({ policy: { requestControls: controls } }: CacheRoute): RequestControls {
    const { header, allowed, maxTtlSeconds } = controls;
    return requestControls(this.#subject.headers.get(header), { enabled: allowed.length > 0, allowed: new Set(allowed), maxTtlSeconds });
  }

  #earlyScopes(): readonly string[] {
    return this.#subject.routing.earlyScopes.flatMap((scope) => {
      const result = scopeHash(scope, this.#subject.headers, this.#parts.scope);
      return result.kind === "scope" ? [result.hash] : [];
    });
  }

  #earlyKey({ exact }: CanonicalRequest, scope: string): string {
    const { headers, routing } = this.#subject;
    const dependencies = new Map(routing.headers.map((name) => [`header:${name}`, headers.get(name) ?? null]));
    return earlyKey({ scope, exact, configRevision: routing.revision, dependencies });
  }

  /** #call asks the backend; a failure is null. */
  async #call<Result>(operation: string, ask: (backend: CacheBackend) => Promise<Result>): Promise<Result | null> {
    const { backend, metrics, clock } = this.#parts;
    const started = clock.now();
    let status = "success";
    try {
      return await ask(backend);
    } catch (error) {
      status = "error";
      this.#fail(operation, error);
      return null;
    } finally {
      metrics.cacheOperations.inc({ backend: backend.name, operation, status });
      metrics.cacheOperationSeconds.observe({ backend: backend.name, operation }, (clock.now() - started) / 1_000);
    }
  }

  /** #timed bounds a look by what is left of the budget, and makes a miss of whatever breaks in it. */
  async #timed(operation: string, options: CallOptions, look: (options: Bounded) => Promise<CacheHit | null>): Promise<CacheHit | null> {
    const { settings, metrics, backend, clock } = this.#parts;
    const started = clock.now();
    const deadline = Math.min(started + Math.max(0, settings.lookupBudgetMs - this.#spentMs), options.deadline ?? Infinity);
    let hit: CacheHit | null = null;
    let status = "success";
    try {
      hit = await look({ ...options, deadline });
    } catch (error) {
      status = "error";
      this.#fail(operation, error);
    }
    const tookMs = clock.now() - started;
    this.#spentMs += tookMs;
    const labels = {
      backend: backend.name,
      operation,
      protocol: this.#subject.endpoint,
      hit_kind: hit?.kind ?? "none",
      source: "request",
      status,
    };
    metrics.responseCacheSeconds.observe(labels, tookMs / 1_000);
    return hit;
  }

  #missed(decision: string): void {
    this.#parts.metrics.cachePluginMisses.inc({ decision_name: decision, plugin_type: "response_cache" });
    if (this.#shadow === null) this.#count("miss");
  }

  /** #bypass counts why the cache is not used for this request. */
  #bypass(reason: string): null {
    this.#count(`bypass_${reason}`);
    return null;
  }

  #count(result: LookupResult | ControlWarning | `bypass_${string}` | `exact_only_${string}`): void {
    this.#parts.metrics.cacheLookups.inc({ result });
  }

  /** #skip counts why an answer is not kept. */
  #skip(reason: string): false {
    this.#parts.metrics.cacheWriteSkipped.inc({ reason });
    return false;
  }

  #fail(operation: string, error: unknown): void {
    this.#parts.metrics.cacheErrors.inc({ operation, code: RouterError.from(error).code });
  }

  #now(): number {
    return this.#parts.clock.wallMs();
  }
}

/** How long writing an answer may take: nobody waits for it. */
const STORE_BUDGET_MS = 1_000;

function isTooOld({ createdMs }: StoredAnswer, { maxAgeSeconds }: RequestControls, now: number): boolean {
  return maxAgeSeconds !== null && now - createdMs > maxAgeSeconds * 1_000;
}

/** semanticRow is what other questions are compared with. */
export function semanticRow(vector: Float32Array, features: GuardFeatures): SemanticRow {
  return { ...quantise(vector), features: encodeFeatures(features) };
}

/** answerConditions are what stands for an answer beside the request. */
export function answerConditions({ body }: CanonicalRequest, route: CacheRoute, scope: string): AnswerConditions {
  const { decision, revision, policy, encoder } = route;
  const { model } = body;
  return {
    scope,
    decision,
    decisionRevision: revision,
    requestedModel: typeof model === "string" ? model : "",
    selectedModel: route.model,
    cacheEpoch: policy.revision.cacheEpoch,
    modelRevision: policy.revision.modelRevision,
    embeddingRevision: encoder === null ? null : `${encoder.model}@${encoder.revision}/${encoder.dimension}`,
  };
}
