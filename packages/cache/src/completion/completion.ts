/**
 * A model's answer as it is kept: what a response without `stream` would hold, less what belongs to one request (id, time, object).
 * Names inside are the protocol's own. Both ways an answer may come end in this form, and both ways to give it start from it. Pure.
 *
 * The normal form: members that are null are absent, and so are empty lists and empty reasoning; `content` is always there.
 */
import { z } from "zod";

/** Members of a JSON object. */
export type Members = Readonly<Record<string, unknown>>;

export interface StoredCompletion {
  /** What the upstream called its model; null when it did not say. */
  readonly model: string | null;
  /** At least one, their indexes are 0, 1, 2 … */
  readonly choices: readonly StoredChoice[];
  /** Null when the upstream did not count. */
  readonly usage: Members | null;
  /** Everything else beside the choices: system_fingerprint, service_tier, what nobody here knows. */
  readonly members: Members;
}

export interface StoredChoice {
  readonly index: number;
  /** A text completion's text is its message's content. */
  readonly message: StoredMessage;
  /** Lists by name: `content` of a chat, `tokens`, `token_logprobs` … of a text completion. */
  readonly logprobs: Readonly<Record<string, readonly unknown[]>> | null;
  readonly finish_reason: FinishReason;
  /** Everything else of the choice, such as vLLM's stop_reason. */
  readonly members: Members;
}

/** StoredMessage may have members that nobody here knows, if the answer came in one piece. */
export interface StoredMessage extends Members {
  readonly role: string;
  readonly content: string | null;
  readonly reasoning_content?: string;
  readonly reasoning?: string;
  readonly tool_calls?: readonly ToolCall[];
  readonly function_call?: Invocation;
  readonly annotations?: readonly unknown[];
}

/** ToolCall of the usual type has `function`, one of type "custom" has `custom`. */
export interface ToolCall extends Members {
  readonly id?: string;
  readonly type: string;
  readonly function?: Invocation;
  readonly custom?: CustomInvocation;
}

export interface Invocation extends Members {
  readonly name: string;
  readonly arguments: string;
}

export interface CustomInvocation extends Members {
  readonly name: string;
  readonly input: string;
}

/** REASONING are the two names that the text of a model's thinking goes by. */
export const REASONING = ["reasoning_content", "reasoning"] as const;

/** FINISHED are the ends of a whole answer. */
export const FINISHED = ["stop", "tool_calls", "function_call"] as const;
export type FinishReason = (typeof FINISHED)[number];

/** textOf is what a completion says to a reader; empty where it calls tools, for then its text is not all of it. */
export function textOf({ choices }: StoredCompletion): string {
  if (choices.some(({ message }) => message.tool_calls !== undefined || message.function_call !== undefined)) return "";
  return choices.map(({ message }) => message.content ?? "").join("\n");
}

const members = z.record(z.string(), z.unknown());
const invocation = z.looseObject({ name: z.string().min(1), arguments: z.string() });

/** toolCallSchema is what a tool call must be, whichever way it came. */
export const toolCallSchema = z.union([
  z.looseObject({ id: z.string().optional(), type: z.literal("function"), function: invocation }),
  z.looseObject({
    id: z.string().optional(),
    type: z.literal("custom"),
    custom: z.looseObject({ name: z.string().min(1), input: z.string() }),
  }),
]);

export const invocationSchema = invocation;

/** completionSchema is what rendering relies on; it is asked of what comes out of a store. */
export const completionSchema = z.object({
  model: z.string().nullable(),
  choices: z
    .array(
      z.object({
        index: z.int().min(0),
        message: z.looseObject({
          role: z.string(),
          content: z.string().nullable(),
          reasoning_content: z.string().optional(),
          reasoning: z.string().optional(),
          tool_calls: z.array(toolCallSchema).optional(),
          function_call: invocation.optional(),
          annotations: z.array(z.unknown()).optional(),
        }),
        logprobs: z.record(z.string(), z.array(z.unknown())).nullable(),
        finish_reason: z.enum(FINISHED),
        members,
      }),
    )
    .min(1),
  usage: members.nullable(),
  members,
});
