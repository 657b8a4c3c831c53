/**
 * Measures the signals that ask what a message wants, as they are served, against plain keyword rules for the same question:
 * `node --conditions=source models/training/heads/intent-figures.ts [signal ...]`, some seconds each. Prints, as JSON: five-fold
 * cross-validation on the training authors and each author left out in turn, by which everything is chosen; then the development set, of
 * an author never trained on, and the share of other corpora's messages in which something is found that is not there.
 */
import type { EmbeddedTier, SignalContext, SignalDefinition, SignalSettings } from "../../../packages/shared/src/index.ts";
import { classificationFigures, wilson } from "../../../packages/extproc/src/evaluation/metrics.ts";
import { promptRequest } from "../../../packages/extproc/src/routing/chat-request.ts";
import { complexity } from "../../../packages/extproc/src/routing/signals/complexity.ts";
import { factCheck, NO_FACT_CHECK_NEEDED } from "../../../packages/extproc/src/routing/signals/fact-check.ts";
import { modality } from "../../../packages/extproc/src/routing/signals/modality.ts";
import { userFeedback } from "../../../packages/extproc/src/routing/signals/user-feedback.ts";
import { readLines } from "../corpora.ts";
import type { HeadRecipe } from "../heads.ts";
import { complexityHead, complexityRows } from "./complexity.ts";
import { factCheckHeads, factCheckRows } from "./fact-check.ts";
import type { ChatRow, IntentRow } from "./intent.ts";
import { keywordRules } from "./intent-keywords.ts";
import { modalityHeads, modalityRows } from "./modality.ts";
import { servedTier } from "./served-tier.ts";
import { feedbackRows, userFeedbackHeads } from "./user-feedback.ts";

/** Question is one signal under measurement. */
interface Question {
  readonly definition: SignalDefinition;
  /** Rules by their names, and what it means when none matches. */
  readonly rules: readonly string[];
  readonly otherwise: string;
  rows(set: "train" | "dev"): readonly IntentRow[];
  heads(rows: readonly IntentRow[]): readonly HeadRecipe[];
  /** What messages of other corpora are; null where that depends on the message. */
  readonly elsewhere: string | null;
}

const questions: readonly Question[] = [
  {
    definition: factCheck as unknown as SignalDefinition,
    rules: ["needs_fact_check", NO_FACT_CHECK_NEEDED],
    otherwise: NO_FACT_CHECK_NEEDED,
    rows: factCheckRows,
    heads: factCheckHeads,
    elsewhere: null,
  },
  {
    definition: userFeedback as unknown as SignalDefinition,
    rules: ["satisfied", "need_clarification", "wrong_answer", "want_different"],
    otherwise: "none",
    rows: feedbackRows,
    heads: userFeedbackHeads,
    elsewhere: "none",
  },
  {
    definition: modality as unknown as SignalDefinition,
    rules: ["AR", "DIFFUSION", "BOTH"],
    otherwise: "AR",
    rows: modalityRows,
    heads: modalityHeads,
    elsewhere: "AR",
  },
  {
    definition: complexity as unknown as SignalDefinition,
    rules: ["level"],
    otherwise: "medium",
    rows: complexityRows,
    heads: (rows) => [complexityHead(rows)],
    elsewhere: null,
  },
];

const FOLDS = 5;
interface Judged {
  readonly label: string;
  readonly predicted: string;
  readonly confidence: number;
}

/** judge asks the signal, as a request after an answer would. */
async function judge(question: Question, embedded: EmbeddedTier, rows: readonly IntentRow[]): Promise<Judged[]> {
  const { definition, rules, otherwise } = question;
  const settings = { window: { maxTokens: 128, sampling: "head" }, embedded, encoderModel: () => null, domainCascade: "auto" };
  const evaluator = definition.create(
    rules.map((name) => definition.rule.parse({ name })),
    settings as SignalSettings,
  );
  const context = { provisional: () => undefined } as unknown as SignalContext;
  const judged: Judged[] = [];
  for (const { text, label } of rows) {
    const answered = promptRequest([
      { role: "assistant", text: "Here you are.", imageParts: 0 },
      { role: "user", text, imageParts: 0 },
    ]);
    const { matches } = await evaluator.evaluate(answered, context);
    // A rule with outcomes matches as "rule:outcome".
    judged.push({ label, predicted: matches[0]?.rule.split(":").at(-1) ?? otherwise, confidence: matches[0]?.confidence ?? 0 });
  }
  return judged;
}

