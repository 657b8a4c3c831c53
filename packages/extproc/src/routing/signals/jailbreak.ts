/**
 * The jailbreak signal: attacks on a model's instructions (jailbreaks, prompt injections). The embedded tier reads every text whole, in
 * this thread; a contrastive rule asks the encoder about the riskiest chunks. What could not be read in time is an error of the signal,
 * for which `on_error` says what the rule counts as. Nothing is blocked here: a decision does that, with a plugin that answers.
 */
import { setImmediate as turn } from "node:timers/promises";
import {
  defineSignal,
  RouterError,
  type EmbeddedTier,
  type RoutingRequest,
  type SignalContext,
  type SignalEvaluation,
} from "@turnout/shared";
import { z } from "zod";
import { AttackScale } from "../jailbreak/attack-scale.ts";
import { AttackScan } from "../jailbreak/attack-scan.ts";
import { PatternContrast, type Contrasts } from "../jailbreak/pattern-contrast.ts";

/** vSR's threshold of contrastive rules. */
const CONTRAST_THRESHOLD = 0.1;

const rule = z
  .strictObject({
    name: z.string().min(1).describe("What conditions refer to."),
    description: z.string().optional().describe("For people; not read."),
    method: z
      .enum(["classifier", "hybrid", "contrastive"])
      .default("classifier")
      .describe(
        "classifier: trained on attacks. contrastive: nearness to jailbreak_patterns less nearness to benign_patterns, by the encoder. hybrid is classifier, as in vSR.",
      ),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .optional()
      .describe(`Score from which the rule matches. Default: the trained model's own; ${CONTRAST_THRESHOLD} for contrastive.`),
    include_history: z
      .boolean()
      .default(false)
      .describe("Also read the messages before, of users, assistants and tools. System messages are the operator's, and never read."),
    jailbreak_patterns: z.array(z.string().min(1)).default([]).describe("contrastive: texts of attacks."),
    benign_patterns: z.array(z.string().min(1)).default([]).describe("contrastive: harmless texts that look like them."),
    on_error: z
      .enum(["match", "no_match"])
      .default("no_match")
      .describe(
        "What the rule counts as when the texts could not be read whole in time, or the encoder failed; Turnout's addition to vSR's schema.",
      ),
    direction: z.enum(["request", "response"]).default("request").describe("Only request: answers are not read."),
  })
  .superRefine(({ method, jailbreak_patterns: patterns, direction }, issues) => {
    if (direction === "response") {
      const message = "jailbreak rules on responses are not implemented yet; supported: request";
      issues.addIssue({ code: "custom", path: ["direction"], message, params: { unsupported: "response" } });
    }
    if (method === "contrastive" && patterns.length === 0) {
      issues.addIssue({ code: "custom", path: ["jailbreak_patterns"], message: "a contrastive rule needs at least one pattern" });
    }
  });

type Rule = z.output<typeof rule>;

export const jailbreak = defineSignal({
  type: "jailbreak",
  configKey: "jailbreak",
  header: "jailbreak",
  needs: "nothing",
  safety: true,
  summary: "Matches attacks on the model's instructions: jailbreaks and prompt injections, anywhere in the text.",
  rule,
  create(rules, { window, embedded }) {
    const scale = rules.some(isTrained) ? scaleOf(embedded) : null;
    const contrastive = rules.filter((rule) => !isTrained(rule));
    const contrast =
      contrastive.length === 0
        ? null
        : new PatternContrast(
            contrastive.map(({ jailbreak_patterns, benign_patterns }) => ({ jailbreak: jailbreak_patterns, benign: benign_patterns })),
            window,
          );
    const methods = { scale, contrast };
    return {
      needs: contrast === null ? "nothing" : "embedding",
      warm: async (embedder, options) => contrast?.warm(embedder, options),
      evaluate(request, context) {
        const search = new AttackSearch(rules, methods, request);
        context.provisional(search.evaluation());
        return search.isShort ? search.atOnce() : search.inTurns(context);
      },
    };
  },
});

const isTrained = ({ method }: Rule) => method !== "contrastive";

