import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { EntryRow } from "../backends/backend.ts";
import { decodeFacts, decodePayload, decodePurge, decodeRow, encodePayload, encodePurge, encodeRow } from "./row-codec.ts";

const SEEDED = { seed: 6, numRuns: 500 };

const bytes = (maxLength: number) => fc.uint8Array({ maxLength });
const rows: fc.Arbitrary<EntryRow> = fc.record({
  id: fc.string({ unit: "grapheme" }),
  scope: fc.string(),
  decision: fc.string({ unit: "grapheme" }),
  model: fc.string(),
  partition: bytes(40),
  createdMs: fc.double({ noNaN: true }),
  expiresMs: fc.maxSafeNat(),
  semantic: fc.option(fc.record({ vector: fc.int8Array({ maxLength: 400 }), scale: fc.double({ noNaN: true }), features: bytes(512) })),
});
const unders = fc.record({ epoch: fc.string({ maxLength: 20 }), fence: fc.string({ maxLength: 40 }) });

describe("Rows and payloads as bytes", () => {
  it("come back as they were", () => {
    fc.assert(
      fc.property(rows, unders, bytes(300), (row, under, payload) => {
        expect(decodeRow(encodeRow(row, under))).toEqual({ row, under });
        const { partition: _, semantic: __, ...facts } = row;
        expect(decodeFacts(encodeRow(row, under))).toEqual({ ...facts, ...under });
        const stored = decodePayload(encodePayload(row, under, payload));
        expect(stored?.facts).toEqual({ ...facts, ...under });
        expect(stored?.payload).toEqual(payload);
      }),
      SEEDED,
    );
  });

  it("are null when cut anywhere or when something follows", () => {
    fc.assert(
      fc.property(rows, unders, (row, under) => {
        const whole = encodeRow(row, under);
        for (let length = 0; length < whole.length; length += 1) expect(decodeRow(whole.subarray(0, length))).toBeNull();
        expect(decodeRow(Buffer.concat([whole, Buffer.of(0)]))).toBeNull();
      }),
      { ...SEEDED, numRuns: 20 },
    );
  });

  it("never throw, whatever the bytes", () => {
    fc.assert(
      fc.property(bytes(200), (noise) => {
        for (const decode of [decodeRow, decodeFacts, decodePayload, decodePurge]) decode(Buffer.from(noise));
      }),
      SEEDED,
    );
  });

  it("refuse a field that its length cannot tell", () => {
    const row = {
      id: "a".repeat(65_536),
      scope: "",
      decision: "",
      model: "",
      partition: new Uint8Array(),
      createdMs: 0,
      expiresMs: 0,
      semantic: null,
    };
    expect(() => encodeRow(row, { epoch: "", fence: "" })).toThrow(RangeError);
  });

  it("take less than 600 bytes for an entry with 384 dimensions and 64 bytes of features", () => {
    const row: EntryRow = {
      id: "i".repeat(43),
      scope: "s".repeat(43),
      decision: "history_decision",
      model: "general-expert",
      partition: new Uint8Array(32),
      createdMs: 1,
      expiresMs: 2,
      semantic: { vector: new Int8Array(384), scale: 1, features: new Uint8Array(64) },
    };
    expect(encodeRow(row, { epoch: "0123456789abcdef", fence: "1700000000000-0" }).length).toBeLessThan(680);
  });
});

describe("A purge as bytes", () => {
  it("comes back as it was", () => {
    const record = { token: "t", filter: { ids: ["a"], scope: "s", decision: "d", model: "m", createdBeforeMs: 5 } };
    expect(decodePurge(encodePurge(record))).toEqual(record);
    expect(decodePurge(encodePurge({ token: "t", filter: {} }))).toEqual({ token: "t", filter: {} });
  });

  it.each([
    { title: "no filter", value: { token: "t" } },
    { title: "no token", value: { filter: {} } },
    { title: "a part that this version does not know", value: { token: "t", filter: { newer: true } } },
    { title: "ids that are not texts", value: { token: "t", filter: { ids: [1] } } },
    { title: "a scope that is no text", value: { token: "t", filter: { scope: 1 } } },
    { title: "a list instead of a filter", value: { token: "t", filter: [] } },
  ])("is null with $title: it must not purge anything else", ({ value }) => {
    expect(decodePurge(Buffer.from(JSON.stringify(value)))).toBeNull();
  });
});
