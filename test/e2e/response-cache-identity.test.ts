/**
 * Attacks on whose an answer is, at each door: nobody gets another's answer by writing identity headers, and nobody puts an answer where
 * another would find it. ExtProc stands behind an Envoy that authenticates; the product's own HTTP gateway believes nobody; the management
 * API gives no answers.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Kitchen } from "../../packages/extproc/src/testing/kitchen.ts";
import { skipReason, startEnvoy, withoutEnvoy, type Envoy } from "./envoy.ts";
import { identityHeaders, type ListenerName } from "./envoy-config.ts";
import {
  ask,
  portOf,
  readingOf,
  startCachingTurnout,
  startNumberedModels,
  type NumberedModels,
  type RawHeaders,
} from "./response-cache-rig.ts";

/** Who is who: what the authenticating Envoy makes the identity of. Mallory has Ann's user id, of another tenant. */
const ann: RawHeaders = [
  ["x-login-user", "ann"],
  ["x-login-team", "blue"],
  ["x-login-groups", "cooks, bakers"],
  ["x-login-tenant", "acme"],
];
const bob: RawHeaders = [
  ["x-login-user", "bob"],
  ["x-login-team", "red"],
  ["x-login-groups", "waiters"],
  ["x-login-tenant", "umbrella"],
];
const mallory: RawHeaders = [
  ["x-login-user", "ann"],
  ["x-login-tenant", "umbrella"],
];
const nobody: RawHeaders = [];

const loginOf = (name: string, who: RawHeaders) => who.find(([login]) => login === identityHeaders[name])?.[1] ?? "";

/** forgeries are the ways in which a client may write another's identity. */
const forgeries: Readonly<Record<string, (claims: RawHeaders) => RawHeaders>> = {
  plainly: (claims) => claims,
  "in upper case": each((name, value) => [[name.toUpperCase(), value]]),
  "with underscores": each((name, value) => [[name.replaceAll("-", "_"), value]]),
  "with one underscore": each((name, value) => [[name.replace("-", "_"), value]]),
  twice: (claims) => [...claims, ...claims],
  "twice, in two spellings": each((name, value) => [
    [name, "somebody"],
    [name.toUpperCase(), value],
  ]),
  "as the first of a list": each((name, value) => [[name, `${value}, somebody`]]),
  "as the last of a list": each((name, value) => [[name, `somebody,${value}`]]),
  "with space around": each((name, value) => [[name, ` \t${value} `]]),
  "and an empty one": each((name, value) => [
    [name, ""],
    [name, value],
  ]),
  "as empty": each((name) => [[name, ""]]),
  // Proxies drop headers that this one names: it must not cost the gateway's own.
  "and has them dropped": (claims) => [...claims, ["connection", ["close", ...claims.map(([name]) => name)].join(", ")]],
};

function each(forge: (name: string, value: string) => RawHeaders): (claims: RawHeaders) => RawHeaders {
  return (claims) => claims.flatMap(([name, value]) => forge(name, value));
}

/** everything is all of another's identity at once, under all names. */
const everything = (who: RawHeaders): RawHeaders => Object.keys(identityHeaders).map((name) => [name, loginOf(name, who)]);

const identity = ", authz: { identity: {} }";
const ownNames = ", authz: { identity: { user_id_header: X-My-User, user_groups_header: X-My-Groups } }";
/** The decisions "oven", "pan" and "sink" cache for a user, a team, a tenant. */
const scopes = ["user", "team", "tenant"] as const;
const words = ["oven", "pan", "sink"] as const;

/** Door asks as somebody who has logged in and who says more. */
type Door = (text: string, who: RawHeaders, forged?: RawHeaders) => ReturnType<typeof ask>;

let questions = 0;
const question = (word: string) => `Is the ${word} of kitchen number ${(questions += 1)} clean?`;

/**
 * attack tries a forgery on what is Ann's: `victim` and `attacker` may be two doors to the same cache. The attacker looks for an answer
 * that is there, and tries to leave one that Ann then finds.
 */
async function attack(word: string, victim: Door, attacker: Door, who: RawHeaders, forged: RawHeaders): Promise<void> {
  const kept = question(word);
  const own = await victim(kept, ann);
  expect(own.hit).toBe(false);
  const stolen = await attacker(kept, who, forged);
  expect({ hit: stolen.hit, same: stolen.content === own.content }).toEqual({ hit: false, same: false });
  expect(await victim(kept, ann)).toMatchObject({ hit: true, content: own.content });

  const poisoned = question(word);
  const left = await attacker(poisoned, who, forged);
  const found = await victim(poisoned, ann);
  expect({ hit: found.hit, same: found.content === left.content }).toEqual({ hit: false, same: false });
}