/** scaleOf gives the reason instead where there is none: the configuration is right, and each request says what is missing. */
function scaleOf(embedded: EmbeddedTier | null): AttackScale | RouterError {
  try {
    if (embedded !== null) return new AttackScale(embedded);
    return new RouterError("model_unsupported", "there is no embedded model to find attacks with");
  } catch (error) {
    return RouterError.from(error);
  }
}

interface Methods {
  /** Null when no rule is of this kind; an error when its model is missing. */
  readonly scale: AttackScale | RouterError | null;
  readonly contrast: PatternContrast | null;
}

/** AttackSearch is the search of one request's texts for all rules. */
class AttackSearch {
  readonly #rules: readonly Rule[];
  readonly #methods: Methods;
  /** The latest user message, then those before it that some rule wants read. */
  readonly #texts: readonly string[];
  readonly #scan: AttackScan | null;
  readonly #contrasts: ReadonlyMap<Rule, Contrasts>;
  /** The encoder has read everything. */
  #compared = false;

  constructor(rules: readonly Rule[], methods: Methods, request: RoutingRequest) {
    this.#rules = rules;
    this.#methods = methods;
    this.#texts = [request.userText, ...(rules.some((rule) => rule.include_history) ? historyOf(request) : [])];
    this.#scan = methods.scale instanceof AttackScale ? new AttackScan(methods.scale, this.#texts) : null;
    this.#contrasts = new Map(rules.filter((rule) => !isTrained(rule)).map((rule) => [rule, { first: null, all: null }]));
  }

  /** isShort is true of what takes one slice of work, and nothing to wait for. */
  get isShort(): boolean {
    return this.#scan?.isShort === true && this.#methods.contrast === null;
  }

  atOnce(): SignalEvaluation {
    this.#scan?.advance();
    return this.evaluation();
  }

  /** inTurns asks the encoder first, then reads slice by slice and lets other requests have their turn between them. */
  async inTurns(context: SignalContext): Promise<SignalEvaluation> {
    const { scale, contrast } = this.#methods;
    const comparing = contrast?.ask(this.#texts, context.inference, [...this.#contrasts.values()]);
    comparing?.then(
      () => (this.#compared = true),
      () => undefined, // heard below, once the scan is through
    );
    while (this.#scan !== null && !this.#scan.isDone) {
      this.#scan.advance();
      context.provisional(this.evaluation());
      await turn(undefined, context.signal === undefined ? {} : { signal: context.signal });
    }
    try {
      await comparing;
      if (scale instanceof RouterError) throw scale;
    } finally {
      context.provisional(this.evaluation()); // what came before one of them failed
    }
    return this.evaluation();
  }

  /** #evaluation judges the rules by what is known; one whose texts have not been read whole counts as its on_error says. */
  evaluation(): SignalEvaluation {
    const judged = this.#rules.map((rule) => {
      const { score, threshold, complete } = this.#judge(rule);
      const assumed = !complete && rule.on_error === "match";
      return { rule: rule.name, score, matched: (score !== null && score >= threshold) || assumed };
    });
    return {
      matches: judged
        .filter(({ matched }) => matched)
        .map(({ rule, score }) => ({ rule, confidence: Math.min(Math.max(score ?? 0, 0), 1), value: score ?? 0 })),
      scores: judged.flatMap(({ rule, score }) => (score === null ? [] : [{ rule, score }])),
    };
  }

  #judge(rule: Rule): { readonly score: number | null; readonly threshold: number; readonly complete: boolean } {
    const contrasts = this.#contrasts.get(rule);
    if (contrasts !== undefined) {
      const score = rule.include_history ? contrasts.all : contrasts.first;
      return { score, threshold: rule.threshold ?? CONTRAST_THRESHOLD, complete: this.#compared };
    }
    const { scale } = this.#methods;
    if (this.#scan === null || !(scale instanceof AttackScale)) return { score: null, threshold: 1, complete: false };
    const score = rule.include_history ? this.#scan.highest : this.#scan.highestInFirst;
    return { score, threshold: rule.threshold ?? scale.threshold, complete: this.#scan.isDone };
  }
}

/** historyOf is what others than the operator have said before the latest user message, or after it. */
function historyOf({ messages }: RoutingRequest): string[] {
  const latest = messages.findLastIndex(({ role }) => role === "user");
  return messages.flatMap(({ role, text }, index) => (index === latest || role === "system" || role === "developer" ? [] : [text]));
}
