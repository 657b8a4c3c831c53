import { createParser } from "eventsource-parser";
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EventStreamReader } from "./event-stream.ts";

type Event = readonly [type: string, data: string];

function read(pieces: readonly string[], maxLength = 1_000_000): readonly Event[] {
  const events: Event[] = [];
  const reader = new EventStreamReader(maxLength, (type, data) => events.push([type, data]));
  for (const piece of pieces) if (!reader.push(piece)) throw new Error("too long");
  return events;
}

function oracle(text: string): readonly Event[] {
  const events: Event[] = [];
  createParser({ onEvent: ({ event = "", data }) => events.push([event, data]) }).feed(text);
  return events;
}

describe("EventStreamReader", () => {
  it.each<[text: string, events: readonly Event[]]>([
    ["data: a\n\n", [["", "a"]]],
    [
      "data:a\r\rdata:  b\r\n\r\n",
      [
        ["", "a"],
        ["", " b"],
      ],
    ],
    ["data: a\ndata:\ndata\ndata: b\n\n", [["", "a\n\n\nb"]]],
    [
      "event: x\ndata: a\n\ndata: b\n\n",
      [
        ["x", "a"],
        ["", "b"],
      ],
    ],
    ["event: x\n\ndata: b\n\n", [["", "b"]]],
    [": data: a\nid: 1\nretry: 5\ndatum: c\n data: d\ndata: a\n\n", [["", "a"]]],
    ["data\n\n", [["", ""]]],
    ["data: a:b: c\n\n", [["", "a:b: c"]]],
    ["data: a\u2028\u0085b\n\n", [["", "a\u2028\u0085b"]]],
    ["\n\n\r\n", []],
    ["data: a\n", []],
    ["data: a", []],
  ])("reads %j", (text, events) => {
    expect(read([text])).toEqual(events);
    expect(read([...text])).toEqual(events);
    expect(oracle(text)).toEqual(events);
  });

  it("takes CR and LF for one line break, with nothing between them", () => {
    expect(read(["data: a\r", "", "\ndata: b\r", "\n\r", "", "\n"])).toEqual([["", "a\nb"]]);
  });

  it("reads what eventsource-parser reads, however the text is cut", () => {
    const part = fc.constantFrom(
      "data",
      "event",
      "id",
      ":",
      ": ",
      " ",
      "x",
      "é",
      "[DONE]",
      "\n",
      "\r",
      "\r\n",
      "\n\n",
      "\r\n\r\n",
      "data: y\n",
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 40 }), fc.boolean(), (parts, small) => {
        const text = parts.join("");
        expect(read(small ? [...text] : parts)).toEqual(oracle(text));
      }),
      { seed: 6, numRuns: 5_000 },
    );
  });

  it.each([
    ["a line", (length: number) => `data: ${"x".repeat(length - 6)}`],
    ["a line that is ignored", (length: number) => `:${"x".repeat(length - 1)}`],
    ["a line with its end", (length: number) => `id: ${"x".repeat(length - 4)}\n`],
    ["the lines of an event", (length: number) => `${"data:x\n".repeat(length / 2)}data:x\n`],
  ])("bounds %s", (_, text) => {
    const fits = text(100).length > 200 ? 102 : 100;
    expect(read([text(100)], fits)).toEqual([]);
    expect(() => read([text(100)], fits - 2)).toThrow("too long");
    expect(() => read([...text(100)], fits - 2)).toThrow("too long");
  });
});
