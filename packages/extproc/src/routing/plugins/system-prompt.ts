/** system_prompt puts the decision's own instructions into the request's first message. */
import { definePlugin } from "@turnout/shared";
import { z } from "zod";

export const systemPrompt = definePlugin({
  type: "system_prompt",
  summary: "Inserts the decision's system prompt before the client's, or replaces it.",
  when: "afterSelection",
  configuration: z.strictObject({
    enabled: z.boolean().default(true).describe("false: the plugin does nothing."),
    mode: z.enum(["insert", "replace"]).default("insert").describe("Before the client's own system prompt, or instead of it."),
    system_prompt: z.string().default("").describe("The instructions; empty changes nothing."),
  }),
  create: ({ enabled, mode, system_prompt: text }) => ({
    onRequest: () => (enabled && text !== "" ? [{ kind: "setSystemPrompt", text, mode }] : []),
  }),
});
