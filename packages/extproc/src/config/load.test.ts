import { describe, expect, it } from "vitest";
import { ConfigError, type ConfigProblem } from "./config-error.ts";
import { parseConfig } from "./load.ts";

const valid = `version: v0.3
providers:
  defaults:
    default_model: base
    reasoning_families:
      qwen3: {type: chat_template_kwargs, parameter: enable_thinking}
  models:
    - name: base
      reasoning_family: qwen3
      backend_refs: [{name: a, endpoint: "127.0.0.1:8000"}]
routing:
  modelCards:
    - {name: base, loras: [{name: math-adapter}, {name: law-adapter}]}
  signals:
    keywords:
      - {name: careful, operator: OR, keywords: [carefully]}
    domains:
      - {name: math, description: numbers}
      - {name: computer science, description: programs}
  decisions:
    - name: numbers
      priority: 10
      rules: {operator: AND, conditions: [{type: domain, name: math}, {operator: NOT, conditions: [{type: keyword, name: careful}]}]}
      modelRefs: [{model: base, lora_name: math-adapter}]
      plugins: [{type: system_prompt, configuration: {system_prompt: Count.}}]
    - name: rest
`;

const parse = (text: string, env: Record<string, string> = {}) => parseConfig(text, { file: "c.yaml", env });

