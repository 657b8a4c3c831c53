/**
 * The router: signals, decision, plugins that may answer, selection, plugins that shape. It knows neither bytes nor headers of the
 * wire; the exchange turns its Route into changes. Used by the exchange and by `explain`.
 */
import type {
  CachePolicy,
  CallOptions,
  Clock,
  Effect,
  Embedder,
  RoutingRequest,
  Selection,
  SignalDefinition,
  SignalSettings,
} from "@turnout/shared";
import { createDecisionEngine, type JudgedDecision } from "./decision/engine.ts";
import type { ModelDirectory, ModelTarget } from "./models.ts";
import { createPlugins, runPlugins, type PluginRun } from "./plugins/run.ts";
import type { RoutingConfig } from "./schema.ts";
import { createSelector, isRepeatable } from "./selection/select.ts";
import { signals } from "./signals/index.ts";
import type { EmbeddedWatch } from "./signals/embedded-watch.ts";
import { createEvaluators, evaluateSignals, withHeaders, type SignalOutcome, type SignalResults } from "./signals/evaluate.ts";

/** RouteWarning says in what way a route is less than it could be; the response's `x-vsr-response-warnings`. */
export type RouteWarning =
  | "deadline_exceeded"
  | "classifier_overloaded"
  | "classifier_unavailable"
  | "signal_failed"
  | "text_sampled"
  /** A bug of ours: the default model answers. */
  | "routing_failed";

/** Route is the router's answer, with everything that led to it. */
export interface Route {
  readonly request: RoutingRequest;
  /** Null: no decision holds, the default model is taken. */
  readonly decision: JudgedDecision | null;
  /** Null: the default model, or a plugin has answered. */
  readonly selection: Selection | null;
  readonly target: ModelTarget;
  readonly effects: readonly Effect[];
  /** How answers are cached on this route; null: they are not. */
  readonly cachePolicy: CachePolicy | null;
  /** A safety signal has matched. */
  readonly flagged: boolean;
  readonly warnings: readonly RouteWarning[];
  readonly trace: RouteTrace;
}

/** RouteTrace is for `explain`, the eval API, metrics and debug headers. */
export interface RouteTrace {
  readonly signals: readonly SignalOutcome[];
  readonly decisions: readonly JudgedDecision[];
  readonly plugins: readonly PluginRun[];
  readonly timings: { readonly signalsMs: number; readonly decisionMs: number; readonly selectionMs: number; readonly pluginsMs: number };
}

/** RouterParts is what a router needs beside its configuration. */
export interface RouterParts {
  readonly models: ModelDirectory;
  readonly embedder: Embedder;
  readonly clock: Clock;
  readonly strategy: "priority" | "confidence";
  readonly signals: SignalSettings;
  /** Tells what the embedded tier of these settings does; absent: nobody asks. */
  readonly embeddedWatch?: EmbeddedWatch | null;
  /** Answers are kept somewhere: decisions that cache by meaning then compare questions by the encoder. */
  readonly keepsAnswers?: boolean;
}

/** CachingDecision is a decision whose answers are cached. */
export interface CachingDecision {
  readonly name: string;
  readonly policy: CachePolicy;
  /** True: the same request always takes the same candidate here, so that its answer can be found before it is routed. */
  readonly repeatable: boolean;
}

/** Router routes requests of one configuration. */
export interface Router {
  readonly cachingDecisions: readonly CachingDecision[];
  /** Request headers that signals read, lower-case. */
  readonly readsHeaders: readonly string[];
  /** True when some signal that decisions use cannot match without the encoder: until it is warm, nobody should be sent here. */
  readonly needsEncoder: boolean;
  /** True when some signal asks the encoder, be it only where it is unsure, or the cache does: worth starting and warming, not worth waiting for. */
  readonly wantsEncoder: boolean;
  /** route rejects only when `options.signal` aborts; a signal or plugin that fails is a warning. */
  route(request: RoutingRequest, options: CallOptions): Promise<Route>;
  /** warm encodes the anchors; call it before the snapshot serves and again when the encoder becomes ready. */
  warm(options: CallOptions): Promise<void>;
}

