import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createSeal } from "./seal.ts";

const SECRET = Buffer.from("a secret of a deployment");
const body = Buffer.from("some bytes");

describe.each([
  { title: "with a secret", seal: createSeal(SECRET) },
  { title: "without one", seal: createSeal(null) },
])("A seal $title", ({ seal }) => {
  it("gives back what was sealed", () => {
    expect(seal.open("row", "key", seal.close("row", "key", body))).toEqual(body);
    expect(seal.open("row", "", seal.close("row", "", Buffer.alloc(0)))).toEqual(Buffer.alloc(0));
  });

  it("refuses every single changed bit, every cut and every extension", () => {
    const sealed = seal.close("payload", "key", body);
    for (let bit = 0; bit < sealed.length * 8; bit += 1) {
      const changed = Buffer.from(sealed);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      expect(seal.open("payload", "key", changed)).toBeNull();
    }
    for (let length = 0; length < sealed.length; length += 1) expect(seal.open("payload", "key", sealed.subarray(0, length))).toBeNull();
    expect(seal.open("payload", "key", Buffer.concat([sealed, Buffer.of(0)]))).toBeNull();
  });

  it("refuses the bytes under another key or as another kind", () => {
    fc.assert(
      fc.property(fc.string(), fc.string(), (key, other) => {
        fc.pre(key !== other);
        expect(seal.open("payload", other, seal.close("payload", key, body))).toBeNull();
      }),
      { seed: 6 },
    );
    expect(seal.open("row", "key", seal.close("payload", "key", body))).toBeNull();
  });
});

it("What was sealed with another secret, or with none, is refused", () => {
  const ours = createSeal(SECRET);
  for (const theirs of [createSeal(Buffer.from("another secret")), createSeal(null)]) {
    expect(ours.open("row", "key", theirs.close("row", "key", body))).toBeNull();
    expect(theirs.open("row", "key", ours.close("row", "key", body))).toBeNull();
  }
});
