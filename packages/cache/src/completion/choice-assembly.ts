/**
 * Puts one choice together, from one piece or from many. What it does not know it keeps where the piece is the whole, and refuses
 * where it could be a part: a lost part would be a wrong answer. Called by completion-assembly.ts.
 */
import type { Budget } from "./budget.ts";
import { FINISHED, REASONING, type FinishReason, type Members, type StoredChoice, type StoredMessage } from "./completion.ts";
import { isMembers, isNothing } from "./json.ts";
import type { RefusalReason } from "./refusal.ts";
import { InvocationAssembly, isInvocation, isToolCall, ToolCallAssembly, wholeToolCall } from "./tool-call-assembly.ts";
import { filterVerdict } from "./filter-verdict.ts";
import type { Protocol } from "../identity/index.ts";

/** Form of what is added: a whole answer, or a chunk of one. */
export type Form = "whole" | "chunk";

/** More is not offered by anybody. */
const MAX_TOOL_CALLS = 128;

export class ChoiceAssembly {
  readonly #index: number;
  readonly #protocol: Protocol;
  readonly #budget: Budget;
  #role: string | null = null;
  #content: string | null = null;
  readonly #reasoning = new Map<string, string>();
  readonly #toolCalls = new Map<number, ToolCallAssembly>();
  #wholeCalls: readonly unknown[] = [];
  #functionCall: InvocationAssembly | null = null;
  #wholeFunctionCall: unknown = null;
  #annotations: readonly unknown[] = [];
  #finish: FinishReason | null = null;
  readonly #logprobs = new Map<string, unknown[]>();
  readonly #messageMembers = new Map<string, unknown>();
  readonly #members = new Map<string, unknown>();

  constructor(index: number, protocol: Protocol, budget: Budget) {
    this.#index = index;
    this.#protocol = protocol;
    this.#budget = budget;
  }

  get finished(): boolean {
    return this.#finish !== null;
  }

