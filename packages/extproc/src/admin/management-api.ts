import fastify, { type FastifyError } from "fastify";
import type { AdministeredCache } from "@turnout/cache";
import { errorCatalogue, RouterError, type ChatMessage, type Classifier, type Clock, type ExchangeFactory } from "@turnout/shared";
import { z } from "zod";
import { listenOn } from "../listen.ts";
import { modelListReply, promptRequest, textOf, type Route, type RoutingSnapshot } from "../routing/index.ts";
import { evaluationBody, intentBody } from "./evaluation.ts";
import { addResponseCacheApi } from "./response-cache-api.ts";

/**
 * The management API: health, readiness, the model list, and evaluation without routing, in vSR's shapes. It has no authentication,
 * so it binds to loopback unless the configuration says otherwise. It never forwards anything.
 */
export interface ManagementParts {
  readonly current: () => RoutingSnapshot;
  readonly classifier: Pick<Classifier, "status">;
  /** Null where nothing is cached. */
  readonly cache: () => AdministeredCache | null;
  /** Exchanges whose requests nobody counts. */
  readonly uncounted: ExchangeFactory;
  readonly clock: Clock;
}

export interface ManagementApi {
  /** Rejects with RouterError("port_in_use"). */
  listen(host: string, port: number): Promise<number>;
  close(): Promise<void>;
}

const MAX_BODY_BYTES = 1024 * 1024;
/** Longer than a request's deadline on the hot path: a person waits for this answer, no gateway. */
const EVALUATION_DEADLINE_MS = 5_000;

const prompt = z.object({
  text: z.string().min(1).optional(),
  messages: z
    .array(z.object({ role: z.enum(["system", "developer", "user", "assistant", "tool", "function"]), content: z.unknown() }))
    .min(1)
    .optional(),
});

/** createManagementApi prepares the API; nothing listens before listen(). */
export function createManagementApi({ current, classifier, cache, uncounted, clock }: ManagementParts): ManagementApi {
  const app = fastify({ bodyLimit: MAX_BODY_BYTES, requestTimeout: 30_000, forceCloseConnections: true });

  app.get("/health", () => ({ status: "healthy", service: "turnout" }));
  app.get("/ready", (_request, reply) => {
    const encoder = classifier.status();
    const ready = encoder.state === "ready" || !current().router.needsEncoder;
    return reply.code(ready ? 200 : 503).send({ ready, status: ready ? "ready" : encoder.state, encoder });
  });
  app.get("/v1/models", (_request, reply) => {
    const { status, headers, body } = modelListReply(current(), Math.floor(clock.wallMs() / 1_000));
    return reply.code(status).headers(Object.fromEntries(headers)).send(body);
  });
  app.post("/api/v1/eval", async (request) => evaluationBody(await evaluate(request.body)));
  app.post("/api/v1/classify/intent", async (request) => intentBody(await evaluate(request.body)));

  addResponseCacheApi(app, { cache, current, uncounted, clock });

  async function evaluate(body: unknown): Promise<Route> {
    const parsed = prompt.safeParse(body);
    const messages = parsed.success ? messagesOf(parsed.data) : null;
    if (messages === null)
      throw new RouterError(
        "request_invalid",
        'expected a JSON object with "text" (a string) or "messages" (a list with role and content)',
      );
    return current().router.route(promptRequest(messages), { deadline: clock.now() + EVALUATION_DEADLINE_MS });
  }

  app.setNotFoundHandler((request) => {
    throw new RouterError("route_unknown", `${request.method} ${request.url.split("?", 1)[0]} is not part of the management API`);
  });
  app.setErrorHandler((error: FastifyError, _request, reply) => {
    const status = error instanceof RouterError ? errorCatalogue[error.code].http : (error.statusCode ?? 500);
    const type = status < 500 ? "invalid_request_error" : "server_error";
    return reply.code(status).send({ error: { message: error.message, type, code: status } });
  });

  return {
    async listen(host, port) {
      await app.ready();
      return listenOn(app.server, host, port, "--api-port or global.services.management_api.port");
    },
    close: () => app.close(),
  };
}

function messagesOf({ text, messages }: z.output<typeof prompt>): readonly ChatMessage[] | null {
  if (text !== undefined) return [{ role: "user", text, imageParts: 0 }];
  if (messages === undefined) return null;
  return messages.map(({ role, content }) => ({ role, text: textOf(content), imageParts: 0 }));
}
