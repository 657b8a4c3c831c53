/**
 * The tasks of `turnout eval`: each takes labelled texts, has the signal of the configuration judge them, as a request would, and gives
 * figures. What is measured is what is served: rules, thresholds and tiers are those of the configuration.
 */
import { RouterError, systemClock, type Embedder, type SignalSettings } from "@turnout/shared";
import {
  createEvaluators,
  evaluateSignals,
  loadPii,
  PII_TYPES,
  piiTypeOf,
  promptRequest,
  routingSchema,
  STRUCTURED_PII_TYPES,
  type SignalOutcome,
} from "../routing/index.ts";
import { lineSchemas, readLabelled } from "./labelled-data.ts";
import { binaryFigures, calibrationBins, classificationFigures, spanFigures, type CalibrationBin, type Classified } from "./metrics.ts";

/** Tier says who may answer. */
export type Tier = "embedded" | "encoder" | "cascade";

/** TaskParts is what a task runs with. */
export interface TaskParts {
  readonly file: string;
  /** `routing.signals` of the configuration, checked by the schema. */
  readonly signals: Readonly<Record<string, unknown>>;
  readonly settings: SignalSettings;
  readonly tier: Tier;
  readonly embedder: Embedder;
  /** Types that a PII task counts. */
  readonly types?: readonly string[];
  /** Examples from which an intent task takes its labels. */
  readonly trainFile?: string;
  readonly progress: (done: number, total: number) => void;
}

/** TaskResult is one JSON object of figures, and what the HTML page draws. */
export interface TaskResult {
  readonly figures: Readonly<Record<string, unknown>>;
  readonly bins?: readonly CalibrationBin[];
}

/** tasks by name. */
export const tasks = { domain, intent, jailbreak, pii } as const;
export type TaskName = keyof typeof tasks;

/** Domains that are taken when the configuration has none of its own. */
const KNOWN_DOMAINS = [
  "biology",
  "business",
  "chemistry",
  "computer science",
  "economics",
  "engineering",
  "health",
  "history",
  "law",
  "math",
  "other",
  "philosophy",
  "physics",
  "psychology",
];
const FALLBACK = "other";
/** Texts that wait for an answer at the same time. */
const IN_FLIGHT = 16;
/** Texts that are asked one at a time, for p50Us. */
const ALONE = 200;
const WARM_TIMEOUT_MS = 600_000;

/** plainName is a label as people spell it differently. */
const plainName = (name: string) => name.toLowerCase().replaceAll(/[_-]/g, " ").trim();

async function domain(parts: TaskParts): Promise<TaskResult> {
  const rows = await readLabelled(parts.file, lineSchemas.domain);
  const own = parts.signals["domains"] as readonly unknown[] | undefined;
  const rules = own === undefined || own.length === 0 ? KNOWN_DOMAINS.map((name) => ({ name })) : own;
  return classify("domain", "domains", rules, rows, parts);
}

async function intent(parts: TaskParts): Promise<TaskResult> {
  if (parts.trainFile === undefined)
    throw new RouterError("request_invalid", "--task intent needs --train FILE.jsonl, the examples of each label");
  const [rows, examples] = await Promise.all([
    readLabelled(parts.file, lineSchemas.intent),
    readLabelled(parts.trainFile, lineSchemas.intent),
  ]);
  const exemplars = new Map<string, string[]>();
  for (const { text, label } of examples) exemplars.set(label, [...(exemplars.get(label) ?? []), text]);
  const rules = [...exemplars].map(([name, texts]) => ({ name, exemplars: texts }));
  // Labels of this data are the user's own, even where one is called "law": nothing that was trained answers for them.
  return classify("domain", "domains", rules, rows, { ...parts, settings: { ...parts.settings, embedded: null } });
}

/** classify has the domain signal's rules judge the texts; a text that matches nothing is an abstention, and counts as the fallback. */
async function classify(
  type: string,
  configKey: string,
  rules: readonly unknown[],
  rows: readonly { readonly text: string; readonly label: string }[],
  parts: TaskParts,
): Promise<TaskResult> {
  const domainCascade = parts.tier === "cascade" ? "auto" : parts.tier;
  const judge = await judgeOf(type, configKey, rules, { ...parts, settings: { ...parts.settings, domainCascade } });
  const { outcomes, ...speed } = await judgeAll(rows, judge, parts.progress);
  const classified = rows.map(({ label }, index): Classified => {
    const { matches, scores, cascade } = outcomes[index] as SignalOutcome;
    const ranked = scores.toSorted((a, b) => b.score - a.score).map(({ rule }) => plainName(rule));
    const found = matches[0];
    return {
      label: plainName(label),
      predicted: found === undefined ? FALLBACK : plainName(found.rule),
      confidence: found?.confidence ?? 0,
      top: found === undefined ? ranked : [plainName(found.rule), ...ranked.filter((rule) => rule !== plainName(found.rule))],
      escalated: cascade?.tier === "encoder",
      abstained: found === undefined,
    };
  });
  return { figures: { ...classificationFigures(classified), ...speed }, bins: calibrationBins(classified) };
}

