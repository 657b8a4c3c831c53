import { once } from "node:events";
import { RouterError, systemClock } from "@turnout/shared";
import { afterEach, describe, expect, it } from "vitest";
import { call, open } from "../gateway/testing/http-client.ts";
import { createManualWait } from "./manual-wait.ts";
import { createSimulator, type Simulator, type SimulatorEnvironment } from "./server.ts";
import type { SimulatorInput } from "./settings.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

async function start(
  input: Partial<SimulatorInput> = {},
  environment: SimulatorEnvironment = {},
): Promise<{ simulator: Simulator; url: string }> {
  const loraModules = [{ name: "verse-expert", path: "/adapters/verse" }];
  const simulator = createSimulator({ model: "base", mode: "echo", loraModules, ...input }, environment);
  closers.push(simulator.close);
  const { url } = await simulator.listen("127.0.0.1", 0);
  return { simulator, url };
}

function post(url: string, path: string, body: unknown) {
  return call(url, { path, headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

const chat = (content: unknown, more: object = {}) => ({ model: "base", messages: [{ role: "user", content }], ...more });
const parsed = (body: Buffer) => JSON.parse(body.toString()) as Record<string, unknown>;
const events = (body: Buffer) =>
  body
    .toString()
    .split("\n\n")
    .filter((event) => event !== "");

describe("endpoints", () => {
  it.each([
    ["GET", "/health", "", 200],
    ["GET", "/v1/models", "", 200],
    ["GET", "/metrics", "", 200],
    ["POST", "/v1/chat/completions", JSON.stringify(chat("hello")), 200],
    ["POST", "/v1/chat/completions", JSON.stringify(chat("hello", { model: "verse-expert" })), 200],
    ["POST", "/v1/chat/completions", JSON.stringify(chat("hello", { model: "auto" })), 404],
    ["POST", "/v1/chat/completions", "{", 400],
    ["POST", "/v1/chat/completions", "{}", 400],
    ["POST", "/v1/chat/completions", JSON.stringify(chat("hello", { messages: [] })), 400],
    ["POST", "/v1/chat/completions", JSON.stringify(chat("hello", { max_tokens: 2000 })), 400],
    ["POST", "/v1/completions", '{"model":"base","prompt":"hello"}', 200],
    ["POST", "/v1/completions", '{"model":"base","prompt":["hello"]}', 200],
    ["POST", "/v1/completions", '{"model":"base","prompt":["one","two"]}', 400],
    ["POST", "/v1/completions", '{"model":"gone","prompt":"hello"}', 404],
    ["POST", "/v1/load_lora_adapter", '{"lora_name":"new","lora_path":"/new"}', 200],
    ["POST", "/v1/load_lora_adapter", '{"lora_name":"verse-expert","lora_path":"/x"}', 400],
    ["POST", "/v1/load_lora_adapter", '{"lora_name":"new"}', 400],
    ["POST", "/v1/load_lora_adapter", "no json", 400],
    ["POST", "/v1/unload_lora_adapter", '{"lora_name":"verse-expert"}', 200],
    ["POST", "/v1/unload_lora_adapter", '{"lora_name":"gone"}', 404],
    ["GET", "/v1/nothing", "", 404],
  ])("%s %s %s gives %i", async (method, path, body, status) => {
    const { url } = await start();
    const answer = await call(url, { method, path, body });
    expect(answer.status).toBe(status);
    expect(answer.headers["x-inference-pod"]).toBe("simulator-0");
    if (status >= 400)
      expect(parsed(answer.body)).toMatchObject({ error: { message: expect.any(String), type: expect.any(String), code: status } });
  });

  it("refuses an unknown model in vLLM's words", async () => {
    const { url } = await start();
    const { body } = await post(url, "/v1/chat/completions", chat("hello", { model: "auto" }));
    expect(parsed(body)).toEqual({
      error: { message: "The model `auto` does not exist.", type: "NotFoundError", param: "model", code: 404 },
    });
  });

  it("lists the base model and its adapters", async () => {
    const { url } = await start({}, { clock: { ...systemClock, wallMs: () => 1_700_000_000_500 } });
    const { body } = await call(url, { method: "GET", path: "/v1/models" });
    const common = { object: "model", created: 1_700_000_000, owned_by: "vllm" };
    expect(parsed(body)).toEqual({
      object: "list",
      data: [
        { id: "base", ...common, root: "base", parent: null, max_model_len: 1024 },
        { id: "verse-expert", ...common, root: "/adapters/verse", parent: "base" },
      ],
    });
  });

  it("serves a loaded adapter and no longer an unloaded one", async () => {
    const { url } = await start();
    const status = async () => (await post(url, "/v1/chat/completions", chat("hello", { model: "prose-expert" }))).status;
    expect(await status()).toBe(404);
    await post(url, "/v1/load_lora_adapter", { lora_name: "prose-expert", lora_path: "/prose" });
    expect(await status()).toBe(200);
    await post(url, "/v1/unload_lora_adapter", { lora_name: "prose-expert" });
    expect(await status()).toBe(404);
  });
});

describe("answers", () => {
  it("completes a chat with usage, in the adapter's name", async () => {
    const { url } = await start({}, { clock: { ...systemClock, wallMs: () => 5000 } });
    const messages = [
      { role: "system", content: "be kind" },
      {
        role: "user",
        content: [
          { type: "text", text: "one" },
          { type: "text", text: "two" },
        ],
      },
    ];
    const { body } = await post(url, "/v1/chat/completions", { model: "verse-expert", messages });
    expect(parsed(body)).toEqual({
      id: expect.stringMatching(/^chatcmpl-[0-9a-f]{32}$/),
      object: "chat.completion",
      created: 5,
      model: "verse-expert",
      choices: [{ index: 0, message: { role: "assistant", content: "one\ntwo" }, logprobs: null, finish_reason: "stop" }],
      usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6 },
    });
  });

  it("cuts at max_completion_tokens", async () => {
    const { url } = await start();
    const { body } = await post(url, "/v1/chat/completions", chat("one two three", { max_tokens: 9, max_completion_tokens: 2 }));
    expect(parsed(body)["choices"]).toMatchObject([{ message: { content: "one two" }, finish_reason: "length" }]);
  });

  it.each([[true], [false]])("streams a chat, usage asked for: %s", async (include_usage) => {
    const { url } = await start();
    const { body, headers } = await post(url, "/v1/chat/completions", chat("one two", { stream: true, stream_options: { include_usage } }));
    expect(headers["content-type"]).toMatch(/^text\/event-stream/);
    const all = events(body);
    expect(all.every((event) => event.startsWith("data: "))).toBe(true);
    expect(all.at(-1)).toBe("data: [DONE]");
    const chunks = all
      .slice(0, -1)
      .map((event) => JSON.parse(event.slice(6)) as { choices: { delta: object; finish_reason: string | null }[]; usage?: object });
    expect(chunks.flatMap(({ choices }) => choices.map(({ delta }) => delta))).toEqual([
      { role: "assistant", content: "" },
      { content: "one" },
      { content: " two" },
      {},
    ]);
    expect(chunks.flatMap(({ choices }) => choices.map(({ finish_reason }) => finish_reason)).at(-1)).toBe("stop");
    const usage = chunks.filter((chunk) => chunk.usage !== undefined);
    expect(usage).toHaveLength(include_usage ? 1 : 0);
    if (include_usage) expect(usage[0]).toMatchObject({ choices: [], usage: { prompt_tokens: 2, completion_tokens: 2, total_tokens: 4 } });
  });

  it("is the same for the same seed", async () => {
    const texts = new Set<string>();
    for (const seed of [4, 4, 5]) {
      const { url } = await start({ mode: "random", seed });
      texts.add((await post(url, "/v1/chat/completions", chat("hello"))).body.toString());
    }
    // The ids come from the seed too; `created` may differ by a second between runs.
    const contents = new Set([...texts].map((text) => JSON.stringify((JSON.parse(text) as { choices: unknown }).choices)));
    expect(contents.size).toBe(2);
  });
});

describe("time", () => {
  it("waits before the first token and between tokens, and sends each as soon as it exists", async () => {
    const manual = createManualWait();
    const { url } = await start({ timeToFirstTokenMs: 200, interTokenLatencyMs: 30 }, { wait: manual.wait });
    const { response } = open(url, { body: JSON.stringify(chat("one two", { stream: true })) });
    expect(await manual.nextPause()).toBe(200);
    manual.pass();
    const message = await response;
    let text = "";
    message.setEncoding("utf8").on("data", (data: string) => (text += data));
    const received = async (part: string) => {
      while (!text.includes(part)) await once(message, "data");
    };
    await received('"one"');
    expect(await manual.nextPause()).toBe(30);
    expect(text).not.toContain('" two"');
    manual.pass();
    await received("[DONE]");
    expect(manual.waiting).toBe(0);
  });

  it("waits for the whole generation without streaming", async () => {
    const manual = createManualWait();
    const { url } = await start({ timeToFirstTokenMs: 200, interTokenLatencyMs: 30 }, { wait: manual.wait });
    const answered = post(url, "/v1/chat/completions", chat("one two three"));
    expect(await manual.nextPause()).toBe(260);
    manual.pass();
    expect((await answered).status).toBe(200);
  });

  it("is slower under load", async () => {
    const manual = createManualWait();
    const { url } = await start({ timeToFirstTokenMs: 100, timeFactorUnderLoad: 3, maxNumSeqs: 2 }, { wait: manual.wait });
    const first = post(url, "/v1/chat/completions", chat("one"));
    expect(await manual.nextPause()).toBe(100);
    const second = post(url, "/v1/chat/completions", chat("one"));
    while (manual.waiting < 2) await new Promise(setImmediate);
    manual.pass();
    await first;
    expect(await manual.nextPause()).toBe(300);
    manual.pass();
    await second;
  });

  it("frees the place of a caller that left", async () => {
    const manual = createManualWait();
    const { url, simulator } = await start({ timeToFirstTokenMs: 100, maxNumSeqs: 1 }, { wait: manual.wait });
    const { request } = open(url, { body: JSON.stringify(chat("one")) });
    await manual.nextPause();
    request.on("error", () => {}).destroy();
    expect(await simulator.requests[0]?.finished).toBe("aborted");
    const next = post(url, "/v1/chat/completions", chat("one"));
    await manual.nextPause();
    manual.pass();
    expect((await next).status).toBe(200);
  });
});

describe("failures", () => {
  it.each([
    ["rate_limit", 429],
    ["invalid_api_key", 401],
    ["context_length", 400],
    ["server_error", 503],
    ["invalid_request", 400],
    ["model_not_found", 404],
  ] as const)("injects %s as %i", async (type, status) => {
    const { url } = await start({ failureInjectionRate: 100, failureTypes: [type] });
    expect((await post(url, "/v1/chat/completions", chat("hello"))).status).toBe(status);
  });

  it("injects the asked share, the same for the same seed", async () => {
    const { url } = await start({ failureInjectionRate: 30, failureTypes: ["server_error"], seed: 9 });
    let failed = 0;
    for (let i = 0; i < 200; i++) if ((await post(url, "/v1/chat/completions", chat("hello"))).status === 503) failed++;
    expect(failed).toBeGreaterThan(40);
    expect(failed).toBeLessThan(80);
  });
});

describe("what it shows", () => {
  it("remembers the last requests byte for byte", async () => {
    const { url, simulator } = await start({ keepRequests: 2 });
    for (const text of ["one", "two", "three"])
      await call(url, { path: "/v1/chat/completions?x=1", headers: { "X-Test": text }, body: ` ${text}` });
    expect(simulator.requests.map(({ method, path, body }) => [method, path, body.toString()])).toEqual([
      ["POST", "/v1/chat/completions?x=1", " two"],
      ["POST", "/v1/chat/completions?x=1", " three"],
    ]);
    expect(simulator.requests[1]?.headers).toContainEqual(["x-test", "three"]);
    expect(await simulator.requests[1]?.finished).toBe("answered");
  });

  it("has vLLM's metrics", async () => {
    const manual = createManualWait();
    const { url } = await start({ timeToFirstTokenMs: 1 }, { wait: manual.wait });
    const first = post(url, "/v1/chat/completions", chat("one two", { model: "verse-expert" }));
    await manual.nextPause();
    const during = (await call(url, { method: "GET", path: "/metrics" })).body.toString();
    expect(during).toContain('vllm:num_requests_running{model_name="base"} 1');
    expect(during).toContain('vllm:num_requests_waiting{model_name="base"} 0');
    expect(during).toMatch(/vllm:lora_requests_info\{.*max_lora="1".*running_lora_adapters="verse-expert"/);
    manual.pass();
    await first;
    const after = (await call(url, { method: "GET", path: "/metrics" })).body.toString();
    expect(after).toContain('vllm:num_requests_running{model_name="base"} 0');
    expect(after).toContain('vllm:generation_tokens_total{model_name="base"} 2');
  });
});

describe("starting", () => {
  it("names the flag when its port is taken", async () => {
    const { url } = await start();
    const second = createSimulator({ model: "base" });
    await expect(second.listen("127.0.0.1", Number(new URL(url).port))).rejects.toMatchObject({
      code: "port_in_use",
      message: expect.stringContaining("--port"),
    });
  });

  it("names every wrong setting", () => {
    expect(() => createSimulator({ model: "", maxLoras: 0 })).toThrow(RouterError);
    expect(() => createSimulator({ model: "", maxLoras: 0 })).toThrow(/model.*maxLoras/);
  });
});
