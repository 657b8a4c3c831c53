/**
 * Evaluates the signals that decisions ask for, all at once, for one request. One signal's failure is recorded and counts as "no
 * match"; when the deadline passes, what is known is returned and the rest is marked. Called by the router.
 */
import {
  isSampled,
  RouterError,
  type CallOptions,
  type CascadeStep,
  type Clock,
  type Embedder,
  type RoutingRequest,
  type SignalDefinition,
  type SignalEvaluation,
  type SignalEvaluator,
  type SignalMatch,
  type SignalScore,
  type SignalSettings,
} from "@turnout/shared";
import { signalTypes, type SignalFacts } from "../decision/condition.ts";
import type { RoutingConfig } from "../schema.ts";
import type { EmbeddedStep, EmbeddedWatch } from "./embedded-watch.ts";
import { gatesOf, throughGates, type Gate } from "./gates.ts";
import { signals } from "./index.ts";
import { createRequestInference } from "./request-inference.ts";

/** SignalOutcome is what became of one signal type. */
export interface SignalOutcome {
  readonly type: string;
  readonly matches: readonly SignalMatch[];
  readonly scores: readonly SignalScore[];
  readonly sampled: boolean;
  /** Who answered, where the embedded tier can answer alone. */
  readonly cascade: CascadeStep | null;
  /** Why it could not be evaluated, or null. */
  readonly error: RouterError | null;
  readonly durationMs: number;
  /** What the embedded tier did for it; empty where nobody watches. */
  readonly embedded: readonly EmbeddedStep[];
}

/** SignalResults is what became of all of them; conditions ask it. */
export interface SignalResults extends SignalFacts {
  readonly outcomes: readonly SignalOutcome[];
  readonly deadlineExceeded: boolean;
}

/** NamedEvaluator is an evaluator under its signal type. */
export interface NamedEvaluator {
  readonly type: string;
  readonly evaluator: SignalEvaluator;
  /** Request headers that it sees; absent: none. What a route depends on is then known, and with it when two requests go the same way. */
  readonly readsHeaders?: readonly string[];
  /** Conditions that rules of it stand under. */
  readonly gates?: readonly Gate[];
}

/** ConfiguredEvaluator is one that was made of rules, with what its signal type needs and reads. */
export interface ConfiguredEvaluator extends NamedEvaluator {
  readonly needs: SignalDefinition["needs"];
  readonly safety: boolean;
}

/** createEvaluators makes the evaluators of those signal types that `used` names, and of those that their gates ask for. */
export function createEvaluators(
  config: RoutingConfig["signals"],
  used: ReadonlySet<string>,
  settings: SignalSettings,
): readonly ConfiguredEvaluator[] {
  // No gate asks for a signal that has gates itself (config/references.ts), so that one look is enough.
  const gates = new Map(
    signals
      .filter(({ type }) => used.has(type))
      .map((definition) => [definition.type as string, gatesOf(definition, config[definition.configKey])]),
  );
  const asked = new Set([...used, ...[...gates.values()].flat().flatMap(({ condition }) => signalTypes(condition))]);
  return signals
    .filter(({ type, configKey }) => asked.has(type) && config[configKey].length > 0)
    .map((definition) => {
      // The registry's union of `create`s cannot be called with the union of their rules; each gets the rules of its own key.
      const create = definition.create as (rules: readonly unknown[], settings: SignalSettings) => SignalEvaluator;
      const evaluator = create(config[definition.configKey], settings);
      const { type, needs, readsHeaders, safety = false }: SignalDefinition = definition;
      return {
        type,
        needs: evaluator.needs ?? needs,
        safety,
        evaluator,
        gates: gates.get(type) ?? [],
        ...(readsHeaders === undefined ? {} : { readsHeaders }),
      };
    });
}

/** EvaluationParts is whom signals ask, and who watches. */
export interface EvaluationParts {
  readonly embedder: Embedder;
  readonly clock: Clock;
  readonly embeddedWatch?: EmbeddedWatch | null;
}

