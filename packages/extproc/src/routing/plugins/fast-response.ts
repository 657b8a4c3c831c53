/** fast_response answers the client itself, without any model: the way a decision blocks a request. */
import { definePlugin } from "@turnout/shared";
import { z } from "zod";

export const fastResponse = definePlugin({
  type: "fast_response",
  summary: "Answers at once with a fixed message, as a completion (JSON, or SSE when the client streams).",
  when: "beforeSelection",
  configuration: z.strictObject({
    enabled: z.boolean().default(true).describe("false: the plugin does nothing."),
    message: z.string().min(1).describe("The assistant's message."),
  }),
  create: ({ enabled, message }) => ({ onRequest: () => (enabled ? [{ kind: "respondWithText", text: message }] : []) }),
});
