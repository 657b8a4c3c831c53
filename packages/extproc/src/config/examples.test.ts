import { readdirSync, readFileSync } from "node:fs";
import { systemClock } from "@turnout/shared";
import { Ajv } from "ajv";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { createRoutingSnapshot } from "../routing/snapshot.ts";
import { editorJsonSchema } from "./json-schema.ts";
import { loadConfig } from "./load.ts";
import { routingSettingsOf } from "./snapshot.ts";

const root = new URL("../../../../", import.meta.url);
const pathOf = (name: string) => new URL(name, root).pathname;
const examples = readdirSync(pathOf("config"))
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => `config/${name}`);
const fixture = "test/compat/fixtures/vsr-agentgateway-values.yaml";

const validate = new Ajv({ strict: true, allErrors: true, strictTypes: false, strictRequired: false, formats: { uri: true } }).compile(
  editorJsonSchema(),
);

describe("vLLM Semantic Router's own values file", () => {
  it("loads unmodified, with one warning for each block that is still to come", async () => {
    const { document, warnings } = await loadConfig(pathOf(fixture), {});
    expect(warnings.map(({ line, path }) => [line, path])).toEqual([
      [79, "routing.decisions[2].plugins[0]"],
      [357, "global.services.response_api"],
      [362, "global.services.router_replay"],
      [367, "global.services.api.batch_classification"],
      [423, "global.stores.memory"],
      [425, "global.stores.vector_store"],
      [428, "global.integrations.tools"],
    ]);
    expect(warnings[0]?.message).toContain("nor for 2 more decisions");
    expect(document.routing.decisions).toHaveLength(15);
    expect(document.routing.signals.domains).toHaveLength(14);
  });
});

describe("config/", () => {
  it.each(examples)("%s loads without a warning and without any variable", async (name) => {
    await expect(loadConfig(pathOf(name), {})).resolves.toMatchObject({ warnings: [] });
  });

  it("quickstart has the fourteen domains, each with a decision, below the keyword's and above the general one", async () => {
    const { routing } = (await loadConfig(pathOf("config/quickstart.yaml"), {})).document;
    const domains = routing.signals.domains.map(({ name }) => name);
    expect(domains.toSorted()).toEqual(
      [
        "business",
        "law",
        "psychology",
        "biology",
        "chemistry",
        "history",
        "health",
        "economics",
        "math",
        "physics",
        "computer science",
        "philosophy",
        "engineering",
        "other",
      ].toSorted(),
    );
    const priorityOf = (domain: string) =>
      routing.decisions.find(({ rules }) => rules?.conditions?.some(({ type, name }) => type === "domain" && name === domain))?.priority;
    expect(domains.map((domain) => [domain, priorityOf(domain)])).toEqual(domains.map((domain) => [domain, domain === "other" ? 1 : 10]));
    expect(routing.decisions.find(({ rules }) => rules?.conditions?.some(({ type }) => type === "keyword"))?.priority).toBe(20);
    const reasoning = routing.decisions.filter(({ modelRefs }) => modelRefs[0]?.use_reasoning === true).map(({ name }) => name);
    expect(reasoning.toSorted()).toEqual(["chemistry_decision", "math_decision", "physics_decision", "thinking_decision"]);
  });
});

describe("every example", () => {
  const embedder = { embed: () => Promise.reject(new Error("no encoder here")) };

  it.each([...examples, fixture])("%s makes a router", async (name) => {
    const { document } = await loadConfig(pathOf(name), {});
    const settings = routingSettingsOf(document);
    const snapshot = createRoutingSnapshot({
      config: document.routing,
      providers: document.providers,
      settings,
      embedder,
      clock: systemClock,
    });
    expect(snapshot.models.defaultTarget.name).toBe(document.providers.defaults.default_model);
  });
});

describe("editorJsonSchema", () => {
  it.each([...examples, fixture])("accepts %s", (name) => {
    validate(parse(readFileSync(pathOf(name), "utf8")));
    expect(validate.errors ?? []).toEqual([]);
  });

  it.each<[text: string, accepted: boolean]>([
    ["deadline_ms: 80", true],
    ["deadline_ms: '${DEADLINE:-80}'", true],
    ["deadline_ms: soon", false],
    ["gateway: envoi", false],
    ["deadline: 80", false],
  ])("judges turnout: {%s}", (text, accepted) => {
    const document = { version: "v0.3", providers: { defaults: { default_model: "a" } }, routing: {}, turnout: parse(text) as unknown };
    expect([validate(document), validate({ replicas: 1, config: document })]).toEqual([accepted, accepted]);
  });

  it("describes every setting of turnout:", () => {
    const undescribed: string[] = [];
    const walk = (schema: ReturnType<typeof editorJsonSchema>, path: string) => {
      for (const [key, value] of Object.entries(schema.properties ?? {})) {
        if (value["description"] === undefined) undescribed.push(`${path}.${key}`);
        walk(value, `${path}.${key}`);
      }
    };
    const turnout = editorJsonSchema().definitions?.["document"]?.properties?.["turnout"];
    walk(turnout ?? {}, "turnout");
    expect(Object.keys(turnout?.properties ?? {})).toContain("deadline_ms");
    expect(undescribed).toEqual([]);
  });
});
