/**
 * One request's spans, made from what the exchange knows at each step; most are written once the step is over, from the numbers that
 * metrics and log have too. They stand side by side under the request's own span, which lasts as long as the exchange. Of a request that
 * is not recorded only the trace context is handed on; where nothing is traced at all, not even that. Called by the exchange.
 */
import type { CacheHit, CallOptions, Clock, HeaderChanges, TraceContext } from "@turnout/shared";
import type { Endpoint } from "./chat-request.ts";
import type { Verdict } from "./decision/condition.ts";
import type { ModelTarget } from "./models.ts";
import type { PluginRun } from "./plugins/run.ts";
import type { Completion } from "./response/usage.ts";
import type { Route } from "./router.ts";
import type { SignalOutcome } from "./signals/evaluate.ts";
import { spanNames, type Span, type Tracer } from "./spans.ts";

/** TracedHead is what the request's own span says. */
export interface TracedHead {
  readonly endpoint: Endpoint;
  readonly requestId: string;
  readonly method: string;
  /** Without its query, which may say anything. */
  readonly path: string;
  readonly parent: TraceContext | null;
  /** The gateway's other word on who the parent is. */
  readonly link: TraceContext | null;
  readonly startedAt: number;
}

/** Forwarding is a request on its way to a model. */
export interface Forwarding {
  readonly target: ModelTarget;
  /** As the client named it. */
  readonly originalModel: string;
  /** Null: the client named the model. */
  readonly route: Route | null;
  /** The client's request has a tracestate. */
  readonly hasState: boolean;
}

/** RequestTrace is told what happens, in this order. */
export interface RequestTrace {
  /** What whoever works for the request is told as parent; null: nothing is traced. */
  readonly context: TraceContext | null;
  /** cacheLookup runs one look into the cache. `tier`: for the same request, before it is routed, or for the same question, after that. */
  cacheLookup(tier: "request" | "question", options: CallOptions, look: Step<CacheHit | null>): Promise<CacheHit | null>;
  /** routing runs the router. */
  routing(options: CallOptions, route: Step<Route>): Promise<Route>;
  /** forwarded gives the headers that name the upstream's parent, in place of what the client said. */
  forwarded(forwarding: Forwarding): HeaderChanges;
  /** answered: the request ends here. `failure` is an error's code. */
  answered(by: "cache" | "plugin" | "error", status: number, failure?: string): void;
  /** took says how long the request was held. */
  took(ms: number): void;
  /** `observed`: the response's chunks will be seen. */
  responseStarted(status: number, observed: boolean): void;
  responseChunk(): void;
  /** completed tells what the upstream said of its answer, as far as it was seen. */
  completed(completion: Completion): void;
  responseEnded(): void;
  /** close ends what is open. */
  close(): void;
}

/** Step does something with the options that it must pass on. */
type Step<Outcome> = (options: CallOptions) => Promise<Outcome>;

const UNCHANGED: HeaderChanges = { set: [], remove: [] };

/** untraced is every request's trace where nothing is traced. */
export const untraced: RequestTrace = {
  context: null,
  cacheLookup: (_tier, options, look) => look(options),
  routing: (options, route) => route(options),
  forwarded: () => UNCHANGED,
  answered: () => undefined,
  took: () => undefined,
  responseStarted: () => undefined,
  responseChunk: () => undefined,
  completed: () => undefined,
  responseEnded: () => undefined,
  close: () => undefined,
};

/** openTrace begins a request's trace. */
export function openTrace(tracer: Tracer, clock: Clock, head: TracedHead): RequestTrace {
  return new TracedRequest(tracer, clock, head);
}

/** What is told of a name that somebody else has chosen, characters. */
const MAX_NAME = 128;

class TracedRequest implements RequestTrace {
  readonly #span: Span;
  readonly #clock: Clock;
  readonly #operation: string;
  #upstream: Span | null = null;
  #response: Span | null = null;
  #forwardedAt = 0;
  #chunks = 0;

