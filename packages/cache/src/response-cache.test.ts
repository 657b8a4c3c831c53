import { createLogger, RouterError, type CacheScope, type CacheSession, type Metrics } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { MemoryBackend } from "./backends/memory.ts";
import { completionOf, contentOf, createKit, type Answering, type Question } from "./testing/asking.ts";

const SIMILAR = "how tall is the tower";
const sse = (...events: (object | string)[]) =>
  events.map((event) => `data: ${typeof event === "string" ? event : JSON.stringify(event)}\n\n`);
const chunk = (delta: object, finish_reason: string | null = null) => ({
  id: "c",
  object: "chat.completion.chunk",
  created: 1,
  model: "upstream-model",
  choices: [{ index: 0, delta, finish_reason }],
});

async function counted(metrics: Metrics, name: string): Promise<string[]> {
  return (await metrics.registry.metrics()).split("\n").filter((line) => line.startsWith(`${name}{`));
}

describe("the same request", () => {
  it("is answered by the model once, then before it is routed", async () => {
    const { ask, look, time } = createKit();
    expect(await ask({})).toBeNull();
    time.wall += 42_000;
    const hit = await look({});
    expect(hit).toMatchObject({ kind: "exact", when: "early", decision: "geography", model: "expert", ageSeconds: 42, similarity: 1 });
    expect(hit?.meta).toEqual({ confidence: "0.9000", algorithm: "static" });
    expect(contentOf(hit)).toBe("324 metres");
  });

  it.each<[what: string, question: Question]>([
    ["it asks for a stream", { body: { stream: true, stream_options: { include_usage: true } } }],
    ["its members are in another order", { messages: [{ content: "How tall is the tower?", role: "user" }] }],
    ["its text has space around it", { text: "  How tall is the tower?\n" }],
  ])("is the same when %s", async (_, question) => {
    const { ask, look } = createKit();
    await ask({});
    expect((await look(question))?.when).toBe("early");
  });

  it("is found by its route when the configuration has changed elsewhere", async () => {
    const { ask, look } = createKit();
    await ask({});
    expect(await look({ routing: { revision: "r2" } })).toMatchObject({ kind: "exact", when: "routed" });
  });

  it("is found by its route where routes cannot be known early", async () => {
    const { ask, look } = createKit();
    await ask({ routing: { earlyScopes: [] } });
    expect(await look({ routing: { earlyScopes: [] } })).toMatchObject({ kind: "exact", when: "routed" });
  });

  it("is another request when the query in its path is another", async () => {
    const { ask, look } = createKit();
    await ask({});
    expect(await look({ query: "deployment=b" })).toBeNull();
  });

  it("is another request when a header that routing reads is another", async () => {
    const { ask, open, look } = createKit();
    const regional = (region: string): Question => ({ routing: { headers: ["x-region"] }, headers: { "x-region": region } });
    await ask(regional("eu"));
    expect(await open(regional("us")).early({})).toBeNull();
    expect((await look(regional("eu")))?.when).toBe("early");
  });

  it("may be rendered as a stream although it was kept from one body, and the other way", async () => {
    const { ask, look } = createKit();
    await ask(
      {},
      {
        contentType: "text/event-stream",
        chunks: sse(chunk({ role: "assistant", content: "324 " }), chunk({ content: "metres" }), chunk({}, "stop"), "[DONE]"),
      },
    );
    const hit = await look({});
    expect(contentOf(hit)).toBe("324 metres");
    const { contentType, body } = hit!.render({ stream: true, includeUsage: false, id: "new", model: "auto", unixSeconds: 9 });
    expect(contentType).toBe("text/event-stream");
    expect(body).toContain('"id":"chatcmpl-new"');
    expect(body.endsWith("data: [DONE]\n\n")).toBe(true);
  });
});

