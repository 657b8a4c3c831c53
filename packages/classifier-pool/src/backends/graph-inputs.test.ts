import { describe, expect, it } from "vitest";
import { graphInputs } from "../model/manifest.ts";
import { graphFeeds } from "./graph-inputs.ts";
import { batchOf } from "./warm-up.ts";

describe("graphFeeds", () => {
  it.each(["int64", "int32"] as const)("feeds a padded batch as %s: padding has its own id, no weight, and goes on counting", (type) => {
    const inputs = graphInputs.map((name) => ({ name, type }));
    const feeds = graphFeeds(inputs, batchOf([[5, 6, 7], [8]]), 1);
    const values = Object.fromEntries(Object.entries(feeds).map(([name, { data }]) => [name, Array.from(data as BigInt64Array, Number)]));
    expect(values).toEqual({
      input_ids: [5, 6, 7, 8, 1, 1],
      attention_mask: [1, 1, 1, 1, 0, 0],
      token_type_ids: [0, 0, 0, 0, 0, 0],
      position_ids: [0, 1, 2, 0, 1, 2],
    });
    for (const { dims, type: found } of Object.values(feeds)) expect([dims, found]).toEqual([[2, 3], type]);
  });
});
