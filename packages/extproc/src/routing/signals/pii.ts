/**
 * The pii signal: a rule holds when the text has personal data of a type that the rule does not allow. The detectors of ../pii read
 * every text whole, in this thread; a token classifier, where a rule names one, adds what it finds (names without a cue, places).
 * Nothing is blocked here: a decision does that, with a plugin that answers. What was found is kept as types, never as text.
 */
import { setImmediate as turn } from "node:timers/promises";
import { defineSignal, RouterError, type RoutingRequest, type SignalContext, type SignalEvaluation, type TextScan } from "@turnout/shared";
import { z } from "zod";
import { DEFAULT_PII_THRESHOLD, DEFAULT_PII_TYPES } from "../pii/detection.ts";
import { PiiFindings } from "../pii/findings.ts";
import { loadPii } from "../pii/load.ts";
import { SLICE, slicesOf } from "../pii/slices.ts";
import { KNOWN_PII_TYPES, piiTypeOf } from "../pii/vocabulary.ts";

/** What a token classifier reads of a text at most. */
const MODEL_WINDOW = { maxTokens: 8192, sampling: "head" } as const;

const rule = z
  .strictObject({
    name: z.string().min(1).describe("What conditions refer to."),
    description: z.string().optional().describe("For people; not read."),
    threshold: z
      .number()
      .min(0)
      .max(1)
      .default(DEFAULT_PII_THRESHOLD)
      .describe(
        "Least confidence that counts. Detectors give 0.99 (checked, and named by the text), 0.95, 0.85 (form or cue alone) or 0.4 (could be something else).",
      ),
    pii_types_allowed: z
      .array(z.string().min(1))
      .default([])
      .describe(`Types that do not count: ${[...KNOWN_PII_TYPES].join(", ")}. Short forms such as EMAIL, PHONE and SSN are understood.`),
    include_history: z.boolean().default(false).describe("Also search all other messages, whatever their role."),
    model: z
      .string()
      .min(1)
      .optional()
      .describe("A token classifier of turnout.classifier.models that is asked as well; Turnout's addition to vSR's schema."),
    on_error: z
      .enum(["match", "no_match"])
      .default("no_match")
      .describe(
        "What the rule counts as when a text could not be searched whole in time, or the model failed; Turnout's addition to vSR's schema.",
      ),
  })
  .superRefine(({ pii_types_allowed: allowed, model }, issues) => {
    if (model !== undefined) return; // its labels are its own
    allowed.forEach((name, index) => {
      if (KNOWN_PII_TYPES.has(piiTypeOf(name))) return;
      const message = `unknown type of personal data "${name}"; known: ${[...KNOWN_PII_TYPES].join(", ")}`;
      issues.addIssue({ code: "custom", path: ["pii_types_allowed", index], message });
    });
  });

type Rule = z.output<typeof rule>;

export const pii = defineSignal({
  type: "pii",
  configKey: "pii",
  header: "pii",
  needs: "nothing",
  summary: "Matches when the text has personal data (cards, keys, names, addresses …) of a type that the rule does not allow.",
  rule,
  create(rules) {
    const compiled = rules.map((rule) => ({ ...rule, allowed: new Set(rule.pii_types_allowed.map(piiTypeOf)) }));
    const needsModel = rules.some(({ model }) => model !== undefined);
    const loading = loadPii();
    loading.catch(() => undefined); // told by each evaluation
    return {
      needs: needsModel ? "embedding" : "nothing",
      evaluate: (request, context) => new PiiSearch(compiled, request).run(loading, context),
    };
  },
});

interface CompiledRule extends Rule {
  readonly allowed: ReadonlySet<string>;
}

/** ModelFindings is what one model said, and whether it has read every text to its end. */
interface ModelFindings {
  readonly current: PiiFindings;
  readonly history: PiiFindings;
  state: "asked" | "partial" | "whole";
}

/** PiiSearch is the search of one request's texts for all rules. */
class PiiSearch {
  readonly #rules: readonly CompiledRule[];
  readonly #threshold: number;
  readonly #current: string;
  readonly #history: readonly string[];
  readonly #inCurrent = new PiiFindings();
  readonly #inHistory = new PiiFindings();
  /** By name of a model: what its own rules may count beside what the detectors found. */
  readonly #byModel = new Map<string, ModelFindings>();
  /** The detectors have read everything. */
  #searched = false;

