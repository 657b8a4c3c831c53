/**
 * The model directory knows every name a request may end up with: model cards, their LoRA adapters, provider ids. It says what
 * goes on the wire, whose backends serve it, and how that model is told to think. Pure; built once per snapshot.
 */
import type { Candidate } from "@turnout/shared";
import type { ProviderModel, ProvidersConfig, ReasoningFamily, RoutingConfig } from "./schema.ts";

/** ReasoningSwitch is what a target's request is told about thinking. */
export interface ReasoningSwitch {
  readonly family: ReasoningFamily;
  readonly enabled: boolean;
  readonly effort: string;
  /** OpenAI's own dialect has `reasoning_effort` at the top level; vLLM-like servers read it from `chat_template_kwargs`. */
  readonly dialect: "openai" | "vllm";
}

/** ModelTarget is where a request goes. */
export interface ModelTarget {
  /** Logical name people know: the LoRA adapter's, or the model's. Header `x-selected-model`, logs, metrics. */
  readonly name: string;
  /** The model card whose `backend_refs` serve it. */
  readonly model: string;
  /** Value of `model` in the request that leaves. */
  readonly wireName: string;
  /** Null: leave what the client says about reasoning alone. */
  readonly reasoning: ReasoningSwitch | null;
}

/** ModelDirectory resolves names. */
export interface ModelDirectory {
  /** defaultTarget is `providers.defaults.default_model`, with the client's own reasoning settings. */
  readonly defaultTarget: ModelTarget;
  /** targetOf a candidate that was selected. */
  targetOf(candidate: Candidate): ModelTarget;
  /** find a model that a client named, by logical name, LoRA name or wire name; null when nobody knows it. */
  find(name: string): ModelTarget | null;
  /** list names every logical model with what is said of it, LoRA adapters included. */
  list(): readonly { readonly name: string; readonly description: string }[];
}

const OPENAI_DIALECT: ReadonlySet<string> = new Set(["openai", "azure-openai", "azure_openai"]);

/** createModelDirectory reads model cards and providers together; either may name a model the other does not. */
export function createModelDirectory(config: RoutingConfig, providers: ProvidersConfig): ModelDirectory {
  const { default_model, default_reasoning_effort, reasoning_families } = providers.defaults;
  const providerModels = new Map(providers.models.map((model) => [model.name, model]));
  const ownerOfLora = new Map(config.modelCards.toReversed().flatMap((card) => card.loras.map((lora) => [lora.name, card.name] as const)));
  const descriptions = new Map<string, string>();
  for (const card of config.modelCards) {
    descriptions.set(card.name, card.description ?? "");
    for (const lora of card.loras) if (!descriptions.has(lora.name)) descriptions.set(lora.name, lora.description ?? "");
  }
  for (const { name } of providers.models) if (!descriptions.has(name)) descriptions.set(name, "");

  function target(model: string, lora: string | null): ModelTarget {
    return { name: lora ?? model, model, wireName: lora ?? wireNameOf(model, providerModels.get(model)), reasoning: null };
  }

  /** named prefers a model with backends, then an adapter, then a bare card: vSR's own examples have a card and an adapter of one name. */
  function named(name: string): ModelTarget {
    const owner = providerModels.has(name) ? undefined : ownerOfLora.get(name);
    return owner === undefined ? target(name, null) : target(owner, name);
  }

  const logical = [...descriptions.keys()].map(named);
  // Logical names come last, so that they win over another model's wire name.
  const known = new Map([
    ...logical.map((model) => [model.wireName, model] as const),
    ...logical.map((model) => [model.name, model] as const),
  ]);

  return {
    defaultTarget: named(default_model),
    targetOf(candidate) {
      const base = candidate.lora === null ? named(candidate.model) : target(candidate.model, candidate.lora);
      const provider = providerModels.get(base.model);
      const family = provider?.reasoning_family === undefined ? undefined : reasoning_families[provider.reasoning_family];
      if (family === undefined) return base;
      const effort = candidate.reasoningEffort ?? default_reasoning_effort;
      const dialect = OPENAI_DIALECT.has(backendType(provider)) ? "openai" : "vllm";
      return { ...base, reasoning: { family, enabled: candidate.useReasoning, effort, dialect } };
    },
    find: (name) => known.get(name) ?? null,
    list: () => [...descriptions].map(([name, description]) => ({ name, description })),
  };
}

/** backendType of a model's first backend, with vSR's default. */
function backendType(model: ProviderModel | undefined): string {
  const [first] = model?.backend_refs ?? [];
  return first?.type ?? first?.provider ?? "vllm";
}

function wireNameOf(name: string, model: ProviderModel | undefined): string {
  return model?.external_model_ids[backendType(model)] ?? model?.provider_model_id ?? name;
}
