/** docs/headers-and-metrics.md: what a client and an operator can see of routing. */
import { createMetrics } from "../../packages/shared/src/telemetry/metrics.ts";
import { HEADER, headerFacts, type HeaderFacts } from "../../packages/extproc/src/routing/headers.ts";
import { signals } from "../../packages/extproc/src/routing/signals/index.ts";
import { code, codes, page, table } from "./markdown.ts";

/** headersAndMetricsPage prints both tables. */
export function headersAndMetricsPage(): string {
  return page("Headers and metrics", [
    "## Headers",
    "Names are vLLM Semantic Router's. From what clients send, `x-selected-model`, `x-vsr-selected-*`, `x-vsr-looper-*` and `x-vsr-internal-auth` are removed, because they could pose as the router's; `x-authz-*` too, unless `global.services.authz.identity` says that a trusted gateway sets them. A debug response is one to a request with `x-vsr-debug: true`.",
    table(
      ["header", "on", "says"],
      Object.entries<HeaderFacts>(headerFacts).flatMap(([key, { on, says }]) => {
        const name = HEADER[key as keyof typeof HEADER];
        return name === HEADER.matchedPrefix ? matchedRows(on) : [[code(name), on, says]];
      }),
    ),
    "## Metrics",
    "Prometheus, `GET /metrics` on port 9190 (`--metrics-port`). Label values come from the configuration or from closed lists, never from users. Durations are in seconds.",
    table(
      ["metric", "type", "labels", "counts"],
      metrics().map(({ name, type, labelNames, help }) => [code(name), type, codes(labelNames), help]),
    ),
  ]);
}

function matchedRows(on: string): readonly string[][] {
  return signals.flatMap(({ type, header }) =>
    header === null ? [] : [[code(HEADER.matchedPrefix + header), on, `Names of the ${code(type)} rules that matched.`]],
  );
}

interface MetricFacts {
  readonly name: string;
  readonly type: string;
  readonly help: string;
  readonly labelNames: readonly string[];
}

/** metrics reads the table as prom-client keeps it; its types leave out the label names and, for instances, the kind. */
function metrics(): readonly MetricFacts[] {
  return createMetrics()
    .registry.getMetricsAsArray()
    .map((metric) => {
      const { name, help, labelNames } = metric as unknown as MetricFacts;
      return { name, help, labelNames, type: metric.constructor.name.toLowerCase() };
    });
}
