/**
 * Which requests may be answered from the cache at all, and which by meaning. The rules look at the request alone; who asks is
 * scope's, what the decision allows is the policy's. Pure.
 *
 * Most clients send no temperature. They have not asked for variety, and would be served a fresh sample only because of a default they
 * do not know; so absent counts as `absentTemperature`, 0 unless configured. A temperature that was sent is a wish: above
 * `maxTemperature` the client wants another answer each time, and is not served the last one unless `allowSampled` says so.
 */
import type { CanonicalRequest } from "./canonical-request.ts";
import { isRecord } from "./lossless-json.ts";
import { isVolatile } from "./volatile-words.ts";

export interface EligibilitySettings {
  /** Highest temperature whose answers are cached. */
  readonly maxTemperature: number;
  /** What a request without a temperature counts as; 1 takes the protocol's default at its word. */
  readonly absentTemperature: number;
  /** Cache whatever the temperature. */
  readonly allowSampled: boolean;
  /** Bounds of the user's words for a semantic hit, in tokens of four bytes of UTF-8. */
  readonly minTokens: number;
  readonly maxTokens: number;
}

export const defaultEligibility: EligibilitySettings = {
  maxTemperature: 0.3,
  absentTemperature: 0,
  allowSampled: false,
  minTokens: 3,
  maxTokens: 512,
};

/** Why a request is not cached, not even for itself. */
export type ExactBar =
  /** The client asks for variety. */
  | "sampled"
  /** The model looks things up while it answers. */
  | "live_search"
  /** The provider runs tools while it answers. */
  | "hosted_tool";

/** Why a request is not answered by meaning. */
export type SemanticBar =
  | ExactBar
  /** A raw prompt is gone on from, letter by letter; only itself is like it. */
  | "raw_prompt"
  | "no_user_text"
  | "several_texts"
  /** Images, audio, files: the words are not the question. */
  | "other_parts"
  | "other_modality"
  /** Tools may be called, or were. */
  | "tools"
  | "several_choices"
  | "logprobs"
  /** The answer has the question in it: another's. */
  | "repeated_prompt"
  | "seeded"
  | "too_short"
  | "too_long"
  | "volatile";

export type Verdict<Bar extends string> = { readonly allowed: true } | { readonly allowed: false; readonly reason: Bar };

/** exactEligibility tells whether the same request may be given the same answer. */
export function exactEligibility(request: CanonicalRequest, settings: EligibilitySettings): Verdict<ExactBar> {
  return verdict(exactBar(request, settings));
}

/** semanticEligibility tells whether another request's answer may do, if it is alike. Where it is allowed, lastUserText is not null. */
export function semanticEligibility(request: CanonicalRequest, settings: EligibilitySettings): Verdict<SemanticBar> {
  return verdict(exactBar(request, settings) ?? parametersBar(request.body) ?? conversationBar(request) ?? wordsBar(request, settings));
}

function verdict<Bar extends string>(reason: Bar | null): Verdict<Bar> {
  return reason === null ? { allowed: true } : { allowed: false, reason };
}

type Members = Readonly<Record<string, unknown>>;

/** isUnset: clients write null for "your default". */
function isUnset(value: unknown): boolean {
  return value === undefined || value === null;
}

function exactBar({ body }: CanonicalRequest, { maxTemperature, absentTemperature, allowSampled }: EligibilitySettings): ExactBar | null {
  if (!isUnset(body["web_search_options"])) return "live_search";
  if (listIn(body, "tools").some((tool) => !isRecord(tool) || (tool["type"] !== "function" && tool["type"] !== "custom")))
    return "hosted_tool";
  const { temperature } = body;
  const assumed = isUnset(temperature) ? absentTemperature : temperature;
  const steady = typeof assumed === "number" && assumed <= maxTemperature;
  return steady || allowSampled ? null : "sampled";
}

/** REPEATS_PROMPT are parameters of vLLM by which an answer tells what was asked. */
const REPEATS_PROMPT = ["echo", "prompt_logprobs", "return_token_ids"] as const;

function parametersBar(body: Members): SemanticBar | null {
  if (!isUnset(body["seed"])) return "seeded";
  if (!isUnset(body["logprobs"]) && body["logprobs"] !== false) return "logprobs";
  if (!isUnset(body["top_logprobs"])) return "logprobs";
  if (REPEATS_PROMPT.some((name) => !isUnset(body[name]) && body[name] !== false)) return "repeated_prompt";
  if (!isUnset(body["n"]) && body["n"] !== 1) return "several_choices";
  if (!isUnset(body["audio"])) return "other_modality";
  if (!isUnset(body["modalities"]) && !listIn(body, "modalities").every((modality) => modality === "text")) return "other_modality";
  if (isUsed(body["tools"]) || isUsed(body["functions"])) return "tools";
  return null;
}

function conversationBar({ body, protocol, lastUserText }: CanonicalRequest): SemanticBar | null {
  if (protocol === "completions") return "raw_prompt";
  const messages = listIn(body, "messages");
  for (const message of messages) {
    if (!isRecord(message)) return "no_user_text";
    if (message["role"] === "tool" || message["role"] === "function") return "tools";
    if (isUsed(message["tool_calls"]) || isUsed(message["function_call"])) return "tools";
    if (!isUnset(message["audio"]) || !listIn(message, "content").every(isTextPart)) return "other_parts";
  }
  if (lastUserText !== null) return null;
  const last = messages.at(-1);
  return isRecord(last) && last["role"] === "user" && listIn(last, "content").length > 0 ? "several_texts" : "no_user_text";
}

function wordsBar({ lastUserText }: CanonicalRequest, { minTokens, maxTokens }: EligibilitySettings): SemanticBar | null {
  const words = lastUserText ?? "";
  const tokens = Math.ceil(Buffer.byteLength(words) / 4);
  if (tokens < minTokens) return "too_short";
  if (tokens > maxTokens) return "too_long";
  return isVolatile(words) ? "volatile" : null;
}

function isTextPart(part: unknown): boolean {
  return isRecord(part) && (part["type"] === "text" || part["type"] === "refusal");
}

function isUsed(value: unknown): boolean {
  return !isUnset(value) && !(Array.isArray(value) && value.length === 0);
}

function listIn(members: Members, name: string): readonly unknown[] {
  const value = members[name];
  return Array.isArray(value) ? value : [];
}