  add(choice: Members, form: Form): RefusalReason | null {
    for (const [name, value] of Object.entries(choice)) {
      if (isNothing(value)) continue;
      const refusal = this.#member(name, value, form);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  /** end gives the choice, if it is whole. */
  end(): StoredChoice | RefusalReason {
    if (this.#finish === null) return "aborted";
    const byIndex = [...this.#toolCalls].sort(([one], [other]) => one - other);
    const toolCalls = [...this.#wholeCalls, ...byIndex.map(([, call]) => call.value)];
    const functionCall = this.#functionCall?.value ?? this.#wholeFunctionCall;
    if (!toolCalls.every(isToolCall) || !(functionCall === null || isInvocation(functionCall))) return "malformed";
    if ((this.#content ?? "").trim() === "" && toolCalls.length === 0 && functionCall === null) return "empty";
    const message: StoredMessage = {
      ...Object.fromEntries(this.#messageMembers),
      role: this.#role ?? "assistant",
      content: this.#content,
      ...Object.fromEntries(this.#reasoning),
      ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls }),
      ...(functionCall === null ? {} : { function_call: functionCall }),
      ...(this.#annotations.length === 0 ? {} : { annotations: this.#annotations }),
    };
    return {
      index: this.#index,
      message,
      logprobs: this.#logprobs.size === 0 ? null : Object.fromEntries(this.#logprobs),
      finish_reason: this.#finish,
      members: Object.fromEntries(this.#members),
    };
  }

  #member(name: string, value: unknown, form: Form): RefusalReason | null {
    switch (name) {
      case "index":
        return null;
      case "text":
      case "message":
      case "delta":
        if (name !== placeOf(this.#protocol, form)) return "malformed";
        return name === "text" ? this.#text(value) : this.#message(value, form);
      case "logprobs":
        return this.#addLogprobs(value);
      case "finish_reason":
        return this.#finishWith(value);
      case "error":
        return "error";
      default: {
        const verdict = filterVerdict(name, value);
        if (verdict !== null) return verdict === "clean" ? null : verdict;
        // Told twice, it may be in pieces.
        if (this.#members.has(name)) return "unknown_delta";
        this.#members.set(name, value);
        return this.#budget.spendMember(name, value);
      }
    }
  }

  #message(message: unknown, form: Form): RefusalReason | null {
    if (!isMembers(message)) return "malformed";
    for (const [name, value] of Object.entries(message)) {
      if (isNothing(value)) continue;
      const refusal = this.#messageMember(name, value, form);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #messageMember(name: string, value: unknown, form: Form): RefusalReason | null {
    switch (name) {
      case "role":
        if (typeof value !== "string") return "malformed";
        this.#role ??= value;
        return this.#budget.spendText(value);
      case "content":
        return this.#text(value);
      case "reasoning_content":
      case "reasoning":
        return this.#reason(name, value);
      case "refusal":
        return value === "" ? null : "refusal";
      case "audio":
        return "audio";
      case "tool_calls":
        return this.#addToolCalls(value, form);
      case "function_call":
        if (form === "whole") {
          this.#wholeFunctionCall = value;
          return this.#budget.spendJson(value);
        }
        this.#functionCall ??= new InvocationAssembly("function", this.#budget);
        return this.#functionCall.add(value);
      case "annotations":
        return this.#annotate(value);
      default:
        if (form === "chunk") return "unknown_delta";
        this.#messageMembers.set(name, value);
        return this.#budget.spendMember(name, value);
    }
  }

  #text(value: unknown): RefusalReason | null {
    if (typeof value !== "string") return "malformed";
    this.#content = (this.#content ?? "") + value;
    return this.#budget.spendText(value);
  }

  #reason(name: (typeof REASONING)[number], value: unknown): RefusalReason | null {
    if (typeof value !== "string") return "malformed";
    if (value !== "") this.#reasoning.set(name, (this.#reasoning.get(name) ?? "") + value);
    return this.#budget.spendText(value);
  }

  #addToolCalls(calls: unknown, form: Form): RefusalReason | null {
    if (!Array.isArray(calls)) return "malformed";
    if (form === "whole") {
      this.#wholeCalls = calls.map(wholeToolCall);
      return this.#budget.spendJson(calls);
    }
    for (const delta of calls as readonly unknown[]) {
      const index = isMembers(delta) ? delta["index"] : null;
      // Servers that leave the index out have been seen to mix parallel calls up.
      if (!isMembers(delta) || !isIndex(index, MAX_TOOL_CALLS)) return "malformed";
      let call = this.#toolCalls.get(index);
      let refusal: RefusalReason | null = null;
      if (call === undefined) {
        call = new ToolCallAssembly(this.#budget);
        this.#toolCalls.set(index, call);
        refusal = this.#budget.spendObject();
      }
      refusal ??= call.add(delta);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  #annotate(value: unknown): RefusalReason | null {
    if (!Array.isArray(value)) return "malformed";
    if (value.length === 0) return null;
    // Nobody says whether a second list continues the first or replaces it.
    if (this.#annotations.length > 0) return "unknown_delta";
    this.#annotations = value;
    return this.#budget.spendJson(value);
  }

  #addLogprobs(value: unknown): RefusalReason | null {
    if (!isMembers(value)) return "malformed";
    for (const [name, list] of Object.entries(value)) {
      if (isNothing(list)) continue;
      if (!Array.isArray(list)) return "malformed";
      const known = this.#logprobs.get(name);
      const refusal = known === undefined ? this.#budget.spendMember(name, list) : this.#budget.spendJson(list);
      if (refusal !== null) return refusal;
      if (known === undefined) this.#logprobs.set(name, [...(list as readonly unknown[])]);
      else for (const entry of list as readonly unknown[]) known.push(entry);
    }
    return null;
  }

  #finishWith(value: unknown): RefusalReason | null {
    if (value === "") return null;
    if (value === "length" || value === "content_filter") return value;
    const reason = FINISHED.find((known) => known === value);
    if (reason === undefined) return "unknown_finish";
    if (this.#finish !== null && this.#finish !== reason) return "malformed";
    this.#finish = reason;
    return null;
  }
}

export function isIndex(value: unknown, limit: number): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value < limit;
}

/** placeOf is the member of a choice that holds what the model says. */
function placeOf(protocol: Protocol, form: Form): "text" | "message" | "delta" {
  if (protocol === "completions") return "text";
  return form === "whole" ? "message" : "delta";
}
