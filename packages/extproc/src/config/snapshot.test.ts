import { describe, expect, it } from "vitest";
import { parseConfig } from "./load.ts";
import { listenersOf, managementSettingsOf, poolSettingsOf, remoteSettingsOf, routingSettingsOf } from "./snapshot.ts";

const documentOf = (rest: string) =>
  parseConfig(`version: v0.3\nproviders: {defaults: {default_model: base}, models: [{name: base}]}\nrouting: {}\n${rest}`, {
    file: "c.yaml",
    env: {},
  }).document;

describe("routingSettingsOf", () => {
  it("gives the defaults", () => {
    expect(routingSettingsOf(documentOf(""))).toEqual({
      strategy: "priority",
      deadlineMs: 80,
      window: { maxTokens: 128, sampling: "head_middle_tail" },
      softMatchThreshold: 0.5,
      domainCascade: "auto",
      autoModelNames: ["vllm-sr/auto", "auto", "MoM"],
      includeConfigModels: false,
      unknownModel: "refuse",
      observeUsage: true,
      trustIdentityHeaders: false,
      identityHeaders: [],
      skipProcessingEnabled: false,
      limits: {
        maxBodyBytes: 32 * 1024 * 1024,
        bodyTimeoutMs: 30_000,
        maxHeldBytes: 256 * 1024 * 1024,
        streamedBody: false,
        clearRouteCache: true,
        gateway: "auto",
      },
    });
  });

  it.each<[rest: string, expected: object]>([
    ["global: {router: {strategy: confidence}}", { strategy: "confidence" }],
    ["global: {router: {auto_model_names: [router]}}", { autoModelNames: ["router"] }],
    ["global: {router: {auto_model_name: pick}}", { autoModelNames: ["vllm-sr/auto", "auto", "pick"] }],
    [
      "global: {router: {skip_processing: {enabled: true}, include_config_models_in_list: true}}",
      { skipProcessingEnabled: true, includeConfigModels: true },
    ],
    ["global: {services: {authz: {identity: {user_id_header: x-authz-user-id}}}}", { trustIdentityHeaders: true }],
    [
      "turnout: {deadline_ms: 5, unknown_model: pass_through, observe_usage: false}",
      { deadlineMs: 5, unknownModel: "pass_through", observeUsage: false },
    ],
    ["turnout: {signals: {max_tokens: 64, sampling: head}}", { window: { maxTokens: 64, sampling: "head" } }],
  ])("reads %s", (rest, expected) => {
    expect(routingSettingsOf(documentOf(rest))).toMatchObject(expected);
  });

  it.each<[rest: string, maxBodyBytes: number, bodyTimeoutMs: number]>([
    ["turnout: {limits: {max_body_bytes: 2048, body_timeout_ms: 100}}", 2048, 100],
    ["turnout: {limits: {max_body_bytes: 2048}}\nglobal: {router: {streamed_body: {max_bytes: 4096, timeout_sec: 2}}}", 4096, 2000],
    ["turnout: {limits: {max_body_bytes: 2048}}\nglobal: {router: {streamed_body: {max_bytes: 0, timeout_sec: 0}}}", 2048, 30_000],
  ])("limits bodies by %s", (rest, maxBodyBytes, bodyTimeoutMs) => {
    expect(routingSettingsOf(documentOf(rest)).limits).toMatchObject({ maxBodyBytes, bodyTimeoutMs });
  });
});

describe("the other parts' options", () => {
  it("name the pool's model and limits", () => {
    expect(poolSettingsOf(documentOf("turnout: {classifier: {variant: fp32, workers: 3, models_directory: /m, layers: 4}}"))).toEqual({
      model: "all-MiniLM-L6-v2",
      backend: "onnx",
      variant: "fp32",
      dimension: null,
      layers: 4,
      modelsDirectory: "/m",
      workers: 3,
      queueLimit: 1024,
      maxBatchTokens: 192,
      embeddingCacheBytes: 33_554_432,
      furtherModels: [],
    });
  });

  it("name further models in the order of the file, published ones unless it says otherwise", () => {
    const models =
      "models: {pii: {model: my-pii, preload: true}, small: {model: all-MiniLM-L6-v2, variant: int8, layers: 3, dimension: 128}}";
    const defaults = { variant: "as-is", dimension: null, layers: null, preload: false };
    expect(poolSettingsOf(documentOf(`turnout: {classifier: {${models}}}`)).furtherModels).toEqual([
      { ...defaults, name: "pii", model: "my-pii", preload: true },
      { ...defaults, name: "small", model: "all-MiniLM-L6-v2", variant: "int8", layers: 3, dimension: 128 },
    ]);
  });

  it("find the classifier service where there is one", () => {
    expect(remoteSettingsOf(documentOf("turnout: {classifier: {workers: 3}}"))).toBeNull();
    expect(remoteSettingsOf(documentOf('turnout: {classifier: {endpoint: "a:1, b:2"}}'))).toEqual({
      endpoint: "a:1, b:2",
      balancing: "power_of_two",
    });
    const tls = "tls: {ca_file: /ca, cert_file: /c, key_file: /k, server_name: pool}";
    expect(remoteSettingsOf(documentOf(`turnout: {classifier: {endpoint: "dns:///pool:50052", balancing: round_robin, ${tls}}}`))).toEqual({
      endpoint: "dns:///pool:50052",
      balancing: "round_robin",
      tls: { caPath: "/ca", certPath: "/c", keyPath: "/k", serverName: "pool" },
    });
    expect(() => documentOf('turnout: {classifier: {endpoint: "http://pool:50052"}}')).toThrow(/dns:\/\/\/host:port/);
  });

  it("give the gateway's listeners with timeouts in milliseconds", () => {
    expect(listenersOf(documentOf("listeners: [{name: a, port: 80, timeout: 1m30s}, {name: b, address: 0.0.0.0, port: 81}]"))).toEqual([
      { name: "a", address: "127.0.0.1", port: 80, timeoutMs: 90_000 },
      { name: "b", address: "0.0.0.0", port: 81 },
    ]);
  });

  it("say where the management API listens", () => {
    const rest = "global: {services: {management_api: {port: 8081}, observability: {metrics: {enabled: false}}}}";
    expect(managementSettingsOf(documentOf(rest))).toEqual({ address: "127.0.0.1", port: 8081, metricsEnabled: false });
  });
});
