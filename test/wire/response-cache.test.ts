/**
 * The response cache over bare ext_proc, as both gateways speak it: answers that went by are given again in an immediate response, whatever
 * the modes; a gateway that leaves at any point of an answer leaves nothing behind; an identity that is not one clear value is none.
 */
import { gzipSync } from "node:zlib";
import type { ProcessingRequestInput } from "@turnout/extproc/envoy";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Kitchen } from "../../packages/extproc/src/testing/kitchen.ts";
import { completionOf, eventsOf, portOf, readingOf, startCachingTurnout } from "../e2e/response-cache-rig.ts";
import { GatewaySimulator, type BodyMode, type ClientRequest, type Conversation, type Profile } from "./gateway-simulator.ts";

let questions = 0;
const question = () => `How heavy is oven number ${(questions += 1)}?`;
const bodyOf = (text: string, stream: boolean) =>
  Buffer.from(JSON.stringify({ model: "auto", stream, messages: [{ role: "user", content: text }] }));
/** Cut where it hurts: in the middle of names and of characters. */
const piecesOf = (bytes: Buffer, count: number): Buffer[] => {
  const size = Math.ceil(bytes.length / count);
  return Array.from({ length: count }, (_, at) => bytes.subarray(at * size, (at + 1) * size)).filter(({ length }) => length > 0);
};

const gateways = (["envoy", "agentgateway"] as const).flatMap((profile) =>
  (["BUFFERED", "BUFFERED_PARTIAL", "STREAMED", "FULL_DUPLEX_STREAMED"] as const).map((mode) => ({ profile, mode })),
);

