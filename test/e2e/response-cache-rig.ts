/**
 * What the end-to-end tests of the response cache share: a model server that numbers its answers and fails as a request's `x-answer`
 * says, a client that sends headers exactly as told, and the product on a small kitchen configuration.
 */
import { request as httpRequest } from "node:http";
import { gzipSync } from "node:zlib";
import type { Metrics } from "@turnout/shared";
import { startKitchen, type Kitchen } from "../../packages/extproc/src/testing/kitchen.ts";
import { startUpstream, type Responder, type Upstream } from "./upstream.ts";

const REQUEST_LIMIT_MS = 15_000;

export interface CachingConfig {
  /** Scope of the decisions "oven", "pan" and "sink", one after the other. */
  readonly scopes?: readonly [oven: string, pan: string, sink: string];
  readonly mode?: "exact" | "semantic";
  /** In `global.services`. */
  readonly services?: string;
  /** In `routing.signals`. */
  readonly signals?: string;
  /** More decisions. */
  readonly decisions?: string;
  /** In `turnout.response_cache`. */
  readonly tuning?: string;
  /** In `global.stores.response_cache`. */
  readonly store?: string;
  /** Port of the model server, for the product's own HTTP gateway; without it there is none. */
  readonly backend?: number;
}

/** cachingConfig routes by one word each, and caches what the words oven, pan and sink decide; grill is not cached. */
export function cachingConfig({
  scopes = ["global", "global", "global"],
  mode = "exact",
  services = "",
  signals = "",
  decisions = "",
  tuning = "",
  store = "",
  backend,
}: CachingConfig = {}): string {
  const caching = ["oven", "pan", "sink"].map(
    (word, index) => `
    - name: ${word}
      priority: 10
      rules: { type: keyword, name: ${word} }
      modelRefs: [{ model: base, lora_name: ${word}-expert }]
      plugins: [{ type: response_cache, configuration: { scope: ${scopes[index]}, mode: ${mode} } }]`,
  );
  return `
version: v0.3
listeners: [${backend === undefined ? "" : "{ name: http, address: 127.0.0.1, port: 0 }"}]
providers:
  defaults: { default_model: base }
  models: [{ name: base, backend_refs: [{ endpoint: "127.0.0.1:${backend ?? 9}" }] }]
routing:
  modelCards: [{ name: base, loras: [{ name: oven-expert }, { name: pan-expert }, { name: sink-expert }] }]
  signals:
    keywords: [${["oven", "pan", "sink", "grill"].map((word) => `{ name: ${word}, operator: OR, keywords: [${word}] }`).join(", ")}]
${signals}
  decisions:${caching.join("")}
    - name: grill
      rules: { type: keyword, name: grill }
      modelRefs: [{ model: base }]
${decisions}
global:
  services: { management_api: { port: 0 } ${services} }
  stores: { response_cache: { max_entries: 10000 ${store} } }
turnout:
  deadline_ms: 5000
  classifier: { backend: deterministic, workers: 1 }
  response_cache: { writes_per_minute: 100000 ${tuning} }
`;
}

/** startCachingTurnout runs the product in this process. */
export async function startCachingTurnout(config: CachingConfig = {}): Promise<Kitchen> {
  const kitchen = await startKitchen(cachingConfig(config));
  await kitchen.turnout.ready();
  return kitchen;
}

export const portOf = (kitchen: Kitchen, part: "ExtProc" | "HTTP gateway" | "management API"): number =>
  Number(kitchen.address(part).split(":").at(-1));

/** NumberedModels is a model server whose n-th answer says so, and how often it was asked. */
export interface NumberedModels extends Upstream {
  readonly asked: number;
}

/** What the model server may do with a request, by its `x-answer`; without one it answers as the body asks, JSON or SSE. */
export type AnswerKind = "error" | "gzip" | "reset" | "reset stream" | "cut short" | "as asked";

/** startNumberedModels listens on a free loopback port; `respond` takes the place of its answers where it returns true. */
export async function startNumberedModels(respond: (...args: Parameters<Responder>) => boolean = () => false): Promise<NumberedModels> {
  let asked = 0;
  const upstream = await startUpstream("models", (request, response) => {
    asked += 1;
    if (respond(request, response)) return;
    const content = `answer ${asked}`;
    const streamed = (JSON.parse(request.body.toString()) as { stream?: unknown }).stream === true;
    const type = streamed ? "text/event-stream" : "application/json";
    switch (String(request.headers["x-answer"] ?? "as asked") as AnswerKind) {
      case "error":
        response.writeHead(500, { "content-type": type }).end(completionOf(content));
        break;
      case "gzip":
        // A server that does not care for accept-encoding.
        response
          .writeHead(200, { "content-type": type, "content-encoding": "gzip" })
          .end(gzipSync(streamed ? eventsOf(content).join("") : completionOf(content)));
        break;
      case "reset":
        response.writeHead(200, { "content-type": type });
        response.write(completionOf(content).slice(0, 60), () => response.destroy());
        break;
      case "reset stream":
        response.writeHead(200, { "content-type": type });
        response.write(eventsOf(content).slice(0, 2).join(""), () => response.destroy());
        break;
      case "cut short":
        // Ends in good form, but before the answer does.
        response
          .writeHead(200, { "content-type": type })
          .end(streamed ? eventsOf(content).slice(0, 2).join("") : completionOf(content, "length"));
        break;
      case "as asked":
        response.writeHead(200, { "content-type": type });
        for (const part of streamed ? eventsOf(content) : [completionOf(content)]) response.write(part);
        response.end();
    }
  });
  return {
    ...upstream,
    get asked() {
      return asked;
    },
  };
}

