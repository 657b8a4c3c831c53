import { createMetrics, silentLogger, type ExchangeLimits } from "@turnout/shared";
import OpenAI, { APIError, NotFoundError } from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createSimulator } from "../simulator/server.ts";
import { createBackendDirectory } from "./backends.ts";
import { createGateway } from "./server.ts";
import { createScriptedExchanges, NO_CHANGES, textReply } from "./testing/scripted-exchange.ts";

/** The official client, through the gateway, to the simulator. The exchange rewrites "auto" to an adapter, as the router will. */
const limits: Partial<ExchangeLimits> = { maxBodyBytes: 100_000 };
const exchanges = createScriptedExchanges({
  limits,
  onRequestHead: (head) =>
    head.method === "GET"
      ? {
          kind: "reply",
          reply: {
            ...textReply(200, '{"object":"list","data":[{"id":"auto","object":"model"}]}'),
            headers: [["content-type", "application/json"]],
          },
        }
      : { kind: "wantsBody", changes: NO_CHANGES },
  onRequestBody: async (body) => {
    const text = Buffer.from(body).toString();
    const rewritten = Buffer.from(text.replace('"model":"auto"', '"model":"verse-expert"'));
    return { kind: "forward", changes: NO_CHANGES, body: rewritten, backendModel: "base" };
  },
  onResponseHead: () => ({ set: [["x-vsr-selected-model", "verse-expert"]], remove: [] }),
});
const simulator = createSimulator({ model: "base", loraModules: [{ name: "verse-expert", path: "/adapters/verse" }], mode: "echo" });
let client: OpenAI;
let close: () => Promise<void>;

beforeAll(async () => {
  const { url } = await simulator.listen("127.0.0.1", 0);
  const gateway = createGateway({
    listeners: [{ name: "openai", address: "127.0.0.1", port: 0 }],
    exchanges,
    backends: createBackendDirectory([{ name: "base", backend_refs: [{ base_url: `${url}/v1` }] }]),
    logger: silentLogger,
    metrics: createMetrics(),
  });
  const [bound] = await gateway.listen();
  client = new OpenAI({ apiKey: "unused", baseURL: `${bound?.url}/v1`, maxRetries: 0 });
  close = async () => {
    await gateway.close(0);
    await simulator.close();
  };
});
afterAll(() => close());

const prompt = "Name a river, a bridge and a tune: «Grüße», 你好!";

describe("the official OpenAI client", () => {
  it("completes a chat", async () => {
    const { data, response } = await client.chat.completions
      .create({ model: "auto", messages: [{ role: "user", content: prompt }] })
      .withResponse();
    expect(data.model).toBe("verse-expert");
    expect(data.choices[0]?.message.content).toBe(prompt);
    expect(data.usage?.total_tokens).toBe((data.usage?.prompt_tokens ?? 0) * 2);
    expect(response.headers.get("x-vsr-selected-model")).toBe("verse-expert");
    expect(response.headers.get("x-inference-pod")).toBe("simulator-0");
  });

  it("streams a chat with usage at the end", async () => {
    const stream = await client.chat.completions.create({
      model: "auto",
      messages: [{ role: "user", content: prompt }],
      stream: true,
      stream_options: { include_usage: true },
    });
    let text = "";
    let finish: string | null = null;
    let total: number | undefined;
    for await (const chunk of stream) {
      expect(chunk.model).toBe("verse-expert");
      text += chunk.choices[0]?.delta.content ?? "";
      finish ??= chunk.choices[0]?.finish_reason ?? null;
      total = chunk.usage?.total_tokens ?? total;
    }
    expect([text, finish]).toEqual([prompt, "stop"]);
    expect(total).toBeGreaterThan(0);
  });

  it("completes and streams text", async () => {
    const whole = await client.completions.create({ model: "auto", prompt });
    expect(whole.choices[0]?.text).toBe(prompt);
    let text = "";
    for await (const chunk of await client.completions.create({ model: "auto", prompt, stream: true }))
      text += chunk.choices[0]?.text ?? "";
    expect(text).toBe(prompt);
  });

  it("can leave a stream early", async () => {
    const stream = await client.completions.create({ model: "auto", prompt: "one two three four", stream: true });
    for await (const chunk of stream) {
      expect(chunk.object).toBe("text_completion");
      break;
    }
    expect(stream.controller.signal.aborted).toBe(true);
    await simulator.requests.at(-1)?.finished;
  });

  it("lists models", async () => {
    expect((await client.models.list()).data.map(({ id }) => id)).toEqual(["auto"]);
  });

  it("raises the exceptions it has for errors of the backend and of the gateway", async () => {
    const create = (model: string, content: string) => client.chat.completions.create({ model, messages: [{ role: "user", content }] });
    await expect(create("nobody", "hello")).rejects.toThrow(NotFoundError);
    await expect(create("auto", "x".repeat(200_000))).rejects.toThrow(APIError);
  });
});
