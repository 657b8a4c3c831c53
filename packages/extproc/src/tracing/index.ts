/**
 * Tracing: the only folder that knows OpenTelemetry, loaded only where traces are exported. It makes a tracer for routing, and spans of
 * what the classifier pool tells. Called by compose.ts and `turnout classifier`.
 */
import { randomUUID } from "node:crypto";
import { defaultResource, resourceFromAttributes } from "@opentelemetry/resources";
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  ParentBasedSampler,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type Sampler,
} from "@opentelemetry/sdk-trace";
import type { BatchRecord, Classifier, Clock, Embedder, Evaluator, Logger } from "@turnout/shared";
import type { Sampling, TracingSettings } from "../config/tracing.ts";
import { spanNames, type Tracer } from "../routing/spans.ts";
import { BoundedExport, type DropReason } from "./bounded-export.ts";
import { createBatchRecorder } from "./classifier-batches.ts";
import { calledClassifier, servedClassifier } from "./classifier-calls.ts";
import { createExporter } from "./exporter.ts";
import { Timeline } from "./timeline.ts";
import { createTracer } from "./tracer.ts";

export interface TracingParts {
  readonly clock: Clock;
  readonly logger: Logger;
  readonly onDropped: (reason: DropReason, spans: number) => void;
}

/** Tracing is what runs. */
export interface Tracing {
  readonly tracer: Tracer;
  /** Records what a classifier pool of this process did. */
  readonly onBatch: (batch: BatchRecord) => void;
  /** called records what is asked of a classifier service. */
  called(service: Embedder & Evaluator): Embedder & Evaluator;
  /** served records what a classifier service is asked. */
  served(pool: Classifier): Classifier;
  /** close sends what waits and gives up after `timeoutMs`. */
  close(timeoutMs: number): Promise<void>;
}

/** openTracing throws `config_invalid` where the settings name files that cannot be read; a collector that is not there is no error. */
export async function openTracing(settings: TracingSettings, { clock, logger, onDropped }: TracingParts): Promise<Tracing> {
  const { sink, sampling, resource, queue, warnings } = settings;
  for (const warning of warnings) logger.warn({ tracing: warning }, "tracing setting without effect");
  const exported = new BoundedExport({ exporter: await createExporter(sink, queue.timeoutMs), queue, onDropped, logger });
  logger.info(
    { exporter: sink.kind, ...(sink.kind === "stdout" ? {} : { collector: new URL(sink.url).host }), sampling },
    "traces are exported",
  );
  const tracer = createTracer({
    sampler: samplerOf(sampling),
    resource: defaultResource().merge(resourceFromAttributes({ "service.instance.id": randomUUID(), ...resource })),
    timeline: new Timeline(clock),
    onEnd: (span) => exported.onEnd(span),
  });
  return {
    tracer,
    onBatch: createBatchRecorder(tracer),
    called: (service) => calledClassifier(service, tracer, clock),
    served: (pool) => servedClassifier(pool, tracer, clock),
    async close(timeoutMs) {
      let timer: NodeJS.Timeout | undefined;
      const overrun = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, timeoutMs);
      });
      await Promise.race([exported.shutdown().catch(() => undefined), overrun]);
      clearTimeout(timer);
    },
  };
}

function samplerOf({ kind, ratio, parentBased }: Sampling): Sampler {
  const root =
    kind === "always_on" ? new AlwaysOnSampler() : kind === "always_off" ? new AlwaysOffSampler() : new TraceIdRatioBasedSampler(ratio);
  const ours = parentBased ? new ParentBasedSampler({ root }) : root;
  return {
    // Its callers have been decided on already: a batch is told of because one of them is recorded.
    shouldSample: (context, traceId, name, ...rest) =>
      name === spanNames.batch ? { decision: SamplingDecision.RECORD_AND_SAMPLED } : ours.shouldSample(context, traceId, name, ...rest),
    toString: () => ours.toString(),
  };
}