/** createRouter compiles a configuration. */
export function createRouter(
  config: RoutingConfig,
  { models, embedder, clock, strategy, signals: settings, embeddedWatch = null, keepsAnswers = false }: RouterParts,
): Router {
  const engine = createDecisionEngine(config.decisions, strategy);
  const decisions = new Map(
    config.decisions.map((decision) => {
      const plugins = createPlugins(decision.plugins);
      const cachePolicy = plugins.map(({ plugin }) => plugin.cachePolicy ?? null).find((policy) => policy !== null) ?? null;
      return [decision.name, { select: createSelector(decision), plugins, cachePolicy, repeatable: isRepeatable(decision) }];
    }),
  );

  const caches = [...decisions.values()].some(({ cachePolicy }) => cachePolicy !== null);
  // What may do harm or is private must not be kept, whether or not a decision asks.
  const used = caches ? new Set([...engine.usedSignals, ...safetySignals]) : engine.usedSignals;
  const evaluators = createEvaluators(config.signals, used, settings);

  return {
    cachingDecisions: [...decisions].flatMap(([name, { cachePolicy, repeatable }]) =>
      cachePolicy === null ? [] : [{ name, policy: cachePolicy, repeatable }],
    ),
    readsHeaders: [...new Set(evaluators.flatMap(({ readsHeaders = [] }) => readsHeaders))],
    needsEncoder: evaluators.some(({ needs }) => needs !== "nothing" && needs !== "wanted"),
    wantsEncoder:
      evaluators.some(({ needs }) => needs !== "nothing") ||
      (keepsAnswers && [...decisions.values()].some(({ cachePolicy }) => cachePolicy?.semantic === true)),
    async route(request, options) {
      const watch = stopwatch(clock);
      const signals = await evaluateSignals(evaluators, request, { embedder, clock, embeddedWatch }, options);
      const signalsMs = watch();
      // Without any message there is nothing to judge: conditions such as NOT would hold for want of text.
      const { chosen, candidates } = request.messages.length === 0 ? { chosen: null, candidates: [] } : engine.judge(signals);
      const decisionMs = watch();
      const parts = chosen === null ? undefined : decisions.get(chosen.name);
      const runs: PluginRun[] = [];
      let selection: Selection | null = null;
      let pluginsMs = 0;
      let selectionMs = 0;
      if (chosen !== null && parts !== undefined) {
        // Neither plugins nor algorithms see headers: what has no say in a route need not be part of what two routes have in common.
        const state = { request: withHeaders(request, []), decision: chosen.name };
        runs.push(...(await runPlugins(parts.plugins, "beforeSelection", { ...state, selection }, clock, options)));
        pluginsMs = watch();
        if (!answers(runs)) {
          selection = await parts.select(state);
          selectionMs = watch();
          runs.push(...(await runPlugins(parts.plugins, "afterSelection", { ...state, selection }, clock, options)));
          pluginsMs += watch();
        }
      }
      return {
        request,
        decision: chosen,
        selection,
        target: selection === null ? models.defaultTarget : models.targetOf(selection.candidate),
        effects: runs.flatMap((run) => run.effects),
        cachePolicy: answers(runs) ? null : (parts?.cachePolicy ?? null),
        flagged: signals.outcomes.some(({ matches }, index) => matches.length > 0 && evaluators[index]?.safety === true),
        warnings: warningsOf(signals),
        trace: {
          signals: signals.outcomes,
          decisions: candidates,
          plugins: runs,
          timings: { signalsMs, decisionMs, selectionMs, pluginsMs },
        },
      };
    },
    async warm(options) {
      await Promise.all(evaluators.map(({ evaluator }) => evaluator.warm?.(embedder, options)));
    },
  };
}

const safetySignals = (signals as readonly SignalDefinition[]).filter(({ safety }) => safety === true).map(({ type }) => type);

/** failedRoute leads to the default model: what a request gets whose routing failed by a bug of ours. */
export function failedRoute(request: RoutingRequest, { defaultTarget }: ModelDirectory): Route {
  return {
    request,
    decision: null,
    selection: null,
    target: defaultTarget,
    effects: [],
    cachePolicy: null,
    flagged: false,
    warnings: ["routing_failed"],
    trace: { signals: [], decisions: [], plugins: [], timings: { signalsMs: 0, decisionMs: 0, selectionMs: 0, pluginsMs: 0 } },
  };
}

const answers = (runs: readonly PluginRun[]) => runs.some((run) => run.effects.some((effect) => effect.kind === "respondWithText"));

/** stopwatch gives the milliseconds since it was last asked. */
function stopwatch(clock: Clock): () => number {
  let last = clock.now();
  return () => {
    const now = clock.now();
    const lap = now - last;
    last = now;
    return lap;
  };
}

function warningsOf({ outcomes }: SignalResults): readonly RouteWarning[] {
  const warnings = new Set<RouteWarning>();
  for (const { error, sampled } of outcomes) {
    if (sampled) warnings.add("text_sampled");
    switch (error?.code) {
      case undefined:
        break;
      case "deadline_exceeded":
        warnings.add("deadline_exceeded");
        break;
      case "overloaded":
        warnings.add("classifier_overloaded");
        break;
      case "encoder_unavailable":
      case "worker_failed":
        warnings.add("classifier_unavailable");
        break;
      default:
        warnings.add("signal_failed");
    }
  }
  return [...warnings];
}