/** evaluateSignals rejects only when `options.signal` aborts. */
export async function evaluateSignals(
  evaluators: readonly NamedEvaluator[],
  request: RoutingRequest,
  { embedder, clock, embeddedWatch = null }: EvaluationParts,
  options: CallOptions,
): Promise<SignalResults> {
  options.signal?.throwIfAborted();
  const started = clock.now();
  const inference = createRequestInference(embedder);
  const outcomes = Array.from<SignalOutcome | undefined>({ length: evaluators.length });
  // Wrapping each reading costs as much as some of them take.
  const watch = options.trace !== undefined && isSampled(options.trace) ? embeddedWatch : null;
  const steps: readonly EmbeddedStep[][] = watch === null ? [] : evaluators.map(() => []);
  const record = (index: number, type: string, evaluation: Partial<SignalEvaluation>, error: RouterError | null) => {
    outcomes[index] ??= {
      type,
      matches: evaluation.matches ?? [],
      scores: evaluation.scores ?? [],
      sampled: evaluation.sampled ?? false,
      cascade: evaluation.cascade ?? null,
      error,
      durationMs: clock.now() - started,
      embedded: steps[index] ?? [],
    };
  };

  /** Aborted when the answers are taken: what is still at work by then works in vain. */
  const over = new AbortController();
  const provisional = Array.from<SignalEvaluation | undefined>({ length: evaluators.length });
  const pending: Promise<void>[] = [];
  const headless = withHeaders(request, []);
  evaluators.forEach(({ type, evaluator, readsHeaders }, index) => {
    const succeed = (evaluation: SignalEvaluation) => record(index, type, evaluation, null);
    const fail = (error: unknown) => record(index, type, provisional[index] ?? {}, RouterError.from(error));
    const settleFor = (evaluation: SignalEvaluation) => {
      provisional[index] = evaluation;
    };
    const start = () =>
      evaluator.evaluate(readsHeaders === undefined ? headless : withHeaders(request, readsHeaders), {
        ...options,
        signal: over.signal,
        inference,
        provisional: settleFor,
      });
    try {
      const evaluation = watch === null ? start() : watch.during(steps[index] ?? [], start);
      if (evaluation instanceof Promise) pending.push(evaluation.then(succeed, fail));
      else succeed(evaluation);
    } catch (error) {
      fail(error);
    }
  });
  inference.flush(options);

  if (pending.length > 0) {
    await settledInTime(Promise.all(pending), clock, options);
    over.abort();
  }
  options.signal?.throwIfAborted();
  // What is still open is late. Its slot is taken here, so that an answer which comes after all changes nothing.
  evaluators.forEach(({ type }, index) => {
    if (outcomes[index] !== undefined) return;
    record(
      index,
      type,
      provisional[index] ?? {},
      new RouterError("deadline_exceeded", "the request's deadline passed before this signal was known"),
    );
  });
  return gated(outcomes as SignalOutcome[], evaluators);
}

/** gated takes away what rules say whose gates do not hold. */
function gated(outcomes: readonly SignalOutcome[], evaluators: readonly NamedEvaluator[]): SignalResults {
  const results = resultsOf(outcomes);
  if (evaluators.every(({ gates = [] }) => gates.length === 0)) return results;
  return resultsOf(
    outcomes.map((outcome, index) => {
      const { gates = [] } = evaluators[index] as NamedEvaluator;
      if (gates.length === 0) return outcome;
      return {
        ...outcome,
        matches: throughGates(outcome.matches, gates, results),
        scores: throughGates(outcome.scores, gates, results),
      };
    }),
  );
}

const NO_HEADERS: ReadonlyMap<string, string> = new Map();

/** withHeaders is the request with these headers and no others. */
export function withHeaders(request: RoutingRequest, names: readonly string[]): RoutingRequest {
  const headers = names.length === 0 ? NO_HEADERS : new Map([...request.headers].filter(([name]) => names.includes(name)));
  return { ...request, headers };
}

/** settledInTime waits for the work, the deadline or the caller's leaving, whichever comes first, and leaves no timer or listener behind. */
function settledInTime(work: Promise<unknown>, clock: Clock, { signal, deadline }: CallOptions): Promise<void> {
  return new Promise((resolve) => {
    const timer = deadline === undefined ? undefined : setTimeout(finish, Math.max(deadline - clock.now(), 0));
    function finish() {
      clearTimeout(timer);
      signal?.removeEventListener("abort", finish);
      resolve();
    }
    signal?.addEventListener("abort", finish, { once: true });
    work.then(finish, finish);
  });
}

function resultsOf(outcomes: readonly SignalOutcome[]): SignalResults {
  const of = (type: string) => outcomes.find((outcome) => outcome.type === type);
  const matchOf = (type: string, rule: string) => of(type)?.matches.find((match) => match.rule === rule);
  return {
    outcomes,
    deadlineExceeded: outcomes.some(({ error }) => error?.code === "deadline_exceeded"),
    confidence: (type, rule) => matchOf(type, rule)?.confidence,
    value: (type, rule) => matchOf(type, rule)?.value ?? of(type)?.scores.find((score) => score.rule === rule)?.score,
    failed: (type) => (of(type)?.error ?? null) !== null,
  };
}
