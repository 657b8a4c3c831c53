import { expect, it } from "vitest";
import type { ServedModel } from "./replica.ts";
import { preferredModel } from "./replica-set.ts";

const model = (revision: string, toldAt = 0): ServedModel => ({
  identity: `m@${revision}`,
  toldAt,
  encoder: { model: "m", revision, dimension: 8 },
});

it.each([
  ["nobody serves, nothing known", null, [], null],
  ["nobody serves, keep what was", "r1", [], "r1"],
  ["first sight", null, ["r1"], "r1"],
  ["first sight, in the middle of a rollout", null, ["r1", "r2", "r2"], "r2"],
  ["a minority is newer", "r1", ["r1", "r1", "r2"], "r1"],
  ["half is newer", "r1", ["r1", "r2"], "r1"],
  ["most are newer", "r1", ["r1", "r2", "r2"], "r2"],
  ["none is left", "r1", ["r2"], "r2"],
  ["a rollback", "r2", ["r1", "r1", "r2"], "r1"],
  ["three revisions, ours has half", "r1", ["r1", "r1", "r2", "r3"], "r1"],
])("%s", (_case, present, serving, expected) => {
  expect(
    preferredModel(
      present === null ? null : model(present),
      serving.map((revision) => model(revision)),
    )?.encoder.revision ?? null,
  ).toBe(expected);
});

it("describes the model as who spoke last does, whether it is kept or new", () => {
  const serving = [model("r1", 5), model("r1", 9), model("r2", 20), model("r1", 7)];
  for (const present of [model("r1", 1), null]) expect(preferredModel(present, serving)?.toldAt).toBe(9);
});
