/**
 * The tasks of `turnout eval`: each takes labelled texts, has the signal of the configuration judge them, as a request would, and gives
 * figures. What is measured is what is served: rules, thresholds and tiers are those of the configuration.
 */
import { RouterError, systemClock, type Embedder, type SignalSettings } from "@turnout/shared";
import {
  createEvaluators,
  DEFAULT_PII_TYPES,
  DOMAIN_DEFAULTS,
  evaluateSignals,
  loadPii,
  PII_TYPES,
  piiTypeOf,
  promptRequest,
  routingSchema,
  STRUCTURED_PII_TYPES,
  type PiiType,
  type RoutingConfig,
  type SignalOutcome,
} from "../routing/index.ts";
import { cache } from "./cache-task.ts";
import { knownLabels, lineSchemas, plainLabel, readLabelled } from "./labelled-data.ts";
import { binaryFigures, calibrationBins, classificationFigures, spanFigures, type CalibrationBin, type Classified } from "./metrics.ts";

/** Tier says who may answer. */
export type Tier = "embedded" | "encoder" | "cascade";

type Signals = RoutingConfig["signals"];

/** TaskParts is what a task runs with. */
export interface TaskParts {
  readonly file: string;
  readonly signals: Signals;
  readonly settings: SignalSettings;
  readonly tier: Tier;
  /** encoder is called once the rules turn out to need it, at most once; rejects when it cannot be had. */
  readonly encoder: () => Promise<Embedder>;
  /** Types that a PII task counts. */
  readonly types?: readonly string[];
  /** Examples from which an intent task takes its labels. */
  readonly trainFile?: string;
  /** Cosine from which the cache looks at a stored question. */
  readonly similarityThreshold: number;
  readonly progress: (done: number, total: number) => void;
}

/** TaskResult is one JSON object of figures, and what the HTML page draws. */
export interface TaskResult {
  readonly figures: Readonly<Record<string, unknown>>;
  readonly bins?: readonly CalibrationBin[];
}

/** tasks by name. Each rejects with a RouterError: bad data, a tier that these rules do not have, a model that is missing. */
export const tasks = { domain, intent, jailbreak, pii, cache } as const;
export type TaskName = keyof typeof tasks;

/** Texts that wait for an answer at the same time. */
const IN_FLIGHT = 16;
/** Texts that are asked one at a time, for p50Us. */
const ALONE = 200;
const WARM_TIMEOUT_MS = 600_000;

const signalsOf = (signals: object): Signals => routingSchema.parse({ signals }).signals;

async function domain(parts: TaskParts): Promise<TaskResult> {
  const known = parts.settings.embedded?.labelsOf("domain") ?? [];
  const signals = parts.signals.domains.length > 0 ? parts.signals : signalsOf({ domains: known.map((name) => ({ name })) });
  const own = signals.domains.flatMap(({ name, mmlu_categories: categories }) => [name, ...categories]);
  const rows = await readLabelled(parts.file, knownLabels([...new Set([...own, ...known, DOMAIN_DEFAULTS.fallback])]));
  return classify(signals, rows, plainLabel, parts);
}

async function intent(parts: TaskParts): Promise<TaskResult> {
  if (parts.trainFile === undefined) {
    throw new RouterError("request_invalid", "--task intent needs --train FILE.jsonl, the examples of each label");
  }
  const rows = await readLabelled(parts.file, lineSchemas.intent);
  const examples = Map.groupBy(await readLabelled(parts.trainFile, lineSchemas.intent), ({ label }) => label);
  const domains = [...examples].map(([name, own]) => ({ name, exemplars: own.map(({ text }) => text) }));
  // Labels of this data are the user's own, even where one is called "law": nothing that was trained answers for them.
  return classify(signalsOf({ domains }), rows, (label) => label, { ...parts, settings: { ...parts.settings, embedded: null } });
}

