import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { isIPv6 } from "node:net";
import { RouterError, systemClock, type Clock, type HeaderEntry } from "@turnout/shared";
import { listenOn } from "../listen.ts";
import { createAdapters } from "./adapters.ts";
import { createAdmission } from "./admission.ts";
import { generate } from "./answers.ts";
import { ApiError, modelNotFound } from "./api-error.ts";
import { readCompletionRequest, type CompletionRequest } from "./completion-request.ts";
import { injectedFailure } from "./failures.ts";
import { createPace, systemWait, type Wait } from "./pace.ts";
import { createRandom } from "./random.ts";
import { RequestLog, type SeenRequest } from "./request-log.ts";
import { readSettings, type SimulatorInput } from "./settings.ts";
import { createSimulatorMetrics } from "./simulator-metrics.ts";
import { firstChunk, lastChunk, tokenChunk, usageChunk, usageOf, wholeBody, type Answer } from "./wire-format.ts";

/**
 * A simulated vLLM server with LoRA adapters, after llm-d-inference-sim: for `npm start`, tests and load tests on machines
 * without a GPU. It refuses models it does not serve, which is what proves that a router rewrote the name. It never routes.
 */
export interface Simulator {
  /** Rejects with RouterError("port_in_use"), which names `setting`. Port 0 takes a free one. */
  listen(host: string, port: number, setting?: string): Promise<{ readonly url: string; readonly port: number }>;
  /** Cuts every connection. */
  close(): Promise<void>;
  /** The last requests, oldest first. */
  readonly requests: readonly SeenRequest[];
}

export interface SimulatorEnvironment {
  readonly clock?: Clock;
  readonly wait?: Wait;
}

