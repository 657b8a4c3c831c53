import { describe, expect, it } from "vitest";
import { parseConfig } from "./load.ts";
import { poolSettingsOf, routingSettingsOf } from "./snapshot.ts";

const policy = "version: v0.3\nproviders: {defaults: {default_model: base}, models: [{name: base}]}\nrouting: {}\n";
const parse = (catalog: string, rest = "", env: Record<string, string> = {}) =>
  parseConfig(`${policy}global: {model_catalog: {${catalog}}}\n${rest}`, { file: "c.yaml", env });
const semantic = (settings: string) => `embeddings: {semantic: {${settings}}}`;

const namesOurs = "turnout: {classifier: {model: some-encoder}}";

describe("global.model_catalog", () => {
  it.each<[settings: string, softMatchThreshold: number | null]>([
    ["", 0.5],
    ["embedding_config: {min_score_threshold: 0.4}", 0.4],
    ["embedding_config: {enable_soft_matching: false}", null],
    ["embedding_config: {enable_soft_matching: false, min_score_threshold: 0.4}", null],
  ])("sets from where embedding rules match softly: {%s}", (settings, softMatchThreshold) => {
    const { document, warnings } = parse(semantic(settings));
    expect(routingSettingsOf(document).softMatchThreshold).toBe(softMatchThreshold);
    expect(warnings).toEqual([]);
  });

  it.each<[settings: string, rest: string, expected: { dimension: number | null; layers: number | null }]>([
    [
      "mmbert_model_path: models/some-encoder, embedding_config: {target_dimension: 256, target_layer: 6}",
      namesOurs,
      { dimension: 256, layers: 6 },
    ],
    ["qwen3_model_path: /models/some-encoder/, embedding_config: {target_dimension: 64}", namesOurs, { dimension: 64, layers: null }],
    // 0 is Go's way to say nothing.
    [
      "mmbert_model_path: some-encoder, embedding_config: {target_dimension: 0, target_layer: 0}",
      namesOurs,
      { dimension: null, layers: null },
    ],
    // model_type chooses among several paths.
    [
      "mmbert_model_path: models/other, bert_model_path: models/some-encoder, embedding_config: {model_type: bert, target_layer: 3}",
      namesOurs,
      { dimension: null, layers: 3 },
    ],
    // What is Turnout's own wins.
    [
      "mmbert_model_path: models/some-encoder, embedding_config: {target_dimension: 256}",
      "turnout: {classifier: {model: some-encoder, dimension: 128}}",
      { dimension: 128, layers: null },
    ],
  ])("tunes the encoder that it names: {%s}", (settings, rest, expected) => {
    const { document, warnings } = parse(semantic(settings), rest);
    expect(poolSettingsOf(document)).toMatchObject({ model: "some-encoder", ...expected });
    expect(warnings).toEqual([]);
  });

  it.each<[catalog: string, paths: readonly string[], message: RegExp]>([
    [semantic("mmbert_model_path: models/other"), ["embeddings.semantic.mmbert_model_path"], /prepare it as "other"/],
    [
      semantic("embedding_config: {target_dimension: 768, target_layer: 22}"),
      ["embeddings.semantic.embedding_config.target_dimension", "embeddings.semantic.embedding_config.target_layer"],
      /no path of the catalog names the encoder in use/,
    ],
    [semantic("use_cpu: false"), ["embeddings.semantic.use_cpu"], /runs on the CPU/],
    [
      semantic("embedding_config: {prototype_scoring: {top_m: 3}}"),
      ["embeddings.semantic.embedding_config.prototype_scoring"],
      /without effect/,
    ],
    ["system: {domain_classifier: models/d}", ["system"], /without effect/],
    ["modules: {prompt_guard: {on_error: block}}", ["modules"], /without effect/],
    ["external: [{name: a, access_key: s3cret}]", ["external"], /without effect/],
    ["kbs: [{name: a}]", ["kbs"], /without effect/],
  ])("warns of what it asks for in vain: {%s}", (catalog, paths, message) => {
    const { document, warnings } = parse(catalog);
    expect(warnings.map(({ path }) => path)).toEqual(paths.map((path) => `global.model_catalog.${path}`));
    for (const warning of warnings) {
      expect(warning.message).toMatch(message);
      expect(warning.message).not.toContain("s3cret");
      expect(warning.line).toBe(4);
    }
    expect(poolSettingsOf(document)).toMatchObject({ model: "all-MiniLM-L6-v2", dimension: null, layers: null });
  });

  it("says of a variable's value that it is in vain", () => {
    const variable = "TURNOUT__GLOBAL__MODEL_CATALOG__EMBEDDINGS__SEMANTIC__USE_CPU";
    expect(parse("", "", { [variable]: "false" }).warnings).toMatchObject([{ variable, line: 0 }]);
  });

  it.each<[catalog: string, path: string]>([
    [semantic('endpoint: {base_url: "http://e"}'), "endpoint"],
    [semantic("embedding_config: {backend: openai}"), "backend"],
    [semantic("embedding_config: {backend: openai_compatible}"), "backend"],
  ])("refuses to send prompts to a service it does not know: {%s}", (catalog, path) => {
    expect(() => parse(catalog)).toThrow(new RegExp(`${path}[^]*does not support yet`));
  });

  it("refuses what neither of the two knows", () => {
    expect(() => parse(semantic("embedding_config: {target_dimensions: 3}"))).toThrow(/Did you mean "target_dimension"/);
  });

  it("may be empty", () => {
    expect(parse("embeddings: {}, system: {}, external: [], kbs: []").warnings).toEqual([]);
  });
});
