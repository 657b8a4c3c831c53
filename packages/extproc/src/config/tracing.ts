/**
 * What tracing is, from the file's block and the standard `OTEL_*` variables, which win over it. Pure. Names that Turnout has no use for
 * are ignored; what it cannot do is a warning, because such variables are often set for a whole cluster. Variables of the connection
 * (`OTEL_EXPORTER_OTLP_HEADERS`, `_COMPRESSION`, `_CERTIFICATE`, `_CLIENT_*`) are read by the exporter itself.
 */
import type { Environment } from "./substitution.ts";
import type { TracingBlock } from "./tracing-schema.ts";

/** SpanSink is where spans go. */
export type SpanSink =
  | {
      readonly kind: "otlp_grpc" | "otlp_http";
      /** With scheme, and with the path for HTTP. */
      readonly url: string;
      /** PEM files of the file's block; absent: what `OTEL_EXPORTER_OTLP_CERTIFICATE` and its kin say, or the system. */
      readonly tls?: { readonly caPath?: string; readonly certPath?: string; readonly keyPath?: string };
    }
  | { readonly kind: "stdout" };

/** Sampling says which requests are recorded. `parentBased`: only those without parent are ours to decide. */
export interface Sampling {
  readonly kind: "always_on" | "always_off" | "ratio";
  readonly ratio: number;
  readonly parentBased: boolean;
}

/** TracingSettings is everything that tracing is made from. */
export interface TracingSettings {
  readonly sink: SpanSink;
  readonly sampling: Sampling;
  readonly resource: Readonly<Record<string, string>>;
  readonly queue: {
    /** Spans that may wait; what comes beyond is dropped and counted. */
    readonly maxSpans: number;
    readonly maxBatchSpans: number;
    readonly delayMs: number;
    /** How long a batch may take to arrive, tries again included. */
    readonly timeoutMs: number;
  };
  /** What of the environment has no effect, for the log. */
  readonly warnings: readonly string[];
}

/** tracingSettingsOf is null where nothing is traced. `part` tells the classifier service from the front that shares its configuration. */
export function tracingSettingsOf(block: TracingBlock, env: Environment, part?: "classifier"): TracingSettings | null {
  const read = (name: string) => env[name]?.trim() || undefined;
  const warnings: string[] = [];
  if (read("OTEL_SDK_DISABLED")?.toLowerCase() === "true") return null;
  const exporter = exporterNamed(read("OTEL_TRACES_EXPORTER"), warnings);
  const endpoint = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") ?? read("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (exporter === "none") return null;
  if (!block.enabled && endpoint === undefined && exporter === null) return null;

  const stdout = exporter === null ? block.exporter.type === "stdout" && endpoint === undefined : exporter === "console";
  return {
    sink: stdout ? { kind: "stdout" } : otlpSink(block, read, warnings),
    sampling: samplingNamed(read("OTEL_TRACES_SAMPLER"), read("OTEL_TRACES_SAMPLER_ARG"), warnings) ?? samplingOf(block),
    resource: resourceOf(block, read, part),
    queue: {
      maxSpans: count(read("OTEL_BSP_MAX_QUEUE_SIZE"), 8_192),
      maxBatchSpans: count(read("OTEL_BSP_MAX_EXPORT_BATCH_SIZE"), 512),
      delayMs: count(read("OTEL_BSP_SCHEDULE_DELAY"), 1_000),
      timeoutMs: count(
        read("OTEL_EXPORTER_OTLP_TRACES_TIMEOUT") ?? read("OTEL_EXPORTER_OTLP_TIMEOUT") ?? read("OTEL_BSP_EXPORT_TIMEOUT"),
        10_000,
      ),
    },
    warnings,
  };
}

type Read = (name: string) => string | undefined;

function exporterNamed(names: string | undefined, warnings: string[]): "otlp" | "console" | "none" | null {
  if (names === undefined) return null;
  const known = names
    .split(",")
    .map((name) => name.trim())
    .find((name) => name === "otlp" || name === "console" || name === "none");
  if (known !== undefined) return known;
  warnings.push(`OTEL_TRACES_EXPORTER=${names} is not known; there are otlp, console and none`);
  return null;
}

