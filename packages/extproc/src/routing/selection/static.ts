/** Static selection: the first candidate, always. */
import { defineAlgorithm } from "@turnout/shared";
import { z } from "zod";

export const staticSelection = defineAlgorithm({
  type: "static",
  summary: "Takes the first of the decision's modelRefs.",
  options: z.strictObject({}),
  repeatable: true,
  create: () => ({
    select(candidates) {
      const [candidate] = candidates;
      if (candidate === undefined) throw new TypeError("static selection was asked to choose from nothing. This is a bug.");
      return { candidate, algorithm: "static", why: "first candidate" };
    },
  }),
});
