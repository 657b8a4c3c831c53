import { inspect } from "node:util";
import { describe, expect, it } from "vitest";
import { createBackendDirectory, type Backend, type BackendRefSettings } from "./backends.ts";

function backend(ref: BackendRefSettings, env: Record<string, string> = {}): Backend {
  return createBackendDirectory([{ name: "m", backend_refs: [ref] }], { env }).resolve("m")[0] as Backend;
}

const CHAT = "/v1/chat/completions";

describe("addresses", () => {
  it.each<[BackendRefSettings, string]>([
    [{ endpoint: "vllm.default.svc.cluster.local:8000" }, "http://vllm.default.svc.cluster.local:8000"],
    [{ endpoint: "host" }, "http://host"],
    [{ endpoint: "host", protocol: "https" }, "https://host"],
    [{ endpoint: "http://host:9/ignored/path" }, "http://host:9"],
    [{ endpoint: "https://host" }, "https://host"],
    [{ endpoint: "[::1]:8000" }, "http://[::1]:8000"],
    [{ base_url: "https://api.example/v1" }, "https://api.example"],
    [{ base_url: "api.example/v1", protocol: "https" }, "https://api.example"],
  ])("reads %j as %s", (ref, origin) => {
    expect(backend(ref).origin).toBe(origin);
  });

  it.each<[BackendRefSettings, RegExp]>([
    [{ name: "x" }, /backend m_x: endpoint .* or base_url .* is needed/],
    [{ endpoint: "host", protocol: "grpc" }, /m_primary.*protocol "grpc" is no http\(s\) address/],
    [{ base_url: "https://user:hunter2@host/v1" }, /credentials in an address/],
    [{ endpoint: "not a host" }, /is no http\(s\) address/],
  ])("refuses %j", (ref, message) => {
    expect(() => backend(ref)).toThrow(message);
  });

  it("does not repeat a password in its refusal", () => {
    expect(() => backend({ base_url: "ftp://user:hunter2@host" })).toThrow(/^(?!.*hunter2).*protocol "ftp" is no/);
  });
});

describe("paths", () => {
  it.each<[BackendRefSettings, string, string]>([
    [{ endpoint: "h" }, CHAT, CHAT],
    [{ endpoint: "h" }, `${CHAT}?a=1`, `${CHAT}?a=1`],
    [{ base_url: "https://h/v1" }, CHAT, CHAT],
    [{ base_url: "https://h/v1/" }, "/v1/completions", "/v1/completions"],
    [{ base_url: "https://h/openai/v1" }, CHAT, "/openai/v1/chat/completions"],
    [{ base_url: "https://h" }, CHAT, CHAT],
    [{ base_url: "https://h/v1", chat_path: "/messages" }, CHAT, "/v1/messages"],
    [{ base_url: "https://h/v1", chat_path: "/messages" }, "/v1/completions", "/v1/completions"],
    [
      { base_url: "https://h/deployments/x", chat_path: "chat/completions", api_version: "2025-03-01" },
      CHAT,
      "/deployments/x/chat/completions?api-version=2025-03-01",
    ],
    [{ base_url: "https://h/v1", api_version: "a b" }, `${CHAT}?q=1`, `${CHAT}?q=1&api-version=a%20b`],
  ])("%j asks for %s at %s", (ref, asked, path) => {
    expect(backend(ref).pathFor(asked)).toBe(path);
  });
});

describe("credentials", () => {
  const client = [
    ["authorization", "Bearer client"],
    ["x-api-key", "client"],
    ["accept", "*/*"],
  ] as const;

  it.each<[string, BackendRefSettings, readonly (readonly [string, string])[]]>([
    ["no key: the client's pass", {}, client],
    [
      "a literal key",
      { api_key: "k" },
      [
        ["accept", "*/*"],
        ["authorization", "Bearer k"],
      ],
    ],
    [
      "a key from the environment",
      { api_key_env: "KEY" },
      [
        ["accept", "*/*"],
        ["authorization", "Bearer from-env"],
      ],
    ],
    ["a missing variable: the client's do not pass either", { api_key_env: "NOPE" }, [["accept", "*/*"]]],
    [
      "another header, bare",
      { api_key: "k", auth_header: "X-Api-Key" },
      [
        ["accept", "*/*"],
        ["x-api-key", "k"],
      ],
    ],
    [
      "another prefix",
      { api_key: "k", auth_prefix: "Token" },
      [
        ["accept", "*/*"],
        ["authorization", "Token k"],
      ],
    ],
    [
      "no prefix",
      { api_key: "k", auth_prefix: "" },
      [
        ["accept", "*/*"],
        ["authorization", "k"],
      ],
    ],
    [
      "extra headers overwrite",
      { extra_headers: { Accept: "text/x", "X-T": "a" } },
      [
        ["authorization", "Bearer client"],
        ["x-api-key", "client"],
        ["accept", "text/x"],
        ["x-t", "a"],
      ],
    ],
  ])("%s", (_, ref, expected) => {
    expect(backend({ endpoint: "h", ...ref }, { KEY: "from-env" }).headersFor(client)).toEqual(expected);
  });

  it("warns of a variable that is not set, by name", () => {
    const warnings: string[] = [];
    const onWarning = (message: string) => warnings.push(message);
    createBackendDirectory([{ name: "m", backend_refs: [{ endpoint: "h", api_key_env: "NOPE" }] }], { env: {}, onWarning });
    expect(warnings).toEqual([expect.stringContaining("NOPE")]);
  });

  it("cannot be seen in a printed or serialised backend", () => {
    const made = backend({ endpoint: "h", api_key: "hunter2", extra_headers: { "x-key": "hunter2" } });
    expect(inspect(made, { depth: 9, showHidden: true }) + JSON.stringify(made)).not.toContain("hunter2");
  });
});

describe("the directory", () => {
  const models = [
    { name: "bare" },
    {
      name: "a",
      backend_refs: [
        { endpoint: "a:1", name: "one", weight: 0 },
        { endpoint: "a:2", weight: 3 },
      ],
    },
    { name: "b", backend_refs: [{ endpoint: "b:1" }] },
  ];

  it("names and weighs backends as vSR does", () => {
    const found = createBackendDirectory(models).resolve("a");
    expect(found.map(({ id, weight }) => [id, weight])).toEqual([
      ["a_one", 1],
      ["a_backend-2", 3],
    ]);
  });

  it.each([
    ["b", "b", "b_primary"],
    ["the default model for null", null, "b_primary"],
    ["nobody for an unknown model", "nope", undefined],
    ["nobody for a model without backend_refs", "bare", undefined],
  ])("resolves %s", (_, model, id) => {
    expect(createBackendDirectory(models, { defaultModel: "b" }).resolve(model)[0]?.id).toBe(id);
  });

  it("falls back to the first model with backends", () => {
    expect(createBackendDirectory(models).resolve(null)[0]?.id).toBe("a_one");
  });
});
