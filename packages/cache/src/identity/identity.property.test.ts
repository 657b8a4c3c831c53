/**
 * Requests are made from a small model of what they mean and then spelled at random. Two requests must have the same hash if and only if
 * they mean the same: as every case is compared with all the cases before it, 100 000 of them make five thousand million pairs. The
 * texts are drawn from the punctuation of JSON and of this package's own framing, so that whoever can forge a boundary does.
 */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalRequest, type CanonicalRequest, type Protocol } from "./canonical-request.ts";
import { defaultEligibility, semanticEligibility } from "./eligibility.ts";
import { earlyKey, entryId, partition, type AnswerConditions } from "./keys.ts";
import { defaultIdentityHeaders, scopeHash, type Scope } from "./scope.ts";

const SEED = 20_261_125;
const TIMEOUT_MS = 120_000;

/** Bijection fails as soon as two truths share a hash, or one truth has two. */
class Bijection {
  readonly #truths = new Map<string, string>();
  readonly #hashes = new Map<string, string>();

  tell(hash: string, truth: string): void {
    const known = this.#truths.get(hash) ?? truth;
    const before = this.#hashes.get(truth) ?? hash;
    if (known !== truth) throw new Error(`${known} and ${truth} share a hash`);
    if (before !== hash) throw new Error(`${truth} has two hashes`);
    this.#truths.set(hash, truth);
    this.#hashes.set(truth, hash);
  }

  get size(): number {
    return this.#truths.size;
  }
}

/** Texts in their normal form: what is left after NFC and trimming. */
const text = fc
  .array(fc.constantFrom("a", "A", "\u00e9", "\u00b2", "\ufb01", '"', "\\", ":", "1", "$", "{", "]", ",", "\u0000", "a b", "😀"), {
    maxLength: 3,
  })
  .map((parts) => parts.join(""));

type Meaning = readonly (readonly [name: string, value: unknown])[];

interface Case {
  readonly protocol: Protocol;
  readonly system: string | null;
  readonly history: readonly string[];
  readonly words: string;
  readonly parameters: Meaning;
  readonly spelling: number;
}

/** Numbers, each in all its spellings. */
const number = fc.constantFrom(
  ["0", "-0", "0.0", "0e9"],
  ["1", "1.0", "1e0", "10E-1"],
  ["-1", "-1.000"],
  ["100", "1e2", "1E+02"],
  ["0.5", "0.50", "5e-1"],
  ["18446744073709551615", "18446744073709551615.0", "1844674407370955161.5e1"],
  ["18446744073709551614", "184467440737095516140e-1"],
  ["1e400", "10.0e399"],
);
const parameter = fc.oneof(
  fc.tuple(
    fc.constantFrom("temperature", "seed", "n", "max_tokens", "future"),
    number.map((spellings) => ({ spellings })),
  ),
  fc.tuple(fc.constantFrom("stop", "future", "model"), text),
  fc.tuple(fc.constantFrom("stop", "tools", "future"), fc.array(text, { maxLength: 2 })),
  fc.tuple(fc.constantFrom("response_format", "future"), fc.constantFrom(null, true, false)),
  fc.tuple(fc.constantFrom("response_format", "logit_bias", "__proto__", "1"), fc.dictionary(text, text, { maxKeys: 2 })),
);

const cases: fc.Arbitrary<Case> = fc.record({
  protocol: fc.constantFrom("chat", "chat", "chat", "completions"),
  system: fc.option(text),
  history: fc.array(text, { maxLength: 2 }),
  words: text,
  parameters: fc.uniqueArray(parameter, { maxLength: 3, selector: ([name]) => name }),
  spelling: fc.nat(),
});

/** contextOf a case is all that it means but its last words. */
function contextOf({ protocol, system, history, parameters }: Case): string {
  const sorted = [...parameters].map(([name, value]) => JSON.stringify([name, sortedKeys(value)])).sort();
  return JSON.stringify(protocol === "completions" ? [protocol, sorted] : [protocol, system, history, sorted]);
}

