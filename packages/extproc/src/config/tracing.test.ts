import { describe, expect, it } from "vitest";
import { tracingBlock } from "./tracing-schema.ts";
import { tracingSettingsOf, type TracingSettings } from "./tracing.ts";

const block = (input: unknown = {}) => tracingBlock.parse(input);
/** vLLM Semantic Router's own example. */
const written = {
  enabled: true,
  provider: "opentelemetry",
  exporter: { type: "otlp", endpoint: "jaeger:4317", insecure: true },
  sampling: { type: "probabilistic", rate: 0.25 },
  resource: { service_name: "router", service_version: "v1", deployment_environment: "staging" },
};
const settings = (input: unknown, env: Record<string, string> = {}, part?: "classifier"): TracingSettings => {
  const found = tracingSettingsOf(block(input), env, part);
  if (found === null) throw new Error("tracing is off");
  return found;
};

describe("whether anything is traced", () => {
  it.each<[why: string, file: unknown, env: Record<string, string>, on: boolean]>([
    ["nobody asks for it", {}, {}, false],
    ["the file does", { enabled: true }, {}, true],
    ["the file switches it off", { ...written, enabled: false }, {}, false],
    ["an endpoint in the environment does", {}, { OTEL_EXPORTER_OTLP_ENDPOINT: "http://c:4318" }, true],
    ["an endpoint for traces does", {}, { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://c:4318/v1/traces" }, true],
    ["an exporter in the environment does", {}, { OTEL_TRACES_EXPORTER: "console" }, true],
    ["an empty endpoint does not", {}, { OTEL_EXPORTER_OTLP_ENDPOINT: " " }, false],
    ["the SDK is disabled", written, { OTEL_SDK_DISABLED: "TRUE" }, false],
    ["the exporter is none", written, { OTEL_TRACES_EXPORTER: "none" }, false],
  ])("%s", (_, file, env, on) => {
    expect(tracingSettingsOf(block(file), env) !== null).toBe(on);
  });
});

describe("where spans go", () => {
  it.each<[why: string, file: unknown, env: Record<string, string>, sink: object]>([
    ["gRPC without TLS", written, {}, { kind: "otlp_grpc", url: "http://jaeger:4317" }],
    ["gRPC with TLS", { enabled: true, exporter: { endpoint: "c:4317" } }, {}, { kind: "otlp_grpc", url: "https://c:4317" }],
    ["a URL's own scheme", { enabled: true, exporter: { endpoint: "http://c:1" } }, {}, { kind: "otlp_grpc", url: "http://c:1" }],
    ["nothing said", { enabled: true }, {}, { kind: "otlp_grpc", url: "http://localhost:4317" }],
    ["HTTP", { enabled: true, exporter: { type: "otlp_http" } }, {}, { kind: "otlp_http", url: "http://localhost:4318/v1/traces" }],
    [
      "HTTP with a path",
      { enabled: true, exporter: { type: "otlp_http", endpoint: "https://c/otlp/traces" } },
      {},
      { kind: "otlp_http", url: "https://c/otlp/traces" },
    ],
    ["for people", { enabled: true, exporter: { type: "stdout" } }, {}, { kind: "stdout" }],
    [
      "PEM files",
      { enabled: true, exporter: { endpoint: "c:1", tls: { ca_file: "ca", cert_file: "cert", key_file: "key" } } },
      {},
      { kind: "otlp_grpc", url: "https://c:1", tls: { caPath: "ca", certPath: "cert", keyPath: "key" } },
    ],
    [
      "the environment's endpoint wins",
      written,
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4317" },
      { kind: "otlp_grpc", url: "http://collector:4317" },
    ],
    [
      "by the environment alone, the standard's protocol",
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: "http://collector:4318/" },
      { kind: "otlp_http", url: "http://collector:4318/v1/traces" },
    ],
    [
      "the endpoint for traces is taken as it is",
      {},
      { OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: "http://a/x", OTEL_EXPORTER_OTLP_ENDPOINT: "http://b" },
      { kind: "otlp_http", url: "http://a/x" },
    ],
    [
      "the environment's protocol",
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: "c:4317", OTEL_EXPORTER_OTLP_PROTOCOL: "grpc", OTEL_EXPORTER_OTLP_INSECURE: "true" },
      { kind: "otlp_grpc", url: "http://c:4317" },
    ],
    ["the environment's console", written, { OTEL_TRACES_EXPORTER: "console" }, { kind: "stdout" }],
  ])("%s", (_, file, env, sink) => {
    expect(settings(file, env)).toMatchObject({ sink, warnings: [] });
  });

  it("does without what it cannot do, and says so", () => {
    const env = { OTEL_TRACES_EXPORTER: "zipkin", OTEL_EXPORTER_OTLP_PROTOCOL: "http/json", OTEL_TRACES_SAMPLER: "jaeger_remote" };
    const { sink, sampling, warnings } = settings(written, env);
    expect({ kind: sink.kind, sampling: sampling.kind }).toEqual({ kind: "otlp_http", sampling: "ratio" });
    expect(warnings.map((warning) => Object.values(env).find((value) => warning.includes(value)))).toEqual(Object.values(env));
  });
});

