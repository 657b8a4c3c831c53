import { expect, it } from "vitest";
import type { ServedModel } from "./replica.ts";
import { preferredModel } from "./replica-set.ts";

const model = (revision: string): ServedModel => ({ identity: `m@${revision}`, encoder: { model: "m", revision, dimension: 8 } });

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
  expect(preferredModel(present === null ? null : model(present), serving.map(model))?.encoder.revision ?? null).toBe(expected);
});