describe("answers that everybody may have", () => {
  let kitchen: Kitchen;
  const simulators = new Map<Profile, GatewaySimulator>();
  const simulator = (profile: Profile) => simulators.get(profile) as GatewaySimulator;

  beforeAll(async () => {
    kitchen = await startCachingTurnout();
    for (const profile of ["envoy", "agentgateway"] as const)
      simulators.set(profile, new GatewaySimulator(kitchen.address("ExtProc"), profile));
  });
  afterAll(async () => {
    for (const each of simulators.values()) each.close();
    await kitchen.close();
  });

  async function send({ profile, mode }: { profile: Profile; mode: BodyMode }, text: string, stream: boolean, answer: string) {
    const chunks = stream
      ? eventsOf(answer).flatMap((event) => piecesOf(Buffer.from(event), 3))
      : piecesOf(Buffer.from(completionOf(answer)), 4);
    return simulator(profile).send(
      { chunks: piecesOf(bodyOf(text, stream), 3) },
      () => ({ headers: [["content-type", stream ? "text/event-stream; charset=utf-8" : "application/json"]], chunks }),
      { requestBodyMode: mode, responseBodyMode: mode },
    );
  }

  it.each(
    gateways.flatMap((gateway) =>
      [false, true].flatMap((keptStreamed) => [false, true].map((givenStreamed) => ({ ...gateway, keptStreamed, givenStreamed }))),
    ),
  )(
    "are given again: $profile, $mode, kept as a stream: $keptStreamed, given as one: $givenStreamed",
    async ({ keptStreamed, givenStreamed, ...gateway }) => {
      const text = question();
      const answer = `zwölf 🌱 ${text}`;
      const first = await send(gateway, text, keptStreamed, answer);
      expect(first.upstream).not.toBeNull();
      expect(first.body).toBe(keptStreamed ? eventsOf(answer).join("") : completionOf(answer));

      const again = await send(gateway, text, givenStreamed, "another answer");
      expect({ upstream: again.upstream, status: again.status, last: again.wire.at(-1) }).toEqual({
        upstream: null,
        status: 200,
        last: "<immediateResponse",
      });
      expect(Object.fromEntries(again.headers)).toMatchObject({
        "content-type": givenStreamed ? "text/event-stream" : "application/json",
        "x-vsr-cache-hit": "true",
        "x-vsr-response-path": "cache",
      });
      const said = givenStreamed
        ? [...again.body.matchAll(/"content":("(?:[^"\\]|\\.)*")/g)].map(([, json = ""]) => JSON.parse(json) as string).join("")
        : (JSON.parse(again.body) as { choices: { message: { content: string } }[] }).choices[0]?.message.content;
      expect(said?.trimEnd()).toBe(answer);
    },
  );

  it.each<[what: string, same: boolean, request: (text: string) => ClientRequest]>([
    [
      "compressed",
      true,
      (text) => ({
        headers: [
          ["content-type", "application/json"],
          ["content-encoding", "gzip"],
        ],
        chunks: [gzipSync(bodyOf(text, false))],
      }),
    ],
    [
      "with other transport members",
      true,
      (text) => ({ chunks: [Buffer.from(bodyOf(text, true).toString().replace("{", '{"user":"somebody",'))] }),
    ],
    ["under a query", false, (text) => ({ path: "/v1/chat/completions?api-version=1", chunks: [bodyOf(text, false)] })],
    [
      "of another protocol",
      false,
      (text) => ({ path: "/v1/completions", chunks: [Buffer.from(JSON.stringify({ model: "auto", prompt: text }))] }),
    ],
    [
      "with a tool",
      false,
      (text) => ({
        chunks: [Buffer.from(bodyOf(text, false).toString().replace("{", '{"tools":[{"type":"function","function":{"name":"weigh"}}],'))],
      }),
    ],
  ])("are given to the same question %s: %s", async (_, same, request) => {
    const text = question();
    await send({ profile: "envoy", mode: "BUFFERED" }, text, false, "ten tons");
    const { upstream } = await simulator("envoy").send(request(text), () => ({ chunks: [Buffer.from(completionOf("another answer"))] }));
    expect(upstream === null).toBe(same);
  });

  it("are kept of raw completions too", async () => {
    const chunks = [Buffer.from(JSON.stringify({ model: "auto", prompt: question() }))];
    const answer = {
      id: "cmpl-1",
      object: "text_completion",
      created: 1,
      model: "m",
      choices: [{ index: 0, text: "ten tons", logprobs: null, finish_reason: "stop" }],
    };
    const ask = () =>
      simulator("envoy").send({ path: "/v1/completions", chunks }, () => ({ chunks: [Buffer.from(JSON.stringify(answer))] }));
    expect((await ask()).upstream).not.toBeNull();
    const { upstream, body } = await ask();
    expect(upstream).toBeNull();
    expect(JSON.parse(body)).toMatchObject({ object: "text_completion", choices: [{ text: "ten tons", finish_reason: "stop" }] });
  });

  it("are shared between gateways of both kinds", async () => {
    const text = question();
    await send({ profile: "agentgateway", mode: "FULL_DUPLEX_STREAMED" }, text, true, "ten tons");
    const given = await send({ profile: "envoy", mode: "BUFFERED" }, text, false, "another answer");
    expect(given.upstream).toBeNull();
    expect(given.body).toContain("ten tons");
  });

  describe.each(gateways.filter(({ mode }) => mode === "STREAMED" || mode === "FULL_DUPLEX_STREAMED"))(
    "a stream in $mode, $profile",
    ({ profile, mode }) => {
      const events = eventsOf("as heavy as ten tons").map((event) => Buffer.from(event));
      const leavings = (["reset", "halfClose"] as const).flatMap((leave) => events.map((_, at) => ({ leave, at })));

      it.each(leavings.filter(({ at }) => at < events.length - 1))(
        "is not kept when the gateway leaves by $leave after event $at",
        async ({ leave, at }) => {
          const text = question();
          const before = await readingOf(kitchen.metrics, "llm_cache_write_skipped_total", { reason: "aborted" });
          const conversation = simulator(profile).converse();
          await walkToResponse(conversation, text, mode);
          for (const event of events.slice(0, at + 1)) {
            conversation.write({ responseBody: { body: event, endOfStream: false } });
            await conversation.next();
          }
          conversation[leave]();
          await expect
            .poll(() => readingOf(kitchen.metrics, "llm_cache_write_skipped_total", { reason: "aborted" }), { interval: 1 })
            .toBe(before + 1);
          expect((await send({ profile, mode: "BUFFERED" }, text, false, "the whole answer")).upstream).not.toBeNull();
        },
      );

      it("is kept when the gateway leaves after [DONE]", async () => {
        const text = question();
        const conversation = simulator(profile).converse();
        await walkToResponse(conversation, text, mode);
        for (const event of events) {
          conversation.write({ responseBody: { body: event, endOfStream: false } });
          await conversation.next();
        }
        conversation.reset();
        await expect.poll(() => readingOf(kitchen.metrics, "extproc_open_streams"), { interval: 1 }).toBe(0);
        const given = await send({ profile, mode: "BUFFERED" }, text, false, "another answer");
        expect({ upstream: given.upstream, isWhole: given.body.includes("as heavy as ten tons") }).toEqual({
          upstream: null,
          isWhole: true,
        });
      });
    },
  );

  /** walkToResponse asks, has the question forwarded, and begins a streamed answer. */
  async function walkToResponse(conversation: Conversation, text: string, mode: BodyMode): Promise<void> {
    conversation.write(head([], mode));
    if (mode !== "FULL_DUPLEX_STREAMED") await conversation.next();
    conversation.write({ requestBody: { body: bodyOf(text, true), endOfStream: true } });
    const forwarded = await conversation.next();
    expect(forwarded.immediateResponse).toBeUndefined();
    if (mode === "FULL_DUPLEX_STREAMED") await conversation.next();
    conversation.write({
      responseHeaders: { headers: { headers: [raw(":status", "200"), raw("content-type", "text/event-stream")] } },
    });
    await conversation.next();
  }
});

const raw = (key: string, value: string | Buffer) => ({ key, rawValue: Buffer.from(value) });
type WireHeader = { readonly key: string; readonly rawValue?: Buffer; readonly value?: string };

function head(headers: readonly WireHeader[], mode: BodyMode = "BUFFERED"): ProcessingRequestInput {
  const pseudo = [raw(":method", "POST"), raw(":path", "/v1/chat/completions"), raw(":scheme", "http"), raw(":authority", "router.test")];
  return {
    requestHeaders: { headers: { headers: [...pseudo, raw("content-type", "application/json"), ...headers] } },
    protocolConfig: { requestBodyMode: mode, responseBodyMode: mode },
  };
}

describe("answers of one user", () => {
  let kitchen: Kitchen;
  let gateway: GatewaySimulator;
  beforeAll(async () => {
    kitchen = await startCachingTurnout({ scopes: ["user", "team", "tenant"], services: ", authz: { identity: {} }" });
    gateway = new GatewaySimulator(`127.0.0.1:${portOf(kitchen, "ExtProc")}`, "envoy");
  });
  afterAll(async () => {
    gateway.close();
    await kitchen.close();
  });

  /** ask walks a whole exchange whose head has these headers; true: the cache answered. */
  async function ask(text: string, headers: readonly WireHeader[], trailers: readonly WireHeader[] | null = null): Promise<boolean> {
    const conversation = gateway.converse();
    try {
      conversation.write(head(headers));
      await conversation.next();
      conversation.write({ requestBody: { body: bodyOf(text, false), endOfStream: trailers === null } });
      if ((await conversation.next()).immediateResponse !== undefined) return true;
      if (trailers !== null) {
        conversation.write({ requestTrailers: { trailers: { headers: [...trailers] } } });
        await conversation.next();
      }
      conversation.write({ responseHeaders: { headers: { headers: [raw(":status", "200"), raw("content-type", "application/json")] } } });
      await conversation.next();
      conversation.write({ responseBody: { body: Buffer.from(completionOf(`answer to ${text}`)), endOfStream: true } });
      await conversation.next();
      return false;
    } finally {
      conversation.reset();
    }
  }

  const user = "x-authz-user-id";
  const ann = [raw(user, "ann")];
  const annsAnswer = async () => {
    const text = question();
    expect([await ask(text, ann), await ask(text, ann)]).toEqual([false, true]);
    return text;
  };

  /** No identity at all: nothing is cached for whoever comes with it. */
  const unclear: readonly [what: string, headers: readonly WireHeader[]][] = [
    ["none", []],
    ["an empty one", [raw(user, "")]],
    ["spaces", [raw(user, "  ")]],
    ["the client's before the gateway's own", [raw(user, "ann"), raw(user, "bob")]],
    ["the client's behind the gateway's own", [raw(user, "bob"), raw(user, "ann")]],
    ["the same twice", [raw(user, "ann"), raw(user, "ann")]],
    ["one in upper case beside the gateway's own", [raw("X-Authz-User-Id", "ann"), raw(user, "bob")]],
    ["one list", [raw(user, "ann, bob")]],
    ["an empty one before", [raw(user, ""), raw(user, "ann")]],
    ["bytes that are no text", [raw(user, Buffer.from([0x61, 0x6e, 0x6e, 0xff]))]],
    ["underscores", [raw("x_authz_user_id", "ann")]],
    ["an unclear tenant", [...ann, raw("x-authz-tenant-id", "acme"), raw("x-authz-tenant-id", "acme")]],
    ["her team's name", [raw("x-authz-team-id", "ann")]],
    ["her name as a tenant's", [raw("x-authz-tenant-id", "ann")]],
  ];
  /** Somebody else. */
  const others: readonly [what: string, headers: readonly WireHeader[]][] = [
    ["the old field beside the other", [{ key: user, value: "ann", rawValue: Buffer.from("bob") }]],
    ["another tenant's", [...ann, raw("x-authz-tenant-id", "umbrella")]],
    ["space around", [raw(user, " ann")]],
    ["another case", [raw(user, "Ann")]],
  ];

  it.each([...unclear, ...others])("are not found by who is told by %s, and nothing is left for her to find", async (_, headers) => {
    expect(await ask(await annsAnswer(), headers)).toBe(false);
    const text = question();
    await ask(text, headers);
    expect(await ask(text, ann)).toBe(false);
  });

  it.each(unclear)("are nobody's when they are told by %s: nothing is kept", async (_, headers) => {
    const text = question();
    for (let times = 0; times < 3; times += 1) expect(await ask(text, headers)).toBe(false);
  });

  it("are not found by trailers that name her", async () => {
    const text = await annsAnswer();
    expect(await ask(text, [], ann)).toBe(false);
    const fresh = question();
    await ask(fresh, [raw(user, "bob")], ann);
    expect(await ask(fresh, ann)).toBe(false);
  });

  it("are found in either encoding of headers", async () => {
    expect(await ask(await annsAnswer(), [{ key: user, value: "ann" }])).toBe(true);
  });
});
