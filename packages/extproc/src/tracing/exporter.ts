/** The exporter that the settings ask for; each is loaded only when it is. */
import { readFile } from "node:fs/promises";
import { credentials } from "@grpc/grpc-js";
import { ConsoleSpanExporter, type SpanExporter } from "@opentelemetry/sdk-trace";
import { RouterError } from "@turnout/shared";
import type { SpanSink } from "../config/tracing.ts";

type Otlp = Exclude<SpanSink, { kind: "stdout" }>;

/** createExporter throws `config_invalid` for PEM files that cannot be read. It connects later, and to nobody if nobody is there. */
export async function createExporter(sink: SpanSink, timeoutMillis: number): Promise<SpanExporter> {
  switch (sink.kind) {
    case "stdout":
      return new ConsoleSpanExporter();
    case "otlp_grpc": {
      const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-grpc");
      const pem = await pemFiles(sink.tls);
      const tls = pem === null || !sink.url.startsWith("https:") ? {} : { credentials: credentials.createSsl(pem.ca, pem.key, pem.cert) };
      return new OTLPTraceExporter({ url: sink.url, timeoutMillis, ...tls });
    }
    case "otlp_http": {
      const { OTLPTraceExporter } = await import("@opentelemetry/exporter-trace-otlp-proto");
      const pem = await pemFiles(sink.tls);
      const { ca, cert, key } = pem ?? { ca: null, cert: null, key: null };
      const files = { ...(ca === null ? {} : { ca }), ...(cert === null ? {} : { cert }), ...(key === null ? {} : { key }) };
      return new OTLPTraceExporter({
        url: sink.url,
        timeoutMillis,
        ...(pem === null ? {} : { httpAgentOptions: { keepAlive: true, ...files } }),
      });
    }
  }
}

async function pemFiles(tls: Otlp["tls"]): Promise<{ ca: Buffer | null; cert: Buffer | null; key: Buffer | null } | null> {
  if (tls === undefined) return null;
  const [ca, cert, key] = await Promise.all([pem(tls.caPath), pem(tls.certPath), pem(tls.keyPath)]);
  return { ca, cert, key };
}

async function pem(path: string | undefined): Promise<Buffer | null> {
  if (path === undefined) return null;
  try {
    return await readFile(path);
  } catch (error) {
    throw new RouterError("config_invalid", `${path} cannot be read; expected a PEM file`, { cause: error });
  }
}
