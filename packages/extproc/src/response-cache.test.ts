import { createLogger } from "@turnout/shared";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createScriptedUpstream, type ScriptedUpstream } from "./gateway/testing/scripted-upstream.ts";
import { startKitchen, type Kitchen } from "./testing/kitchen.ts";

let kitchen: Kitchen;
let upstream: ScriptedUpstream;
let asked = 0;
let lines: string[] = [];

const completion = (content: string) =>
  JSON.stringify({
    id: "chatcmpl-1",
    object: "chat.completion",
    created: 1,
    model: "oven-expert",
    choices: [{ index: 0, message: { role: "assistant", content }, logprobs: null, finish_reason: "stop" }],
    usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
  });

async function answerAll({ next }: ScriptedUpstream): Promise<never> {
  for (;;) {
    const { response, body } = await next();
    asked += 1;
    response.setHeader("content-type", "application/json");
    if (body.includes("keep to yourself")) response.setHeader("cache-control", "private, no-store");
    response.end(completion(`answer ${asked}`));
  }
}

const config = ({ scope = "global", global = "", turnout = "" } = {}) => `
version: v0.3
listeners: [{ name: http, address: 127.0.0.1, port: 0 }]
providers:
  defaults: { default_model: base }
  models: [{ name: base, backend_refs: [{ endpoint: "${upstream.endpoint}" }] }]
routing:
  modelCards: [{ name: base, loras: [{ name: oven-expert }] }]
  signals:
    keywords: [{ name: oven, operator: OR, keywords: [oven] }, { name: grill, operator: OR, keywords: [grill] }]
    pii: [{ name: private }]
  decisions:
    - name: oven
      priority: 2
      rules: { type: keyword, name: oven }
      modelRefs: [{ model: base, lora_name: oven-expert }]
      plugins: [{ type: semantic-cache, configuration: { scope: ${scope}, mode: exact } }]
    - name: grill
      rules: { type: keyword, name: grill }
      modelRefs: [{ model: base }]
global:
  services: { management_api: { port: 0 } ${global} }
turnout: { log_level: trace, deadline_ms: 5000, classifier: { backend: deterministic, workers: 1 } ${turnout} }
`;

beforeEach(async () => {
  asked = 0;
  lines = [];
  upstream = await createScriptedUpstream();
  void answerAll(upstream);
});
afterEach(async () => {
  await kitchen.close();
  await upstream.close();
});

async function start(options: Parameters<typeof config>[0] = {}): Promise<void> {
  kitchen = await startKitchen(config(options), { logger: createLogger("trace", { write: (line) => void lines.push(line) }) });
  await kitchen.turnout.ready();
}

interface Answer {
  readonly content: string;
  readonly headers: Headers;
  readonly body: string;
}

async function ask(
  text: string,
  { body = {}, headers = {} }: { readonly body?: object; readonly headers?: Record<string, string> } = {},
): Promise<Answer> {
  const response = await fetch(`http://${kitchen.address("HTTP gateway")}/v1/chat/completions`, {
    method: "POST",
    headers: { "content-type": "application/json", "x-vsr-debug": "true", ...headers },
    body: JSON.stringify({ model: "auto", messages: [{ role: "user", content: text }], ...body }),
  });
  expect(response.status).toBe(200);
  const answer = await response.text();
  const isStream = response.headers.get("content-type") === "text/event-stream";
  const content = isStream ? answer : (JSON.parse(answer) as { choices: { message: { content: string } }[] }).choices[0]?.message.content;
  return { content: content ?? "", headers: response.headers, body: answer };
}

async function manage(method: "GET" | "POST", operation: string, body?: object) {
  const response = await fetch(`http://${kitchen.address("management API")}/api/v1/response-cache/${operation}`, {
    method,
    ...(body === undefined ? {} : { headers: { "content-type": "application/json" }, body: JSON.stringify(body) }),
  });
  return { status: response.status, json: (await response.json()) as Record<string, unknown> };
}