describe("a similar question", () => {
  it("is answered by what was answered", async () => {
    const { ask, look } = createKit();
    await ask({});
    const hit = await look({ text: SIMILAR });
    expect(hit).toMatchObject({ kind: "semantic", when: "routed" });
    expect(hit?.similarity).toBeGreaterThan(0.9);
    expect(contentOf(hit)).toBe("324 metres");
  });

  it.each<[what: string, question: Question]>([
    [
      "another system prompt",
      {
        messages: [
          { role: "system", content: "Be brief." },
          { role: "user", content: SIMILAR },
        ],
      },
    ],
    [
      "another history",
      {
        messages: [
          { role: "user", content: "Hi" },
          { role: "assistant", content: "Hello" },
          { role: "user", content: SIMILAR },
        ],
      },
    ],
    ["another format", { text: SIMILAR, body: { response_format: { type: "json_object" } } }],
    ["another decision", { text: SIMILAR, route: { decision: "travel" } }],
    ["another revision of its decision", { text: SIMILAR, route: { revision: "d2" } }],
    ["another model", { text: SIMILAR, route: { model: "other" } }],
    ["another query in its path", { text: SIMILAR, query: "deployment=b" }],
    ["another encoder", { text: SIMILAR, route: { encoder: { model: "letters", revision: "2", dimension: 128 } } }],
    ["another epoch", { text: SIMILAR, policy: { revision: { cacheEpoch: "2", modelRevision: null } } }],
    ["a threshold that it does not reach", { text: "how tall is the tower over there", policy: { similarityThreshold: 0.999 } }],
    ["mode exact", { text: SIMILAR, policy: { semantic: false } }],
    ["tools that could be called", { text: SIMILAR, body: { tools: [{ type: "function", function: { name: "look" } }] } }],
    ["no encoder", { text: SIMILAR, route: { encoder: null } }],
  ])("is not, with %s", async (_, question) => {
    const { ask, look } = createKit();
    await ask({});
    expect(await look(question)).toBeNull();
  });

  it("is not when only part of it was encoded", async () => {
    const { ask, look, routeOf } = createKit();
    await ask({});
    const { embed } = routeOf({});
    const sampled = async (text: string) => ({ ...(await embed(text, {})), sampled: true });
    expect(await look({ text: SIMILAR, route: { embed: sampled } })).toBeNull();
  });

  it("is not when the verifier doubts it, which is counted", async () => {
    const { ask, look, metrics } = createKit({ verifier: { decide: () => ({ serve: false, verdict: "doubted" }) } });
    await ask({});
    expect(await look({ text: SIMILAR })).toBeNull();
    expect(await counted(metrics, "turnout_cache_guard_rejections_total")).toEqual([
      'turnout_cache_guard_rejections_total{guard="doubted"} 1',
    ]);
  });

  it("waits for no vector while nothing is kept under its conditions, and is found all the same", async () => {
    const { open, ask, look, routeOf } = createKit();
    let vectors = 0;
    const counting = {
      embed: (text: string) => {
        vectors += 1;
        return routeOf({}).embed(text, {});
      },
    };
    const slow = Promise.withResolvers<void>();
    const session = open({});
    const late = { embed: (text: string) => slow.promise.then(() => counting.embed(text)) };
    expect(await session.lookup(routeOf({ route: late }), {})).toBeNull();
    session.close(false);
    expect(vectors).toBe(0);
    slow.resolve();
    await ask({ route: counting });
    expect(await look({ text: SIMILAR, route: counting })).toMatchObject({ kind: "semantic" });
  });

  it("goes to the model when its vector cannot be had, and its answer is kept for the same request", async () => {
    const { ask, look } = createKit();
    const broken = { embed: () => Promise.reject(new RouterError("overloaded", "no")) };
    expect(await ask({ route: broken })).toBeNull();
    expect(await look({ route: broken })).toMatchObject({ kind: "exact" });
  });
});

