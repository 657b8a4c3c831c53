import { z } from "zod";
import { providersSchema, routingSchema } from "../routing/schema.ts";
import { duration } from "./duration.ts";
import { globalSchema } from "./global-schema.ts";
import { turnoutSchema } from "./turnout-schema.ts";

/**
 * The v0.3 document as a whole. `routing` and `providers` come from the router, which builds them from its registries: a new
 * signal, algorithm or plugin changes nothing here.
 */

const listener = z.strictObject({
  name: z.string().min(1).describe("For logs and metrics."),
  address: z.string().min(1).default("127.0.0.1").describe("Address that Turnout's own HTTP gateway listens on."),
  port: z.int().min(0).max(65_535).describe("0 takes a free one."),
  timeout: duration.optional().describe('Longest time for one whole request, for example "300s".'),
});

export const documentSchema = z.strictObject({
  version: z.literal("v0.3").describe("Version of the configuration format."),
  listeners: z.array(listener).default([]).describe("Where Turnout's own HTTP gateway listens; empty behind Envoy or agentgateway."),
  providers: providersSchema.describe("Models and where they run."),
  routing: routingSchema.describe("Signals, decisions and the models they choose from."),
  global: globalSchema.prefault({}).describe("Settings of the whole router, as in vLLM Semantic Router."),
  turnout: turnoutSchema.prefault({}).describe("Turnout's own settings."),
});

/** ConfigDocument is the document with all defaults in place; names stay snake_case, as in the file. */
export type ConfigDocument = z.output<typeof documentSchema>;
