/** Asks a cache as the exchange does: looks early, then with a route, then lets a model answer. */
import {
  createMetrics,
  silentLogger,
  type CacheHit,
  type CachePolicy,
  type CacheRoute,
  type CacheRouting,
  type CacheSession,
  type Clock,
  type Logger,
  type Metrics,
} from "@turnout/shared";
import type { CacheBackend } from "../backends/backend.ts";
import { MemoryBackend } from "../backends/memory.ts";
import type { PairVerifier } from "../cache-parts.ts";
import { createResponseCache, type AdministeredCache } from "../response-cache.ts";
import { defaultCacheSettings, type CacheSettings } from "../settings.ts";

export const policy: CachePolicy = {
  semantic: true,
  scope: "global",
  similarityThreshold: null,
  ttlSeconds: null,
  requestControls: { header: "x-vsr-cache-control", allowed: [], maxTtlSeconds: null },
  revision: { cacheEpoch: null, modelRevision: null },
};

const routing: CacheRouting = { revision: "r1", headers: [], controls: [], earlyScopes: ["user", "team", "tenant", "global"] };

/** vectorOf puts texts of the same words near each other: a letter count, normalised. */
function vectorOf(text: string): Float32Array {
  const vector = new Float32Array(128);
  for (const character of text.toLowerCase()) vector[character.charCodeAt(0) % 128] = (vector[character.charCodeAt(0) % 128] as number) + 1;
  const length = Math.hypot(...vector);
  return vector.map((value) => value / length);
}

export interface Question {
  readonly text?: string;
  /** More members of the body. */
  readonly body?: Readonly<Record<string, unknown>>;
  readonly messages?: readonly object[];
  readonly headers?: Readonly<Record<string, string>>;
  readonly query?: string;
  readonly policy?: Partial<CachePolicy>;
  readonly route?: Partial<CacheRoute>;
  readonly routing?: Partial<CacheRouting>;
}

/** Answering is what the model does with a request that reaches it. */
export interface Answering {
  readonly status?: number;
  readonly contentType?: string;
  readonly chunks?: readonly string[];
  /** false: the stream breaks off. */
  readonly complete?: boolean;
}

export const completionOf = (content: string) =>
  JSON.stringify({
    id: "chatcmpl-upstream",
    object: "chat.completion",
    created: 1,
    model: "upstream-model",
    choices: [{ index: 0, message: { role: "assistant", content }, logprobs: null, finish_reason: "stop" }],
    usage: { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 },
  });

export interface KitOptions {
  readonly settings?: Partial<CacheSettings>;
  readonly backend?: CacheBackend;
  readonly verifier?: PairVerifier;
  readonly random?: () => number;
  readonly logger?: Logger;
  /** Instead of one whose wall tests move. */
  readonly clock?: Clock;
}

/** Kit is a cache with everything around it. */
export interface Kit {
  readonly cache: AdministeredCache;
  readonly metrics: Metrics;
  /** What the clock says, Unix milliseconds; tests move it. */
  readonly time: { wall: number };
  /** open begins a request. */
  open(question: Question): CacheSession;
  routeOf(question: Question): CacheRoute;
  /** look gives what the cache has, early or by its route, and leaves nothing open. */
  look(question: Question): Promise<(CacheHit & { readonly when: "early" | "routed" }) | null>;
  /** ask lets the model answer what the cache does not; gives the hit, or null when the model was asked. */
  ask(question: Question, answer?: string | Answering): Promise<CacheHit | null>;
}

/** createKit makes a cache, over memory unless told otherwise. */
export function createKit({
  settings,
  backend,
  verifier = { decide: () => ({ serve: true, verdict: "verified" }) },
  random,
  logger = silentLogger,
  clock: given,
}: KitOptions = {}): Kit {
  const time = { wall: 1_700_000_000_000 };
  const clock: Clock = given ?? { now: () => performance.now(), wallMs: () => time.wall };
  const metrics = createMetrics();
  const cache = createResponseCache({
    backend: backend ?? new MemoryBackend({ maxEntries: 1_000, maxBytes: 1 << 24, eviction: "lru", clock }),
    verifier,
    settings: { ...defaultCacheSettings, secret: "a secret", ...settings },
    metrics,
    logger,
    clock,
    ...(random === undefined ? {} : { random }),
  });

  function bodyOf({ text = "How tall is the tower?", messages = [{ role: "user", content: text }], body = {} }: Question): Buffer {
    return Buffer.from(JSON.stringify({ model: "auto", messages, ...body }));
  }

  function open(question: Question) {
    return cache.open({
      requestId: "r",
      endpoint: "chat",
      query: question.query ?? "",
      body: bodyOf(question),
      headers: new Map(Object.entries(question.headers ?? {})),
      routing: { ...routing, ...question.routing },
    });
  }

  const routeOf = (question: Question): CacheRoute => ({
    decision: "geography",
    revision: "d1",
    model: "expert",
    policy: { ...policy, ...question.policy },
    meta: { confidence: "0.9000", algorithm: "static" },
    barred: null,
    encoder: { model: "letters", revision: "1", dimension: 128 },
    embed: async (text) => ({
      vector: vectorOf(text),
      tokens: 8,
      sampled: false,
      timings: { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: 1 },
    }),
    ...question.route,
  });

  const look: Kit["look"] = async (question) => {
    const session = open(question);
    const early = await session.early({});
    const hit = early ?? (await session.lookup(routeOf(question), {}));
    session.close(false);
    return hit === null ? null : { ...hit, when: early === null ? "routed" : "early" };
  };

  const ask: Kit["ask"] = async (question, answer = "324 metres") => {
    const session = open(question);
    const hit = (await session.early({})) ?? (await session.lookup(routeOf(question), {}));
    if (hit === null) {
      const given: Answering = typeof answer === "string" ? { chunks: [completionOf(answer)] } : answer;
      if (session.responseStarted(given.status ?? 200, given.contentType ?? "application/json"))
        for (const chunk of given.chunks ?? [completionOf("324 metres")]) session.responseChunk(Buffer.from(chunk));
      session.close(given.complete ?? true);
      await settled();
    } else session.close(false);
    return hit;
  };

  return { cache, metrics, time, open, look, ask, routeOf };
}

/** settled lets what is kept in memory be kept: a few turns of the event loop, no time. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** contentOf a hit, as a client without streaming reads it. */
export function contentOf(hit: CacheHit | null): string | null {
  if (hit === null) return null;
  const { body } = hit.render({ stream: false, includeUsage: false, id: "i", model: "auto", unixSeconds: 1 });
  const parsed = JSON.parse(body) as { choices: { message: { content: string } }[] };
  return parsed.choices[0]?.message.content ?? null;
}