/**
 * classify has the domain signal judge the texts; `spell` makes labels comparable. A text that matches nothing, or that is in a script nobody knows and fell to the
 * fallback for that, is an abstention; both count as the fallback.
 */
async function classify(
  signals: Signals,
  rows: readonly { readonly text: string; readonly label: string }[],
  spell: (label: string) => string,
  parts: TaskParts,
): Promise<TaskResult> {
  const domainCascade = parts.tier === "cascade" ? "auto" : parts.tier;
  const { judge, asksEncoder } = await judgeOf("domain", signals, { ...parts, settings: { ...parts.settings, domainCascade } });
  const { outcomes, ...speed } = await judgeAll(rows, judge, parts.progress);
  const ruleOf = ruleNames(signals, spell);
  const classified = rows.map(({ text, label }, index): Classified => {
    const { matches, scores, cascade } = outcomes[index] as SignalOutcome;
    const found = matches[0];
    const predicted = spell(found?.rule ?? DOMAIN_DEFAULTS.fallback);
    const ranked = scores.toSorted((a, b) => b.score - a.score).map(({ rule }) => spell(rule));
    const foreign = predicted === DOMAIN_DEFAULTS.fallback && parts.settings.embedded?.read(text).foreign === true;
    return {
      label: ruleOf(label),
      predicted,
      confidence: found?.confidence ?? 0,
      top: [predicted, ...ranked.filter((rule) => rule !== predicted)],
      escalated: cascade === null ? asksEncoder : cascade.tier === "encoder",
      abstained: found === undefined || foreign,
    };
  });
  return { figures: { ...classificationFigures(classified), ...speed }, bins: calibrationBins(classified) };
}

/** ruleNames gives the rule that answers for a label: the one of that name, else the first that stands for it. */
function ruleNames({ domains }: Signals, spell: (label: string) => string): (label: string) => string {
  const rules = new Map<string, string>();
  for (const { name } of domains) rules.set(spell(name), spell(name));
  for (const { name, mmlu_categories: categories } of domains) {
    for (const category of categories.map(spell)) if (!rules.has(category)) rules.set(category, spell(name));
  }
  return (label) => rules.get(spell(label)) ?? spell(label);
}

async function jailbreak(parts: TaskParts): Promise<TaskResult> {
  const rows = await readLabelled(parts.file, lineSchemas.jailbreak);
  const signals = parts.signals.jailbreak.length > 0 ? parts.signals : signalsOf({ jailbreak: [{ name: "attack" }] });
  const { judge, asksEncoder } = await judgeOf("jailbreak", signals, parts);
  const { outcomes, ...speed } = await judgeAll(rows, judge, parts.progress);
  const scored = rows.map(({ label }, index) => {
    const { matches, scores } = outcomes[index] as SignalOutcome;
    return { positive: label === 1, predicted: matches.length > 0, score: scores.reduce((best, { score }) => Math.max(best, score), 0) };
  });
  return { figures: { ...binaryFigures(scored), escalated: asksEncoder ? 1 : 0, abstained: 0, ...speed } };
}

/** pii has the built-in detectors search the texts: for all types, as a request would, of which the wanted ones count. */
async function pii(parts: TaskParts): Promise<TaskResult> {
  const wanted = parts.types === undefined ? STRUCTURED_PII_TYPES : new Set(parts.types.map(knownPiiType));
  const rows = await readLabelled(parts.file, lineSchemas.pii);
  const { detectPii } = await loadPii();
  const searched = new Set([...DEFAULT_PII_TYPES, ...wanted]);
  const counts = ({ type }: { readonly type: string }) => (wanted as ReadonlySet<string>).has(type);
  const { outcomes, ...speed } = await judgeAll(rows, async (text) => detectPii(text, searched), parts.progress);
  const spans = rows.map(({ label }, index) => ({
    right: label.map(([start, end, type]) => ({ start, end, type: piiTypeOf(type) })).filter(counts),
    found: outcomes[index]?.filter(counts) ?? [],
  }));
  const { auc } = binaryFigures(
    spans.map(({ right, found }) => ({
      positive: right.length > 0,
      predicted: found.length > 0,
      score: found.reduce((surest, { confidence }) => Math.max(surest, confidence), 0),
    })),
  );
  return { figures: { ...spanFigures(spans), auc, escalated: 0, abstained: 0, ...speed } };
}

