import { createMetrics, silentLogger, type CacheSession, type CacheSubject, type EncoderIdentity, type HeaderEntry } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { createExchangeFactory } from "./exchange.ts";
import { providersSchema, routingSchema } from "./schema.ts";
import { createRoutingSnapshot, type RoutingSnapshot } from "./snapshot.ts";
import { createFixture, providers, routing, stillClock } from "./testing/fixtures.ts";
import { WordEmbedder } from "./testing/word-embedder.ts";

const plugins = [{ type: "response_cache", configuration: { scope: "global" } }];
const decision = (name: string, extra: object = {}) => ({ name, modelRefs: [{ model: "base", use_reasoning: true }], plugins, ...extra });
const cached = { ...routing, decisions: [decision("all")] };
const ENCODER: EncoderIdentity = { model: "words", revision: "1", dimension: 16 };

/** A snapshot whose cache tells what it was asked, and has nothing. */
async function kit({ routing: config = cached as unknown, providers: models = providers as unknown, encoder = ENCODER } = {}) {
  const { snapshot: plain } = await createFixture();
  const subjects: CacheSubject[] = [];
  const told: string[] = [];
  const session: CacheSession = {
    early: () => Promise.resolve(null),
    lookup: () => Promise.resolve(null),
    responseStarted: () => (told.push("started"), true),
    responseChunk: () => undefined,
    close: (complete) => void told.push(complete ? "complete" : "over"),
  };
  const now = { encoder };
  const snapshot = createRoutingSnapshot({
    config: routingSchema.parse(config),
    providers: providersSchema.parse(models),
    settings: plain.settings,
    embedder: new WordEmbedder(),
    encoderModel: () => now.encoder,
    cache: { open: (subject) => (subjects.push(subject), session) },
    clock: stillClock,
  });
  await snapshot.router.warm({});
  return { snapshot, subjects, told, now };
}

async function send(snapshot: RoutingSnapshot, path = "/v1/chat/completions") {
  const factory = createExchangeFactory({ current: () => snapshot, logger: silentLogger, metrics: createMetrics(), clock: stillClock });
  const exchange = factory.open();
  const headers: HeaderEntry[] = [["content-type", "application/json"]];
  exchange.onRequestHead({ method: "POST", path, headers, endOfStream: false });
  const body = JSON.stringify({ model: "auto", messages: [{ role: "user", content: "compost" }] });
  return { exchange, verdict: await exchange.onRequestBody(Buffer.from(body), {}) };
}

const withBackend = (backend: object) => ({
  ...providers,
  models: [{ ...providers.models[0], external_model_ids: { openai: "base-large" }, backend_refs: [{ endpoint: "a:1", ...backend }] }],
});

describe("the revision of a decision's answers", () => {
  const revision = async (models: unknown) => (await kit({ providers: models })).snapshot.caching?.revisionOf("all");

  it.each<[what: string, backend: object]>([
    ["the kind of server, by which models have other names on the wire", { type: "openai" }],
    ["the provider, which is the same", { provider: "openai" }],
    ["headers that every request gets", { extra_headers: { "x-deployment": "b" } }],
    ["the version of its API", { api_version: "2" }],
    ["the path of chat completions", { chat_path: "/other" }],
  ])("is another with %s", async (_, backend) => {
    expect(await revision(withBackend(backend))).not.toBe(await revision(withBackend({})));
  });

  it.each<[what: string, backend: object]>([
    ["address", { endpoint: "b:2" }],
    ["key", { api_key_env: "KEY" }],
  ])("is the same with another %s", async (_, backend) => {
    expect(await revision(withBackend(backend))).toBe(await revision(withBackend({})));
  });
});

describe("the revision of routes", () => {
  it("is another with another encoder, where signals ask it", async () => {
    const { snapshot, subjects, now } = await kit({
      routing: { ...cached, decisions: [decision("soil", { rules: { type: "domain", name: "soil" } })] },
    });
    for (const revision of ["1", "1", "2"]) {
      now.encoder = { ...ENCODER, revision };
      await send(snapshot);
    }
    const [first, again, other] = subjects.map(({ routing: { revision } }) => revision);
    expect(again).toBe(first);
    expect(other).not.toBe(first);
  });

  it("is the same with another encoder that nobody asks", async () => {
    const exact = [{ type: "response_cache", configuration: { scope: "global", mode: "exact" } }];
    const { snapshot, subjects, now } = await kit({ routing: { ...cached, decisions: [decision("all", { plugins: exact })] } });
    await send(snapshot);
    now.encoder = { ...ENCODER, revision: "2" };
    await send(snapshot);
    expect(subjects[1]?.routing.revision).toBe(subjects[0]?.routing.revision);
  });
});

it("tells the cache what the path asks beside the body", async () => {
  const { snapshot, subjects } = await kit();
  await send(snapshot);
  await send(snapshot, "/v1/chat/completions?deployment=b");
  expect(subjects.map(({ query }) => query)).toEqual(["", "deployment=b"]);
});

it("keeps nothing of a request whose routing failed, by a bug, after it was looked up", async () => {
  const { snapshot, told } = await kit();
  const broken: RoutingSnapshot = {
    ...snapshot,
    router: {
      ...snapshot.router,
      async route(request, options) {
        const route = await snapshot.router.route(request, options);
        const target = Object.defineProperty({ ...route.target }, "wireName", {
          get() {
            throw new TypeError("a bug");
          },
        });
        return { ...route, target };
      },
    },
  };
  const { exchange, verdict } = await send(broken);
  expect(verdict.kind).toBe("forward");
  exchange.onResponseHead({ status: 200, headers: [["content-type", "application/json"]] });
  exchange.onResponseChunk(Buffer.from("{}"), true);
  exchange.close();
  expect(told).toEqual(["over"]);
});
