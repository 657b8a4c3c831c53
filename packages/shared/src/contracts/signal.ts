import type { z } from "zod";
import type { CallOptions } from "./call-options.ts";
import type { EmbeddedTier, EncoderIdentity } from "./embedded.ts";
import type { Embedder, InferenceItem, TextEmbedding, TextWindow } from "./inference.ts";
import type { RoutingRequest } from "./routing-request.ts";

/** SignalMatch is one rule of a signal that holds for a request. */
export interface SignalMatch {
  /** Name of the rule, as decisions refer to it. */
  readonly rule: string;
  /** 0..1. */
  readonly confidence: number;
  /** Raw score, where the signal has one (cosine, count); for `explain` and predicates. */
  readonly value?: number;
}

/** SignalScore is a rule's score whether or not it matched; `explain` and the eval API show it. */
export interface SignalScore {
  readonly rule: string;
  readonly score: number;
}

/** SignalEvaluation is everything one signal says of one request. */
export interface SignalEvaluation {
  readonly matches: readonly SignalMatch[];
  readonly scores?: readonly SignalScore[];
  /** True when a long text was sampled instead of read whole. */
  readonly sampled?: boolean;
  /** Who answered, where the embedded tier can answer alone. */
  readonly cascade?: CascadeStep;
}

/** CascadeStep says who answered: the embedded tier alone, or together with the encoder, and whether the two were of one mind. */
export type CascadeStep = { readonly tier: "embedded" } | { readonly tier: "encoder"; readonly agreed: boolean };

/**
 * RequestInference is the pool as one request sees it. Every text asked for while signals start is collected, deduplicated
 * and sent as one submission.
 */
export interface RequestInference {
  /** The encoder's vector of a text. */
  embed(text: string, window: TextWindow): Promise<TextEmbedding>;
  /** Anything a pool can be asked: heads, or a further model. Fails for itself alone. */
  infer(item: InferenceItem): Promise<TextEmbedding>;
}

/** SignalContext is what an evaluator gets beside the request. */
export interface SignalContext extends CallOptions {
  readonly inference: RequestInference;
  /** provisional says what shall count if the evaluation fails or comes too late; the failure is told all the same. */
  provisional(evaluation: SignalEvaluation): void;
}

/**
 * EncoderNeed is what a signal is without the encoder: the same (nothing), less exact (wanted: the encoder is started, and nobody waits
 * for it), or of no use (embedding).
 */
export type EncoderNeed = "nothing" | "wanted" | "embedding";

/** SignalEvaluator evaluates all rules of one signal type. It must call `context.inference` before its first await. */
export interface SignalEvaluator {
  /** What these rules need, where it is not what the definition says. */
  readonly needs?: EncoderNeed;
  evaluate(request: RoutingRequest, context: SignalContext): SignalEvaluation | Promise<SignalEvaluation>;
  /** Prepares what needs the encoder (anchor vectors). Called before a snapshot serves and again when the encoder becomes ready. */
  warm?(embedder: Embedder, options: CallOptions): Promise<void>;
}

/** SignalSettings are the values of `turnout.signals` that evaluators share. */
export interface SignalSettings {
  readonly window: TextWindow;
  /** The embedded tier, or null where there is none. */
  readonly embedded: EmbeddedTier | null;
  /** encoderModel is the encoder that answers now, or null before one has been ready. */
  readonly encoderModel: () => EncoderIdentity | null;
  /** Who answers the domain signal: the embedded tier and the encoder where it is unsure, or one of them alone. */
  readonly domainCascade: "auto" | "embedded" | "encoder";
  /** Score from which embedding rules match when none reaches its own threshold; null: then none matches. Absent: 0.5, as in vSR. */
  readonly softMatchThreshold?: number | null;
}

/** SignalDefinition is the whole of one signal type; the registry (routing/signals/index.ts) derives schema, conditions, spans, metrics and headers from it. */
export interface SignalDefinition<Type extends string = string, Key extends string = string, Rule extends z.ZodType = z.ZodType> {
  /** Condition type in decisions, span `semantic_router.signal.<type>`, metric label. */
  readonly type: Type;
  /** `routing.signals.<configKey>`. */
  readonly configKey: Key;
  /** Suffix of the `x-vsr-matched-…` response header, or null where vSR has none. */
  readonly header: string | null;
  readonly needs: EncoderNeed;
  /** True: a match says that the request may do harm or be private; it is then neither answered from a cache nor kept in one. */
  readonly safety?: boolean;
  /** Request headers that its evaluators read, lower-case; others they do not see. Absent: none. */
  readonly readsHeaders?: readonly string[];
  /** What a rule can come to, where that is more than to hold: it matches as `rule:outcome`, and conditions refer to that. */
  readonly outcomes?: readonly string[];
  /** Key of a rule for a condition on other signals, without which the rule does not hold; routing reads and judges it. */
  readonly gate?: string;
  /** One sentence for the generated docs. */
  readonly summary: string;
  /** Schema of one rule; every rule has at least `name`. */
  readonly rule: Rule;
  /** What vSR says once for all rules: keys of a rule by paths under `global.model_catalog.modules`. A rule's own word wins. */
  readonly modules?: Readonly<Record<string, string>>;
  create(rules: readonly z.output<Rule>[], settings: SignalSettings): SignalEvaluator;
}

/** defineSignal keeps the literal types of a definition, so that the registry can derive the config's type from it. */
export function defineSignal<const Type extends string, const Key extends string, Rule extends z.ZodType>(
  definition: SignalDefinition<Type, Key, Rule>,
): SignalDefinition<Type, Key, Rule> {
  return definition;
}
