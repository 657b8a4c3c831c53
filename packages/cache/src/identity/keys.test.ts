import { describe, expect, it } from "vitest";
import { earlyKey, entryId, indexPartition, partition, type AnswerConditions, type EarlyConditions } from "./keys.ts";

const conditions: AnswerConditions = {
  scope: "scope",
  decision: "maths",
  decisionRevision: "1",
  requestedModel: "auto",
  selectedModel: "small",
  cacheEpoch: null,
  modelRevision: null,
  embeddingRevision: null,
};
const early: EarlyConditions = { scope: "scope", exact: "exact", configRevision: "1", dependencies: new Map() };

describe("entryId and partition", () => {
  const changes = [
    ...Object.keys(conditions).flatMap((name) => [{ [name]: "other" }, { [name]: "" }]),
    { decision: "math", decisionRevision: "s1" },
    { requestedModel: "autos", selectedModel: "mall" },
    { cacheEpoch: "1" },
    { modelRevision: "1" },
  ];

  it("change with every condition", () => {
    const all = [{}, ...changes].map((change) => ({ ...conditions, ...change }));
    expect(new Set(all.map((one) => entryId(one, "exact"))).size).toBe(all.length);
    expect(new Set(all.map((one) => Buffer.from(partition(one, "context")).toString("hex"))).size).toBe(all.length);
  });

  it("change with the request", () => {
    expect(entryId(conditions, "one")).not.toBe(entryId(conditions, "other"));
    expect(partition(conditions, "one")).not.toEqual(partition(conditions, "other"));
  });

  it("are of domains of their own", () => {
    expect(Buffer.from(partition(conditions, "same")).toString("base64url")).not.toBe(entryId(conditions, "same"));
  });

  it("are 256 bits", () => {
    expect(entryId(conditions, "exact")).toMatch(/^[\w-]{43}$/);
    expect(partition(conditions, "context")).toHaveLength(32);
  });
});

describe("indexPartition", () => {
  it("is the first four bytes, wherever they stand", () => {
    expect(indexPartition(new Uint8Array([9, 0x78, 0x56, 0x34, 0xf2, 9]).subarray(1))).toBe(0xf2345678);
  });
});

describe("earlyKey", () => {
  const key = (dependencies: readonly (readonly [string, string | null])[]) => earlyKey({ ...early, dependencies: new Map(dependencies) });

  it("changes with every condition", () => {
    const all = [
      early,
      { ...early, scope: "s" },
      { ...early, exact: "e" },
      { ...early, configRevision: "2" },
      { ...early, scope: "scopee", exact: "xact" },
    ];
    expect(new Set(all.map(earlyKey)).size).toBe(all.length);
  });

  it("tells dependencies apart, absent from empty, one from two", () => {
    const all = [
      [],
      [["a", null]],
      [["a", ""]],
      [["a", "b"]],
      [["b", "a"]],
      [
        ["a", "b"],
        ["c", null],
      ],
      [["a", "b, c"]],
      [["ab", ""]],
    ] as const;
    expect(new Set(all.map(key)).size).toBe(all.length);
  });

  it("does not depend on the order of dependencies", () => {
    expect(
      key([
        ["a", "1"],
        ["b", "2"],
      ]),
    ).toBe(
      key([
        ["b", "2"],
        ["a", "1"],
      ]),
    );
  });
});
