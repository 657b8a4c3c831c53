/** Responses of our own: errors, the model list, a plugin's fixed answer. In OpenAI's shapes, with vSR's fields and headers. Pure. */
import type { HeaderEntry, Reply, RouterError } from "@turnout/shared";
import type { Endpoint } from "./chat-request.ts";
import { pathHeaders } from "./headers.ts";
import type { RoutingSnapshot } from "./snapshot.ts";

const JSON_TYPE: HeaderEntry = ["content-type", "application/json"];

/** errorReply has vSR's shape: the code is the HTTP status. What a bug says of itself is for the log, not for clients. */
export function errorReply(error: RouterError): Reply {
  const { code, httpStatus } = error;
  const message = code === "internal" ? "the router failed" : error.message;
  return {
    status: httpStatus,
    headers: [JSON_TYPE, ...pathHeaders("error")],
    body: JSON.stringify({ error: { message, type: httpStatus < 500 ? "invalid_request_error" : "server_error", code: httpStatus } }),
    details: `turnout_${code}`,
  };
}

/** modelListReply answers GET /v1/models: the auto names, and the models behind them where the configuration says so. */
export function modelListReply({ settings, models }: RoutingSnapshot, unixSeconds: number): Reply {
  const entry = (id: string, description: string, resolution: "auto" | "direct") => ({
    id,
    object: "model",
    created: unixSeconds,
    owned_by: "vllm-semantic-router",
    description,
    routing: { resolution, selectable: true },
  });
  const data = settings.autoModelNames.map((name) => entry(name, "Chooses the model by what the prompt is about", "auto"));
  if (settings.includeConfigModels) {
    for (const { name, description } of models.list())
      if (!settings.autoModelNames.includes(name)) data.push(entry(name, description, "direct"));
  }
  return { status: 200, headers: [JSON_TYPE], body: JSON.stringify({ object: "list", data }), details: "turnout_models" };
}

/** FixedAnswer is a completion that no model wrote. */
export interface FixedAnswer {
  readonly text: string;
  readonly requestId: string;
  readonly model: string;
  readonly endpoint: Endpoint;
  readonly stream: boolean;
  readonly unixSeconds: number;
  readonly headers: readonly HeaderEntry[];
}

/** completionReply is a whole completion, or a stream of server-sent events that ends in [DONE]. */
export function completionReply(answer: FixedAnswer): Reply {
  const { stream, headers } = answer;
  return {
    status: 200,
    headers: [stream ? ["content-type", "text/event-stream"] : JSON_TYPE, ...headers],
    body: stream ? eventStream(answer) : JSON.stringify(completion(answer)),
    details: "turnout_fast_response",
  };
}

/** cachedReply is an answer that was kept. */
export function cachedReply(
  { contentType, body }: { readonly contentType: string; readonly body: string },
  headers: readonly HeaderEntry[],
): Reply {
  return { status: 200, headers: [["content-type", contentType], ...headers], body, details: "turnout_cache_hit" };
}

function envelope({ requestId, model, endpoint, unixSeconds, stream }: FixedAnswer) {
  const chat = endpoint === "chat";
  const object = chat ? (stream ? "chat.completion.chunk" : "chat.completion") : "text_completion";
  return { id: `${chat ? "chatcmpl" : "cmpl"}-${requestId}`, object, created: unixSeconds, model };
}

function completion(answer: FixedAnswer) {
  const { text, endpoint } = answer;
  const content = endpoint === "chat" ? { message: { role: "assistant", content: text } } : { text };
  return {
    ...envelope(answer),
    choices: [{ index: 0, ...content, logprobs: null, finish_reason: "stop" }],
    usage: { prompt_tokens: 0, completion_tokens: 0, total_tokens: 0 },
  };
}

function eventStream(answer: FixedAnswer): string {
  const { text, endpoint } = answer;
  const head = envelope(answer);
  const choice = (content: object, finish_reason: "stop" | null) => ({
    ...head,
    choices: [{ index: 0, ...content, logprobs: null, finish_reason }],
  });
  const events =
    endpoint === "chat"
      ? [choice({ delta: { role: "assistant", content: text } }, null), choice({ delta: {} }, "stop")]
      : [choice({ text }, "stop")];
  return [...events.map((event) => JSON.stringify(event)), "[DONE]"].map((data) => `data: ${data}\n\n`).join("");
}
