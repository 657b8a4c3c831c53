/**
 * The promise of the registries: a signal, an algorithm or a plugin is one file and one line. The first half adds the line (in front
 * of the modules, not in them) and looks for the addition everywhere it should appear; the second half shows that nothing else in the
 * front knows any of them by name.
 */
import { globSync, readFileSync } from "node:fs";
import { createMetrics, silentLogger, systemClock, type Embedder } from "@turnout/shared";
import { describe, expect, it, vi } from "vitest";
import { evaluationBody } from "./admin/evaluation.ts";
import { ConfigError, editorJsonSchema, parseConfig, routingSettingsOf } from "./config/index.ts";
import { algorithms, createExchangeFactory, createRoutingSnapshot, plugins, promptRequest, signals, surface } from "./routing/index.ts";

// What the one line in each registry does.
vi.mock(import("./routing/signals/index.ts"), async (original) => {
  const [{ signals }, { shouting }] = await Promise.all([original(), import("./routing/testing/toys.ts")]);
  return { signals: [...signals, shouting] as unknown as typeof signals };
});
vi.mock(import("./routing/selection/index.ts"), async (original) => {
  const [{ algorithms }, { longestName }] = await Promise.all([original(), import("./routing/testing/toys.ts")]);
  return { algorithms: [...algorithms, longestName] as unknown as typeof algorithms };
});
vi.mock(import("./routing/plugins/index.ts"), async (original) => {
  const [{ plugins }, { stamp }] = await Promise.all([original(), import("./routing/testing/toys.ts")]);
  return { plugins: [...plugins, stamp] as unknown as typeof plugins };
});

const text = `
version: v0.3
providers:
  defaults: { default_model: base }
  models: [{ name: base }]
routing:
  modelCards: [{ name: base, loras: [{ name: calm }, { name: patient }, { name: kind }] }]
  signals:
    shouts: [{ name: loud, least_letters: 4 }]
  decisions:
    - name: soothe
      rules: { operator: OR, conditions: [{ type: shouting, name: loud }] }
      modelRefs: [{ model: base, lora_name: calm }, { model: base, lora_name: patient }, { model: base, lora_name: kind }]
      algorithm: { type: longest_name, longest_name: { at_most: 20 } }
      plugins: [{ type: postmark, configuration: { text: handle with care } }]
`;
const parse = (document: string) => parseConfig(document, { file: "toys.yaml", env: {} });

function snapshotOf({ document }: ReturnType<typeof parse>) {
  const embedder: Embedder = { embed: () => Promise.reject(new Error("no toy asks the encoder")) };
  const { routing, providers } = document;
  return createRoutingSnapshot({ config: routing, providers, settings: routingSettingsOf(document), embedder, clock: systemClock });
}