function otlpSink({ enabled, exporter }: TracingBlock, read: Read, warnings: string[]): SpanSink {
  const protocol = read("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") ?? read("OTEL_EXPORTER_OTLP_PROTOCOL");
  // A file that says nothing has no opinion: then the standard's own default counts.
  const kind = sinkKind(protocol, warnings) ?? (enabled && exporter.type === "otlp" ? "otlp_grpc" : "otlp_http");
  const forTraces = read("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT");
  const forAll = read("OTEL_EXPORTER_OTLP_ENDPOINT");
  if (forTraces !== undefined || forAll !== undefined) {
    const insecure = (read("OTEL_EXPORTER_OTLP_TRACES_INSECURE") ?? read("OTEL_EXPORTER_OTLP_INSECURE"))?.toLowerCase() === "true";
    const url = withScheme(forTraces ?? forAll ?? "", insecure);
    return { kind, url: kind === "otlp_http" && forTraces === undefined ? `${url.replace(/\/$/, "")}/v1/traces` : url };
  }
  const { endpoint = kind === "otlp_grpc" ? "localhost:4317" : "localhost:4318", tls } = exporter;
  const url = withScheme(endpoint, exporter.insecure || exporter.endpoint === undefined);
  return {
    kind,
    url: kind === "otlp_http" && new URL(url).pathname === "/" ? `${url.replace(/\/$/, "")}/v1/traces` : url,
    ...(tls === undefined
      ? {}
      : {
          tls: {
            ...(tls.ca_file === undefined ? {} : { caPath: tls.ca_file }),
            ...(tls.cert_file === undefined ? {} : { certPath: tls.cert_file }),
            ...(tls.key_file === undefined ? {} : { keyPath: tls.key_file }),
          },
        }),
  };
}

function sinkKind(protocol: string | undefined, warnings: string[]): "otlp_grpc" | "otlp_http" | null {
  if (protocol === undefined) return null;
  if (protocol === "grpc") return "otlp_grpc";
  if (protocol !== "http/protobuf") warnings.push(`OTLP protocol ${protocol} is not spoken; http/protobuf is, and is used instead`);
  return "otlp_http";
}

const withScheme = (endpoint: string, insecure: boolean) =>
  /^[a-z]+:\/\//i.test(endpoint) ? endpoint : `${insecure ? "http" : "https"}://${endpoint}`;

function samplingOf({ sampling: { type, rate } }: TracingBlock): Sampling {
  if (type === "always_on" || type === "always_off") return { kind: type, ratio: type === "always_on" ? 1 : 0, parentBased: true };
  return { kind: "ratio", ratio: rate, parentBased: true };
}

const SAMPLER = /^(parentbased_)?(?:(always_on|always_off)|traceidratio)$/;

function samplingNamed(name: string | undefined, argument: string | undefined, warnings: string[]): Sampling | null {
  if (name === undefined) return null;
  const parts = SAMPLER.exec(name);
  if (parts === null) {
    warnings.push(`OTEL_TRACES_SAMPLER=${name} is not known`);
    return null;
  }
  const parentBased = parts[1] !== undefined;
  const kind = parts[2] as "always_on" | "always_off" | undefined;
  if (kind !== undefined) return { kind, ratio: kind === "always_on" ? 1 : 0, parentBased };
  const ratio = Number(argument ?? 1);
  if (ratio >= 0 && ratio <= 1) return { kind: "ratio", ratio, parentBased };
  warnings.push("OTEL_TRACES_SAMPLER_ARG is no share from 0 to 1; 1 is used");
  return { kind: "ratio", ratio: 1, parentBased };
}

function resourceOf({ resource }: TracingBlock, read: Read, part: "classifier" | undefined): Readonly<Record<string, string>> {
  const { service_name: name, service_version: version, deployment_environment: environment } = resource;
  const serviceName = read("OTEL_SERVICE_NAME");
  return {
    "service.name": part === undefined ? name : `${name}-${part}`,
    ...(version === undefined ? {} : { "service.version": version }),
    // The older spelling is what vSR sends.
    ...(environment === undefined ? {} : { "deployment.environment.name": environment, "deployment.environment": environment }),
    ...keyValues(read("OTEL_RESOURCE_ATTRIBUTES")),
    ...(serviceName === undefined ? {} : { "service.name": serviceName }),
  };
}

/** keyValues reads `key=value,key=value`, values percent-encoded; a pair that is none is left out. */
function keyValues(text: string | undefined): Readonly<Record<string, string>> {
  const pairs = (text ?? "").split(",").flatMap((pair) => {
    const at = pair.indexOf("=");
    return at <= 0 ? [] : [[pair.slice(0, at).trim(), decoded(pair.slice(at + 1).trim())] as const];
  });
  return Object.fromEntries(pairs);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function count(text: string | undefined, otherwise: number): number {
  const value = Number(text);
  return text !== undefined && Number.isSafeInteger(value) && value > 0 ? value : otherwise;
}
