/** Prepares the choice among one decision's candidates. One candidate needs no algorithm, and one that fails gives way to the first candidate. */
import {
  RouterError,
  type AlgorithmDefinition,
  type Candidate,
  type Selection,
  type SelectionAlgorithm,
  type SelectionContext,
} from "@turnout/shared";
import type { DecisionConfig } from "../schema.ts";
import { algorithms } from "./index.ts";

/** Selector picks; null when the decision names no models, so that the default model is meant. */
export type Selector = (context: SelectionContext) => Promise<Selection | null>;

/** createSelector reads `modelRefs` and `algorithm` of a decision. */
export function createSelector(decision: DecisionConfig): Selector {
  const candidates = decision.modelRefs.map((ref): Candidate => ({
    model: ref.model,
    lora: ref.lora_name ?? null,
    useReasoning: ref.use_reasoning,
    reasoningEffort: ref.reasoning_effort ?? null,
    weight: ref.weight,
  }));
  const [first] = candidates;
  const type = decision.algorithm?.type ?? "static";
  if (first === undefined) return async () => null;
  if (candidates.length === 1) return async () => ({ candidate: first, algorithm: type, why: "the only candidate" });
  const algorithm = createAlgorithm(type, decision);
  return async (context) => {
    try {
      return await algorithm.select(candidates, context);
    } catch (thrown) {
      const why = `first candidate, because ${type} failed: ${RouterError.from(thrown).message}`;
      return { candidate: first, algorithm: type, why, failed: true };
    }
  };
}

/** isRepeatable says whether the same request always takes the same candidate. */
export function isRepeatable({ modelRefs, algorithm }: DecisionConfig): boolean {
  return modelRefs.length < 2 || definitionOf(algorithm?.type ?? "static").repeatable;
}

function definitionOf(type: string): AlgorithmDefinition {
  const definition: AlgorithmDefinition | undefined = algorithms.find((algorithm) => algorithm.type === type);
  if (definition === undefined)
    throw new RouterError("internal", `algorithm ${type} passed the schema and is not registered. This is a bug.`);
  return definition;
}

function createAlgorithm(type: string, decision: DecisionConfig): SelectionAlgorithm {
  const definition = definitionOf(type);
  const configured: Readonly<Record<string, unknown>> = decision.algorithm ?? {};
  return definition.create(configured[type] ?? definition.options.parse({}));
}