const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** createSimulator prepares a simulator. Throws RouterError("config_invalid") naming the settings that are wrong. */
export function createSimulator(input: SimulatorInput, environment: SimulatorEnvironment = {}): Simulator {
  const settings = readSettings(input);
  const clock = environment.clock ?? systemClock;
  const wait = environment.wait ?? systemWait;
  const random = createRandom(settings.seed);
  const pace = createPace(settings, random);
  const adapters = createAdapters(settings);
  const { maxNumSeqs, maxLoras, maxWaitingQueueLength: maxWaiting } = settings;
  const admission = createAdmission({ maxNumSeqs, maxLoras, maxWaiting });
  const metrics = createSimulatorMetrics(settings, admission, clock);
  const log = new RequestLog(settings.keepRequests);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const abort = new AbortController();
    response.once("close", () => abort.abort(new RouterError("cancelled", "the caller left")));
    response.setHeader("x-inference-pod", settings.podName);
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    const body = await readAll(request);
    log.add(seen(request, response, body));
    switch (`${request.method} ${path}`) {
      case "POST /v1/chat/completions":
        return complete(readCompletionRequest("chat", body), response, abort.signal);
      case "POST /v1/completions":
        return complete(readCompletionRequest("text", body), response, abort.signal);
      case "GET /v1/models":
        return sendJson(response, 200, JSON.stringify(adapters.list(seconds(clock))));
      case "POST /v1/load_lora_adapter":
        return sendText(response, adapters.load(jsonOrNull(body)));
      case "POST /v1/unload_lora_adapter":
        return sendText(response, adapters.unload(jsonOrNull(body)));
      case "GET /health":
        return sendText(response, "");
      case "GET /metrics":
        response.setHeader("content-type", metrics.registry.contentType);
        return void response.end(await metrics.registry.metrics());
      default:
        throw new ApiError(404, "NotFoundError", `no ${request.method} ${path} here`);
    }
  }

  async function complete(request: CompletionRequest, response: ServerResponse, signal: AbortSignal): Promise<void> {
    const failure = injectedFailure(settings.failureInjectionRate, settings.failureTypes, request.model, random);
    if (failure !== null) throw failure;
    const adapter = adapters.find(request.model);
    if (adapter === undefined) throw modelNotFound(request.model);
    checkContext(request);

    const leave = await admission.enter(adapter, signal);
    try {
      const { tokens, finishReason } = generate(settings.mode, request.userText, request.model, settings.seed, request.maxTokens);
      const usage = usageOf(request.promptTokens, tokens.length);
      const answer: Answer = { id: newId(request.kind), created: seconds(clock), request };
      if (request.stream) {
        response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "cache-control": "no-cache" });
        response.flushHeaders();
        const send = (data: string) => writeFlowing(response, `data: ${data}\n\n`, signal);
        await pause(pace.firstToken(admission.running.length), signal);
        if (request.kind === "chat") await send(JSON.stringify(firstChunk(answer)));
        for (const [index, token] of tokens.entries()) {
          if (index > 0) await pause(pace.nextToken(admission.running.length), signal);
          await send(JSON.stringify(tokenChunk(answer, token)));
        }
        await send(JSON.stringify(lastChunk(answer, finishReason)));
        if (request.includeUsage) await send(JSON.stringify(usageChunk(answer, usage)));
        await send("[DONE]");
        response.end();
      } else {
        let total = pace.firstToken(admission.running.length);
        for (let index = 1; index < tokens.length; index++) total += pace.nextToken(admission.running.length);
        await pause(total, signal);
        sendJson(response, 200, JSON.stringify(wholeBody(answer, tokens.join(""), finishReason, usage)));
      }
      metrics.succeeded.inc({ finished_reason: finishReason });
      metrics.promptTokens.inc(request.promptTokens);
      metrics.generationTokens.inc(tokens.length);
    } finally {
      leave();
    }
  }

  function checkContext({ promptTokens, maxTokens }: CompletionRequest): void {
    const asked = promptTokens + (maxTokens ?? 0);
    if (asked <= settings.maxModelLen) return;
    const limit = `This model's maximum context length is ${settings.maxModelLen} tokens.`;
    const parts = `(${promptTokens} in the messages, ${maxTokens ?? 0} in the completion)`;
    const advice = "Please reduce the length of the messages or completion.";
    throw new ApiError(400, "BadRequestError", `${limit} However, you requested ${asked} tokens ${parts}. ${advice}`, "messages");
  }

  async function pause(ms: number, signal: AbortSignal): Promise<void> {
    if (ms > 0) await wait(ms, signal);
  }

  function newId(kind: "chat" | "text"): string {
    const digits = Array.from({ length: 4 }, () =>
      Math.floor(random() * 0x1_0000_0000)
        .toString(16)
        .padStart(8, "0"),
    );
    return `${kind === "chat" ? "chatcmpl" : "cmpl"}-${digits.join("")}`;
  }

  const server = createServer({ noDelay: true }, (request, response) => {
    request.on("error", () => {});
    response.on("error", () => {});
    handle(request, response).catch((error: unknown) => {
      if (response.headersSent || response.destroyed) {
        response.destroy();
        return;
      }
      const problem = error instanceof ApiError ? error : new ApiError(500, "InternalServerError", String(error));
      sendJson(response, problem.status, problem.body);
    });
  });

  return {
    async listen(host, port, setting = "--port") {
      const bound = await listenOn(server, host, port, setting);
      return { url: `http://${isIPv6(host) ? `[${host}]` : host}:${bound}`, port: bound };
    },
    async close() {
      if (!server.listening) return;
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
    get requests() {
      return log.list();
    },
  };
}

async function readAll(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let size = 0;
  // Leaving the loop early must not destroy the request: its socket carries the refusal.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw new ApiError(413, "BadRequestError", `the request body is over ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function seen(request: IncomingMessage, response: ServerResponse, body: Buffer): SeenRequest {
  const headers: HeaderEntry[] = [];
  const raw = request.rawHeaders;
  for (let i = 0; i + 1 < raw.length; i += 2) headers.push([(raw[i] as string).toLowerCase(), raw[i + 1] as string]);
  const finished = new Promise<"answered" | "aborted">((resolve) => {
    response.once("close", () => resolve(response.writableFinished ? "answered" : "aborted"));
  });
  return { method: request.method ?? "", path: request.url ?? "", headers, body, finished };
}

async function writeFlowing(response: ServerResponse, text: string, signal: AbortSignal): Promise<void> {
  if (!response.write(text)) await once(response, "drain", { signal });
}

function sendJson(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { "content-type": "application/json", "content-length": Buffer.byteLength(body) }).end(body);
}

function sendText(response: ServerResponse, body: string): void {
  response.writeHead(200, { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(body) }).end(body);
}

function jsonOrNull(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString("utf8"));
  } catch {
    return null;
  }
}

function seconds(clock: Clock): number {
  return Math.floor(clock.wallMs() / 1000);
}
