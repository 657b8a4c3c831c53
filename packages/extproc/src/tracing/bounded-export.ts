/**
 * The way of spans out of the process: at most so many wait, they leave in batches, and what a slow or dead collector makes us drop is
 * counted. Nobody ever waits for it. The batching is OpenTelemetry's; what it does not tell is counted here.
 */
import { BatchSpanProcessor, type ReadableSpan, type SpanExporter } from "@opentelemetry/sdk-trace";
import type { Logger } from "@turnout/shared";
import type { TracingSettings } from "../config/tracing.ts";

/** Why spans did not arrive: too many were waiting, or the collector did not take them. */
export type DropReason = "queue_full" | "export_failed";

export interface BoundedExportParts {
  readonly exporter: SpanExporter;
  readonly queue: TracingSettings["queue"];
  readonly onDropped: (reason: DropReason, spans: number) => void;
  readonly logger: Logger;
}

/** Done hears what became of an export. */
type Done = Parameters<SpanExporter["export"]>[1];

/** ExportResultCode.SUCCESS, an enum that the bundle would otherwise be loaded for. */
const SUCCESS = 0;

export class BoundedExport {
  readonly #parts: BoundedExportParts;
  readonly #batches: BatchSpanProcessor;
  /** Spans in the queue of `#batches`, which takes them out when it exports them. */
  #waiting = 0;
  #failing = false;

  constructor(parts: BoundedExportParts) {
    this.#parts = parts;
    const { queue, exporter } = parts;
    this.#batches = new BatchSpanProcessor({
      exporter: {
        export: (spans, done) => this.#export(spans, done),
        shutdown: () => exporter.shutdown(),
      },
      maxQueueSize: queue.maxSpans,
      maxExportBatchSize: Math.min(queue.maxBatchSpans, queue.maxSpans),
      scheduledDelayMillis: queue.delayMs,
      // The exporter gives up before, and says so.
      exportTimeoutMillis: queue.timeoutMs + 1_000,
    });
  }

  onEnd(span: ReadableSpan): void {
    if (this.#waiting >= this.#parts.queue.maxSpans) return this.#parts.onDropped("queue_full", 1);
    this.#waiting += 1;
    this.#batches.onEnd(span);
  }

  shutdown(): Promise<void> {
    return this.#batches.shutdown();
  }

  #export(spans: ReadableSpan[], done: Done): void {
    this.#waiting -= spans.length;
    this.#parts.exporter.export(spans, (result) => {
      const failed = result.code !== SUCCESS;
      if (failed) this.#parts.onDropped("export_failed", spans.length);
      this.#tell(failed, result.error);
      // The failure is told; the batching would hand it to a global handler.
      done({ code: SUCCESS });
    });
  }

  /** Each change is told once, however long it lasts. */
  #tell(failing: boolean, error: Error | undefined): void {
    if (failing === this.#failing) return;
    this.#failing = failing;
    const { logger } = this.#parts;
    if (failing) logger.warn({ problem: error?.message ?? "no reason given" }, "spans cannot be exported; they are dropped until they can");
    else logger.info("spans are exported again");
  }
}