  constructor(tracer: Tracer, clock: Clock, { endpoint, requestId, method, path, parent, link, startedAt }: TracedHead) {
    this.#clock = clock;
    this.#operation = endpoint === "chat" ? "chat" : "text_completion";
    this.#span = tracer.start(spanNames.request, parent, {
      kind: "server",
      startedAt,
      attributes: { "request.id": requestId.slice(0, MAX_NAME), "http.method": method, "http.path": path },
      links: link === null ? [] : [link],
    });
  }

  get context(): TraceContext {
    return this.#span.context;
  }

  async cacheLookup(tier: "request" | "question", options: CallOptions, look: Step<CacheHit | null>): Promise<CacheHit | null> {
    const startedAt = this.#clock.now();
    const span = this.#span.child(spanNames.cacheLookup, { startedAt, attributes: { "cache.tier": tier } });
    try {
      const hit = await look({ ...options, trace: span.context });
      span.set({
        "cache.hit": hit !== null,
        "cache.lookup_time_ms": this.#clock.now() - startedAt,
        ...(hit === null ? {} : { "cache.kind": hit.kind, "cache.similarity": hit.similarity, "cache.age_seconds": hit.ageSeconds }),
      });
      return hit;
    } finally {
      span.end(this.#clock.now());
    }
  }

  async routing(options: CallOptions, route: Step<Route>): Promise<Route> {
    const startedAt = this.#clock.now();
    const signals = this.#span.child(spanNames.signals, { startedAt });
    try {
      const routed = await route({ ...options, trace: signals.context });
      if (this.#span.sampled) this.#tellRoute(routed, signals, startedAt);
      return routed;
    } catch (error) {
      signals.fail(options.signal?.aborted === true ? "cancelled" : "internal");
      throw error;
    } finally {
      signals.end(this.#clock.now());
    }
  }

  #tellRoute({ decision, selection, warnings, trace }: Route, signals: Span, startedAt: number): void {
    const { signalsMs, decisionMs } = trace.timings;
    for (const outcome of trace.signals) tellSignal(signals, outcome, startedAt);
    signals.end(startedAt + signalsMs);

    const judged = {
      "decision.name": decision?.name ?? "",
      "decision.confidence": decision?.confidence ?? 0,
      "decision.matched_rules": decision === null ? [] : matchedRules(decision.verdict),
    };
    this.#span.child(spanNames.decision, { startedAt: startedAt + signalsMs, attributes: judged }).end(startedAt + signalsMs + decisionMs);
    for (const run of trace.plugins) tellPlugin(this.#span, run, decision?.name ?? "");
    this.#span.set({
      "decision.name": judged["decision.name"],
      ...(selection === null ? {} : { "routing.strategy": selection.algorithm }),
      ...(warnings.length === 0 ? {} : { "routing.warnings": warnings }),
    });
  }

  forwarded({ target, originalModel, route, hasState }: Forwarding): HeaderChanges {
    this.#forwardedAt = this.#clock.now();
    this.#upstream = this.#span.sampled ? this.#startUpstream(target, originalModel, route) : this.#span;
    const { traceparent, tracestate } = this.#upstream.context;
    return {
      set: [["traceparent", traceparent], ...(tracestate === undefined ? [] : [["tracestate", tracestate] as const])],
      // It belongs to another parent than the one that counts.
      remove: tracestate === undefined && hasState ? ["tracestate"] : [],
    };
  }

  #startUpstream(target: ModelTarget, originalModel: string, route: Route | null): Span {
    const { reasoning } = target;
    this.#span.set({ "routing.original_model": originalModel, "routing.selected_model": target.name });
    return this.#span.child(spanNames.upstream, {
      kind: "client",
      startedAt: this.#forwardedAt,
      attributes: {
        "gen_ai.operation.name": this.#operation,
        // The protocol's: behind a gateway nobody here knows who it is that serves.
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": target.wireName,
        "model.name": target.name,
        "routing.original_model": originalModel,
        "decision.name": route?.decision?.name ?? "",
        ...(reasoning === null ? {} : { "model.reasoning_enabled": reasoning.enabled }),
        ...(reasoning?.enabled === true ? { "model.reasoning_effort": reasoning.effort } : {}),
      },
    });
  }

  answered(by: "cache" | "plugin" | "error", status: number, failure?: string): void {
    this.#span.set({ "http.response.status_code": status, "routing.answered_by": by });
    if (failure !== undefined) this.#span.fail(failure);
  }

  took(ms: number): void {
    this.#span.set({ "processing.time_ms": ms });
  }

  responseStarted(status: number, observed: boolean): void {
    if (this.#upstream === null) return;
    this.#span.set({ "http.response.status_code": status });
    this.#upstream.set({ "http.response.status_code": status });
    if (status >= 400) this.#upstream.fail(String(status));
    if (observed) this.#response = this.#span.child(spanNames.response, { startedAt: this.#clock.now() });
  }

  responseChunk(): void {
    this.#chunks += 1;
    if (this.#chunks > 1) return;
    this.#upstream?.set({ "gen_ai.response.time_to_first_chunk": (this.#clock.now() - this.#forwardedAt) / 1_000 });
  }

  completed({ usage, model, finishReasons }: Completion): void {
    this.#upstream?.set({
      ...(model === null ? {} : { "gen_ai.response.model": model.slice(0, MAX_NAME) }),
      ...(finishReasons.length === 0 ? {} : { "gen_ai.response.finish_reasons": finishReasons.map((reason) => reason.slice(0, MAX_NAME)) }),
      ...(usage === null
        ? {}
        : {
            "gen_ai.usage.input_tokens": usage.promptTokens,
            "gen_ai.usage.output_tokens": usage.completionTokens,
            "gen_ai.usage.cache_read.input_tokens": usage.cachedTokens,
            "gen_ai.usage.reasoning.output_tokens": usage.reasoningTokens,
          }),
    });
  }

  responseEnded(): void {
    this.#endResponse("");
  }

  close(): void {
    this.#endResponse("incomplete");
    this.#span.end(this.#clock.now());
  }

  #endResponse(failure: string): void {
    const now = this.#clock.now();
    const response = this.#response;
    this.#response = null;
    if (response !== null) {
      response.set({ "response.chunks": this.#chunks });
      if (failure !== "") response.fail(failure);
      response.end(now);
    }
    this.#upstream?.end(now);
  }
}

