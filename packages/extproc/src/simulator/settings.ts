import { z } from "zod";
import { RouterError } from "@turnout/shared";

/**
 * Settings of the backend simulator, named after llm-d-inference-sim's flags. Durations are milliseconds. flags.ts fills them
 * from a command line, tests and `npm start` from an object.
 */

/** FAILURE_TYPES are the failures that can be injected, as llm-d names them. */
export const FAILURE_TYPES = [
  "rate_limit",
  "invalid_api_key",
  "context_length",
  "server_error",
  "invalid_request",
  "model_not_found",
] as const;
export type FailureType = (typeof FAILURE_TYPES)[number];

const milliseconds = z.number().min(0).max(3_600_000);

export const simulatorSettings = z.strictObject({
  /** Base model's name. */
  model: z.string().min(1),
  /** Adapters loaded at the start. */
  loraModules: z
    .array(z.strictObject({ name: z.string().min(1), path: z.string().default(""), base_model_name: z.string().optional() }))
    .default([]),
  /** Different adapters that run at once; others wait. */
  maxLoras: z.int().min(1).default(1),
  /** Requests that run at once; others wait. */
  maxNumSeqs: z.int().min(1).default(5),
  /** Requests that may wait; one more is refused with 429. */
  maxWaitingQueueLength: z.int().min(0).default(1000),
  /** Prompt and completion together, tokens. */
  maxModelLen: z.int().min(1).default(1024),
  /** echo answers with the user's text, random with sentences chosen by the seed. */
  mode: z.enum(["echo", "random"]).default("random"),
  timeToFirstTokenMs: milliseconds.default(0),
  timeToFirstTokenStdDevMs: milliseconds.default(0),
  interTokenLatencyMs: milliseconds.default(0),
  interTokenLatencyStdDevMs: milliseconds.default(0),
  /** How much slower everything is when maxNumSeqs requests run; less with fewer, 1 with one. */
  timeFactorUnderLoad: z.number().min(1).default(1),
  /** Percent of requests that fail. */
  failureInjectionRate: z.number().min(0).max(100).default(0),
  failureTypes: z
    .array(z.enum(FAILURE_TYPES))
    .min(1)
    .default([...FAILURE_TYPES]),
  seed: z.int().default(1),
  /** Value of the response header x-inference-pod. */
  podName: z.string().min(1).default("simulator-0"),
  /** How many requests `requests` remembers. */
  keepRequests: z.int().min(0).default(100),
});

/** SimulatorSettings are complete and checked. */
export type SimulatorSettings = z.output<typeof simulatorSettings>;
/** SimulatorInput is what a caller writes; only `model` is needed. */
export type SimulatorInput = z.input<typeof simulatorSettings>;

/** readSettings fills defaults in. Throws RouterError("config_invalid") naming every setting that is wrong. */
export function readSettings(input: SimulatorInput): SimulatorSettings {
  const read = simulatorSettings.safeParse(input);
  if (read.success) return read.data;
  const problems = read.error.issues.map((issue) => `${issue.path.join(".") || "settings"}: ${issue.message}`);
  throw new RouterError("config_invalid", `simulator: ${problems.join("; ")}`);
}