describe("whose an answer is", () => {
  const scopes: readonly [CacheScope, string, string][] = [
    ["user", "x-authz-user-id", "ann"],
    ["team", "x-authz-team-id", "red"],
    ["tenant", "x-authz-tenant-id", "acme"],
  ];

  it.each(scopes)("%s: only the same %s gets it", async (scope, header, value) => {
    const { ask, look } = createKit();
    const by = (name: string, text?: string): Question => ({
      policy: { scope },
      headers: { [header]: name },
      ...(text === undefined ? {} : { text }),
    });
    await ask(by(value));
    expect((await look(by(value)))?.when).toBe("early");
    expect(await look(by(value, SIMILAR))).toMatchObject({ kind: "semantic" });
    for (const other of ["", "bob", `${value} `.repeat(2), `${value}, bob`, `bob, ${value}`, value.toUpperCase()]) {
      expect(await look(by(other))).toBeNull();
      expect(await look(by(other, SIMILAR))).toBeNull();
    }
  });

  it("nobody's: nothing is looked up or kept, and it is counted and logged", async () => {
    const lines: string[] = [];
    const logger = createLogger("warn", { write: (line) => void lines.push(line) });
    const { ask, look, metrics, cache } = createKit({ logger });
    await ask({ policy: { scope: "user" } });
    await ask({ policy: { scope: "user" } });
    expect(await look({ policy: { scope: "user" } })).toBeNull();
    expect(cache.stats().entries).toBe(0);
    expect(await counted(metrics, "turnout_cache_lookups_total")).toEqual(['turnout_cache_lookups_total{result="bypass_no_identity"} 3']);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toContain('"decision":"geography"');
  });

  it("the world's never leads to a person's: one scope's answer is not found in another", async () => {
    const { ask, look } = createKit();
    const ann = { "x-authz-user-id": "ann" };
    await ask({ policy: { scope: "user" }, headers: ann });
    expect(await look({ policy: { scope: "global" } })).toBeNull();
    expect(await look({ policy: { scope: "global" }, headers: ann, routing: { earlyScopes: ["global"] } })).toBeNull();
  });

  it("stays apart under another secret", async () => {
    const backend = new MemoryBackend({
      maxEntries: 10,
      maxBytes: 1 << 20,
      eviction: "lru",
      clock: { now: () => 0, wallMs: () => 1_700_000_000_000 },
    });
    const one = createKit({ backend });
    await one.ask({});
    const other = createKit({ backend, settings: { secret: "another" } });
    expect(await other.look({})).toBeNull();
  });
});