  constructor(rules: readonly CompiledRule[], request: RoutingRequest) {
    const last = request.messages.findLastIndex(({ role }) => role === "user");
    this.#rules = rules;
    this.#threshold = Math.min(...rules.map(({ threshold }) => threshold));
    this.#current = request.userText;
    this.#history = rules.some((rule) => rule.include_history)
      ? request.messages.flatMap(({ text }, index) => (index === last ? [] : [text]))
      : [];
  }

  /** run asks the models, then searches slice by slice; in a long text other requests have their turn between slices. */
  async run(loading: ReturnType<typeof loadPii>, context: SignalContext): Promise<SignalEvaluation> {
    const scans = this.#askModels(context);
    scans.catch(() => undefined); // heard below, once the detectors are through
    const tell = () => context.provisional(this.evaluation());
    tell();
    const { detectPii } = await loading.catch((cause: unknown) => {
      throw new RouterError("internal", "the detectors of personal data could not be loaded", { cause });
    });
    let unbroken = 0;
    const search = async (findings: PiiFindings, text: string) => {
      for (const slice of slicesOf(text)) {
        if (unbroken + slice.length > SLICE) {
          unbroken = 0;
          tell();
          await turn(undefined, context.signal === undefined ? {} : { signal: context.signal });
        }
        findings.addDetections(detectPii(slice, DEFAULT_PII_TYPES, this.#threshold));
        unbroken += slice.length;
      }
    };
    await search(this.#inCurrent, this.#current);
    for (const text of this.#history) await search(this.#inHistory, text);
    this.#searched = true;
    tell();
    try {
      await scans;
    } finally {
      tell(); // what came before one of them failed
    }
    return this.evaluation();
  }

  /** evaluation judges the rules by what is known; a rule whose search is not finished, or not whole, counts as its on_error says. */
  evaluation(): SignalEvaluation {
    const judged = this.#rules.map((rule) => {
      const model = rule.model === undefined ? undefined : this.#byModel.get(rule.model);
      const searched = [this.#inCurrent, model?.current, ...(rule.include_history ? [this.#inHistory, model?.history] : [])];
      const score = Math.max(...searched.map((findings) => findings?.surestBeside(rule.allowed) ?? 0));
      const open = !this.#searched || (model !== undefined && model.state !== "whole");
      return { rule: rule.name, score, matched: score >= rule.threshold && score > 0, assumed: open && rule.on_error === "match" };
    });
    return {
      matches: judged
        .filter(({ matched, assumed }) => matched || assumed)
        .map(({ rule, score }) => ({ rule, confidence: score, value: score })),
      scores: judged.map(({ rule, score }) => ({ rule, score })),
      sampled: [...this.#byModel.values()].some(({ state }) => state === "partial"),
    };
  }

  async #askModels({ inference }: SignalContext): Promise<void> {
    const scan = async (model: string, text: string, found: PiiFindings): Promise<boolean> => {
      const { scan } = await inference.infer({ text, window: MODEL_WINDOW, model, entities: true });
      found.addEntities(scan?.entities ?? []);
      return reads(scan, text);
    };
    const models = new Set(this.#rules.flatMap(({ model }) => model ?? []));
    await Promise.all(
      [...models].map(async (model) => {
        const found: ModelFindings = { current: new PiiFindings(), history: new PiiFindings(), state: "asked" };
        this.#byModel.set(model, found);
        const wantsHistory = this.#rules.some((rule) => rule.model === model && rule.include_history);
        const whole = await Promise.all([
          ...(this.#current === "" ? [] : [scan(model, this.#current, found.current)]),
          ...(wantsHistory ? this.#history.filter((text) => text !== "").map((text) => scan(model, text, found.history)) : []),
        ]);
        found.state = whole.every(Boolean) ? "whole" : "partial";
      }),
    );
  }
}

/** reads is true of a scan that came to the end of the text. */
function reads(scan: TextScan | undefined, text: string): boolean {
  return scan !== undefined && scan.scannedChars >= text.trimEnd().length;
}
