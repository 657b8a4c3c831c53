import type { Exchange, ExchangeLimits } from "@turnout/shared";
import { describe, expect, it } from "vitest";
import { HeldBytes } from "../held-bytes.ts";
import { Processor } from "./processor.ts";
import type { ProcessingRequest, ProcessingResponse } from "./protocol.ts";
import { createOutbox, noChanges } from "./reply.ts";
import type { Witness } from "./request-side.ts";

const limits: ExchangeLimits = {
  maxBodyBytes: 100,
  bodyTimeoutMs: 0,
  maxHeldBytes: 1000,
  streamedBody: true,
  clearRouteCache: true,
  gateway: "auto",
};

function processor(exchange: Partial<Exchange> = {}) {
  const sent: ProcessingResponse[] = [];
  const seen: string[] = [];
  const witness: Witness = {
    unrouted: (reason) => seen.push(`unrouted ${reason}`),
    slip: (reason) => seen.push(`slip ${reason}`),
    failed: (where) => seen.push(`failed ${where}`),
    streamedBodyOff: () => seen.push("streamed body off"),
  };
  const outbox = createOutbox((response) => sent.push(response), witness.slip);
  const indifferent: Exchange = {
    requestId: "1",
    wantsResponseHead: false,
    responseBody: "none",
    onRequestHead: () => ({ kind: "wantsBody", changes: noChanges }),
    onRequestBody: () => Promise.resolve({ kind: "forward", changes: noChanges, body: null, backendModel: null }),
    onBodyRefused: () => ({ status: 413, headers: [], body: "", details: "" }),
    onResponseHead: () => noChanges,
    onResponseChunk: () => seen.push("chunk"),
    close: () => seen.push("close"),
  };
  const held = new HeldBytes(() => {});
  const { signal } = new AbortController();
  const properties = { ...Object.getOwnPropertyDescriptors(indifferent), ...Object.getOwnPropertyDescriptors(exchange) };
  const under = new Processor({ exchange: Object.defineProperties({}, properties) as Exchange, limits, outbox, held, witness, signal });
  return { under, sent, seen, held, outbox };
}

const head: ProcessingRequest = { requestHeaders: {}, protocolConfig: { requestBodyMode: "BUFFERED", responseBodyMode: "BUFFERED" } };
const phases = (sent: readonly ProcessingResponse[]): string[] => sent.flatMap((response) => Object.keys(response));

describe("Processor", () => {
  it("answers a repeated head and asks the exchange once", () => {
    let asked = 0;
    const { under, sent, seen } = processor({
      onRequestHead: () => {
        asked += 1;
        return { kind: "passThrough", changes: noChanges };
      },
    });
    void under.receive(head);
    void under.receive(head);
    expect(asked).toBe(1);
    expect(phases(sent)).toEqual(["requestHeaders", "modeOverride", "requestHeaders"]);
    expect(seen).toEqual(["slip repeated_message"]);
  });

  it("asks nothing about the response of a request whose head it never saw", () => {
    let asked = 0;
    const { under, sent } = processor({
      wantsResponseHead: true,
      onResponseHead: () => {
        asked += 1;
        return noChanges;
      },
    });
    void under.receive({ responseHeaders: {} });
    expect([asked, phases(sent)]).toEqual([0, ["responseHeaders"]]);
  });

  it("still answers when asking the exchange what it wants fails", async () => {
    const { under, sent, seen } = processor({
      get wantsResponseHead(): boolean {
        throw new Error("broken");
      },
    });
    void under.receive(head);
    await under.receive({ requestBody: { body: Buffer.from("{}") } });
    expect(seen).toEqual(["failed phase"]);
    expect(phases(sent)).toEqual(["requestHeaders", "requestBody"]);
  });

  it("looks at response bytes only after they have gone on", () => {
    const order: string[] = [];
    const { under, sent } = processor({
      responseBody: "observe",
      onResponseChunk: () => order.push(`chunk after ${sent.length} answers`),
    });
    void under.receive(head);
    void under.receive({ responseHeaders: {} });
    void under.receive({ responseBody: { endOfStream: true } });
    expect(order).toEqual(["chunk after 3 answers"]);
  });

  it("lets go of everything when it closes, once, and answers nothing more", () => {
    const { under, sent, seen, held } = processor();
    void under.receive({ ...head, protocolConfig: { requestBodyMode: "FULL_DUPLEX_STREAMED" } });
    void under.receive({ requestBody: { body: Buffer.alloc(50) } });
    expect(held.total).toBe(50);
    under.close();
    under.close();
    void under.receive({ requestBody: { endOfStream: true } });
    expect([held.total, sent.length, seen]).toEqual([0, 0, ["close"]]);
  });
});
