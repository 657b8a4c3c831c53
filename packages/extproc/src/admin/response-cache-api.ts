/**
 * The response cache's part of the management API, under vSR's paths: how it is, what it would make of a request, how to fill it and how to
 * make it forget. It tells nobody's question and nobody's answer, except in an export.
 */
import { Readable } from "node:stream";
import { RouterError, type CacheScope, type CallOptions, type Clock, type ExchangeFactory } from "@turnout/shared";
import type { AdministeredCache, PurgeFilter } from "@turnout/cache";
import type { FastifyInstance } from "fastify";
import { cacheQuestion, embedIn, offerAnswer, type RoutingSnapshot } from "../routing/index.ts";
import { z } from "zod";

export interface ResponseCacheApiParts {
  /** Null where nothing is cached. */
  readonly cache: () => AdministeredCache | null;
  readonly current: () => RoutingSnapshot;
  /** Exchanges whose requests nobody counts: they are the operator's. */
  readonly uncounted: ExchangeFactory;
  readonly clock: Clock;
}

const ROOT = "/api/v1/response-cache";
/** What flush has to be told, so that nobody empties a cache by a slip. */
const CONFIRMATION = "flush response cache";
/** An operator waits for it, no request does. */
const DEADLINE_MS = 10_000;

const filter = z
  .strictObject({
    ids: z.array(z.string().min(1)).min(1).max(1_000).optional(),
    scope: z.enum(["user", "team", "tenant"]).optional(),
    /** Headers that say who is meant, as the gateway would send them. */
    headers: z.record(z.string().toLowerCase(), z.string()).optional(),
    decision: z.string().min(1).optional(),
    model: z.string().min(1).optional(),
    older_than_seconds: z.number().min(0).optional(),
    dry_run: z.boolean().default(true),
  })
  .refine(
    ({ scope, headers }) => (scope === undefined) === (headers === undefined),
    "scope and headers go together: whose answers, and who that is",
  )
  .refine(
    (parts) => Object.entries(parts).some(([key, part]) => key !== "dry_run" && part !== undefined),
    "expected at least one of ids, scope, decision, model, older_than_seconds; to empty the cache there is flush",
  );
const headers = z.record(z.string().toLowerCase(), z.string()).default({});
const question = z.strictObject({ request: z.looseObject({}), headers });
const imported = z.strictObject({
  /** Entries as an export gives them. */
  entries: z.array(z.base64()).max(1_000).default([]),
  answers: z
    .array(z.strictObject({ request: z.looseObject({}), response: z.looseObject({}), headers }))
    .max(1_000)
    .default([]),
});
const confirmation = z.strictObject({ confirm: z.literal(CONFIRMATION) });
const feedback = z.strictObject({ id: z.string().min(1), wrong: z.literal(true) });

