/** Where traces are exported, the rest of this folder is loaded; elsewhere OpenTelemetry's 15 MB stay on the disk. Called by compose.ts and `turnout classifier`. */
import type { Clock, Logger, Metrics } from "@turnout/shared";
import { tracingSettingsOf, type ConfigDocument, type Environment } from "../config/index.ts";
import type { Tracing } from "./index.ts";

export interface OpenTracesParts {
  readonly env: Environment;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly clock: Clock;
  /** The process is the classifier service, not a front. */
  readonly part?: "classifier";
}

/** openTraces is null where nothing is traced. */
export async function openTraces(
  { global }: Pick<ConfigDocument, "global">,
  { env, logger, metrics, clock, part }: OpenTracesParts,
): Promise<Tracing | null> {
  const settings = tracingSettingsOf(global.services.observability.tracing, env, part);
  if (settings === null) return null;
  const { openTracing } = await import("./index.ts");
  return openTracing(settings, { clock, logger, onDropped: (reason, spans) => metrics.traceSpansDropped.inc({ reason }, spans) });
}