function sortedKeys(value: unknown): unknown {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value).sort() : value;
}

/** Speller writes JSON in one of its many spellings. */
class Speller {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 1;
  }

  /** below a bound, from a xorshift generator: fast-check's own would cost more than what is tested. */
  below(bound: number): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return (this.#state >>> 0) % bound;
  }

  json(value: unknown): string {
    if (typeof value === "string") return this.#text(value);
    if (Array.isArray(value)) return `[${value.map((item) => this.#spaced(this.json(item))).join(",")}]`;
    if (typeof value !== "object" || value === null) return JSON.stringify(value);
    if ("spellings" in value) return this.#oneOf(value.spellings as readonly string[]);
    return this.object(Object.entries(value));
  }

  object(members: readonly (readonly [string, unknown])[]): string {
    const turned = this.below(members.length + 1);
    const inSomeOrder = [...members.slice(turned), ...members.slice(0, turned)];
    return `{${inSomeOrder.map(([name, value]) => this.#spaced(`${this.#text(name)}:${this.#spaced(this.json(value))}`)).join(",")}}`;
  }

  /** written is a text of a person: with space around, decomposed, as a part. */
  written(words: string): unknown {
    const spelled = this.#decomposed(this.#oneOf(["", " ", "\n\t"]) + words + this.#oneOf(["", " ", "\u00a0"]));
    return this.below(3) === 0 ? [{ type: "text", text: spelled }] : spelled;
  }

  #decomposed(words: string): string {
    return this.below(2) === 0 ? words.normalize("NFD") : words;
  }

  #spaced(json: string): string {
    return this.#oneOf(["", "", " ", "\r\n\t"]) + json;
  }

  #text(value: string): string {
    const json = JSON.stringify(value);
    if (this.below(3) > 0) return json;
    return `"${[...value].map((character) => this.#escaped(character)).join("")}"`;
  }

  #escaped(character: string): string {
    return character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join("");
  }

  #oneOf(spellings: readonly string[]): string {
    return spellings[this.below(spellings.length)] as string;
  }
}

function spelled(one: Case): Buffer {
  const speller = new Speller(one.spelling);
  const members: (readonly [string, unknown])[] = [...one.parameters];
  if (one.protocol === "completions") members.push(["prompt", one.words]);
  else members.push(["messages", messagesOf(one, speller)]);
  if (speller.below(2) === 0) members.push(["stream", speller.below(2) === 0]);
  if (speller.below(4) === 0) members.push(["user", `u${speller.below(99)}`], ["metadata", { k: "v" }]);
  return Buffer.from(speller.object(members));
}

function messagesOf({ system, history, words }: Case, speller: Speller): readonly unknown[] {
  const past = history.flatMap((turn) => [
    { role: "user", content: speller.written(turn) },
    { role: "assistant", content: turn },
  ]);
  const first = system === null ? [] : [{ role: "system", content: speller.written(system) }];
  return [...first, ...past, { role: "user", content: speller.written(words) }];
}

function identified(one: Case): CanonicalRequest {
  const body = spelled(one);
  const request = canonicalRequest(body, one.protocol);
  if (request.kind !== "request") throw new Error(`${request.reason}: ${body.toString()}`);
  return request;
}

const runs = (numRuns: number) => ({ numRuns, seed: SEED });

