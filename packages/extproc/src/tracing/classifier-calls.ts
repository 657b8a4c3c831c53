/**
 * The two ends of the call from a front to a classifier service, as spans. They are made by hand: the trace context travels with each text
 * of a call, where an instrumented gRPC would know one for the whole call, and would have to patch every import of the process.
 */
import { isSampled, RouterError, type CallOptions, type Classifier, type Clock, type Embedder, type Evaluator } from "@turnout/shared";
import { spanNames, type Span, type Tracer } from "../routing/spans.ts";

type Asked = Embedder & Evaluator;

const RPC = { "rpc.system": "grpc", "rpc.service": "classifier.v1.Classifier", "rpc.method": "Evaluate" } as const;

/** calledClassifier is a classifier of another process: a span of the client around each submission, and its context with the texts. */
export function calledClassifier(asked: Asked, tracer: Tracer, clock: Clock): Asked {
  return {
    embed: (items, options) => within(tracer, clock, "client", items.length, options, (inner) => asked.embed(items, inner)),
    evaluate: (items, options) =>
      within(tracer, clock, "client", items.length, options, async (inner, span) => {
        const outcomes = await asked.evaluate(items, inner);
        const failure = outcomes.find((outcome) => outcome instanceof RouterError);
        if (failure instanceof RouterError) span.fail(failure.code);
        return outcomes;
      }),
  };
}

/** servedClassifier is the pool behind the service, which asks it for each text on its own: a span of the server around each. */
export function servedClassifier(pool: Classifier, tracer: Tracer, clock: Clock): Classifier {
  return {
    status: () => pool.status(),
    whenSettled: () => pool.whenSettled(),
    close: () => pool.close(),
    evaluate: (items, options) => pool.evaluate(items, options),
    embed: (items, options) => within(tracer, clock, "server", items.length, options, (inner) => pool.embed(items, inner)),
  };
}

async function within<Answer>(
  tracer: Tracer,
  clock: Clock,
  kind: "client" | "server",
  texts: number,
  options: CallOptions,
  work: (options: CallOptions, span: Span) => Promise<Answer>,
): Promise<Answer> {
  const { trace } = options;
  if (trace === undefined || !isSampled(trace)) return work(options, silent);
  const span = tracer.start(spanNames.call, trace, { kind, startedAt: clock.now(), attributes: { ...RPC, "classifier.texts": texts } });
  try {
    return await work({ ...options, trace: span.context }, span);
  } catch (error) {
    span.fail(RouterError.from(error).code);
    throw error;
  } finally {
    span.end(clock.now());
  }
}

/** silent stands for a span that nobody records. */
const silent: Span = {
  context: { traceparent: "" },
  sampled: false,
  child: () => silent,
  set: () => undefined,
  fail: () => undefined,
  end: () => undefined,
};
