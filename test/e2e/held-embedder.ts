/**
 * What tests of a classifier that stalls or fails share: an embedder that a test holds up, and a configuration of one decision that needs
 * no encoder (a word) and one that does (a described domain).
 */
import { providersSchema, routingSchema, type RoutingSettings } from "@turnout/extproc/routing";
import { RouterError, type Embedder, type TextEmbedding } from "@turnout/shared";
import { scriptedLimits } from "./scripted-exchange.ts";

/** heldRouting has its plugins on the decision that a word takes. */
export const heldRouting = (plugins: readonly object[] = []) =>
  routingSchema.parse({
    modelCards: [{ name: "base-model", loras: [{ name: "kitchen-expert" }, { name: "mechanics-expert" }] }],
    signals: {
      keywords: [{ name: "mechanics", operator: "OR", keywords: ["pendulum"] }],
      domains: [
        { name: "cooking", description: "Recipes, ovens, pans and meals" },
        { name: "other", description: "Everything else" },
      ],
    },
    decisions: [
      {
        name: "mechanics",
        priority: 20,
        rules: { operator: "OR", conditions: [{ type: "keyword", name: "mechanics" }] },
        modelRefs: [{ model: "base-model", lora_name: "mechanics-expert" }],
        plugins,
      },
      {
        name: "cooking",
        priority: 10,
        rules: { operator: "OR", conditions: [{ type: "domain", name: "cooking" }] },
        modelRefs: [{ model: "base-model", lora_name: "kitchen-expert" }],
      },
    ],
  });
export const heldProviders = providersSchema.parse({
  defaults: { default_model: "base-model" },
  models: [{ name: "base-model", backend_refs: [{ name: "local", endpoint: "127.0.0.1:8000" }] }],
});
export const heldSettings: RoutingSettings = {
  strategy: "priority",
  deadlineMs: 80,
  window: { maxTokens: 64, sampling: "head" },
  domainCascade: "auto",
  softMatchThreshold: 0.5,
  autoModelNames: ["auto"],
  includeConfigModels: false,
  unknownModel: "refuse",
  observeUsage: false,
  trustIdentityHeaders: false,
  identityHeaders: [],
  skipProcessingEnabled: false,
  limits: scriptedLimits,
};

/** HeldEmbedder gives every text the same vector, at once, never (until released), or an error. */
export class HeldEmbedder implements Embedder {
  behaviour: "answers" | "stalls" | "fails" = "answers";
  readonly #held: (() => void)[] = [];

  async embed(items: Parameters<Embedder["embed"]>[0]): Promise<TextEmbedding[]> {
    if (this.behaviour === "fails") throw new RouterError("worker_failed", "the test's worker is dead");
    if (this.behaviour === "stalls") await new Promise<void>((resolve) => this.#held.push(resolve));
    const timings = { queueMs: 0, tokenizeMs: 0, computeMs: 0, batchSize: items.length };
    return items.map(() => ({ vector: Float32Array.of(1, 0), tokens: 4, sampled: false, timings }));
  }

  /** Answers what was asked while it stalled; gives how many submissions that were. */
  release(): number {
    return this.#held.splice(0).map((resolve) => resolve()).length;
  }
}