describe("an answer", () => {
  const cut = sse(chunk({ role: "assistant", content: "324" }));
  it.each<[what: string, answer: Answering, reason: string]>([
    ["with an error status", { status: 500 }, "status"],
    ["that is only part of one", { status: 206 }, "status"],
    ["that is promised for later", { status: 202 }, "status"],
    ["of an unknown type", { contentType: "text/html", chunks: ["<p>"] }, "content_type"],
    ["that breaks off", { contentType: "text/event-stream", chunks: cut }, "aborted"],
    ["whose client left", { complete: false, contentType: "text/event-stream", chunks: cut }, "aborted"],
    ["that was filtered", { chunks: [completionOf("x").replace('"stop"', '"content_filter"')] }, "content_filter"],
    ["that was cut short", { chunks: [completionOf("x").replace('"stop"', '"length"')] }, "length"],
    ["that is too long", { chunks: [completionOf("x".repeat(300_000))] }, "too_large"],
  ])("%s is not kept", async (_, answer, reason) => {
    const { ask, look, metrics } = createKit();
    await ask({}, answer);
    expect(await look({})).toBeNull();
    expect(await counted(metrics, "llm_cache_write_skipped_total")).toEqual([`llm_cache_write_skipped_total{reason="${reason}"} 1`]);
  });

  it.each(["flagged", "degraded"] as const)("of a %s route is neither kept nor looked for", async (barred) => {
    const { ask, look } = createKit();
    await ask({ route: { barred } });
    expect(await look({})).toBeNull();
    await ask({});
    expect(await look({ route: { barred }, routing: { earlyScopes: [] } })).toBeNull();
  });

  it("is not kept when the client asked for variety", async () => {
    const { ask, look } = createKit();
    await ask({ body: { temperature: 1 } });
    expect(await look({ body: { temperature: 1 } })).toBeNull();
  });

  it("is not served from the millisecond on at which it expires", async () => {
    const { ask, look, time } = createKit();
    await ask({ policy: { ttlSeconds: 10 } });
    time.wall += 9_999;
    expect(await look({})).not.toBeNull();
    expect(await look({ text: SIMILAR })).not.toBeNull();
    time.wall += 1;
    expect(await look({})).toBeNull();
    expect(await look({ text: SIMILAR })).toBeNull();
  });

  it("with ttl 0 is not kept", async () => {
    const { ask, cache } = createKit();
    await ask({ policy: { ttlSeconds: 0 } });
    expect(cache.stats().entries).toBe(0);
  });

  it("is not kept beyond what its user may have kept in a minute", async () => {
    const { ask, cache, metrics } = createKit({ settings: { writesPerMinute: 2 } });
    const by = (scope: CacheScope, text: string): Question => ({
      text,
      policy: { semantic: false, scope },
      headers: scope === "user" ? { "x-authz-user-id": "ann" } : {},
    });
    const texts = ["What is the first one?", "Name the second thing please", "Zebras or quaggas, which third?"];
    for (const text of texts) await ask(by("user", text));
    expect(cache.stats().entries).toBe(2);
    expect(await counted(metrics, "llm_cache_write_skipped_total")).toEqual(['llm_cache_write_skipped_total{reason="write_limit"} 1']);
    for (const text of texts) await ask(by("global", text));
    expect(cache.stats().entries).toBe(5);
  });
});

describe("what a client may say", () => {
  const controls = {
    header: "x-vsr-cache-control",
    allowed: ["no-cache", "no-store", "bypass", "max-age", "ttl"],
    maxTtlSeconds: 60,
  } as const;
  const says = (value: string): Question => ({
    headers: { "x-vsr-cache-control": value },
    policy: { requestControls: controls },
    routing: { controls: ["x-vsr-cache-control"] },
  });

  it("no-cache asks the model and keeps its answer", async () => {
    const { ask, look } = createKit();
    await ask({}, "old");
    expect(await ask(says("no-cache"), "new")).toBeNull();
    expect(contentOf(await look({}))).toBe("new");
  });

  it("no-store takes an answer and keeps none", async () => {
    const { ask, look } = createKit();
    await ask(says("no-store"));
    expect(await look({})).toBeNull();
    await ask({});
    expect(await look(says("no-store"))).not.toBeNull();
  });

  it("max-age takes nothing older", async () => {
    const { ask, look, time } = createKit();
    await ask({});
    time.wall += 5_000;
    expect(await look(says("max-age=4"))).toBeNull();
    expect(await look({ ...says("max-age=4"), text: SIMILAR })).toBeNull();
    expect(await look(says("max-age=5"))).not.toBeNull();
  });

  it("ttl keeps it so long, but not longer than allowed", async () => {
    const { ask, look, time } = createKit();
    await ask(says("ttl=3600"));
    time.wall += 59_999;
    expect(await look({})).not.toBeNull();
    time.wall += 1;
    expect(await look({})).toBeNull();
  });

  it("counts for nothing where the decision does not allow it", async () => {
    const { ask, look } = createKit();
    await ask({});
    expect(await look({ headers: { "x-vsr-cache-control": "bypass" } })).not.toBeNull();
  });
});

