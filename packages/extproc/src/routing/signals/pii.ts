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
/** Characters that such a window spans at most. */
const MODEL_WINDOW_CHARS = 16 * MODEL_WINDOW.maxTokens;
/** What one model is given of one request's history at most, for it reads about a thousand words in the time of a whole request. */
const MODEL_HISTORY = { texts: 32, chars: MODEL_WINDOW_CHARS } as const;

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
    include_history: z
      .boolean()
      .default(false)
      .describe("Also search all other messages, whatever their role; a model is given the latest 32, and 128k characters of them."),
    model: z
      .string()
      .min(1)
      .optional()
      .describe("A token classifier of turnout.classifier.models that is asked as well; Turnout's addition to vSR's schema."),
    on_error: z
      .enum(["match", "no_match"])
      .default("no_match")
      .describe(
        "What the rule counts as when a text could not be searched whole in time, or the model failed or was not given it; Turnout's addition to vSR's schema.",
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
  safety: true,
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

/** Reading is what one model said of some texts, and how far it has read them: not yet, not all, or all to their ends. */
interface Reading {
  readonly findings: PiiFindings;
  state: "asked" | "partial" | "whole";
}

/** ModelReadings are one model's. */
interface ModelReadings {
  readonly current: Reading;
  readonly history: Reading;
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
  readonly #byModel = new Map<string, ModelReadings>();
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
    const tell = () => context.provisional(this.evaluation());
    const scans = this.#askModels(context, tell);
    scans.catch(() => undefined); // heard below, once the detectors are through
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
    await scans;
    return this.evaluation();
  }

  /** evaluation judges the rules by what is known; a rule whose search is not finished, or not whole, counts as its on_error says. */
  evaluation(): SignalEvaluation {
    const judged = this.#rules.map((rule) => {
      const model = rule.model === undefined ? undefined : this.#byModel.get(rule.model);
      const readings = model === undefined ? [] : [model.current, ...(rule.include_history ? [model.history] : [])];
      const detected = [this.#inCurrent, ...(rule.include_history ? [this.#inHistory] : [])];
      const searched = [...detected, ...readings.map(({ findings }) => findings)];
      const score = Math.max(...searched.map((findings) => findings.surestBeside(rule.allowed)));
      const open = !this.#searched || readings.some(({ state }) => state !== "whole");
      return { rule: rule.name, score, matched: score >= rule.threshold && score > 0, assumed: open && rule.on_error === "match" };
    });
    return {
      matches: judged
        .filter(({ matched, assumed }) => matched || assumed)
        .map(({ rule, score }) => ({ rule, confidence: score, value: score })),
      scores: judged.map(({ rule, score }) => ({ rule, score })),
      sampled: [...this.#byModel.values()].some(({ current, history }) => current.state === "partial" || history.state === "partial"),
    };
  }

  /** askModels rejects with what kept a model from reading a text: its failure, or "text_unscanned" where there was too much to read. */
  async #askModels({ inference }: SignalContext, tell: () => void): Promise<void> {
    const scan = async (model: string, text: string, { findings }: Reading): Promise<boolean> => {
      const { scan } = await inference.infer({ text, window: MODEL_WINDOW, model, entities: true });
      findings.addEntities(scan?.entities ?? []);
      return reads(scan, text);
    };
    const read = async (model: string, texts: readonly string[], reading: Reading): Promise<void> => {
      const outcomes = await Promise.allSettled(texts.map((text) => scan(model, text, reading)));
      const failed = outcomes.find((outcome) => outcome.status === "rejected");
      if (failed === undefined) reading.state = outcomes.every((outcome) => "value" in outcome && outcome.value) ? "whole" : "partial";
      tell();
      if (failed !== undefined) throw failed.reason;
    };
    const readHistory = async (model: string, reading: Reading): Promise<void> => {
      const { given, left } = latestOf(this.#history);
      await read(model, given, reading);
      if (left === 0) return;
      reading.state = "partial";
      tell();
      throw new RouterError("text_unscanned", `the model "${model}" was given ${given.length} texts of the history, and not ${left} more`);
    };
    const models = new Set(this.#rules.flatMap(({ model }) => model ?? []));
    const work = [...models].flatMap((model) => {
      const current: Reading = { findings: new PiiFindings(), state: "asked" };
      const history: Reading = { findings: new PiiFindings(), state: "asked" };
      this.#byModel.set(model, { current, history });
      const wantsHistory = this.#rules.some((rule) => rule.model === model && rule.include_history);
      return [read(model, this.#current === "" ? [] : [this.#current], current), ...(wantsHistory ? [readHistory(model, history)] : [])];
    });
    const failed = (await Promise.allSettled(work)).find((outcome) => outcome.status === "rejected");
    if (failed !== undefined) throw failed.reason;
  }
}

/** latestOf takes from a history what a model is given, the latest texts first; of a long one it counts what the model can read. */
function latestOf(history: readonly string[]): { readonly given: readonly string[]; readonly left: number } {
  const texts = [...new Set(history.toReversed())].filter((text) => text !== "");
  let chars: number = MODEL_HISTORY.chars;
  const given: string[] = [];
  for (const text of texts) {
    chars -= Math.min(text.length, MODEL_WINDOW_CHARS);
    if (chars < 0 || given.length === MODEL_HISTORY.texts) break;
    given.push(text);
  }
  return { given, left: texts.length - given.length };
}

/** reads is true of a scan that came to the end of the text. */
function reads(scan: TextScan | undefined, text: string): boolean {
  return scan !== undefined && scan.scannedChars >= text.trimEnd().length;
}