/** completionOf is a model's answer as JSON. */
export const completionOf = (content: string, finish = "stop"): string =>
  JSON.stringify({
    id: "chatcmpl-upstream",
    object: "chat.completion",
    created: 1,
    model: "upstream-model",
    choices: [{ index: 0, message: { role: "assistant", content, refusal: null }, logprobs: null, finish_reason: finish }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  });

/** eventsOf is the same answer as a stream, a word at a time. */
export function eventsOf(content: string): readonly string[] {
  const event = (delta: object, finish: string | null = null) =>
    `data: ${JSON.stringify({ id: "chatcmpl-upstream", object: "chat.completion.chunk", created: 1, model: "upstream-model", choices: [{ index: 0, delta, finish_reason: finish }] })}\n\n`;
  const words = content.match(/\S+\s*/g) ?? [];
  return [
    event({ role: "assistant", content: "" }),
    ...words.map((word) => event({ content: word })),
    event({}, "stop"),
    "data: [DONE]\n\n",
  ];
}

/** Headers as they are written, names repeated and spelled as told. */
export type RawHeaders = readonly (readonly [name: string, value: string])[];

export interface Asked {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
  readonly hit: boolean;
  /** What the assistant said, however it was wrapped. */
  readonly content: string;
}

export interface Asking {
  readonly headers?: RawHeaders;
  readonly stream?: boolean;
  readonly answer?: AnswerKind;
  /** More members of the body. */
  readonly body?: object;
  readonly signal?: AbortSignal;
  readonly onChunk?: (chunk: Buffer) => void;
}

/** ask asks a question through a door; it rejects when the answer breaks off. */
export function ask(port: number, text: string, { headers = [], stream, answer, body = {}, signal, onChunk }: Asking = {}): Promise<Asked> {
  const bytes = JSON.stringify({
    model: "auto",
    ...(stream === undefined ? {} : { stream }),
    messages: [{ role: "user", content: text }],
    ...body,
  });
  const limit = AbortSignal.timeout(REQUEST_LIMIT_MS);
  const raw = [
    ["host", "router.test"],
    ["content-type", "application/json"],
    ["content-length", String(Buffer.byteLength(bytes))],
    ["x-case", text],
    ...(answer === undefined ? [] : [["x-answer", answer]]),
    ...headers,
  ].flat();
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(
      {
        host: "127.0.0.1",
        port,
        method: "POST",
        path: "/v1/chat/completions",
        headers: raw,
        agent: false,
        signal: signal === undefined ? limit : AbortSignal.any([signal, limit]),
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          onChunk?.(chunk);
        });
        response.on("error", reject);
        response.on("end", () => {
          const received = Buffer.concat(chunks).toString("utf8");
          const { statusCode: status = 0, headers: fields } = response;
          resolve({ status, headers: fields, body: received, hit: fields["x-vsr-cache-hit"] === "true", content: contentOf(received) });
        });
      },
    );
    outgoing.on("error", reject);
    outgoing.end(bytes);
  });
}

interface Choices {
  readonly choices?: readonly { readonly message?: { readonly content?: string }; readonly delta?: { readonly content?: string } }[];
}

function contentOf(body: string): string {
  const read = (json: string) => {
    const [choice] = (JSON.parse(json) as Choices).choices ?? [];
    return choice?.message?.content ?? choice?.delta?.content ?? "";
  };
  if (body.startsWith("{")) return read(body);
  return body
    .split("\n\n")
    .filter((event) => event.startsWith("data: {"))
    .map((event) => read(event.slice("data: ".length)))
    .join("");
}

/** readingOf is the sum of a metric over its labels, or over those that are given. */
export async function readingOf({ registry }: Metrics, name: string, labels: Readonly<Record<string, string>> = {}): Promise<number> {
  const metric = await registry.getSingleMetric(name)?.get();
  const wanted = metric?.values.filter((value) => Object.entries(labels).every(([key, label]) => value.labels[key] === label)) ?? [];
  return wanted.reduce((sum, value) => sum + value.value, 0);
}