describe("identity of requests", () => {
  it(
    "is the same if and only if they mean the same, in 100 000 cases",
    () => {
      const [exacts, contexts] = [new Bijection(), new Bijection()];
      fc.assert(
        fc.property(cases, (one) => {
          const { exact, context, lastUserText } = identified(one);
          const meaning = contextOf(one);
          contexts.tell(context, meaning);
          exacts.tell(exact, JSON.stringify([meaning, one.words]));
          return lastUserText === one.words;
        }),
        runs(100_000),
      );
      // Neither is a few cases over and over.
      expect(contexts.size).toBeGreaterThan(20_000);
      expect(exacts.size).toBeGreaterThan(contexts.size);
    },
    TIMEOUT_MS,
  );

  it("survives whatever JSON there is: it is read whole, or refused by name", () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 4 }), fc.constantFrom<Protocol>("chat", "completions"), (json, protocol) => {
        const request = canonicalRequest(Buffer.from(`{"messages":${json},"x":${json}}`), protocol);
        if (request.kind === "uncacheable") return ["lone_surrogate", "too_many_values"].includes(request.reason);
        return !semanticEligibility(request, defaultEligibility).allowed || request.lastUserText !== null;
      }),
      runs(2_000),
    );
  });

  it("never throws, whatever the bytes", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => canonicalRequest(bytes, "chat").kind === "uncacheable"),
      runs(5_000),
    );
  });

  it("does not survive a cut", () => {
    fc.assert(
      fc.property(cases, fc.nat(), (one, at) => {
        const body = spelled(one);
        return canonicalRequest(body.subarray(0, at % body.length), one.protocol).kind === "uncacheable";
      }),
      runs(2_000),
    );
  });
});

/** Names that try to reach over into the next field. No header has a comma that is one name. */
const name = fc
  .array(fc.constantFrom("a", "b", ":", "|", "\u0000", "\u0001", "/", "user", "team", "\u00e9", "e\u0301", "\ud83d"), {
    minLength: 1,
    maxLength: 3,
  })
  .map((parts) => parts.join(""));

describe("identity of people", () => {
  it(
    "is the same if and only if scope and names are, in 100 000 cases",
    () => {
      const hashes = new Bijection();
      const settings = { secret: "secret", headers: defaultIdentityHeaders };
      fc.assert(
        fc.property(
          fc.constantFrom<Exclude<Scope, "global">>("user", "team", "tenant"),
          fc.option(name),
          fc.option(name),
          fc.option(name),
          (scope, user, team, tenant) => {
            const named: readonly (readonly [string, string | null])[] = [
              [defaultIdentityHeaders.user, user],
              [defaultIdentityHeaders.team, team],
              [defaultIdentityHeaders.tenant, tenant],
            ];
            const trusted = new Map(named.flatMap(([header, value]) => (value === null ? [] : [[header, value] as const])));
            const result = scopeHash(scope, trusted, settings);
            const own = { user, team, tenant }[scope];
            if (result.kind === "none") return own === null && result.reason === `missing_${scope}`;
            hashes.tell(result.hash, JSON.stringify([scope, tenant, own]));
            return own !== null;
          },
        ),
        runs(100_000),
      );
      expect(hashes.size).toBeGreaterThan(10_000);
    },
    TIMEOUT_MS,
  );
});

describe("keys", () => {
  it("are the same if and only if all that they are made of is", () => {
    const [ids, partitions, earlies] = [new Bijection(), new Bijection(), new Bijection()];
    const few = fc.constantFrom("", "a", "b", "ab", "ba", "a\u0000", "\u0000b");
    const conditions: fc.Arbitrary<AnswerConditions> = fc.record({
      scope: few,
      decision: few,
      decisionRevision: few,
      requestedModel: few,
      selectedModel: few,
      cacheEpoch: fc.option(few),
      modelRevision: fc.option(few),
      embeddingRevision: fc.option(few),
    });
    fc.assert(
      fc.property(conditions, few, fc.dictionary(few, fc.option(few), { maxKeys: 3 }), (of, hash, dependencies) => {
        const truth = JSON.stringify([Object.entries(of).sort(), hash]);
        ids.tell(entryId(of, hash), truth);
        partitions.tell(Buffer.from(partition(of, hash)).toString("base64url"), truth);
        const early = { scope: of.scope, exact: hash, configRevision: of.decision, dependencies: new Map(Object.entries(dependencies)) };
        earlies.tell(earlyKey(early), JSON.stringify([of.scope, hash, of.decision, Object.entries(dependencies).sort()]));
      }),
      runs(20_000),
    );
  });
});
