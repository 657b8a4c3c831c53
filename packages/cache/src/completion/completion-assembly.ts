/**
 * Puts a completion together, from one body or from the chunks of a stream: both take the same way, so that they end in the same
 * form. Called by accumulate.ts.
 */
import { isDeepStrictEqual } from "node:util";
import { Budget } from "./budget.ts";
import { ChoiceAssembly, isIndex, type Form } from "./choice-assembly.ts";
import type { Members, StoredChoice, StoredCompletion } from "./completion.ts";
import { filterVerdict } from "./filter-verdict.ts";
import { isMembers, isNothing } from "./json.ts";
import type { RefusalReason } from "./refusal.ts";
import type { Protocol } from "../identity/index.ts";

const OBJECTS = {
  chat: { whole: "chat.completion", chunk: "chat.completion.chunk" },
  completions: { whole: "text_completion", chunk: "text_completion" },
} as const;

/** OpenAI's own limit of `n`. */
const MAX_CHOICES = 128;

/** Members that tell of one exchange, and would be untrue or harmful when told again. */
const OF_ONE_EXCHANGE: ReadonlySet<string> = new Set([
  "id",
  "object",
  "created",
  "obfuscation", // padding against the measuring of lengths
  "metrics", // vLLM: times of this run
  "timings", // llama.cpp, the same
  "time_info", // Cerebras, the same
  "x_groq", // request id, times
  "kv_transfer_params", // vLLM: handles of a cache that is gone
  "ec_transfer_params",
]);

export class CompletionAssembly {
  readonly #protocol: Protocol;
  readonly #budget: Budget;
  readonly #choices = new Map<number, ChoiceAssembly>();
  readonly #members = new Map<string, unknown>();
  #model: string | null = null;
  #usage: Members | null = null;

  constructor(protocol: Protocol, maxBytes: number) {
    this.#protocol = protocol;
    this.#budget = new Budget(maxBytes);
  }

  /** add gives the reason why the completion cannot be kept, as soon as there is one. */
  add(body: unknown, form: Form): RefusalReason | null {
    if (body === null) return "not_json";
    if (!isMembers(body)) return "wrong_object";
    const { object, choices, error } = body;
    if (!isNothing(error) || object === "error") return "error";
    if (!Array.isArray(choices)) return "wrong_object";
    // Azure's first chunk has the verdict on the prompt and is of no kind.
    const blank = form === "chunk" && choices.length === 0 && object === "";
    if (object !== OBJECTS[this.#protocol][form] && !blank) return "wrong_object";
    for (const [position, choice] of (choices as readonly unknown[]).entries()) {
      const refusal = this.#addChoice(choice, position, form);
      if (refusal !== null) return refusal;
    }
    for (const [name, value] of Object.entries(body)) {
      if (name === "choices" || OF_ONE_EXCHANGE.has(name) || isNothing(value)) continue;
      const refusal = this.#addMember(name, value);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  /** finished once there are choices and all of them have ended. Whether more are to come, only the stream's end can tell. */
  get finished(): boolean {
    if (this.#choices.size === 0) return false;
    for (const choice of this.#choices.values()) if (!choice.finished) return false;
    return true;
  }

  end(): StoredCompletion | RefusalReason {
    if (this.#choices.size === 0) return "empty";
    const choices: StoredChoice[] = [];
    for (let index = 0; index < this.#choices.size; index += 1) {
      const choice = this.#choices.get(index)?.end() ?? "malformed";
      if (typeof choice === "string") return choice;
      choices.push(choice);
    }
    if (choices.some(({ finish_reason }) => finish_reason !== choices[0]?.finish_reason)) return "mixed_finish";
    const refusal = this.#usage === null ? null : this.#budget.spendJson(this.#usage);
    return refusal ?? { model: this.#model, choices, usage: this.#usage, members: Object.fromEntries(this.#members) };
  }

  #addChoice(choice: unknown, position: number, form: Form): RefusalReason | null {
    if (!isMembers(choice)) return "malformed";
    const index = choice["index"] ?? (form === "whole" ? position : null);
    if (!isIndex(index, MAX_CHOICES)) return "malformed";
    let assembly = this.#choices.get(index);
    if (assembly !== undefined) return form === "whole" ? "malformed" : assembly.add(choice, form);
    assembly = new ChoiceAssembly(index, this.#protocol, this.#budget);
    this.#choices.set(index, assembly);
    return this.#budget.spendObject() ?? assembly.add(choice, form);
  }

  #addMember(name: string, value: unknown): RefusalReason | null {
    if (name === "model") {
      if (typeof value !== "string") return "malformed";
      if (value === "" || this.#model !== null) return null;
      this.#model = value;
      return this.#budget.spendText(value);
    }
    if (name === "usage") {
      if (!isMembers(value)) return "malformed";
      // Where every chunk has one, it counts up.
      this.#usage = value;
      return null;
    }
    const verdict = filterVerdict(name, value);
    if (verdict !== null) return verdict === "clean" ? null : verdict;
    // Chunks repeat what is true of the whole; what changes may be in pieces.
    const known = this.#members.get(name);
    if (known !== undefined) return known === value || isDeepStrictEqual(known, value) ? null : "unknown_delta";
    this.#members.set(name, value);
    return this.#budget.spendMember(name, value);
  }
}