describe("a question that was answered before", () => {
  it("is answered from the cache, which says so", async () => {
    await start();
    expect((await ask("is the oven hot")).content).toBe("answer 1");
    const { content, headers } = await ask("is the oven hot");
    expect([content, asked]).toEqual(["answer 1", 1]);
    expect(Object.fromEntries(headers)).toMatchObject({
      "x-vsr-response-path": "cache",
      "x-vsr-cache-hit": "true",
      "x-vsr-cache-kind": "exact",
      "x-vsr-cache-similarity": "1.0000",
      "x-vsr-selected-decision": "oven",
      "x-vsr-selected-model": "oven-expert",
      "x-vsr-selected-confidence": "1.0000",
      "x-vsr-selected-algorithm": "static",
      age: expect.stringMatching(/^\d+$/) as string,
    });
    expect(lines.some((line) => line.includes('"event":"cache_hit"') && line.includes('"decision":"oven"'))).toBe(true);
  });

  it("is answered as a stream where the client wants one", async () => {
    await start();
    await ask("is the oven hot");
    const { headers, body } = await ask("is the oven hot", { body: { stream: true } });
    expect(headers.get("content-type")).toBe("text/event-stream");
    expect(body).toContain('"content":"answer 1"');
    expect(body.endsWith("data: [DONE]\n\n")).toBe(true);
    expect(asked).toBe(1);
  });

  it.each<[what: string, text: string, body: object]>([
    ["a decision that does not cache", "is the grill hot", {}],
    ["no decision", "is it hot", {}],
    ["a model that the client named", "is the oven hot", { model: "oven-expert" }],
    ["personal data in it, although no decision asks for that", "does the oven take my card 4111 1111 1111 1111", {}],
    ["an answer that its server wants nobody to store", "keep to yourself how hot the oven is", {}],
    ["a temperature that asks for variety", "is the oven hot", { temperature: 1 }],
  ])("goes to the model with %s", async (_, text, body) => {
    await start();
    await ask(text, { body });
    const { headers } = await ask(text, { body });
    expect(asked).toBe(2);
    expect(headers.get("x-vsr-cache-hit")).toBeNull();
    expect(headers.get("x-vsr-response-path")).toBe("upstream");
  });

  it("never shows in logs or metrics", async () => {
    await start();
    for (let i = 0; i < 2; i += 1) await ask("is the zucchini in the oven");
    expect(lines.join("")).not.toContain("zucchini");
    expect(lines.join("")).not.toContain("answer 1");
    expect(await kitchen.metrics.registry.metrics()).not.toContain("zucchini");
  });
});

describe("whose it is", () => {
  const identity = ", authz: { identity: {} }";

  it("is not what a client of the HTTP gateway says", async () => {
    await start({ scope: "user", global: identity });
    const ann: Record<string, string> = { "x-authz-user-id": "ann" };
    for (const headers of [{}, ann, ann]) await ask("is the oven hot", { headers });
    expect(asked).toBe(3);
    expect((await manage("GET", "stats")).json).toMatchObject({ entries: 0 });
    expect(lines.filter((line) => line.includes("nobody says whose they are"))).toHaveLength(1);
  });

  it("is not what a client says under a header of the operator's own", async () => {
    await start({ scope: "user", global: ", authz: { identity: { user_id_header: X-My-User } }" });
    for (const user of ["ann", "ann"]) await ask("is the oven hot", { headers: { "x-my-user": user } });
    expect(asked).toBe(2);
  });
});

