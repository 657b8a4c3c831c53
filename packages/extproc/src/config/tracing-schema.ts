import { z } from "zod";

/** The block `global.services.observability.tracing`: vSR's, with TLS files and OTLP over HTTP beside. tracing.ts reads it together with `OTEL_*`. */
const file = z.string().min(1).optional();

export const tracingBlock = z.strictObject({
  enabled: z
    .boolean()
    .default(false)
    .describe("Export traces. An OTLP endpoint in the environment (OTEL_EXPORTER_OTLP_ENDPOINT) does so too."),
  provider: z.literal("opentelemetry").default("opentelemetry").describe("Only OpenTelemetry is there."),
  exporter: z
    .strictObject({
      type: z
        .enum(["otlp", "otlp_http", "stdout"])
        .default("otlp")
        .describe("OTLP over gRPC, OTLP over HTTP (protobuf), or printed for people."),
      endpoint: z
        .string()
        .min(1)
        .optional()
        .describe(
          "host:port of the collector, or a URL, whose scheme then wins over insecure. Absent: localhost:4317, or 4318 for otlp_http.",
        ),
      insecure: z.boolean().default(false).describe("true: without TLS."),
      tls: z
        .strictObject({
          ca_file: file.describe("Authorities that sign the collector's certificate; absent: the system's."),
          cert_file: file.describe("Our certificate, for mTLS; needs key_file."),
          key_file: file.describe("Key of our certificate."),
        })
        .optional()
        .describe("PEM files for TLS."),
    })
    .prefault({})
    .describe("Where spans go."),
  sampling: z
    .strictObject({
      type: z
        .enum(["always_on", "always_off", "probabilistic", "traceidratio", "trace_id_ratio"])
        .default("always_on")
        .describe("Which requests without a parent span are recorded; for all others, their parent has decided."),
      rate: z.number().min(0).max(1).default(0.1).describe("Share of them, for probabilistic (also called traceidratio, trace_id_ratio)."),
    })
    .prefault({})
    .describe("Which requests are recorded."),
  resource: z
    .strictObject({
      service_name: z.string().min(1).default("turnout").describe("service.name; the classifier service appends -classifier."),
      service_version: z.string().min(1).optional().describe("service.version."),
      deployment_environment: z
        .string()
        .min(1)
        .optional()
        .describe("deployment.environment.name, and its older spelling deployment.environment."),
    })
    .prefault({})
    .describe("Who sends the spans."),
});

/** TracingBlock is the block as the file gives it, defaults filled in. */
export type TracingBlock = z.output<typeof tracingBlock>;
