import { expect, it } from "vitest";
import { mergeChanges } from "./request-side.ts";

it.each([
  ["nothing before", { set: [], remove: [] }, { set: [["a", "1"]], remove: ["b"] }, { set: [["a", "1"]], remove: ["b"] }],
  ["nothing after", { set: [["a", "1"]], remove: ["b"] }, { set: [], remove: [] }, { set: [["a", "1"]], remove: ["b"] }],
  [
    "the later value wins",
    {
      set: [
        ["a", "1"],
        ["c", "3"],
      ],
      remove: [],
    },
    { set: [["a", "2"]], remove: [] },
    {
      set: [
        ["c", "3"],
        ["a", "2"],
      ],
      remove: [],
    },
  ],
  ["a later removal wins", { set: [["a", "1"]], remove: [] }, { set: [], remove: ["a"] }, { set: [], remove: ["a"] }],
  [
    "a later value survives an earlier removal",
    { set: [], remove: ["a"] },
    { set: [["a", "2"]], remove: [] },
    { set: [["a", "2"]], remove: ["a"] },
  ],
] as const)("merges changes: %s", (_name, earlier, later, expected) => {
  expect(mergeChanges(earlier, later)).toEqual(expected);
});
