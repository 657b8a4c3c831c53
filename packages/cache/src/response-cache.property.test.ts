import type { CacheHit, CacheRoute, CacheScope } from "@turnout/shared";
import { describe, expect, it, vi } from "vitest";
import { completionOf, contentOf, createKit, policy, type Kit, type Question } from "./testing/asking.ts";

// All partitions fall together in the index, as two in four thousand million would: what keeps them apart must be the policy.
vi.mock("./identity/keys.ts", async (original) => ({
  ...(await original<typeof import("./identity/keys.ts")>()),
  indexPartition: () => 7,
}));

const ROUNDS = 50;
const QUESTIONS = 500;

/** random gives numbers from 0 to 1, the same for a seed (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/** Pieces that names and texts are made of, so that ends and beginnings can be mistaken for each other. */
const PIECES = [
  "a",
  "b",
  "ab",
  "|",
  ":",
  "/",
  "\0",
  '"',
  "\\",
  ", ",
  ",",
  " ",
  "%2C",
  "é",
  "e\u0301",
  "\uFFFD",
  "user",
  "team",
  "null",
  "A",
];
/** Texts that guards have nothing against, one instead of the other. */
const TEXTS = [
  "how tall is the tower",
  "How tall is the tower?",
  " how tall is the tower ",
  "how tall is the tower!",
  "How tall, is the tower",
];
const SCOPES: readonly CacheScope[] = ["user", "team", "tenant", "global"];

/** Asked is a question with whom its answer is for and what it depends on, told here in the plainest way. */
interface Asked {
  readonly question: Question;
  readonly text: string;
  /** null: nobody's. */
  readonly owner: string | null;
  readonly context: string;
}

class Asker {
  readonly #next: () => number;
  readonly #names: readonly string[];
  readonly #salt: number;

  constructor(seed: number) {
    this.#next = random(seed);
    this.#names = Array.from({ length: 5 }, () => this.#text());
    this.#salt = this.#below(SCOPES.length);
  }

  ask(): Asked {
    const headers: Record<string, string> = {};
    for (const name of ["x-authz-user-id", "x-authz-tenant-id", "x-authz-team-id", "x-authz-user-groups"])
      if (this.#next() < 0.7) headers[name] = this.#one(this.#names);
    const system = this.#one(["", ...this.#names.slice(0, 2)]);
    const said = this.#one([[], [], ["x", "y"], ["x", "y "], ["xy", ""]] as const);
    const history = said.map((content, index) => ({ role: index % 2 === 0 ? "user" : "assistant", content }));
    const text = this.#one(TEXTS);
    const body = this.#one([{}, {}, { max_tokens: 1 }, { response_format: { type: "json_object" } }]);
    const query = this.#one(["", "", "v=1"]);
    const revision = this.#one(["r1", "r1", "r2"]);
    const model = this.#one(["m", "m", "n"]);
    const written = this.#one(["1", "1", "1", "2"]);
    const scope = SCOPES[(this.#salt + system.length + query.length + (revision === "r1" ? 0 : 1)) % SCOPES.length] as CacheScope;
    // What is the same request must go the same way: all of the route follows from body, query and configuration.
    const route: Partial<CacheRoute> = { decision: `of ${scope}`, revision: written };
    const question: Question = {
      headers,
      query,
      messages: [...(system === "" ? [] : [{ role: "system", content: system }]), ...history, { role: "user", content: text }],
      body: { ...body, model },
      policy: { ...policy, scope, similarityThreshold: 0 },
      route: { ...route, embed: () => Promise.resolve(same) },
      // Elsewhere the configuration may be another, and early looks may be off.
      routing: {
        revision: `${revision} ${written} ${this.#one(["x", "x", "x", "y"])}`,
        earlyScopes: this.#one([SCOPES, SCOPES, SCOPES, []]),
      },
    };
    const seen = (written: string) => written.normalize("NFC").trim();
    const before = said.map((content, index) => (index % 2 === 0 ? seen(content) : content));
    const context = JSON.stringify([system === "" ? null : seen(system), before, body, query, model, scope, revision, written]);
    return { question, text: seen(text), owner: ownerOf(scope, headers), context };
  }

  #text(): string {
    return Array.from({ length: 1 + this.#below(3) }, () => this.#one(PIECES)).join("");
  }

  #one<T>(list: readonly T[]): T {
    return list[this.#below(list.length)] as T;
  }

  #below(limit: number): number {
    return Math.floor(this.#next() * limit);
  }
}

/** same is every text's embedding: as near as can be. */
const same = {
  vector: new Float32Array(128).fill(1 / Math.sqrt(128)),
  tokens: 8,
  sampled: false,
  timings: { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: 1 },
};

function ownerOf(scope: CacheScope, headers: Readonly<Record<string, string>>): string | null {
  const one = (name: string) => {
    const value = headers[name] ?? "";
    if (value.trim() === "") return null;
    return value.includes(",") || value.includes("\uFFFD") ? undefined : value;
  };
  if (scope === "global") return "global";
  const tenant = one("x-authz-tenant-id");
  if (tenant === undefined || (scope === "tenant" && tenant === null)) return null;
  if (scope === "tenant") return JSON.stringify([scope, tenant]);
  const user = one("x-authz-user-id");
  if (scope === "user") return user === null || user === undefined ? null : JSON.stringify([scope, tenant, user]);
  const team = one("x-authz-team-id");
  if (team === undefined) return null;
  if (team !== null) return JSON.stringify([scope, tenant, "team", team]);
  const group = (headers["x-authz-user-groups"] ?? "").split(",")[0] ?? "";
  return group.trim() === "" || group.includes("\uFFFD") ? null : JSON.stringify([scope, tenant, "group", group]);
}

type Found = CacheHit & { readonly when: "early" | "routed" };

/** meet looks for a question's answer, and has the model say whose question it was where there is none. */
async function meet({ look, ask }: Kit, { question, owner, context, text }: Asked): Promise<Found | null> {
  const hit = await look(question);
  if (hit === null) await ask(question, { chunks: [completionOf(JSON.stringify({ owner, context, text }))] });
  return hit;
}

describe("whoever asks whatever", () => {
  it("gets no answer of another's, of another context, or of other words where the words must be the same", async () => {
    const hits = { early: 0, exact: 0, semantic: 0, none: 0 };
    const wrong: unknown[] = [];
    for (let seed = 1; seed <= ROUNDS; seed += 1) {
      const kit = createKit({ settings: { writesPerMinute: 1e9 } });
      const asker = new Asker(seed);
      for (let i = 0; i < QUESTIONS; i += 1) {
        const asked = asker.ask();
        const hit = await meet(kit, asked);
        if (hit === null) {
          hits.none += 1;
          continue;
        }
        hits[hit.when === "early" ? "early" : hit.kind] += 1;
        const answer = JSON.parse(contentOf(hit) ?? "") as { owner: string; context: string; text: string };
        const mine = asked.owner !== null && answer.owner === asked.owner && answer.context === asked.context;
        if (!mine || (hit.kind === "exact" && answer.text !== asked.text)) wrong.push({ seed, i, asked, answer });
      }
      await kit.cache.close();
    }
    expect(wrong).toEqual([]);
    // Not for want of hits.
    expect(Object.entries(hits).filter(([, count]) => count < 100)).toEqual([]);
  }, 120_000);
});
