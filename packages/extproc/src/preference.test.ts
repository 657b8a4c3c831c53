import { afterEach, describe, expect, it } from "vitest";
import { parseConfig } from "./config/index.ts";
import { createScriptedUpstream, type ScriptedUpstream } from "./gateway/testing/scripted-upstream.ts";
import { startKitchen, type Kitchen } from "./testing/kitchen.ts";

const config = (backend: string) => `
version: v0.3
listeners: [{ name: http, address: 127.0.0.1, port: 0 }]
providers:
  defaults: { default_model: base }
  models: [{ name: base, backend_refs: [{ endpoint: "${backend}" }] }]
routing:
  modelCards: [{ name: base, loras: [{ name: sprinter }, { name: tabulator }] }]
  signals:
    preferences:
      - { name: terse, description: short answers, examples: [keep it concise], threshold: 0.6 }
      - { name: table, examples: [put it into a table], threshold: 0.6 }
  decisions:
    - { name: short, rules: { type: preference, name: terse }, modelRefs: [{ model: base, lora_name: sprinter }] }
    - { name: rows, rules: { type: preference, name: table }, modelRefs: [{ model: base, lora_name: tabulator }] }
global:
  services: { management_api: { port: 0 } }
turnout: { deadline_ms: 5000, classifier: { backend: deterministic, workers: 1 } }
`;

let kitchen: Kitchen | null = null;
let upstream: ScriptedUpstream | null = null;
afterEach(async () => {
  await upstream?.close();
  await kitchen?.close();
  kitchen = null;
});

async function answerAll({ next }: ScriptedUpstream): Promise<never> {
  for (;;) (await next()).response.end("{}");
}

async function ask(content: string) {
  const { headers, body } = await fetch(`http://${kitchen?.address("HTTP gateway")}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-vsr-debug": "true" },
    body: JSON.stringify({ model: "auto", messages: [{ role: "user", content }] }),
  });
  await body?.cancel();
  return { decision: headers.get("x-vsr-selected-decision"), matched: headers.get("x-vsr-matched-preference") };
}

describe("decisions on preference", () => {
  it("follow the one that a clause states, and none where none is stated", async () => {
    upstream = await createScriptedUpstream();
    void answerAll(upstream);
    kitchen = await startKitchen(config(upstream.endpoint));
    await kitchen.turnout.ready();
    expect(await ask("Which of these three boilers is the best? Put it into a table")).toEqual({ decision: "rows", matched: "table" });
    expect(await ask("What holds a bridge up? keep it concise")).toEqual({ decision: "short", matched: "terse" });
    expect(await ask("What holds a bridge up?")).toEqual({ decision: null, matched: null });
    expect(await kitchen.metrics.registry.metrics()).toContain('llm_signal_match_total{signal_type="preference",signal_name="table"} 1');
  });
});

describe("a configuration that is wrong about preferences", () => {
  const plain = config("127.0.0.1:9");
  const refused = (text: string) => () => parseConfig(text, { file: "preferences.yaml", env: {} });

  it.each<[string, string, string, RegExp]>([
    ["a rule that there is not", "name: terse }, modelRefs", "name: ters }, modelRefs", /no preference rule "ters"/],
    ["a rule that says nothing of itself", "examples: [put it into a table], ", "", /description or examples/],
    [
      "a language model that is asked",
      "global:\n",
      "global:\n  model_catalog: { external: [{ model_role: preference, llm_model_name: judge }] }\n",
      /a language model that is asked for preferences, which Turnout does not support yet/,
    ],
  ])("is told of %s", (_, before, after, message) => {
    expect(plain).toContain(before);
    expect(refused(plain.replace(before, after))).toThrow(message);
  });
});
