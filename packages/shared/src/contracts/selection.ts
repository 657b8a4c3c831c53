import type { z } from "zod";
import type { RoutingRequest } from "./routing-request.ts";

/** Candidate is one `modelRefs` entry of a decision. */
export interface Candidate {
  /** Logical model: a modelCard's name. */
  readonly model: string;
  /** LoRA adapter on that model; its name is then what goes on the wire. */
  readonly lora: string | null;
  readonly useReasoning: boolean;
  readonly reasoningEffort: string | null;
  readonly weight: number;
}

/** SelectionContext is what an algorithm may look at. */
export interface SelectionContext {
  readonly decision: string;
  readonly request: RoutingRequest;
}

/** Selection is the chosen candidate and, for people, why. */
export interface Selection {
  readonly candidate: Candidate;
  readonly algorithm: string;
  readonly why: string;
  /** True: the algorithm failed, and the first candidate stands in; the next time it may be another. */
  readonly failed?: true;
}

/** SelectionAlgorithm picks one of a decision's candidates; the list is never empty. */
export interface SelectionAlgorithm {
  select(candidates: readonly Candidate[], context: SelectionContext): Selection | Promise<Selection>;
}

/** AlgorithmDefinition is the whole of one algorithm: `decision.algorithm.type`, the schema of its options block, and its maker. */
export interface AlgorithmDefinition<Type extends string = string, Options extends z.ZodType = z.ZodType> {
  readonly type: Type;
  readonly summary: string;
  readonly options: Options;
  /** True: the same request of the same configuration is given the same candidate, now and later. */
  readonly repeatable: boolean;
  create(options: z.output<Options>): SelectionAlgorithm;
}

/** defineAlgorithm keeps the literal types of a definition. */
export function defineAlgorithm<const Type extends string, Options extends z.ZodType>(
  definition: AlgorithmDefinition<Type, Options>,
): AlgorithmDefinition<Type, Options> {
  return definition;
}