function problemsOf(text: string, env: Record<string, string> = {}): readonly ConfigProblem[] {
  try {
    parse(text, env);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** edit replaces one piece of the valid document, so that each row shows only what is wrong. */
function edit(before: string, after: string): string {
  if (!valid.includes(before)) throw new Error(`the document has no ${before}`);
  return valid.replace(before, after);
}

describe("parseConfig", () => {
  it("accepts the document that the rows below break, and fills in defaults", () => {
    const { document, warnings, hash } = parse(valid);
    expect(warnings).toEqual([]);
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(document).toMatchObject({
      listeners: [],
      global: { router: { clear_route_cache: true }, services: { management_api: { bind_address: "127.0.0.1", port: 8080 } } },
      turnout: { gateway: "auto", deadline_ms: 80, unknown_model: "refuse", signals: { max_tokens: 128 }, classifier: { variant: "int8" } },
    });
  });

  it("gives a document that nobody can change", () => {
    const { document } = parse(valid);
    expect(() => Object.assign(document.routing.decisions[0] ?? {}, { priority: 1 })).toThrow(TypeError);
    expect(Object.isFrozen(document.routing.signals.domains[0]?.exemplars)).toBe(true);
  });

  it.each<[before: string, after: string, path: string, line: number, column: number, found: string, nearest: string | null]>([
    // Keys
    ["signals:", "signal:", "routing.signal", 14, 3, 'the unknown key "signal"', "signals"],
    ["    keywords:\n", "    keyword:\n", "routing.signals.keyword", 15, 5, 'the unknown key "keyword"', "keywords"],
    [
      "operator: OR, keywords",
      "operator: OR, keyword",
      "routing.signals.keywords[0].keyword",
      16,
      39,
      'the unknown key "keyword"',
      "keywords",
    ],
    ["priority: 10", "prority: 10", "routing.decisions[0].prority", 22, 7, 'the unknown key "prority"', "priority"],
    [
      "system_prompt: Count.",
      "promt: Count.",
      "routing.decisions[0].plugins[0].configuration.promt",
      25,
      55,
      'the unknown key "promt"',
      null,
    ],
    ["version: v0.3\n", "version: v0.3\nturnou: {}\n", "turnou", 2, 1, 'the unknown key "turnou"', "turnout"],
    ["version: v0.3\n", "version: v0.3\nturnout: {deadline: 5}\n", "turnout.deadline", 2, 11, 'the unknown key "deadline"', null],
    // Values
    ["version: v0.3", "version: v0.2", "version", 1, 10, '"v0.2"', "v0.3"],
    ["version: v0.3\n", "", "version", 1, 1, "nothing", null],
    ["operator: OR, keywords", "operator: or, keywords", "routing.signals.keywords[0].operator", 16, 35, '"or"', "OR"],
    ["priority: 10", 'priority: "10"', "routing.decisions[0].priority", 22, 17, '"10"', null],
    ["type: system_prompt", "type: system_promt", "routing.decisions[0].plugins[0].type", 25, 24, '"system_promt"', "system_prompt"],
    ["type: keyword", "type: keywords", "routing.decisions[0].rules.conditions[1].conditions[0].type", 23, 107, '"keywords"', "keyword"],
    ["keywords: [carefully]", "keywords: carefully", "routing.signals.keywords[0].keywords", 16, 49, '"carefully"', null],
    ["keywords: [carefully]", "method: regex, keywords: ['a(b']", "routing.signals.keywords[0].keywords[0]", 16, 65, '"a(b"', null],
    ["version: v0.3\n", "version: v0.3\nturnout: {gateway: envoi}\n", "turnout.gateway", 2, 20, '"envoi"', "envoy"],
    ["version: v0.3\n", "version: v0.3\nturnout: {classifier: {workers: many}}\n", "turnout.classifier.workers", 2, 33, '"many"', null],
    ["version: v0.3\n", "version: v0.3\nlisteners: [{name: a, port: 70000}]\n", "listeners[0].port", 2, 29, "70000", null],
    ["version: v0.3\n", "version: v0.3\nlisteners: [{name: a, port: 1, timeout: 30}]\n", "listeners[0].timeout", 2, 41, "30", null],
    [
      "version: v0.3\n",
      "version: v0.3\nturnout: {classifier: {variant: as-is, layers: 3}}\n",
      "turnout.classifier.layers",
      2,
      48,
      "3",
      null,
    ],
    [
      "version: v0.3\n",
      "version: v0.3\nturnout: {classifier: {models: {ner: {model: m, layers: 3}}}}\n",
      "turnout.classifier.models.ner.layers",
      2,
      57,
      "3",
      null,
    ],
    // References
    [
      "    domains:\n",
      "    pii: [{name: personal, model: nre}]\n    domains:\n",
      "routing.signals.pii[0].model",
      17,
      35,
      'no further model "nre" of the classifier',
      null,
    ],
    ["name: math}, {op", "name: mth}, {op", "routing.decisions[0].rules.conditions[0].name", 23, 64, 'no domain rule "mth"', "math"],
    [
      "name: careful}]}]",
      "name: carefull}]}]",
      "routing.decisions[0].rules.conditions[1].conditions[0].name",
      23,
      122,
      'no keyword rule "carefull"',
      "careful",
    ],
    ["default_model: base", "default_model: bass", "providers.defaults.default_model", 4, 20, 'no model "bass"', "base"],
    ["model: base, lora", "model: bose, lora", "routing.decisions[0].modelRefs[0].model", 24, 27, 'no model "bose"', "base"],
    [
      "lora_name: math-adapter",
      "lora_name: maths-adapter",
      "routing.decisions[0].modelRefs[0].lora_name",
      24,
      44,
      'no LoRA "maths-adapter" of model "base"',
      "math-adapter",
    ],
    ["    - name: base\n", "    - name: basse\n", "providers.models[0].name", 8, 13, 'no model card "basse"', "base"],
    [
      "reasoning_family: qwen3",
      "reasoning_family: qwen",
      "providers.models[0].reasoning_family",
      9,
      25,
      'no reasoning family "qwen"',
      "qwen3",
    ],
    ["- name: rest", "- name: numbers", "routing.decisions[1].name", 26, 13, 'the name "numbers" a second time', null],
    [
      "{name: law-adapter}",
      "{name: math-adapter}",
      "routing.modelCards[0].loras[1].name",
      13,
      57,
      'the name "math-adapter" a second time',
      null,
    ],
    ["name: computer science", "name: math", "routing.signals.domains[1].name", 19, 16, 'the name "math" a second time', null],
  ])("%j -> %j is refused at %s", (before, after, path, line, column, found, nearest) => {
    expect(problemsOf(edit(before, after)).filter((problem) => problem.path === path)).toMatchObject([
      { kind: "invalid", line, column, found, nearest },
    ]);
  });

  it.each<[before: string, after: string, path: string, line: number, supported: string]>([
    ["version: v0.3\n", "version: v0.3\nrecipes: [{name: a}]\n", "recipes", 2, "version, listeners, providers, routing, global, turnout"],
    [
      "version: v0.3\n",
      "version: v0.3\nentrypoints: [{recipe: a}]\n",
      "entrypoints",
      2,
      "version, listeners, providers, routing, global, turnout",
    ],
    [
      "version: v0.3\n",
      'version: v0.3\nglobal: {model_catalog: {embeddings: {semantic: {endpoint: {base_url: "http://e"}}}}}\n',
      "global.model_catalog.embeddings.semantic.endpoint",
      2,
      "mmbert_model_path, bert_model_path, multimodal_model_path, qwen3_model_path, gemma_model_path, use_cpu, embedding_config",
    ],
    ["version: v0.3\n", "version: v0.3\nglobal: {router: {config_source: kubernetes}}\n", "global.router.config_source", 2, "file"],
    [
      "version: v0.3\n",
      "version: v0.3\nglobal: {services: {management_api: {auth: {mode: bearer}}}}\n",
      "global.services.management_api.auth",
      2,
      "bind_address, port",
    ],
    [
      "routing:\n",
      "routing:\n  projections: {scores: [{name: a}]}\n",
      "routing.projections",
      12,
      "strategy, modelCards, signals, decisions",
    ],
    [
      "  signals:\n",
      "  signals:\n    reasks: [{name: again}]\n",
      "routing.signals.reasks",
      15,
      "keywords, domains, embeddings, context, language",
    ],
    ["priority: 10", "emits: [{kind: retention}]", "routing.decisions[0].emits", 22, "name, description, priority"],
    ["priority: 10", "algorithm: {type: knn, knn: {k: 3}}", "routing.decisions[0].algorithm.type", 22, "static"],
    [
      "type: system_prompt",
      "type: rag",
      "routing.decisions[0].plugins[0].type",
      25,
      "system_prompt, header_mutation, fast_response, response_cache",
    ],
    ["type: domain", "type: kb", "routing.decisions[0].rules.conditions[0].type", 23, "keyword, domain, embedding, context, language"],
    ["      reasoning_family: qwen3\n", "      api_format: anthropic\n", "providers.models[0].api_format", 9, "openai"],
  ])("%j -> %j is unsupported by name, once, with what is supported", (before, after, path, line, supported) => {
    const problems = problemsOf(edit(before, after));
    expect(problems).toMatchObject([{ kind: "unsupported", path, line }]);
    expect(problems[0]?.expected).toMatch(new RegExp(`^${supported}`));
    expect(() => parse(edit(before, after))).toThrow(expect.objectContaining({ code: "config_unsupported" }));
  });

  it("lets an unsupported block through that asks for nothing", () => {
    expect(problemsOf(`${valid}recipes: []\nentrypoints:\n`).map(({ path }) => path)).toEqual([]);
  });

  it("reports everything that is wrong, in the order of the file", () => {
    const text = edit("default_model: base", "default_model: nobody")
      .replace("operator: OR", "operator: XOR")
      .replace("priority: 10", "priorty: 10")
      .replace("type: system_prompt", "type: rag");
    expect(problemsOf(text).map(({ line, kind }) => [line, kind])).toEqual([
      [4, "invalid"],
      [16, "invalid"],
      [22, "invalid"],
      [25, "unsupported"],
    ]);
  });

  it("does not blame the uses of a block whose own key is misspelled", () => {
    expect(problemsOf(edit("    domains:\n", "    domain:\n")).map(({ path }) => path)).toEqual(["routing.signals.domain"]);
    expect(problemsOf(edit("    keywords:\n", "    keyword:\n")).map(({ path }) => path)).toEqual(["routing.signals.keyword"]);
    expect(problemsOf(edit("  modelCards:\n", "  modelCard:\n")).map(({ path }) => path)).toEqual(["routing.modelCard"]);
  });

  it("names the nearest of the classifier's models to the one that a pii rule asks for", () => {
    const file = (model: string) =>
      edit("    domains:\n", `    pii: [{name: personal, model: ${model}}]\n    domains:\n`) +
      "turnout: {classifier: {models: {names: {model: some-ner}}}}\n";
    expect(problemsOf(file("name"))).toMatchObject([{ path: "routing.signals.pii[0].model", expected: "names", nearest: "names" }]);
    expect(problemsOf(file("names"))).toEqual([]);
    // A misspelled block of models is not every use's fault.
    expect(problemsOf(file("names").replace("models: {names", "model_s: {names"))).toMatchObject([{ path: "turnout.classifier.model_s" }]);
  });

  it("checks models against providers where there are no cards", () => {
    const cardless = valid.replace(/ {2}modelCards:\n.*\n/, "");
    expect(problemsOf(cardless)).toEqual([]);
    expect(problemsOf(cardless.replace("default_model: base", "default_model: other")).map(({ found }) => found)).toEqual([
      'no model "other"',
    ]);
  });

  it("accepts an adapter's name as the default model and as a model", () => {
    expect(problemsOf(edit("default_model: base", "default_model: law-adapter"))).toEqual([]);
    expect(problemsOf(edit("model: base, lora_name: math-adapter", "model: law-adapter"))).toEqual([]);
  });
});

describe("old spellings", () => {
  const store = (name: string) => `global: {stores: {${name}: {enabled: true}}}\n`;

  it("are read as the present ones", () => {
    const { document, warnings } = parse(
      `${edit("type: system_prompt, configuration: {system_prompt: Count.}", "type: semantic-cache, configuration: {enabled: true}")}${store("semantic_cache")}`,
    );
    expect(document.global.stores.response_cache).toMatchObject({ enabled: true, backend_type: "memory" });
    expect(document.routing.decisions[0]?.plugins[0]?.type).toBe("response_cache");
    expect(warnings.map(({ line, path }) => [line, path])).toEqual([[25, "routing.decisions[0].plugins[0]"]]);
  });

  it("are refused beside the present ones", () => {
    expect(problemsOf(`${valid}global: {stores: {response_cache: {}, semantic_cache: {}}}\n`)).toMatchObject([
      { path: "global.stores.semantic_cache", line: 27, column: 39, found: '"semantic_cache" beside "response_cache"' },
    ]);
  });
});

describe("a response cache that caches nothing", () => {
  const caching = (configuration: string) =>
    edit("type: system_prompt, configuration: {system_prompt: Count.}", `type: response_cache, configuration: {${configuration}}`);
  const authz = "global: {services: {authz: {identity: {}}}}\n";
  const off = "global: {stores: {response_cache: {enabled: false}}}\n";

  it.each([
    ["nobody says whose answers are", caching("scope: user"), "needs to know who asks"],
    ["that is the default", caching(""), "scope user"],
    ["the store is switched off", `${caching("scope: global")}${off}`, "enabled is false"],
  ])("is warned of: %s", (_, text, message) => {
    expect(parse(text).warnings).toMatchObject([
      { line: 25, path: "routing.decisions[0].plugins[0]", message: expect.stringContaining(message) as string },
    ]);
  });

  it.each([
    ["everybody shares answers", caching("scope: global")],
    ["a gateway says who asks", `${caching("scope: user")}${authz}`],
    ["the plugin is switched off", caching("enabled: false")],
    ["no decision caches", `${valid}${off}`],
  ])("is not warned of where %s", (_, text) => {
    expect(parse(text).warnings).toEqual([]);
  });
});

describe("the store of answers", () => {
  const stored = (block: string, tuning = "") =>
    `${valid}global: {stores: {response_cache: {${block}}}}\n${tuning === "" ? "" : `turnout: {response_cache: {${tuning}}}\n`}`;

  it("reads vSR's ways to say nothing", () => {
    const { document, warnings } = parse(
      stored('backend_type: "", max_entries: 0, ttl_seconds: 0, redis: {connection: {host: "", port: 0, tls: null}, index: null}'),
    );
    expect(document.global.stores.response_cache).toMatchObject({
      backend_type: "memory",
      ttl_seconds: 3_600,
      redis: { connection: { port: 6_379 } },
    });
    expect(warnings.map(({ path }) => path)).toEqual(["global.stores.response_cache.redis"]);
  });

  it.each<[block: string, tuning: string, unread: readonly string[]]>([
    ["redis: {connection: {host: a}}", "redis: {key_prefix: b}", ["global.stores.response_cache.redis", "turnout.response_cache.redis"]],
    [
      "backend_type: redis, eviction_policy: lru, valkey: {connection: {host: a}}",
      "",
      ["global.stores.response_cache.eviction_policy", "global.stores.response_cache.valkey"],
    ],
    ["backend_type: valkey, valkey: {connection: {host: a}}", "redis: {key_prefix: b}", []],
    ["backend_type: memory, eviction_policy: lru", "", []],
  ])("warns of what another store would read: %s, %s", (block, tuning, unread) => {
    const { warnings } = parse(stored(block, tuning));
    expect(
      warnings
        .filter(({ message }) => message.startsWith("without effect"))
        .map(({ path }) => path)
        .toSorted(),
    ).toEqual(unread);
  });
});

describe("undeclared domains", () => {
  const bare = valid.replace(/ {4}domains:\n(.*\n){2}/, "");

  it("are declared from the decisions, with a warning", () => {
    const { document, warnings } = parse(bare);
    expect(document.routing.signals.domains).toMatchObject([{ name: "math", description: "", mmlu_categories: [] }]);
    expect(warnings).toMatchObject([{ line: 20, message: expect.stringContaining("(math)") as string }]);
  });

  it("are found where there is no signals block at all", () => {
    const { document } = parse(bare.replace(/ {2}signals:\n(.*\n){2}/, "").replace(/, \{operator: NOT.*\]\}\]\}/, "]}"));
    expect(document.routing.signals.domains).toHaveLength(1);
  });
});

describe("variables", () => {
  const text = `${valid}listeners: [{name: a, port: "\${PORT}"}]\nturnout: {observe_usage: "\${USAGE:-false}", classifier: {workers: "\${WORKERS:-auto}"}}\n`;

  it("are numbers and switches where the schema wants one", () => {
    const { document } = parse(text, { PORT: "8080", WORKERS: "3" });
    expect(document.listeners[0]?.port).toBe(8080);
    expect(document.turnout).toMatchObject({ observe_usage: false, classifier: { workers: 3 } });
    expect(parse(text, { PORT: "1" }).document.turnout.classifier.workers).toBe("auto");
  });

  it("stay text where text is wanted, however numeric they look", () => {
    const { document } = parse(edit("name: a, endpoint", "name: a, api_key: '${KEY}', endpoint"), { KEY: "0123" });
    expect(document.providers.models[0]?.backend_refs[0]?.api_key).toBe("0123");
  });

  it("are shown by name, not by value, when they are wrong", () => {
    const problems = problemsOf(text, { PORT: "hunter2" });
    expect(problems).toMatchObject([{ path: "listeners[0].port", found: 'the value of "${PORT}"' }]);
    expect(new ConfigError(problems).message).not.toContain("hunter2");
  });
});
