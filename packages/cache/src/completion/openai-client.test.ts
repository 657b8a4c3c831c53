/** The official client reads what is rendered, over HTTP. */
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import OpenAI from "openai";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createAccumulator } from "./accumulate.ts";
import type { StoredCompletion } from "./completion.ts";
import { renderEventStream, renderJson } from "./render.ts";
import { eventStream, recorded } from "./testing/answers.ts";

const stored = recorded.map(({ name, chunks, protocol }) => {
  const accumulator = createAccumulator({ contentType: "text/event-stream", protocol });
  accumulator.push(Buffer.from(eventStream(chunks)));
  const result = accumulator.end();
  if (result.kind === "refused") throw new Error(result.reason);
  return { name, protocol, completion: result.completion };
});
const chats = stored.filter(({ protocol }) => protocol === "chat");

/** Serves the completion whose name is asked for as the model. */
const server: Server = createServer((request, response) => {
  const parts: Buffer[] = [];
  request.on("data", (part: Buffer) => parts.push(part));
  request.on("end", () => {
    const { model, stream, stream_options } = JSON.parse(Buffer.concat(parts).toString()) as {
      readonly model: string;
      readonly stream?: boolean;
      readonly stream_options?: { readonly include_usage?: boolean };
    };
    const { completion, protocol } = stored.find(({ name }) => name === model) as (typeof stored)[number];
    const identity = { id: "chatcmpl-new", created: 1_760_000_000, model: "expert", protocol };
    response.setHeader("content-type", stream ? "text/event-stream" : "application/json");
    const includeUsage = stream_options?.include_usage === true;
    response.end(stream ? renderEventStream(completion, { ...identity, includeUsage }) : renderJson(completion, identity));
  });
});
let client: OpenAI;

beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  client = new OpenAI({ apiKey: "unused", baseURL: `http://127.0.0.1:${port}/v1`, maxRetries: 0 });
});
afterAll(() => {
  server.closeAllConnections();
  server.close();
});

const told = ({ choices }: StoredCompletion) => choices.map(({ message, finish_reason }) => ({ message: { ...message }, finish_reason }));

describe("the official OpenAI client", () => {
  it.each(chats)("reads JSON: $name", async ({ name, completion }) => {
    const read = await client.chat.completions.create({ model: name, messages: [{ role: "user", content: "?" }] });
    expect(read).toMatchObject({ id: "chatcmpl-new", model: "expert", created: 1_760_000_000, choices: told(completion) });
    if (completion.usage !== null) expect(read.usage).toEqual(completion.usage);
  });

  it.each(chats)("puts a stream together: $name", async ({ name, completion }) => {
    const options = { model: name, messages: [{ role: "user" as const, content: "?" }], stream_options: { include_usage: true } };
    const stream = client.chat.completions.stream(options);
    let text = "";
    stream.on("content", (delta) => {
      text += delta;
    });
    const read = await stream.finalChatCompletion();
    expect(read).toMatchObject({ id: "chatcmpl-new", model: "expert", created: 1_760_000_000, choices: told(completion) });
    expect(text).toBe(completion.choices.map(({ message }) => message.content ?? "").join(""));
    if (completion.usage !== null) expect(read.usage).toEqual(completion.usage);
    const [choice] = completion.choices;
    if (choice?.logprobs) expect(read.choices[0]?.logprobs?.content).toEqual(choice.logprobs["content"]);
  });

  it("reads a text completion, whole and as a stream", async () => {
    const { name, completion } = stored.at(-1) as (typeof stored)[number];
    const whole = await client.completions.create({ model: name, prompt: "?" });
    expect(whole).toMatchObject({ id: "chatcmpl-new", choices: [{ text: "One two", finish_reason: "stop" }], usage: completion.usage });
    let text = "";
    let usage: object | undefined | null;
    for await (const chunk of await client.completions.create({
      model: name,
      prompt: "?",
      stream: true,
      stream_options: { include_usage: true },
    })) {
      text += chunk.choices[0]?.text ?? "";
      usage = chunk.usage;
    }
    expect([text, usage]).toEqual(["One two", completion.usage]);
  });
});
