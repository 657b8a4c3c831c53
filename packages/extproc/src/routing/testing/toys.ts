/** A signal, an algorithm and a plugin that no product has, for the test that adding one takes a file and a line. */
import { defineAlgorithm, definePlugin, defineSignal } from "@turnout/shared";
import { z } from "zod";

export const shouting = defineSignal({
  type: "shouting",
  configKey: "shouts",
  header: "shouts",
  needs: "nothing",
  summary: "Matches text in capitals.",
  rule: z.strictObject({ name: z.string().min(1), least_letters: z.int().min(1).default(3).describe("Capitals needed.") }),
  create: (rules) => ({
    evaluate: ({ userText }) => ({
      matches: rules
        .filter(({ least_letters }) => userText === userText.toUpperCase() && userText.replace(/\P{Lu}/gu, "").length >= least_letters)
        .map(({ name }) => ({ rule: name, confidence: 0.75 })),
    }),
  }),
});

export const longestName = defineAlgorithm({
  type: "longest_name",
  summary: "Takes the adapter with the longest name.",
  repeatable: true,
  options: z.strictObject({ at_most: z.int().min(1).default(64) }),
  create: ({ at_most }) => ({
    select(candidates) {
      const length = ({ lora }: (typeof candidates)[number]) => Math.min(lora?.length ?? 0, at_most);
      const candidate = candidates.reduce((best, next) => (length(next) > length(best) ? next : best));
      return { candidate, algorithm: "longest_name", why: `${length(candidate)} characters` };
    },
  }),
});

export const stamp = definePlugin({
  type: "stamp",
  aliases: ["postmark"],
  summary: "Marks the request.",
  when: "afterSelection",
  configuration: z.strictObject({ text: z.string().min(1) }),
  create: ({ text }) => ({ onRequest: () => [{ kind: "setRequestHeader", name: "x-stamp", value: text }] }),
});
