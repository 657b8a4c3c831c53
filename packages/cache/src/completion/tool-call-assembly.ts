/** Puts calls of tools and functions together from their deltas. Called by choice-assembly.ts. */
import type { Budget } from "./budget.ts";
import { invocationSchema, toolCallSchema, type Invocation, type ToolCall } from "./completion.ts";
import { isMembers, isNothing } from "./json.ts";
import type { RefusalReason } from "./refusal.ts";

/** The text that a call's name is called with, by the member that holds both. */
const TEXTS = { function: "arguments", custom: "input" } as const;
type Kind = keyof typeof TEXTS;

/** InvocationAssembly is a name, told once or again and again, and a text in pieces. */
export class InvocationAssembly {
  readonly #textName: string;
  readonly #budget: Budget;
  #name = "";
  #text = "";

  constructor(kind: Kind, budget: Budget) {
    this.#textName = TEXTS[kind];
    this.#budget = budget;
  }

  add(delta: unknown): RefusalReason | null {
    if (!isMembers(delta)) return "malformed";
    for (const [name, value] of Object.entries(delta)) {
      if (isNothing(value)) continue;
      if (name !== "name" && name !== this.#textName) return "unknown_delta";
      if (typeof value !== "string") return "malformed";
      if (name === "name") {
        if (isOther(this.#name, value)) return "malformed";
        this.#name ||= value;
      } else this.#text += value;
      const refusal = this.#budget.spendText(value);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  get value(): Readonly<Record<string, string>> {
    return { name: this.#name, [this.#textName]: this.#text };
  }
}

/** ToolCallAssembly is one of a message's calls. */
export class ToolCallAssembly {
  readonly #budget: Budget;
  #id = "";
  #type = "";
  #invocation: { readonly kind: Kind; readonly assembly: InvocationAssembly } | null = null;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  add(delta: Readonly<Record<string, unknown>>): RefusalReason | null {
    for (const [name, value] of Object.entries(delta)) {
      if (isNothing(value)) continue;
      const refusal = this.#member(name, value);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  get value(): unknown {
    const { kind = "function", assembly } = this.#invocation ?? {};
    return { ...(this.#id === "" ? {} : { id: this.#id }), type: this.#type === "" ? kind : this.#type, [kind]: assembly?.value };
  }

  #member(name: string, value: unknown): RefusalReason | null {
    switch (name) {
      case "index":
        return null;
      case "id":
        if (typeof value !== "string" || isOther(this.#id, value)) return "malformed";
        this.#id ||= value;
        return this.#budget.spendText(value);
      case "type":
        if (typeof value !== "string" || isOther(this.#type, value)) return "malformed";
        this.#type ||= value;
        return this.#budget.spendText(value);
      case "function":
      case "custom":
        this.#invocation ??= { kind: name, assembly: new InvocationAssembly(name, this.#budget) };
        return this.#invocation.kind === name ? this.#invocation.assembly.add(value) : "malformed";
      default:
        return "unknown_delta";
    }
  }
}

/** wholeToolCall is a call that came in one piece; its place in the list is its index. */
export function wholeToolCall(call: unknown): unknown {
  if (!isMembers(call)) return call;
  return Object.fromEntries([
    ["type", "function"],
    ...Object.entries(call).filter(([name, value]) => name !== "index" && !isNothing(value)),
  ]);
}

export function isToolCall(value: unknown): value is ToolCall {
  return toolCallSchema.safeParse(value).success;
}

export function isInvocation(value: unknown): value is Invocation {
  return invocationSchema.safeParse(value).success;
}

/** isOther: some servers repeat a call's id and name in each delta, some send empty ones; two different ones are two calls mixed up. */
function isOther(known: string, told: string): boolean {
  return known !== "" && told !== "" && known !== told;
}
