import type { Candidate } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { createModelDirectory } from "./models.ts";
import { providersSchema, routingSchema } from "./schema.ts";
import { autoModelNames } from "./snapshot.ts";

const config = routingSchema.parse({
  modelCards: [
    { name: "base", description: "the base", loras: [{ name: "math" }, { name: "general" }] },
    { name: "general" },
    { name: "cloud" },
  ],
});
const providers = providersSchema.parse({
  defaults: {
    default_model: "general",
    reasoning_families: {
      kwargs: { type: "chat_template_kwargs", parameter: "thinking" },
      effort: { type: "reasoning_effort", parameter: "reasoning_effort" },
    },
  },
  models: [
    { name: "base", reasoning_family: "kwargs", provider_model_id: "org/base-8b", backend_refs: [{ endpoint: "a:1" }] },
    {
      name: "cloud",
      reasoning_family: "effort",
      external_model_ids: { openai: "gpt-x" },
      provider_model_id: "y",
      backend_refs: [{ base_url: "https://b/v1", provider: "openai" }],
    },
  ],
});
const models = createModelDirectory(config, providers);
const candidate = (model: string, lora: string | null = null): Candidate => ({
  model,
  lora,
  useReasoning: true,
  reasoningEffort: null,
  weight: 1,
});

describe("createModelDirectory", () => {
  it.each([
    ["base", "base", "base", "org/base-8b"],
    ["org/base-8b", "base", "base", "org/base-8b"],
    ["math", "math", "base", "math"],
    ["general", "general", "base", "general"],
    ["cloud", "cloud", "cloud", "gpt-x"],
    ["gpt-x", "cloud", "cloud", "gpt-x"],
  ])("finds %s as %s of %s, %s on the wire", (asked, name, model, wireName) => {
    expect(models.find(asked)).toEqual({ name, model, wireName, reasoning: null });
  });

  it("finds nothing under an unknown name, nor under one that objects inherit", () => {
    expect(models.find("gpt-9")).toBeNull();
    expect(models.find("constructor")).toBeNull();
  });

  it("takes a default model that is an adapter to the base that carries it, and leaves reasoning to the client", () => {
    expect(models.defaultTarget).toEqual({ name: "general", model: "base", wireName: "general", reasoning: null });
  });

  it("tells an adapter's candidate to think as its base does", () => {
    expect(models.targetOf(candidate("base", "math"))).toEqual({
      name: "math",
      model: "base",
      wireName: "math",
      reasoning: { family: { type: "chat_template_kwargs", parameter: "thinking" }, enabled: true, effort: "medium", dialect: "vllm" },
    });
    expect(models.targetOf(candidate("cloud")).reasoning).toMatchObject({ dialect: "openai", enabled: true });
    expect(models.targetOf(candidate("math"))).toEqual(models.targetOf(candidate("base", "math")));
  });

  it("prefers a model with backends of its own to an adapter of the same name", () => {
    const cards = routingSchema.parse({ modelCards: [{ name: "base", loras: [{ name: "cloud" }] }, { name: "cloud" }] });
    expect(createModelDirectory(cards, providers).find("cloud")).toMatchObject({ model: "cloud", wireName: "gpt-x" });
  });

  it("lists every logical name once", () => {
    expect(models.list().map(({ name }) => name)).toEqual(["base", "math", "general", "cloud"]);
  });
});

it.each([
  [{}, ["vllm-sr/auto", "auto", "MoM"]],
  [{ auto_model_name: "router" }, ["vllm-sr/auto", "auto", "router"]],
  [{ auto_model_name: "auto" }, ["vllm-sr/auto", "auto"]],
  [{ auto_model_name: "x", auto_model_names: ["only"] }, ["only"]],
  [{ auto_model_names: [] }, ["vllm-sr/auto", "auto", "MoM"]],
])("autoModelNames of %j are %j", (router, names) => {
  expect(autoModelNames(router)).toEqual(names);
});
