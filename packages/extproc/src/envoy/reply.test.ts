import { describe, expect, it } from "vitest";
import { loadProtocol, type ProcessingResponse, type ProcessingResponseOutput } from "./protocol.ts";
import { createOutbox, noChanges, type Routing, type Slip } from "./reply.ts";

const { ExternalProcessor } = loadProtocol();
const { responseSerialize, responseDeserialize } = ExternalProcessor.service.Process;

/** Answers as a gateway reads them off the wire. */
function outbox() {
  const sent: ProcessingResponseOutput[] = [];
  const slips: Slip[] = [];
  const write = (response: ProcessingResponse): void => {
    sent.push(responseDeserialize(responseSerialize(response as Parameters<typeof responseSerialize>[0])));
  };
  return { box: createOutbox(write, (slip) => slips.push(slip)), sent, slips };
}
const routing = (partial: Partial<Routing> = {}): Routing => ({
  changes: noChanges,
  clearRouteCache: true,
  backendModel: null,
  ...partial,
});
const reply = { status: 200, headers: [["content-type", "text/event-stream"]] as const, body: "x", details: "d" };

describe("answers", () => {
  it("always carry a case, even when there is nothing to say", () => {
    const { box, sent } = outbox();
    box.requestHeaders().proceed(routing(), null);
    box.requestBody().keep(routing());
    box.requestTrailers().proceed();
    box.responseHeaders().proceed(noChanges, null, false);
    box.responseBody().keep();
    box.responseTrailers().proceed();
    expect(sent.map(({ response }) => response)).toEqual([
      "requestHeaders",
      "requestBody",
      "requestTrailers",
      "responseHeaders",
      "responseBody",
      "responseTrailers",
    ]);
    expect(sent.every((answer) => answer.requestHeaders?.response?.clearRouteCache === undefined)).toBe(true);
    expect(box.owed).toBe(0);
  });

  it("are given once: a second one is caught, not written", () => {
    const { box, sent, slips } = outbox();
    const turn = box.requestBody();
    expect(box.owed).toBe(1);
    turn.clear();
    turn.keep(routing());
    expect(sent).toHaveLength(1);
    expect(slips).toEqual(["second_answer"]);
    expect(turn.spent).toBe(true);
  });

  it("write headers in raw_value, overwriting, and leave append unset", () => {
    const { box, sent } = outbox();
    box.requestHeaders().proceed(routing({ changes: { set: [["x-a", "caf\u00e9"]], remove: ["x-b"] } }), null);
    const common = sent[0]?.requestHeaders?.response;
    expect(common?.headerMutation).toEqual({
      setHeaders: [{ header: { key: "x-a", rawValue: Buffer.from("caf\u00e9") }, appendAction: "OVERWRITE_IF_EXISTS_OR_ADD" }],
      removeHeaders: ["x-b"],
    });
    expect(common?.clearRouteCache).toBe(true);
  });

  it.each([
    "host",
    ":authority",
    ":method",
    ":scheme",
    ":status",
    "x-envoy-upstream-rq-timeout-ms",
    "content-length",
    "transfer-encoding",
    "",
  ])("never set or remove %j on anybody's behalf", (name) => {
    const { box, sent } = outbox();
    box.requestBody().keep(routing({ changes: { set: [[name, "1"]], remove: [name] } }));
    expect(sent[0]?.requestBody?.response).toBeUndefined();
  });

  it("announce the length of a replaced body only when told to", () => {
    const { box, sent } = outbox();
    box.requestBody().replace(Buffer.from("12345"), routing(), true);
    box.requestBody().replace(Buffer.from(""), routing(), false);
    const [announced, silent] = sent.map((answer) => answer.requestBody?.response);
    expect(announced?.headerMutation?.setHeaders?.[0]?.header).toEqual({ key: "content-length", rawValue: Buffer.from("5") });
    expect(silent?.headerMutation).toBeUndefined();
    expect(silent?.bodyMutation?.mutation).toBe("body");
  });

  it("drop content-length of a response that will be streamed", () => {
    const { box, sent } = outbox();
    box.responseHeaders().proceed(noChanges, { requestBodyMode: "NONE", responseBodyMode: "STREAMED" }, true);
    expect(sent[0]?.responseHeaders?.response?.headerMutation?.removeHeaders).toEqual(["content-length"]);
    expect(sent[0]?.modeOverride?.responseBodyMode).toBe("STREAMED");
  });
});

describe("full-duplex bodies", () => {
  it.each([
    [0, true, [[0, true]]],
    [0, false, []],
    [65_536, true, [[65_536, true]]],
    [
      65_537,
      true,
      [
        [65_536, undefined],
        [1, true],
      ],
    ],
    [
      140_000,
      false,
      [
        [65_536, undefined],
        [65_536, undefined],
        [8928, undefined],
      ],
    ],
  ] as const)("of %j bytes, end %j", (length, end, expected) => {
    const { box, sent } = outbox();
    box.requestStream().write(Buffer.alloc(length), end);
    const chunks = sent.map((answer) => answer.requestBody?.response?.bodyMutation?.streamedResponse);
    expect(chunks.map((chunk) => [chunk?.body?.length ?? 0, chunk?.endOfStream || undefined])).toEqual(expected);
  });

  it("are owed until they end, and take nothing afterwards", () => {
    const { box, sent, slips } = outbox();
    box.responseStream().write(Buffer.from("a"), false);
    expect(box.owed).toBe(1);
    box.responseStream().write(Buffer.from("b"), true);
    expect(box.owed).toBe(0);
    box.responseStream().write(Buffer.from("c"), true);
    box.responseStream().endWithTrailers();
    expect(sent).toHaveLength(2);
    expect(slips).toEqual(["answer_after_end"]);
  });
});

describe("immediate responses", () => {
  it("end everything", () => {
    const { box, sent } = outbox();
    const turn = box.requestHeaders();
    box.immediate(reply);
    turn.proceed(routing(), null);
    box.immediate(reply);
    box.requestStream().write(Buffer.from("a"), true);
    expect(sent.map(({ response }) => response)).toEqual(["immediateResponse"]);
    expect(box.closed).toBe(true);
  });

  it.each([
    [200, 200],
    [408, 408],
    [499, 499],
    [599, 599],
    [100, 500],
    [600, 500],
    [Number.NaN, 500],
  ])("with status %j are sent as %j", (status, expected) => {
    const { box, sent } = outbox();
    box.immediate({ ...reply, status });
    expect(sent[0]?.immediateResponse?.status?.code).toBe(expected);
  });

  it("are valid UTF-8 and have a content-type, whatever they are made of", () => {
    const { box, sent } = outbox();
    box.immediate({ status: 500, headers: [["content-length", "9"]], body: "\ud800\u2713", details: "" });
    const answer = sent[0]?.immediateResponse;
    expect(new TextDecoder("utf-8", { fatal: true }).decode(answer?.body)).toBe("\ufffd\u2713");
    expect(answer?.headers?.setHeaders?.map(({ header }) => header?.key)).toEqual(["content-type"]);
  });
});

it("a muted outbox settles turns and writes nothing", () => {
  const { box, sent } = outbox();
  box.mute();
  box.requestHeaders().proceed(routing(), null);
  expect([box.owed, sent.length]).toEqual([0, 0]);
});