/** addResponseCacheApi adds the routes; without a cache each answers 404 and says so. */
export function addResponseCacheApi(app: FastifyInstance, { cache, current, uncounted, clock }: ResponseCacheApiParts): void {
  const opened = (): AdministeredCache => {
    const open = cache();
    if (open !== null) return open;
    throw new RouterError(
      "route_unknown",
      "no decision of this configuration caches answers (plugin response_cache), or the store is disabled",
    );
  };
  const options = (): CallOptions => ({ deadline: clock.now() + DEADLINE_MS });

  async function test({
    request,
    headers,
  }: z.output<typeof question>): Promise<{ readonly decision: string | null; readonly use: string }> {
    const open = opened();
    const { decision, lookup } = await cacheQuestion(request, new Map(Object.entries(headers)), current(), options());
    if (lookup === null) return { decision, use: "not_cached" };
    return { decision, ...(await open.explain(lookup.subject, lookup.route, options())) };
  }

  app.get(`${ROOT}/capabilities`, () => ({
    backend: opened().stats().backend,
    modes: ["exact", "semantic", "exact_then_semantic"],
    scopes: ["user", "team", "tenant", "global"],
    operations: ["health", "stats", "test", "import", "export", "invalidate", "flush", "feedback"],
    confirmation: CONFIRMATION,
    search_module_needed: false,
  }));
  app.get(`${ROOT}/health`, () => {
    const { backend, state } = opened().stats();
    return { backend, status: state.state, ...(state.reason === undefined ? {} : { reason: state.reason }), lag_ms: state.lagMs };
  });
  app.get(`${ROOT}/stats`, () => {
    const { backend, state, entries, indexBytes, inFlight, calibration } = opened().stats();
    return {
      backend,
      status: state.state,
      entries,
      index_bytes: indexBytes,
      in_flight: inFlight,
      calibration: calibration.map(({ decision, n, wrong, errorAtMost, bySimilarity }) => ({
        decision,
        compared: n,
        wrong,
        error_at_most: errorAtMost,
        by_similarity: bySimilarity.map((step) => ({ from: Number(step.from.toFixed(3)), compared: step.n, wrong: step.wrong })),
      })),
    };
  });
  app.post(`${ROOT}/test`, ({ body }) => test(parsed(question, body)));
  app.post(`${ROOT}/import`, async ({ body }) => {
    const { answers, entries } = parsed(imported, body);
    let taken = 0;
    for (const answer of answers) {
      if ((await test(answer)).use !== "cached") continue;
      if (await offerAnswer(uncounted, answer, options())) taken += 1;
    }
    for (const entry of entries) if (await opened().importEntry(entry, embedIn(current()), options())) taken += 1;
    return { read: answers.length + entries.length, taken };
  });
  app.get(`${ROOT}/export`, (request, reply) => {
    const left = new AbortController();
    request.raw.once("close", () => left.abort());
    return reply.type("application/x-ndjson").send(Readable.from(exportLines(opened(), left.signal)));
  });
  app.post(`${ROOT}/invalidate`, async ({ body }) => {
    const { dry_run, ...parts } = parsed(filter, body);
    const wanted = filterOf(parts, opened(), clock.wallMs());
    if (dry_run) return { dry_run, matched: opened().matching(wanted), invalidated: 0 };
    const invalidated = await opened().purge(wanted, options());
    return { dry_run, matched: invalidated, invalidated };
  });
  app.post(`${ROOT}/flush`, async ({ body }) => {
    parsed(confirmation, body);
    return { invalidated: await opened().purge({}, options()) };
  });
  app.post(`${ROOT}/feedback`, async ({ body }) => {
    const { id } = parsed(feedback, body);
    return { removed: await opened().condemn(id, options()) };
  });
}

function filterOf(
  { older_than_seconds, scope, headers, ...rest }: Omit<z.output<typeof filter>, "dry_run">,
  cache: AdministeredCache,
  now: number,
): PurgeFilter {
  const parts = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return {
    ...parts,
    ...scopeIn(scope, headers, cache),
    ...(older_than_seconds === undefined ? {} : { createdBeforeMs: now - older_than_seconds * 1_000 }),
  };
}

function scopeIn(
  scope: CacheScope | undefined,
  headers: Readonly<Record<string, string>> | undefined,
  cache: AdministeredCache,
): PurgeFilter {
  if (scope === undefined || headers === undefined) return {};
  const hash = cache.scopeOf(scope, new Map(Object.entries(headers)));
  if (hash === null) throw new RouterError("request_invalid", `headers: they do not name one ${scope}`);
  return { scope: hash };
}

async function* exportLines(cache: AdministeredCache, signal: AbortSignal): AsyncGenerator<string> {
  for await (const entry of cache.exportEntries(signal)) yield `${JSON.stringify({ entry })}\n`;
}

function parsed<Schema extends z.ZodType>(schema: Schema, body: unknown): z.output<Schema> {
  const result = schema.safeParse(body ?? {});
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new RouterError("request_invalid", `${issue?.path.join(".") || "the body"}: ${issue?.message ?? "not what was expected"}`);
}
