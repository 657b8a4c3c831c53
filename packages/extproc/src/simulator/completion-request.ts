import { z } from "zod";
import { tokensOf } from "./answers.ts";
import { ApiError } from "./api-error.ts";

/**
 * The part of a completion request that the simulator acts on, for both endpoints. Other fields are accepted and ignored.
 */

const content = z.union([z.string(), z.array(z.looseObject({ type: z.string(), text: z.string().optional() })), z.null()]);
const shared = {
  model: z.string(),
  stream: z.boolean().nullish(),
  stream_options: z.looseObject({ include_usage: z.boolean().nullish() }).nullish(),
  max_tokens: z.int().min(1).nullish(),
};
const chatRequest = z.looseObject({
  ...shared,
  messages: z.array(z.looseObject({ role: z.string(), content: content.optional() })).min(1),
  max_completion_tokens: z.int().min(1).nullish(),
});
const textRequest = z.looseObject({ ...shared, prompt: z.union([z.string(), z.tuple([z.string()])]) });

/** CompletionRequest is a request as the simulator sees it. */
export interface CompletionRequest {
  readonly kind: "chat" | "text";
  readonly model: string;
  readonly stream: boolean;
  readonly includeUsage: boolean;
  readonly maxTokens: number | null;
  /** What echo mode answers: the last user message, or the prompt. */
  readonly userText: string;
  readonly promptTokens: number;
}

/** readCompletionRequest reads a body. Throws ApiError 400 in vLLM's shape, naming the field. */
export function readCompletionRequest(kind: "chat" | "text", body: Buffer): CompletionRequest {
  let parsed: unknown;
  try {
    parsed = JSON.parse(body.toString("utf8"));
  } catch {
    throw new ApiError(400, "BadRequestError", "the request body is not valid JSON");
  }
  return kind === "chat" ? chat(parsed) : text(parsed);
}

function chat(parsed: unknown): CompletionRequest {
  const request = read(chatRequest, parsed);
  const user = request.messages.findLast((message) => message.role === "user");
  let promptTokens = 0;
  for (const message of request.messages) promptTokens += tokensOf(contentText(message.content)).length;
  return {
    kind: "chat",
    model: request.model,
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    maxTokens: request.max_completion_tokens ?? request.max_tokens ?? null,
    userText: contentText(user?.content),
    promptTokens,
  };
}

function text(parsed: unknown): CompletionRequest {
  const request = read(textRequest, parsed);
  const prompt = typeof request.prompt === "string" ? request.prompt : request.prompt[0];
  return {
    kind: "text",
    model: request.model,
    stream: request.stream ?? false,
    includeUsage: request.stream_options?.include_usage ?? false,
    maxTokens: request.max_tokens ?? null,
    userText: prompt,
    promptTokens: tokensOf(prompt).length,
  };
}

function contentText(value: z.output<typeof content> | undefined): string {
  if (typeof value === "string") return value;
  return (value ?? []).flatMap((part) => (part.text === undefined ? [] : [part.text])).join("\n");
}

function read<Schema extends z.ZodType>(schema: Schema, parsed: unknown): z.output<Schema> {
  const result = schema.safeParse(parsed);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue?.path.join(".") || "body";
  throw new ApiError(400, "BadRequestError", `${field}: ${issue?.message ?? "invalid"}`, field);
}