describe("forgetting", () => {
  it("takes what is meant, says how much, and it does not come back", async () => {
    const { ask, look, cache } = createKit();
    await ask({});
    await ask({ text: "Which river is the longest one?", route: { decision: "rivers" }, policy: { semantic: false } });
    expect(cache.matching({ decision: "geography" })).toBe(1);
    expect(await cache.purge({ decision: "geography" }, {})).toBe(1);
    expect(await look({})).toBeNull();
    expect(cache.stats().entries).toBe(1);
  });

  it("does not keep an answer that was on its way meanwhile", async () => {
    const { open, routeOf, look, cache } = createKit();
    const session = open({});
    await session.lookup(routeOf({}), {});
    session.responseStarted(200, "application/json");
    session.responseChunk(Buffer.from(completionOf("old")));
    await cache.purge({}, {});
    session.close(true);
    expect(await look({})).toBeNull();
  });

  it("a wrong answer is forgotten and counts against its decision", async () => {
    const { ask, look, cache } = createKit();
    await ask({});
    const hit = await look({});
    expect(await cache.condemn(hit?.id ?? "", {})).toBe(true);
    expect(await cache.condemn(hit?.id ?? "", {})).toBe(false);
    expect(await look({})).toBeNull();
    expect(cache.stats().calibration).toMatchObject([{ decision: "geography", n: 1, wrong: 1 }]);
  });
});

describe("the shadow", () => {
  it("sends a share of semantic hits to the model and compares the answers", async () => {
    const { ask, cache, metrics } = createKit({ settings: { shadowShare: 0.5 }, random: () => 0.4 });
    await ask({}, "324 metres");
    expect(await ask({ text: SIMILAR }, "324 metres")).toBeNull();
    expect(cache.stats().calibration).toMatchObject([{ decision: "geography", n: 1, wrong: 0 }]);
    await ask({ text: "How tall is the tower!" }, "330 metres");
    expect(cache.stats().calibration).toMatchObject([{ decision: "geography", n: 2, wrong: 1 }]);
    expect(await counted(metrics, "turnout_cache_shadow_total")).toHaveLength(2);
  });

  it("serves no semantic hit of a decision before enough comparisons have agreed", async () => {
    const { ask, look } = createKit({ settings: { maxSemanticError: 0.3 }, random: () => 1 });
    await ask({});
    expect(await look({ text: SIMILAR })).toBeNull();
    for (let i = 0; i < 8; i += 1) await ask({ text: `${SIMILAR}${"?".repeat(i)}` });
    expect(await look({ text: `${SIMILAR}!` })).toMatchObject({ kind: "semantic" });
  });
});

