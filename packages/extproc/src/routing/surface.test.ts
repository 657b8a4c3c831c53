import { describe, expect, it } from "vitest";
import { plugins } from "./plugins/index.ts";
import { routingSchema } from "./schema.ts";
import { algorithms } from "./selection/index.ts";
import { signals } from "./signals/index.ts";
import { pluginAliases, surface } from "./surface.ts";

describe("registries", () => {
  it("name each thing once", () => {
    for (const names of [
      signals.map(({ type }) => type),
      signals.map(({ configKey }) => configKey),
      algorithms.map(({ type }) => type),
      plugins.map(({ type }) => type),
    ]) {
      expect(new Set(names).size).toBe(names.length);
    }
  });

  it("become the schema: every signal's key takes a list of its rules", () => {
    for (const { configKey } of signals) {
      expect(routingSchema.safeParse({ signals: { [configKey]: [] } }).success).toBe(true);
      expect(routingSchema.safeParse({ signals: { [configKey]: [{ nonsense: true }] } }).success).toBe(false);
    }
  });

  it("become the schema: every plugin's and algorithm's type is accepted, others are not", () => {
    const decision = (extra: object) => routingSchema.safeParse({ decisions: [{ name: "d", ...extra }] }).success;
    for (const { type } of algorithms) expect(decision({ algorithm: { type, [type]: {} } })).toBe(true);
    expect(decision({ algorithm: { type: "static", knn: {} } })).toBe(false);
    expect(decision({ plugins: [{ type: "response_cache", configuration: { enabled: true, similarity_threshold: 0.8 } }] })).toBe(true);
    expect(decision({ plugins: [{ type: "rag" }] })).toBe(false);
  });
});

describe("surface", () => {
  it("lists what is registered as supported and never as unsupported", () => {
    for (const { supported, unsupported } of [surface.signalKeys, surface.conditionTypes, surface.algorithmTypes, surface.pluginTypes]) {
      expect(supported.length).toBeGreaterThan(0);
      expect(unsupported.filter((name) => supported.includes(name))).toEqual([]);
    }
  });

  it("knows vSR's older spellings of plugins", () => {
    expect(pluginAliases.get("semantic-cache")).toBe("response_cache");
  });
});