async function jailbreak(parts: TaskParts): Promise<TaskResult> {
  const rows = await readLabelled(parts.file, lineSchemas.jailbreak);
  const own = parts.signals["jailbreak"] as readonly unknown[] | undefined;
  const judge = await judgeOf("jailbreak", "jailbreak", own === undefined || own.length === 0 ? [{ name: "attack" }] : own, parts);
  const { outcomes, ...speed } = await judgeAll(rows, judge, parts.progress);
  const scored = rows.map(({ label }, index) => {
    const { matches, scores } = outcomes[index] as SignalOutcome;
    return { positive: label === 1, predicted: matches.length > 0, score: scores.reduce((best, { score }) => Math.max(best, score), 0) };
  });
  const escalated = outcomes.filter((outcome) => outcome?.cascade?.tier === "encoder").length / rows.length;
  return { figures: { ...binaryFigures(scored), escalated, abstained: 0, ...speed } };
}

async function pii(parts: TaskParts): Promise<TaskResult> {
  const rows = await readLabelled(parts.file, lineSchemas.pii);
  const wanted = new Set((parts.types ?? [...STRUCTURED_PII_TYPES]).map(piiTypeOf));
  const { detectPii } = await loadPii();
  const known = new Set(PII_TYPES.filter((type) => wanted.has(type)));
  const judge = (text: string) => Promise.resolve(detectPii(text, known));
  const { outcomes, ...speed } = await judgeAll(rows, judge, parts.progress);
  const spans = rows.map(({ label }, index) => ({
    right: label.map(([start, end, type]) => ({ start, end, type: piiTypeOf(type) })).filter(({ type }) => wanted.has(type)),
    found: outcomes[index] as readonly { readonly start: number; readonly end: number; readonly type: string }[],
  }));
  const perText = binaryFigures(
    spans.map(({ right, found }) => ({ positive: right.length > 0, predicted: found.length > 0, score: found.length > 0 ? 1 : 0 })),
  );
  return { figures: { ...spanFigures(spans), auc: perText.auc, escalated: 0, abstained: 0, ...speed } };
}

/** judgeOf makes one signal of the given rules, warm, that judges a text as a request's only message. */
async function judgeOf(
  type: string,
  configKey: string,
  rules: readonly unknown[],
  { settings, embedder }: TaskParts,
): Promise<(text: string) => Promise<SignalOutcome>> {
  const { signals } = routingSchema.parse({ signals: { [configKey]: rules } });
  const evaluators = createEvaluators(signals, new Set([type]), settings);
  await Promise.all(evaluators.map(({ evaluator }) => evaluator.warm?.(embedder, { deadline: systemClock.now() + WARM_TIMEOUT_MS })));
  return async (text) => {
    const { outcomes } = await evaluateSignals(evaluators, promptRequest(text), { embedder, clock: systemClock }, {});
    const outcome = outcomes[0] as SignalOutcome;
    if (outcome.error !== null) throw outcome.error;
    return outcome;
  };
}

/** judgeAll keeps a bounded number of texts in flight; then asks some again one at a time, as a single caller would see it. */
async function judgeAll<Outcome>(
  rows: readonly { readonly text: string }[],
  judge: (text: string) => Promise<Outcome>,
  progress: TaskParts["progress"],
): Promise<{ readonly outcomes: readonly Outcome[]; readonly textsPerSecond: number; readonly p50Us: number }> {
  const outcomes = Array.from<Outcome>({ length: rows.length });
  const started = performance.now();
  let next = 0;
  const walk = async () => {
    while (next < rows.length) {
      const index = next;
      next += 1;
      outcomes[index] = await judge((rows[index] as { readonly text: string }).text);
      if (next % 64 === 0) progress(next, rows.length);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, walk));
  progress(rows.length, rows.length);
  const seconds = (performance.now() - started) / 1000;
  const times: number[] = [];
  const stride = Math.max(1, Math.floor(rows.length / ALONE));
  for (let index = 0; index < rows.length; index += stride) {
    const before = performance.now();
    // A text that was never asked: the pool remembers vectors.
    await judge(`${(rows[index] as { readonly text: string }).text} `);
    times.push((performance.now() - before) * 1000);
  }
  times.sort((a, b) => a - b);
  return { outcomes, textsPerSecond: Math.round(rows.length / seconds), p50Us: Math.round(times[Math.floor(times.length / 2)] ?? 0) };
}