describe("identical requests at the same time", () => {
  const waits = { settings: { singleFlightMs: 60_000 } };

  it("send one to the model and give its answer to all", async () => {
    const { open, routeOf } = createKit(waits);
    const sessions = Array.from({ length: 100 }, () => open({}));
    const looking = sessions.map((session) => session.lookup(routeOf({}), {}));
    const first = await Promise.race(looking.map((look, index) => look.then((hit) => ({ hit, index }))));
    expect(first.hit).toBeNull();
    const leader = sessions[first.index]!;
    leader.responseStarted(200, "application/json");
    leader.responseChunk(Buffer.from(completionOf("324 metres")));
    leader.close(true);
    const hits = await Promise.all(looking);
    expect(hits.filter((hit) => hit === null)).toHaveLength(1);
    expect(hits.filter((hit) => contentOf(hit) === "324 metres")).toHaveLength(99);
  });

  it.each<[what: string, fail: (session: CacheSession) => void]>([
    ["leaves", (session) => session.close(false)],
    ["gets an error", (session) => (session.responseStarted(500, "application/json"), session.close(true))],
    ["gets an answer that is not kept", (session) => (session.responseStarted(200, "text/html"), session.close(true))],
  ])("let exactly one more go when the first %s", async (_, fail) => {
    const { open, routeOf, cache } = createKit(waits);
    const leader = open({});
    await leader.lookup(routeOf({}), {});
    const others = [open({}), open({})];
    const looking = others.map((session) => session.lookup(routeOf({}), {}));
    fail(leader);
    const next = await Promise.race(looking.map((look, index) => look.then((hit) => ({ hit, index }))));
    expect(next.hit).toBeNull();
    expect(cache.stats().inFlight).toBe(1);
    others[next.index]!.close(false);
    await Promise.all(looking);
    for (const other of others) other.close(false);
    expect(cache.stats().inFlight).toBe(0);
  });

  it("hold nobody up when the first has left before its turn came", async () => {
    const { open, routeOf, cache } = createKit(waits);
    const first = open({});
    const looking = first.lookup(routeOf({}), {});
    first.close(false);
    await looking;
    expect(cache.stats().inFlight).toBe(0);
  });

  it("hold nobody up when the one whose turn it is leaves together with the first", async () => {
    const { open, routeOf, cache } = createKit(waits);
    const [first, second] = [open({}), open({})];
    await first.lookup(routeOf({}), {});
    const looking = second.lookup(routeOf({}), {});
    await untilWaiting();
    first.close(false);
    second.close(false);
    await looking;
    expect(cache.stats().inFlight).toBe(0);
  });

  it.each<[what: string, question: Question]>([
    ["answers are not kept", { policy: { ttlSeconds: 0 } }],
    ["the store is away", {}],
  ])("do not wait for each other where %s", async (what, question) => {
    class Away extends MemoryBackend {
      override state = () => ({ state: what === "the store is away" ? ("unavailable" as const) : ("ready" as const), lagMs: 0 });
    }
    const clock = { now: () => 0, wallMs: () => 1_700_000_000_000 };
    const { open, routeOf, cache } = createKit({
      ...waits,
      backend: new Away({ maxEntries: 10, maxBytes: 1 << 20, eviction: "lru", clock }),
    });
    await open(question).lookup(routeOf(question), {});
    expect(await open(question).lookup(routeOf(question), {})).toBeNull();
    expect(cache.stats().inFlight).toBe(0);
  });

  it("look for a similar question after having waited in vain, in time of their own", async () => {
    let now = 1_000;
    const clock = { now: () => now, wallMs: () => 1_700_000_000_000 };
    const { ask, open, routeOf } = createKit({ settings: { singleFlightMs: 60_000 }, clock });
    await ask({});
    const similar: Question = { text: SIMILAR };
    const deadlines: (number | undefined)[] = [];
    const { embed } = routeOf(similar);
    const route = routeOf({ ...similar, route: { embed: (text, options) => (deadlines.push(options.deadline), embed(text, options)) } });
    const leader = open(similar);
    await leader.lookup(routeOf({ ...similar, policy: { semantic: false } }), {});
    const looking = open(similar).lookup(route, { deadline: 1_010 });
    await untilWaiting();
    now += 5_000;
    leader.close(false);
    expect(await looking).toMatchObject({ kind: "semantic" });
    expect(deadlines).toEqual([6_010]);
  });

  it("do not wait for a question that is only similar", async () => {
    const { open, routeOf } = createKit(waits);
    await open({}).lookup(routeOf({}), {});
    expect(await open({ text: SIMILAR }).lookup(routeOf({ text: SIMILAR }), {})).toBeNull();
  });
});

