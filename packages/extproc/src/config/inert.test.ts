import { describe, expect, it } from "vitest";
import { parseConfig } from "./load.ts";
import { poolSettingsOf } from "./snapshot.ts";

const endpoint = "endpoint: 'classifier:50052'";

function parse(classifier: string, { env = {}, rest = "" }: { env?: Record<string, string>; rest?: string } = {}) {
  const text = `version: v0.3
providers: { defaults: { default_model: base }, models: [{ name: base }] }
routing: { signals: { pii: [{ name: personal, model: ner }] } }
turnout: { classifier: { models: { ner: { model: some-ner } }${classifier} } }
${rest}`;
  return parseConfig(text, { file: "c.yaml", env });
}

/** What is warned of beside `models`, which each of these files has. */
const warned = (...args: Parameters<typeof parse>) =>
  parse(...args)
    .warnings.filter(({ path, message }) => message.includes("without effect") && path !== "turnout.classifier.models")
    .map(({ path, variable }) => (variable === undefined ? path : `${variable} ${path}`));

const catalog = (settings: string) =>
  `global: { model_catalog: { embeddings: { semantic: { bert_model_path: models/all-MiniLM-L6-v2, embedding_config: { ${settings} } } } } }`;
const place = "global.model_catalog.embeddings.semantic.embedding_config";

describe("settings beside an endpoint", () => {
  it.each([
    ["workers: 2"],
    ["dimension: 128"],
    ["layers: 3"],
    ["model: other"],
    ["variant: fp32"],
    ["backend: deterministic"],
    ["queue_limit: 5"],
    ["max_batch_tokens: 64"],
    ["embedding_cache_bytes: 0"],
    ["models_directory: /models"],
  ])("are warned of when they are the pool's: %s", (setting) => {
    expect(warned(`, ${endpoint}, ${setting}`)).toEqual([`turnout.classifier.${setting.split(":", 1)[0]}`]);
    expect(warned(`, ${setting}`)).toEqual([]);
  });

  it("are warned of once, at the further models, and not at all when they are empty", () => {
    const paths = (text: string) => parseConfig(text, { file: "c.yaml", env: {} }).warnings.map(({ path }) => path);
    const file = (models: string) =>
      `version: v0.3\nproviders: { defaults: { default_model: base }, models: [{ name: base }] }\nrouting: {}\nturnout: { classifier: { ${endpoint}, models: ${models} } }`;
    expect(paths(file("{ ner: { model: some-ner } }"))).toEqual(["turnout.classifier.models"]);
    expect(paths(file("{}"))).toEqual([]);
  });

  it("are not warned of when they are the front's, or nobody has set them", () => {
    expect(warned(`, ${endpoint}, balancing: round_robin, tls: {}, domain: { cascade: embedded }`)).toEqual([]);
  });

  it("are told by the variable that sets them", () => {
    const env = { TURNOUT__CLASSIFIER__WORKERS: "2" };
    expect(warned(`, ${endpoint}`, { env })).toEqual(["TURNOUT__CLASSIFIER__WORKERS turnout.classifier.workers"]);
    expect(warned("", { env })).toEqual([]);
  });

  it("are warned of in the catalog, where its path names the encoder", () => {
    const rest = catalog("target_dimension: 64, target_layer: 3");
    expect(warned(`, ${endpoint}`, { rest })).toEqual([`${place}.target_dimension`, `${place}.target_layer`]);
    expect(warned("", { rest })).toEqual([]);
  });

  it("leave the service's further models unchecked, and say so where this file does not have them", () => {
    const unchecked = (model: string) =>
      parseConfig(
        `version: v0.3
providers: { defaults: { default_model: base }, models: [{ name: base }] }
routing: { signals: { pii: [{ name: personal, model: ${model} }] } }
turnout: { classifier: { ${endpoint}, models: { ner: { model: some-ner } } } }`,
        { file: "c.yaml", env: {} },
      ).warnings.filter(({ message }) => message.startsWith("not checked"));
    expect(unchecked("ner")).toEqual([]);
    expect(unchecked("nre")).toEqual([
      { file: "c.yaml", line: 3, path: "routing.signals.pii[0].model", message: expect.stringContaining('"nre"') as string },
    ]);
  });
});

it.each([["balancing: round_robin"], ["tls: {}"], ["tls: { ca_file: /ca.crt }"]])(
  "warns of a connection without an endpoint: %s",
  (setting) => {
    expect(warned(`, ${setting}`)).toEqual([`turnout.classifier.${setting.split(":", 1)[0]}`]);
  },
);

it("leaves an as-is graph whole, and warns of a catalog that would cut it", () => {
  const rest = catalog("target_layer: 3");
  expect(warned(", variant: as-is", { rest })).toEqual([`${place}.target_layer`]);
  expect(poolSettingsOf(parse(", variant: as-is", { rest }).document).layers).toBeNull();
  expect(poolSettingsOf(parse("", { rest }).document).layers).toBe(3);
});