describe.skipIf(withoutEnvoy)(`Whose an answer is${skipReason}`, () => {
  let models: NumberedModels;
  const cleanUp: (() => Promise<unknown>)[] = [];

  beforeAll(async () => {
    models = await startNumberedModels();
  });
  afterAll(async () => {
    for (const close of cleanUp.splice(0).toReversed()) await close();
    await models?.close();
  });

  async function start(
    services: string,
    chosen: readonly [string, string, string] = scopes,
  ): Promise<{ kitchen: Kitchen; door: (listener: ListenerName) => Door }> {
    const kitchen = await startCachingTurnout({ scopes: chosen, services, backend: models.port });
    cleanUp.push(() => kitchen.close());
    const envoy: Envoy = await startEnvoy({
      ports: { processor: portOf(kitchen, "ExtProc"), general: models.port, math: models.port },
      listeners: ["authenticated", "authenticatedFullDuplex", "buffered"],
      gracefulClose: false,
    });
    cleanUp.push(() => envoy.stop());
    return {
      kitchen,
      door:
        (listener) =>
        (text, who, forged = []) =>
          ask(envoy.port(listener), text, { headers: [...who, ...forged] }),
    };
  }

  const attackers = { "a stranger": bob, "somebody of the same user id elsewhere": mallory, "nobody known": nobody } as const;

  describe.each(["authenticated", "authenticatedFullDuplex"] as const)("ExtProc behind a gateway that authenticates, %s", (listener) => {
    let door: Door;
    let careless: Door;
    beforeAll(async () => {
      const started = await start(identity);
      door = started.door(listener);
      careless = started.door("buffered");
    });

    it("is told by the gateway: each has an answer of their own, and gets it again", async () => {
      for (const word of words) {
        const text = question(word);
        const answers = [await door(text, ann), await door(text, bob)];
        expect(answers.map(({ hit }) => hit)).toEqual([false, false]);
        const again = [await door(text, ann), await door(text, bob)];
        expect(again.map(({ hit, content }) => [hit, content])).toEqual(answers.map(({ content }) => [true, content]));
      }
    });

    it("is shared with those whom the scope names, and with no others", async () => {
      const annElsewhere: RawHeaders = [...ann.filter(([name]) => name !== "x-login-team"), ["x-login-team", "green"]];
      const colleague: RawHeaders = [["x-login-user", "cid"], ...ann.slice(1)];
      const hits = async (word: string) => {
        const text = question(word);
        await door(text, ann);
        return { ownOtherTeam: (await door(text, annElsewhere)).hit, colleague: (await door(text, colleague)).hit };
      };
      expect(await hits("oven")).toEqual({ ownOtherTeam: true, colleague: false });
      expect(await hits("pan")).toEqual({ ownOtherTeam: false, colleague: true });
      expect(await hits("sink")).toEqual({ ownOtherTeam: true, colleague: true });
    });

    it("is the gateway's to tell: one that let its clients write it would give answers away", async () => {
      const text = question("oven");
      const own = await door(text, ann);
      expect(await careless(text, nobody, everything(ann))).toMatchObject({ hit: true, content: own.content });
    });

    describe.each(Object.entries(forgeries))("a client that writes identities %s", (_, forge) => {
      it.each(Object.entries(attackers))("gets nobody's answer and leaves none, as %s", async (_who, who) => {
        for (const word of words) {
          for (const claim of everything(ann)) await attack(word, door, door, who, forge([claim]));
          await attack(word, door, door, who, forge(everything(ann)));
        }
      });
    });
  });

  it("stays a group's where the gateway tells no team, whatever the client says", async () => {
    const door = (await start(identity)).door("authenticated");
    const inGroups = (groups: string): RawHeaders => [
      ["x-login-user", "eve"],
      ["x-login-groups", groups],
      ["x-login-tenant", "acme"],
    ];
    const text = question("pan");
    const own = await door(text, inGroups("cooks, bakers"));
    expect(await door(text, inGroups("cooks"))).toMatchObject({ hit: true, content: own.content });
    for (const forge of Object.values(forgeries)) {
      for (const name of ["x-authz-user-groups", "x-authz-team-id", "x-my-groups"])
        expect((await door(text, inGroups("waiters"), forge([[name, "cooks"]]))).content).not.toBe(own.content);
    }
    // A team by the group's name is not the group.
    expect(
      (
        await door(text, [
          ["x-login-team", "cooks"],
          ["x-login-tenant", "acme"],
        ])
      ).hit,
    ).toBe(false);
  });

  describe("under an operator's own names", () => {
    let door: Door;
    beforeAll(async () => {
      door = (await start(ownNames)).door("authenticated");
    });

    it.each(Object.entries(forgeries))("cannot be forged: %s", async (_, forge) => {
      for (const word of words) {
        for (const who of [bob, mallory, nobody]) await attack(word, door, door, who, forge(everything(ann)));
      }
    });
  });

  describe("where nobody says that a gateway authenticates", () => {
    let kitchen: Kitchen;
    let doorTo: (listener: ListenerName) => Door;
    beforeAll(async () => {
      ({ kitchen, door: doorTo } = await start(""));
    });

    it.each(["buffered", "authenticated"] as const)("nothing is kept, and the model server hears of no identity, %s", async (listener) => {
      const door = doorTo(listener);
      for (const word of words) {
        const text = question(word);
        const tries = Object.values(forgeries).map((forge) => forge(everything(ann)));
        for (const forged of [...tries, ...tries]) expect((await door(text, ann, forged)).hit).toBe(false);
        for (const { headers } of models.requestsOf(text)) {
          const names = Object.keys(headers).map((name) => name.replaceAll("_", "-"));
          expect(names.filter((name) => name.startsWith("x-authz-"))).toEqual([]);
        }
      }
      expect(await readingOf(kitchen.metrics, "llm_cache_entries_total")).toBe(0);
      expect(await readingOf(kitchen.metrics, "turnout_cache_lookups_total", { result: "bypass_no_identity" })).toBeGreaterThan(0);
    });
  });

  describe("at the product's own doors, beside ExtProc", () => {
    let kitchen: Kitchen;
    let extproc: Door;
    const gateway: Door = (text, who, forged = []) => ask(portOf(kitchen, "HTTP gateway"), text, { headers: [...who, ...forged] });

    it.each([
      ["the usual names", identity],
      ["an operator's own names", ownNames],
    ])("the HTTP gateway believes nobody, under %s", async (_, services) => {
      const started = await start(services);
      ({ kitchen } = started);
      extproc = started.door("authenticated");
      for (const word of words) {
        for (const forge of Object.values(forgeries)) {
          await attack(word, extproc, gateway, nobody, forge(everything(ann)));
        }
        // Nor does it keep anything for the one who says it twice.
        const text = question(word);
        for (let times = 0; times < 2; times += 1) expect((await gateway(text, nobody, everything(ann))).hit).toBe(false);
      }
    });

    it("both doors share what is everybody's", async () => {
      const started = await start(identity, ["global", "global", "global"]);
      ({ kitchen } = started);
      const text = question("oven");
      const own = await started.door("authenticated")(text, ann);
      expect(await gateway(text, nobody)).toMatchObject({ hit: true, content: own.content });
    });

    it("the management API gives no answer, to whoever says what", async () => {
      const started = await start(identity);
      ({ kitchen } = started);
      extproc = started.door("authenticated");
      const text = question("oven");
      const { content } = await extproc(text, ann);
      expect((await extproc(text, ann)).hit).toBe(true);
      const id = String((await extproc(text, ann, [["x-vsr-debug", "true"]])).headers["x-vsr-cache-entry"]);
      const body = { model: "auto", text, messages: [{ role: "user", content: text }] };
      const headers = { "content-type": "application/json", ...Object.fromEntries(everything(ann)) };
      const cache = "/api/v1/response-cache";
      const gets = ["/v1/models", "health", "stats", "capabilities", "export", "entries", `entries/${id}`];
      const posts: readonly [path: string, body: object][] = [
        ["/v1/chat/completions", body],
        ["/v1/completions", { model: "auto", prompt: text }],
        ["/api/v1/eval", body],
        ["/api/v1/classify/intent", body],
        [`${cache}/test`, body],
        [`${cache}/lookup`, body],
        [`${cache}/invalidate`, { ids: [id] }],
      ];
      const base = `http://${kitchen.address("management API")}`;
      const told: string[] = [];
      for (const path of gets) {
        const response = await fetch(base + (path.startsWith("/") ? path : `${cache}/${path}`), { headers });
        // An export is for the operator, and only where it is there to be asked for.
        if (!(path === "export" && response.status === 200)) told.push(await response.text());
      }
      for (const [path, json] of posts) {
        const response = await fetch(base + path, { method: "POST", headers, body: JSON.stringify(json) });
        expect(response.headers.get("x-vsr-cache-hit")).toBeNull();
        told.push(await response.text());
      }
      expect(told.filter((reply) => reply.includes(content))).toEqual([]);
      expect(await extproc(text, ann)).toMatchObject({ hit: true, content });
    });
  });
});