function tellSignal(
  signals: Span,
  { type, matches, cascade, error, durationMs, sampled, embedded }: SignalOutcome,
  startedAt: number,
): void {
  const span = signals.child(spanNames.signal(type), {
    startedAt,
    attributes: {
      "signal.type": type,
      "signal.matched_rules": matches.map(({ rule }) => rule),
      "signal.confidence": matches.reduce((most, { confidence }) => Math.max(most, confidence), 0),
      "signal.latency_ms": durationMs,
      ...(sampled ? { "signal.text_sampled": true } : {}),
      ...(cascade === null ? {} : { "signal.tier": cascade.tier }),
      ...(cascade?.tier === "encoder" ? { "signal.tiers_agreed": cascade.agreed } : {}),
    },
  });
  for (const { startedAt: from, durationMs: ms, head } of embedded)
    span.child(spanNames.embedded, { startedAt: from, attributes: { "classifier.head": head } }).end(from + ms);
  if (error !== null) span.fail(error.code);
  span.end(startedAt + durationMs);
}

function tellPlugin(request: Span, { type, effects, error, startedAt, durationMs }: PluginRun, decision: string): void {
  const span = request.child(spanNames.plugin, {
    startedAt,
    attributes: {
      "plugin.type": type,
      "plugin.decision": decision,
      "plugin.status": error === null ? "success" : "error",
      "plugin.latency_ms": durationMs,
      "plugin.result": effects.map(({ kind }) => kind).join(","),
    },
  });
  if (error !== null) span.fail(error.code);
  span.end(startedAt + durationMs);
}

/** matchedRules are the leaves by which a condition holds, as "type:name". */
function matchedRules({ matched, label, parts }: Verdict): readonly string[] {
  if (!matched || label === "NOT") return [];
  return parts.length === 0 ? [label] : parts.flatMap(matchedRules);
}