describe("the management API", () => {
  it("tells, forgets, and says how much", async () => {
    await start();
    await ask("is the oven hot");
    await ask("is the oven cold");
    expect((await manage("GET", "health")).json).toEqual({ backend: "memory", status: "ready", lag_ms: 0 });
    expect((await manage("GET", "stats")).json).toMatchObject({ backend: "memory", entries: 2, in_flight: 0, calibration: [] });
    expect((await manage("POST", "invalidate", { decision: "oven" })).json).toEqual({ dry_run: true, matched: 2, invalidated: 0 });
    expect((await manage("POST", "invalidate", { decision: "grill", dry_run: false })).json).toMatchObject({ matched: 0, invalidated: 0 });
    expect((await manage("POST", "invalidate", { older_than_seconds: 3600, dry_run: false })).json).toMatchObject({ invalidated: 0 });
    expect((await manage("POST", "invalidate", { decision: "oven", dry_run: false })).json).toMatchObject({ matched: 2, invalidated: 2 });
    await ask("is the oven hot");
    expect(asked).toBe(3);
  });

  it("explains what it would make of a request, and gives no answer", async () => {
    await start();
    const test = async (content: string) =>
      (await manage("POST", "test", { request: { model: "auto", messages: [{ role: "user", content }] } })).json;
    expect(await test("is the oven hot")).toEqual({ decision: "oven", use: "cached", exact: null, semantic: "mode_exact", candidates: [] });
    await ask("is the oven hot");
    const { exact } = await test("is the oven hot");
    expect(exact).toEqual({ id: expect.any(String) as string, ageSeconds: 0 });
    expect(await test("is the grill hot")).toEqual({ decision: "grill", use: "not_cached" });
    expect(await test("my oven and my card 4111 1111 1111 1111")).toMatchObject({ use: "flagged" });
    expect(asked).toBe(1);
    expect((await manage("POST", "test", { request: { model: "oven-expert", messages: [] } })).status).toBe(400);
  });

  it("takes answers that are known", async () => {
    await start();
    const request = { model: "auto", messages: [{ role: "user", content: "is the oven hot" }] };
    const response = JSON.parse(completion("known")) as object;
    const answers = [
      { request, response },
      { request: { ...request, messages: [{ role: "user", content: "is the grill hot" }] }, response },
    ];
    expect((await manage("POST", "import", { answers })).json).toEqual({ read: 2, taken: 1 });
    await expect.poll(async () => (await manage("GET", "stats")).json["entries"]).toBe(1);
    expect(await ask("is the oven hot")).toMatchObject({ content: "known" });
    expect(asked).toBe(0);
    expect(await kitchen.metrics.registry.metrics()).not.toContain("llm_model_requests_total{");
  });

  it("gives all entries away, and takes them again", async () => {
    await start();
    await ask("is the oven hot");
    await ask("is the oven cold");
    const exported = await fetch(`http://${kitchen.address("management API")}/api/v1/response-cache/export`);
    const entries = (await exported.text())
      .trimEnd()
      .split("\n")
      .map((line) => (JSON.parse(line) as { entry: string }).entry);
    expect(entries).toHaveLength(2);
    const { confirmation } = (await manage("GET", "capabilities")).json;
    await manage("POST", "flush", { confirm: confirmation as string });
    expect((await manage("POST", "import", { entries: [...entries, Buffer.from("no entry").toString("base64")] })).json).toEqual({
      read: 3,
      taken: 2,
    });
    expect((await ask("is the oven hot")).content).toBe("answer 1");
    expect(asked).toBe(2);
  });

  it("forgets one user's answers", async () => {
    await start();
    await ask("is the oven hot");
    const ann = { scope: "user", headers: { "X-Authz-User-Id": "ann" } };
    expect((await manage("POST", "invalidate", { ...ann, dry_run: false })).json).toMatchObject({ invalidated: 0 });
    expect((await manage("POST", "invalidate", { scope: "user", headers: { "x-authz-team-id": "red" } })).status).toBe(400);
    expect((await manage("POST", "invalidate", { scope: "user" })).status).toBe(400);
  });

  it("flushes when it is told to in so many words", async () => {
    await start();
    await ask("is the oven hot");
    expect((await manage("POST", "flush", {})).status).toBe(400);
    const { confirmation } = (await manage("GET", "capabilities")).json;
    expect((await manage("POST", "flush", { confirm: confirmation as string })).json).toEqual({ invalidated: 1 });
  });

  it("forgets an answer that was wrong", async () => {
    await start();
    await ask("is the oven hot");
    const id = (await ask("is the oven hot")).headers.get("x-vsr-cache-entry");
    expect((await manage("POST", "feedback", { id, wrong: true })).json).toEqual({ removed: true });
    expect((await manage("POST", "feedback", { id, wrong: true })).json).toEqual({ removed: false });
    expect((await ask("is the oven hot")).content).toBe("answer 2");
  });

  it.each([
    ["invalidate", {}, "at least one of"],
    ["invalidate", { decison: "oven" }, "decison"],
    ["feedback", { id: "" }, "id"],
  ])("refuses %s with %j", async (operation, body, message) => {
    await start();
    const { status, json } = await manage("POST", operation, body);
    expect(status).toBe(400);
    expect((json["error"] as { message: string }).message).toContain(message);
  });
});

describe("a reload", () => {
  it("keeps what was kept, as long as the decision stays the same", async () => {
    await start();
    await ask("is the oven hot");
    await kitchen.rewrite(config({ turnout: ", unknown_model: pass_through" }));
    await expect.poll(() => lines.some((line) => line.includes("configuration reloaded")), { timeout: 10_000 }).toBe(true);
    expect((await ask("is the oven hot")).content).toBe("answer 1");
  });

  it("that has other headers name the user leaves the cache alone until a restart", async () => {
    await start({ global: ", authz: { identity: {} }" });
    await ask("is the oven hot");
    await kitchen.rewrite(config({ global: ", authz: { identity: { user_id_header: X-My-User } }" }));
    await expect.poll(() => lines.some((line) => line.includes("configuration reloaded")), { timeout: 10_000 }).toBe(true);
    expect((await ask("is the oven hot")).content).toBe("answer 2");
    expect(lines.some((line) => line.includes('"setting":"global.services.authz.identity"'))).toBe(true);
  });

  it("may switch the cache off", async () => {
    await start();
    await ask("is the oven hot");
    await kitchen.rewrite(config().replace("global:\n", "global:\n  stores: { response_cache: { enabled: false } }\n"));
    await expect.poll(() => lines.some((line) => line.includes("configuration reloaded")), { timeout: 10_000 }).toBe(true);
    expect((await ask("is the oven hot")).content).toBe("answer 2");
  });
});
