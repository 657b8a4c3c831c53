import { describe, expect, it } from "vitest";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { environmentSettings } from "./environment.ts";
import { documentJsonSchema } from "./json-schema.ts";
import { deploymentSettings, parseConfig } from "./load.ts";

const policy = "version: v0.3\nproviders: {defaults: {default_model: base}, models: [{name: base}]}\nrouting: {}\n";
const parse = (env: Record<string, string | undefined>, rest = "") => parseConfig(policy + rest, { file: "c.yaml", env });

function refusalOf(env: Record<string, string>, rest = ""): ConfigError {
  try {
    parse(env, rest);
  } catch (error) {
    if (error instanceof ConfigError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
const problemsOf = (env: Record<string, string>, rest = ""): readonly ConfigProblem[] => refusalOf(env, rest).problems;

describe("settings from environment variables", () => {
  it.each<[variable: string, text: string, expected: object]>([
    ["TURNOUT__CLASSIFIER__WORKERS", "3", { turnout: { classifier: { workers: 3 } } }],
    ["TURNOUT__CLASSIFIER__WORKERS", "auto", { turnout: { classifier: { workers: "auto" } } }],
    ["TURNOUT__CLASSIFIER__ENDPOINT", "dns:///pool:50052", { turnout: { classifier: { endpoint: "dns:///pool:50052" } } }],
    ["TURNOUT__CLASSIFIER__TLS__CA_FILE", "/tls/ca.crt", { turnout: { classifier: { tls: { ca_file: "/tls/ca.crt" } } } }],
    ["TURNOUT__DEADLINE_MS", "120", { turnout: { deadline_ms: 120 } }],
    ["TURNOUT__OBSERVE_USAGE", "false", { turnout: { observe_usage: false } }],
    ["TURNOUT__LIMITS__MAX_BODY_BYTES", "4096", { turnout: { limits: { max_body_bytes: 4096 } } }],
    // A number where text is wanted stays text.
    ["TURNOUT__CLASSIFIER__MODEL", "42", { turnout: { classifier: { model: "42" } } }],
    ["TURNOUT__GLOBAL__SERVICES__MANAGEMENT_API__PORT", "0", { global: { services: { management_api: { port: 0 } } } }],
    ["TURNOUT__GLOBAL__ROUTER__STREAMED_BODY__ENABLED", "true", { global: { router: { streamed_body: { enabled: true } } } }],
    ["TURNOUT__GLOBAL__ROUTER__AUTO_MODEL_NAMES", "auto, pick", { global: { router: { auto_model_names: ["auto", "pick"] } } }],
  ])("%s=%s", (variable, text, expected) => {
    const { document, fromEnvironment } = parse({ [variable]: text });
    expect(document).toMatchObject(expected);
    expect(fromEnvironment).toMatchObject([{ variable }]);
  });

  it.each([
    ["over a value of the file", "turnout: {classifier: {workers: 1, queue_limit: 7}}", 7],
    ["beside an empty block", "turnout:\n", 1024],
    ["into a Helm values file", "", 1024],
  ])("go %s", (_, rest, queueLimit) => {
    const text = rest === "" ? `config:\n${policy.replaceAll(/^/gm, "  ")}` : policy + rest;
    const { document, fromEnvironment } = parseConfig(text, { file: "c.yaml", env: { TURNOUT__CLASSIFIER__WORKERS: "5" } });
    expect(document.turnout.classifier).toMatchObject({ workers: 5, queue_limit: queueLimit });
    expect(fromEnvironment).toEqual([{ variable: "TURNOUT__CLASSIFIER__WORKERS", path: ["turnout", "classifier", "workers"] }]);
  });

  it("leave the file alone when they are empty, or not ours", () => {
    const env = { TURNOUT__CLASSIFIER__WORKERS: "", TURNOUT__NONSENSE: undefined, TURNOUT_SERVICE_PORT: "80", TURNOUT_MODELS_DIR: "/m" };
    const { document, fromEnvironment } = parse(env, "turnout: {classifier: {workers: 2}}");
    expect(document.turnout.classifier.workers).toBe(2);
    expect(fromEnvironment).toEqual([]);
  });

  it.each<[variable: string, nearest: string | null]>([
    ["TURNOUT__CLASSIFIER__WORKER", "TURNOUT__CLASSIFIER__WORKERS"],
    ["TURNOUT__CLASIFIER__WORKERS", "TURNOUT__CLASSIFIER__WORKERS"],
    ["TURNOUT__classifier__workers", "TURNOUT__CLASSIFIER__WORKERS"],
    ["TURNOUT__GLOBAL__SERVICES__MANAGEMENT__PORT", "TURNOUT__GLOBAL__SERVICES__MANAGEMENT_API__PORT"],
    // Policy is the file's alone, and so are blocks and maps with free names.
    ["TURNOUT__ROUTING__STRATEGY", null],
    ["TURNOUT__CLASSIFIER", null],
    ["TURNOUT__CLASSIFIER__MODELS", "TURNOUT__CLASSIFIER__MODEL"],
    ["TURNOUT__X", null],
  ])("refuse the name %s", (variable, nearest) => {
    const problem = problemsOf({ [variable]: "1" })[0];
    expect(problem).toMatchObject({ variable, kind: "invalid", file: "c.yaml", line: 0 });
    if (nearest !== null) expect(problem?.nearest).toBe(nearest);
  });

  it.each<[variable: string, text: string, path: string, expected: string]>([
    ["TURNOUT__CLASSIFIER__WORKERS", "many", "turnout.classifier.workers", "auto, a number"],
    ["TURNOUT__DEADLINE_MS", "0", "turnout.deadline_ms", "at least 1"],
    ["TURNOUT__DEADLINE_MS", "soon", "turnout.deadline_ms", "a number"],
    ["TURNOUT__OBSERVE_USAGE", "yes", "turnout.observe_usage", "true or false"],
    ["TURNOUT__GATEWAY", "envy", "turnout.gateway", "envoy, agentgateway, auto"],
  ])("refuse %s=%s as the file's would be", (variable, text, path, expected) => {
    expect(problemsOf({ [variable]: text })).toMatchObject([{ variable, path, expected, found: `the value of ${variable}` }]);
  });

  it("say where the mistake is, in the form of the file's, and never what the value is", () => {
    const { message } = refusalOf(
      { TURNOUT__CLASSIFIER__WORKERS: "s3cret", TURNOUT__CLASIFIER__MODEL: "s3cret" },
      "turnout: {gatewey: envoy}",
    );
    expect(message).toContain(
      "environment variable TURNOUT__CLASSIFIER__WORKERS: turnout.classifier.workers\n  found the value of TURNOUT__CLASSIFIER__WORKERS; expected auto",
    );
    expect(message).toContain("environment variable TURNOUT__CLASIFIER__MODEL\n  found a name that is no setting");
    expect(message).toContain('Did you mean "TURNOUT__CLASSIFIER__MODEL"?');
    expect(message).toContain("c.yaml:4:11: turnout.gatewey");
    expect(message).not.toContain("s3cret");
  });

  it("leave a file to its own complaint where it has no map", () => {
    expect(problemsOf({ TURNOUT__CLASSIFIER__WORKERS: "2" }, "turnout: {classifier: 5}")).toMatchObject([
      { variable: null, path: "turnout.classifier", line: 4 },
    ]);
  });
});

describe("environmentSettings", () => {
  const settings = environmentSettings(documentJsonSchema());

  it("gives every setting a name of its own", () => {
    expect(settings.length).toBeGreaterThan(40);
    expect(new Set(settings.map(({ variable }) => variable)).size).toBe(settings.length);
    for (const { variable } of settings) expect(variable).toMatch(/^TURNOUT__[A-Z0-9_]+$/);
  });

  it("reaches nothing but deployment", () => {
    expect(new Set(settings.map(({ path }) => path[0]))).toEqual(new Set(["turnout", "global"]));
  });
});

describe("deploymentSettings", () => {
  it("are defaults and the environment, without a file", () => {
    const { turnout, global } = deploymentSettings({ TURNOUT__CLASSIFIER__WORKERS: "3", TURNOUT__GLOBAL__ROUTER__STRATEGY: "confidence" });
    expect(turnout.classifier).toMatchObject({ workers: 3, variant: "int8" });
    expect(global.router.strategy).toBe("confidence");
  });

  it("are refused as a file is", () => {
    expect(() => deploymentSettings({ TURNOUT__CLASSIFIER__WORKERS: "0" })).toThrow(/environment variable TURNOUT__CLASSIFIER__WORKERS/);
    expect(() => deploymentSettings({ TURNOUT__CLASSIFIER__WORKRS: "1" })).toThrow(/Did you mean "TURNOUT__CLASSIFIER__WORKERS"/);
  });
});