/** byKeywords is the floor. */
function byKeywords({ definition: { type, outcomes }, rules, otherwise }: Question, rows: readonly IntentRow[]): Judged[] {
  const labels = outcomes ?? rules;
  const rule = keywordRules[type];
  if (rule === undefined) throw new Error(`no keyword rules for ${type}`);
  return rows.map(({ text, label }) => {
    const found = rule(text) ?? otherwise;
    return { label, predicted: labels.includes(found) ? found : otherwise, confidence: 1 };
  });
}

const round = (value: number) => Number(value.toFixed(3));
const shareOf = (right: number, n: number) => ({ right, n, share: round(right / n), wilson: wilson(right, n).map(round) });

function figuresOf(judged: readonly Judged[]) {
  const { macroF1, ece, perClass, confusion } = classificationFigures(
    judged.map((row) => ({ ...row, top: [row.predicted], escalated: false, abstained: false })),
  );
  const right = judged.filter(({ label, predicted }) => label === predicted).length;
  return { accuracy: shareOf(right, judged.length), macroF1: round(macroF1), ece: round(ece), perClass, confusion };
}

/** brief is what stands beside each other. */
function brief(judged: readonly Judged[]) {
  const { accuracy, macroF1 } = figuresOf(judged);
  return { accuracy, macroF1 };
}

/** Kinds of messages that may well be feedback, or that nobody has told apart. */
const UNTOLD = new Set(["followup", "smalltalk"]);

/** elsewhereRows are messages of other corpora's development sets. */
function elsewhereRows(label: string): Record<string, IntentRow[]> {
  const read = (file: string, fits: (row: ChatRow) => boolean) =>
    readLines<ChatRow>(file)
      .filter(fits)
      .map(({ text }) => ({ text, label, source: file }));
  return Object.fromEntries(
    ["chat_domain.dev.jsonl", "chat/L.dev.jsonl"].flatMap((file) => [
      [file, read(file, () => true)],
      [`${file} without follow-ups and small talk`, read(file, ({ style = "" }) => !UNTOLD.has(style))],
    ]),
  );
}

async function measure(question: Question) {
  const training = question.rows("train");
  const isHeldOut = (fold: number) => (_: IntentRow, index: number) => (index * 7) % FOLDS === fold;
  const folds: Judged[] = [];
  for (let fold = 0; fold < FOLDS; fold += 1) {
    const tier = servedTier(question.heads(training.filter((row, index) => !isHeldOut(fold)(row, index))));
    folds.push(...(await judge(question, tier, training.filter(isHeldOut(fold)))));
  }
  const authors = [...new Set(training.map(({ source }) => source))];
  const leftOut: Record<string, unknown> = {};
  for (const author of authors.length > 1 ? authors : []) {
    const tier = servedTier(question.heads(training.filter(({ source }) => source !== author)));
    const rows = training.filter(({ source }) => source === author);
    leftOut[author] = { served: brief(await judge(question, tier, rows)), keywords: brief(byKeywords(question, rows)) };
  }
  const tier = servedTier(question.heads(training));
  const development = question.rows("dev");
  const found: Record<string, unknown> = {};
  for (const [set, rows] of Object.entries(question.elsewhere === null ? {} : elsewhereRows(question.elsewhere))) {
    const wrong = (judged: readonly Judged[]) =>
      shareOf(judged.filter(({ label, predicted }) => label !== predicted).length, judged.length);
    found[set] = { served: wrong(await judge(question, tier, rows)), keywords: wrong(byKeywords(question, rows)) };
  }
  return {
    trainedOn: training.length,
    crossValidation: { served: brief(folds), keywords: brief(byKeywords(question, training)) },
    leftOneAuthorOut: leftOut,
    development: { served: figuresOf(await judge(question, tier, development)), keywords: figuresOf(byKeywords(question, development)) },
    foundElsewhere: found,
  };
}

const wanted = process.argv.slice(2);
const figures: Record<string, unknown> = {};
for (const question of questions) {
  const { type } = question.definition;
  if (wanted.length === 0 || wanted.includes(type)) figures[type] = await measure(question);
}
process.stdout.write(`${JSON.stringify(figures, null, 2)}\n`);
