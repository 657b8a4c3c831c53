/** header_mutation sets and removes headers of the request that goes to the model. `add` and `update` are the same operation, as in vSR. */
import { definePlugin, type Effect } from "@turnout/shared";
import { z } from "zod";

/** FRAMING_HEADERS say where a message ends or whom it is for; changing them from a configuration breaks the request. */
const FRAMING_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-encoding",
  "content-length",
  "host",
  "te",
  "transfer-encoding",
  "upgrade",
]);

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, "expected an HTTP header name (pseudo headers cannot be changed)")
  .transform((name) => name.toLowerCase())
  .refine((name) => !FRAMING_HEADERS.has(name), "this header frames the message and cannot be changed");

const headerValue = z.string().regex(/^[^\0\r\n]*$/, "a header value cannot contain line breaks");
const headerList = z.array(z.strictObject({ name: headerName, value: headerValue })).default([]);

export const headerMutation = definePlugin({
  type: "header_mutation",
  summary: "Sets and removes request headers on the way to the model.",
  when: "afterSelection",
  configuration: z.strictObject({
    enabled: z.boolean().default(true).describe("false: the plugin does nothing."),
    add: headerList.describe("Headers to set, each with `name` and `value`; one that is there is overwritten."),
    update: headerList.describe("The same as add."),
    delete: z.array(headerName).default([]).describe("Names of headers to remove; done before the others are set."),
  }),
  create(configuration) {
    const effects: Effect[] = configuration.enabled
      ? [
          ...configuration.delete.map((name): Effect => ({ kind: "removeRequestHeader", name })),
          ...[...configuration.add, ...configuration.update].map(({ name, value }): Effect => ({ kind: "setRequestHeader", name, value })),
        ]
      : [];
    return { onRequest: () => effects };
  },
});