/** untilWaiting lets requests that have been sent come to where they wait: a few turns of the event loop, no time. */
async function untilWaiting(): Promise<void> {
  for (let turn = 0; turn < 4; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

describe("the time of a lookup", () => {
  it("is one budget for both looks", async () => {
    const deadlines: number[] = [];
    let now = 1_000;
    const clock = { now: () => now, wallMs: () => 1_700_000_000_000 };
    class Slow extends MemoryBackend {
      override async find(...[, { deadline }]: Parameters<MemoryBackend["find"]>) {
        deadlines.push(deadline ?? Infinity);
        now += 20;
        return null;
      }
      override async get(...[ids, { deadline }]: Parameters<MemoryBackend["get"]>) {
        deadlines.push(deadline ?? Infinity);
        return ids.map(() => null);
      }
    }
    const backend = new Slow({ maxEntries: 10, maxBytes: 1 << 20, eviction: "lru", clock });
    const { open, routeOf } = createKit({ backend, clock, settings: { lookupBudgetMs: 30 } });
    const session = open({});
    await session.early({});
    await session.lookup(routeOf({}), {});
    expect(deadlines).toEqual([1_030, 1_030]);
  });

  it("is not spent on a vector that nobody uses", async () => {
    const { open, routeOf } = createKit();
    let embedded = 0;
    const question: Question = {
      headers: { "x-vsr-cache-control": "bypass" },
      policy: { requestControls: { header: "x-vsr-cache-control", allowed: ["bypass"], maxTtlSeconds: null } },
    };
    const { embed } = routeOf(question);
    const route = routeOf({ ...question, route: { embed: (...args) => ((embedded += 1), embed(...args)) } });
    await open(question).lookup(route, {});
    expect(embedded).toBe(0);
  });
});

describe("a broken backend", () => {
  class Broken extends MemoryBackend {
    override get = () => Promise.reject(new RouterError("deadline_exceeded", "late"));
    override find = () => Promise.reject(new RouterError("deadline_exceeded", "late"));
    override put = () => Promise.reject(new RouterError("deadline_exceeded", "late"));
  }

  it("is a miss, and counted", async () => {
    const backend = new Broken({ maxEntries: 10, maxBytes: 1 << 20, eviction: "lru", clock: { now: () => 0, wallMs: () => 0 } });
    const { ask, metrics } = createKit({ backend });
    expect(await ask({})).toBeNull();
    expect(await ask({})).toBeNull();
    expect((await counted(metrics, "turnout_cache_errors_total")).length).toBeGreaterThan(1);
  });

  it("is not the only thing that can fail: a vector without a direction is counted, and holds nobody up", async () => {
    const { ask, cache, metrics } = createKit({ settings: { singleFlightMs: 60_000 } });
    const { embed } = createKit().routeOf({});
    const blank = async (text: string) => ({ ...(await embed(text, {})), vector: new Float32Array(128) });
    await ask({ route: { embed: blank } });
    expect((await counted(metrics, "turnout_cache_errors_total")).join()).toContain('operation="store",code="vector_invalid"');
    expect(cache.stats().inFlight).toBe(0);
  });

  it("whose payloads are garbage gives nothing", async () => {
    class Garbled extends MemoryBackend {
      override async get(...args: Parameters<MemoryBackend["get"]>) {
        return (await super.get(...args)).map((payload) => payload?.map((byte, i) => (i === 40 ? byte ^ 1 : byte)) ?? null);
      }
      override async find(...args: Parameters<MemoryBackend["find"]>) {
        const found = await super.find(...args);
        return found === null ? null : { ...found, payload: found.payload.subarray(0, 30) };
      }
    }
    const backend = new Garbled({
      maxEntries: 10,
      maxBytes: 1 << 20,
      eviction: "lru",
      clock: { now: () => 0, wallMs: () => 1_700_000_000_000 },
    });
    const { ask, look } = createKit({ backend });
    await ask({});
    expect(await look({})).toBeNull();
    expect(await look({ text: SIMILAR })).toBeNull();
  });
});

it("keeps no prompt in rows and none in metrics", async () => {
  const { ask, look, metrics, cache } = createKit();
  await ask({ text: "Where is the xylophone kept?" });
  await look({ text: "where is the xylophone kept" });
  expect(JSON.stringify(cache.stats())).not.toContain("xylophone");
  expect(await metrics.registry.metrics()).not.toContain("xylophone");
});