describe("what is recorded", () => {
  it.each<[file: object, env: Record<string, string>, sampling: object]>([
    [{}, {}, { kind: "always_on", parentBased: true }],
    [{ type: "always_off" }, {}, { kind: "always_off", parentBased: true }],
    [{ type: "probabilistic", rate: 0.25 }, {}, { kind: "ratio", ratio: 0.25, parentBased: true }],
    [{ type: "trace_id_ratio" }, {}, { kind: "ratio", ratio: 0.1, parentBased: true }],
    [
      {},
      { OTEL_TRACES_SAMPLER: "parentbased_traceidratio", OTEL_TRACES_SAMPLER_ARG: "0.5" },
      { kind: "ratio", ratio: 0.5, parentBased: true },
    ],
    [{}, { OTEL_TRACES_SAMPLER: "always_off" }, { kind: "always_off", parentBased: false }],
    [{}, { OTEL_TRACES_SAMPLER: "traceidratio", OTEL_TRACES_SAMPLER_ARG: "many" }, { kind: "ratio", ratio: 1, parentBased: false }],
  ])("%j with %j", (sampling, env, expected) => {
    expect(settings({ enabled: true, sampling }, env).sampling).toMatchObject(expected);
  });
});

describe("who sends", () => {
  it("is named by the file, in the current spelling and vLLM Semantic Router's", () => {
    expect(settings(written).resource).toEqual({
      "service.name": "router",
      "service.version": "v1",
      "deployment.environment.name": "staging",
      "deployment.environment": "staging",
    });
    expect(settings(written, {}, "classifier").resource["service.name"]).toBe("router-classifier");
  });

  it("is named by the environment first", () => {
    const env = {
      OTEL_SERVICE_NAME: "mine",
      OTEL_RESOURCE_ATTRIBUTES: "k8s.pod.name=p%201,service.name=other,broken,deployment.environment.name=prod",
    };
    expect(settings(written, env, "classifier").resource).toMatchObject({
      "service.name": "mine",
      "k8s.pod.name": "p 1",
      "deployment.environment.name": "prod",
    });
  });
});

it("takes the queue's sizes from the environment, where they are sizes", () => {
  const env = {
    OTEL_BSP_MAX_QUEUE_SIZE: "100",
    OTEL_BSP_SCHEDULE_DELAY: "20",
    OTEL_BSP_MAX_EXPORT_BATCH_SIZE: "-1",
    OTEL_BSP_EXPORT_TIMEOUT: "x",
  };
  expect(settings({ enabled: true }, env).queue).toEqual({ maxSpans: 100, maxBatchSpans: 512, delayMs: 20, timeoutMs: 10_000 });
});