describe("a signal, an algorithm and a plugin added to their registries", () => {
  it("are validated in the configuration, aliases included", () => {
    expect(parse(text).document.routing).toMatchObject({
      signals: { shouts: [{ name: "loud", least_letters: 4 }] },
      decisions: [{ algorithm: { type: "longest_name" }, plugins: [{ type: "stamp", configuration: { text: "handle with care" } }] }],
    });
  });

  it.each<[mistake: string, before: string, after: string, path: string, nearest: string | null]>([
    ["an unknown key of a rule", "least_letters: 4", "least_leters: 4", "routing.signals.shouts[0].least_leters", "least_letters"],
    ["a value out of bounds", "least_letters: 4", "least_letters: 0", "routing.signals.shouts[0].least_letters", null],
    ["a condition on an undeclared rule", "name: loud }]", "name: loude }]", "routing.decisions[0].rules.conditions[0].name", "loud"],
    ["a misspelt condition", "type: shouting", "type: shoting", "routing.decisions[0].rules.conditions[0].type", "shouting"],
    ["an unknown option", "at_most: 20", "at_mos: 20", "routing.decisions[0].algorithm.longest_name.at_mos", "at_most"],
    ["a misspelt algorithm", "type: longest_name", "type: longest_nam", "routing.decisions[0].algorithm.type", "longest_name"],
    ["a plugin without its text", "{ text: handle with care }", "{}", "routing.decisions[0].plugins[0].configuration.text", null],
    ["a misspelt plugin", "type: postmark", "type: stomp", "routing.decisions[0].plugins[0].type", "stamp"],
  ])("make %s a mistake with a place and a hint", (_, before, after, path, nearest) => {
    expect(text).toContain(before);
    const refused = (() => {
      try {
        parse(text.replace(before, after));
      } catch (error) {
        return error;
      }
    })();
    expect(refused).toBeInstanceOf(ConfigError);
    expect((refused as ConfigError).problems).toContainEqual(expect.objectContaining({ path, nearest, kind: "invalid" }));
  });

  it("are in the schema for editors and in the lists of what is supported", () => {
    const schema = JSON.stringify(editorJsonSchema());
    for (const name of ["shouting", "shouts", "longest_name", "stamp"]) expect(schema).toContain(`"${name}"`);
    expect(surface.conditionTypes.supported).toContain("shouting");
    expect(surface.algorithmTypes.supported).toContain("longest_name");
    expect(surface.pluginTypes.supported).toContain("stamp");
  });

  it("decide, select, change the request, and show in headers and metrics", async () => {
    const snapshot = snapshotOf(parse(text));
    const metrics = createMetrics();
    const exchange = createExchangeFactory({ current: () => snapshot, logger: silentLogger, metrics, clock: systemClock }).open();
    exchange.onRequestHead({
      method: "POST",
      path: "/v1/chat/completions",
      headers: [["x-vsr-debug", "true"]],
      endOfStream: false,
    });
    const body = Buffer.from(JSON.stringify({ model: "auto", messages: [{ role: "user", content: "WHERE IS MY PARCEL" }] }));
    const verdict = await exchange.onRequestBody(body, {});

    expect(verdict).toMatchObject({ kind: "forward", changes: { set: expect.arrayContaining([["x-stamp", "handle with care"]]) } });
    expect(verdict.kind === "forward" && JSON.parse(Buffer.from(verdict.body ?? []).toString())).toMatchObject({ model: "patient" });
    expect(exchange.onResponseHead({ status: 200, headers: [] }).set).toEqual(
      expect.arrayContaining([
        ["x-vsr-selected-decision", "soothe"],
        ["x-vsr-selected-confidence", "0.7500"],
        ["x-vsr-selected-algorithm", "longest_name"],
        ["x-vsr-matched-shouts", "loud"],
      ]),
    );
    const written = await metrics.registry.metrics();
    expect(written).toContain('llm_signal_match_total{signal_type="shouting",signal_name="loud"} 1');
    expect(written).toContain('llm_plugin_execution_total{plugin_type="stamp",decision_name="soothe",status="success"} 1');
  });

  it("show in the evaluation API", async () => {
    const route = await snapshotOf(parse(text)).router.route(promptRequest("WHERE IS MY PARCEL"), {});
    expect(evaluationBody(route)).toMatchObject({
      decision_result: { decision_name: "soothe", matched_signals: { shouting: ["loud"] } },
      selection_method: "longest_name",
      signal_confidences: { "shouting:loud": 0.75 },
    });
  });
});

describe("outside the registries' own folders", () => {
  const source = new URL(".", import.meta.url).pathname;
  const files = globSync("**/*.ts", { cwd: source }).filter(
    (file) => !/\.test\.ts$|\/testing\/|^gen\/|^routing\/(signals|selection|plugins)\//.test(file),
  );
  const names = new Set([
    ...signals.flatMap(({ type, configKey }) => [type, configKey]),
    ...algorithms.map(({ type }) => type),
    ...plugins.flatMap(({ type, aliases = [] }: { type: string; aliases?: readonly string[] }) => [type, ...aliases]),
  ]);

  /** Who may know a name, and why. */
  const exceptions: Readonly<Record<string, readonly string[]>> = {
    // vSR's header x-vsr-selected-category is the domain; its response path shares a plugin's name.
    "routing/headers.ts": ["domain", "fast_response"],
    "routing/exchange.ts": ["fast_response"],
    // vSR's counters of cache hits name the plugin.
    "routing/telemetry.ts": ["response_cache"],
    // vSR's answer of POST /api/v1/classify/intent is the domain.
    "admin/evaluation.ts": ["domain"],
    // vSR declares domains by itself where a file only refers to them.
    "config/domains.ts": ["domain", "domains"],
    // Tasks of `turnout eval` are called by the signals that they measure.
    "cli/eval.ts": ["domain", "jailbreak", "pii"],
    "evaluation/tasks.ts": ["domain", "jailbreak"],
    // The store of answers is called like the plugin that uses it.
    "config/response-cache.ts": ["response_cache"],
    // A store of the same name had an older spelling.
    "config/aliases.ts": ["semantic_cache", "response_cache"],
  };

  it("no file knows a signal, an algorithm or a plugin by name, but for vSR's own words", () => {
    const found = files
      // vSR's vocabulary names everything vSR has, implemented here or not.
      .filter((file) => file !== "routing/surface.ts")
      .map((file) => [file, [...readFileSync(source + file, "utf8").matchAll(/"(\w[\w-]*)"/g)].map(([, word]) => word ?? "")] as const)
      .map(([file, words]) => [file, [...new Set(words)].filter((word) => names.has(word))] as const)
      .filter(([, words]) => words.length > 0);
    expect(files.length).toBeGreaterThan(50);
    expect(Object.fromEntries(found.map(([file, words]) => [file, words.toSorted()]))).toEqual(
      Object.fromEntries(Object.entries(exceptions).map(([file, words]) => [file, words.toSorted()])),
    );
  });
});