function knownPiiType(name: string): PiiType {
  const type = PII_TYPES.find((known) => known === piiTypeOf(name));
  if (type === undefined)
    throw new RouterError("request_invalid", `--types: no detector finds "${name}"; there are ${PII_TYPES.join(", ")}`);
  return type;
}

/** requireTier refuses to measure without the encoder what cannot do without. Rules that never ask it are measured as they are served, whatever the tier. */
function requireTier(tier: Tier, asksEncoder: boolean): void {
  if (tier === "embedded" && asksEncoder) {
    throw new RouterError(
      "request_invalid",
      "--tier embedded: these rules need the encoder (labels that were not trained, or a contrastive rule)",
    );
  }
}

interface Judge {
  judge(this: void, text: string): Promise<SignalOutcome>;
  /** What does not tell by itself who answered was answered by the encoder. */
  readonly asksEncoder: boolean;
}

/** judgeOf makes one signal of the rules, warm, that judges a text as a request's only message. */
async function judgeOf(type: string, signals: Signals, { settings, tier, encoder }: TaskParts): Promise<Judge> {
  const evaluators = createEvaluators(signals, new Set([type]), settings);
  const asksEncoder = evaluators.some(({ needs }) => needs !== "nothing");
  requireTier(tier, asksEncoder);
  const embedder = asksEncoder ? await encoder() : noEncoder;
  await Promise.all(evaluators.map(({ evaluator }) => evaluator.warm?.(embedder, { deadline: systemClock.now() + WARM_TIMEOUT_MS })));
  return {
    asksEncoder,
    async judge(text) {
      const { outcomes } = await evaluateSignals(evaluators, promptRequest(text), { embedder, clock: systemClock }, {});
      const outcome = outcomes[0] as SignalOutcome;
      if (outcome.error !== null) throw outcome.error;
      return outcome;
    },
  };
}

const noEncoder: Embedder = {
  embed: () => Promise.reject(new RouterError("internal", "a signal asked the encoder that it said it would not need")),
};

/** judgeAll keeps a bounded number of texts in flight; then asks some again one at a time, as a single caller would see it. */
async function judgeAll<Outcome>(
  rows: readonly { readonly text: string }[],
  judge: (text: string) => Promise<Outcome>,
  progress: TaskParts["progress"],
): Promise<{ readonly outcomes: readonly Outcome[]; readonly textsPerSecond: number; readonly p50Us: number }> {
  const outcomes: Outcome[] = [];
  const started = performance.now();
  // The walkers share one iterator: each takes the next row when it is free, and none does after one has failed.
  const queue = rows.entries();
  let failed = false;
  const walk = async () => {
    for (const [index, { text }] of queue) {
      if (failed) return;
      outcomes[index] = await judge(text);
      if (index % 64 === 0) progress(index, rows.length);
    }
  };
  try {
    await Promise.all(Array.from({ length: IN_FLIGHT }, walk));
  } finally {
    failed = true;
    progress(rows.length, rows.length);
  }
  const seconds = (performance.now() - started) / 1000;
  const times: number[] = [];
  const stride = Math.max(1, Math.floor(rows.length / ALONE));
  for (let index = 0; index < rows.length; index += stride) {
    // A text that was never asked: the pool remembers vectors.
    const text = `${rows[index]?.text ?? ""} `;
    const before = performance.now();
    await judge(text);
    times.push((performance.now() - before) * 1000);
  }
  times.sort((a, b) => a - b);
  return { outcomes, textsPerSecond: Math.round(rows.length / seconds), p50Us: Math.round(times[Math.floor(times.length / 2)] ?? 0) };
}
