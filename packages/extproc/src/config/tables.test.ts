import { parseConfig } from "./load.ts";
import { describe, expect, it } from "vitest";
import { acceptedBlocks, acceptedModelSettings } from "./accepted.ts";
import { documentJsonSchema, knownAt } from "./json-schema.ts";
import type { Located, Path } from "./located.ts";
import { unsupportedKeys, unsupportedValues } from "./unsupported.ts";

const schema = documentJsonSchema();
const anyFile: Located = { kind: "map", path: [], key: null, span: { start: 0, end: 0 }, entries: new Map() };
const pathOf = (pattern: string): Path => pattern.split(".").map((step) => (step === "*" ? 0 : step));

describe("the tables of what is not implemented", () => {
  it.each(unsupportedKeys)("%s is not also in the schema, and belongs to a block that is", (pattern) => {
    const path = pathOf(pattern);
    const siblings = knownAt(schema, anyFile, path.slice(0, -1)).keys;
    expect(siblings.length).toBeGreaterThan(0);
    expect(siblings).not.toContain(path.at(-1));
  });

  it.each(Object.entries(unsupportedValues))("%s: no value is also in the schema, which has some", (pattern, values) => {
    const supported = knownAt(schema, anyFile, pathOf(pattern)).values;
    expect(supported.length).toBeGreaterThan(0);
    expect(values.filter((value) => supported.includes(value))).toEqual([]);
  });

  it.each(Object.keys(acceptedBlocks))("%s is accepted, and its description says that it has no effect", (path) => {
    const steps = pathOf(path);
    expect(knownAt(schema, anyFile, steps.slice(0, -1)).keys).toContain(steps.at(-1));
    expect(JSON.stringify(schema)).toContain(`would ${acceptedBlocks[path as keyof typeof acceptedBlocks]}`);
  });

  it.each(Object.keys(acceptedModelSettings))("the model setting %s warns once, at its first use", (key) => {
    const values: Record<string, string> = { pricing: "{ prompt_per_1m: 1 }", reliability: "{ retry_count: 2 }" };
    const models = ["a", "b"]
      .map((name) => `    - { name: ${name}, ${key}: ${values[key]}, backend_refs: [{ endpoint: "h:1" }] }`)
      .join("\n");
    const text = `version: v0.3\nrouting: { modelCards: [{ name: a }, { name: b }] }\nproviders:\n  defaults: { default_model: a }\n  models:\n${models}\n`;
    const { warnings } = parseConfig(text, { file: "f.yaml", env: {} });
    expect(warnings).toMatchObject([
      { line: 6, path: `providers.models[0].${key}`, message: expect.stringContaining("also in 1 more model") as string },
    ]);
  });
});
