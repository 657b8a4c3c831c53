import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BodyCollector, HeldBytes } from "./held-bytes.ts";

const limits = { maxBodyBytes: 1000, maxHeldBytes: 1500 };
const account = () => {
  const totals: number[] = [0];
  return { held: new HeldBytes((total) => totals.push(total)), totals };
};

describe("BodyCollector", () => {
  it("does not copy a body that came in one piece", () => {
    const collector = new BodyCollector(account().held, limits);
    const chunk = Buffer.from("whole");
    collector.add(chunk);
    collector.add(Buffer.alloc(0));
    expect(collector.bytes().buffer).toBe(chunk.buffer);
    expect(collector.bytes().toString()).toBe("whole");
  });

  it("joins chunks of any size without touching them, and accounts for every byte", () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 25 }), (arrays) => {
        const { held, totals } = account();
        const collector = new BodyCollector(held, limits);
        const chunks = arrays.map((array) => Buffer.from(array));
        const copies = chunks.map((chunk) => Buffer.from(chunk));
        for (const chunk of chunks) expect(collector.add(chunk)).toBe("held");
        expect(collector.bytes()).toEqual(Buffer.concat(copies));
        expect(chunks).toEqual(copies);
        expect(totals.at(-1)).toBe(collector.length);
        const bytes = collector.bytes();
        collector.release();
        collector.release();
        expect(bytes).toEqual(Buffer.concat(copies));
        expect(held.total).toBe(0);
      }),
      { seed: 7 },
    );
  });

  it("refuses a body over its limit and keeps what it has", () => {
    const { held } = account();
    const collector = new BodyCollector(held, limits);
    expect(collector.add(Buffer.alloc(1000))).toBe("held");
    expect(collector.add(Buffer.alloc(1))).toBe("too_large");
    expect([collector.length, held.total]).toEqual([1000, 1000]);
  });

  it("finds no room once all streams together hold too much", () => {
    const { held } = account();
    const [first, second] = [new BodyCollector(held, limits), new BodyCollector(held, limits)];
    expect(first.add(Buffer.alloc(900))).toBe("held");
    expect(second.add(Buffer.alloc(700))).toBe("no_room");
    first.release();
    expect(second.add(Buffer.alloc(700))).toBe("held");
    second.release();
    expect(held.total).toBe(0);
  });
});
