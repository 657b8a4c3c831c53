/** Figures of merit from predictions and right answers. Pure; every share is 0 to 1, every interval is Wilson's at 95 %. */

/** Classified is one text with its right label and what was said of it. */
export interface Classified {
  readonly label: string;
  readonly predicted: string;
  /** Probability of the predicted label. */
  readonly confidence: number;
  /** The two likeliest labels, likeliest first; the second may be missing. */
  readonly top: readonly string[];
  readonly escalated: boolean;
  readonly abstained: boolean;
}

/** Scored is one text of a yes-or-no task. */
export interface Scored {
  readonly positive: boolean;
  readonly predicted: boolean;
  readonly score: number;
}

/** Span is a stretch of a text with its type; offsets in UTF-16 units. */
export interface Span {
  readonly start: number;
  readonly end: number;
  readonly type: string;
}

export interface PrecisionRecall {
  readonly precision: number;
  readonly recall: number;
  readonly f1: number;
  readonly support: number;
}

/** wilson interval of `right` out of `n`; [0, 1] when nothing was counted. */
export function wilson(right: number, n: number): readonly [number, number] {
  if (n === 0) return [0, 1];
  const z = 1.959963984540054;
  const p = right / n;
  const centre = p + (z * z) / (2 * n);
  const spread = z * Math.sqrt((p * (1 - p)) / n + (z * z) / (4 * n * n));
  const scale = 1 + (z * z) / n;
  // Of none or of all the formula gives 0 or 1, but for rounding.
  return [right === 0 ? 0 : (centre - spread) / scale, right === n ? 1 : (centre + spread) / scale];
}

/** precisionRecall from counts; what was never predicted has precision 0, what never occurred recall 0. */
export function precisionRecall(truePositives: number, falsePositives: number, falseNegatives: number): PrecisionRecall {
  return {
    precision: share(truePositives, truePositives + falsePositives),
    recall: share(truePositives, truePositives + falseNegatives),
    f1: share(2 * truePositives, 2 * truePositives + falsePositives + falseNegatives),
    support: truePositives + falseNegatives,
  };
}

/** classificationFigures are those of a task in which each text has one label. macroF1 is over the labels that occur. */
export function classificationFigures(rows: readonly Classified[]) {
  const labels = [...new Set(rows.flatMap(({ label, predicted }) => [label, predicted]))].toSorted();
  const confusion = Object.fromEntries(labels.map((label) => [label, Object.fromEntries(labels.map((other) => [other, 0]))]));
  for (const { label, predicted } of rows) {
    const row = confusion[label] as Record<string, number>;
    row[predicted] = (row[predicted] ?? 0) + 1;
  }
  const perClass = Object.fromEntries(
    labels.map((label) => {
      const hits = confusion[label]?.[label] ?? 0;
      const predicted = labels.reduce((sum, other) => sum + (confusion[other]?.[label] ?? 0), 0);
      const actual = Object.values(confusion[label] ?? {}).reduce((sum, count) => sum + count, 0);
      return [label, precisionRecall(hits, predicted - hits, actual - hits)] as const;
    }),
  );
  const occurring = Object.values(perClass).filter(({ support }) => support > 0);
  const right = rows.filter(({ label, predicted }) => label === predicted).length;
  return {
    n: rows.length,
    accuracy: share(right, rows.length),
    interval: wilson(right, rows.length),
    macroF1: share(
      occurring.reduce((sum, { f1 }) => sum + f1, 0),
      occurring.length,
    ),
    top2: share(rows.filter(({ label, top }) => top.slice(0, 2).includes(label)).length, rows.length),
    ece: expectedCalibrationError(rows),
    escalated: share(rows.filter(({ escalated }) => escalated).length, rows.length),
    abstained: share(rows.filter(({ abstained }) => abstained).length, rows.length),
    perClass,
    confusion,
  };
}

/** CalibrationBin is one bar of a reliability diagram. */
export interface CalibrationBin {
  readonly from: number;
  readonly count: number;
  readonly confidence: number;
  readonly accuracy: number;
}

const BINS = 15;

/** calibrationBins are 15 bins of equal width. An abstention claims nothing, and is in none of them. */
export function calibrationBins(rows: readonly Classified[]): readonly CalibrationBin[] {
  const bins = Array.from({ length: BINS }, (_, index) => ({ from: index / BINS, rows: [] as Classified[] }));
  for (const row of rows) if (!row.abstained) bins[Math.min(BINS - 1, Math.floor(row.confidence * BINS))]?.rows.push(row);
  return bins.map(({ from, rows: inside }) => ({
    from,
    count: inside.length,
    confidence: share(
      inside.reduce((sum, { confidence }) => sum + confidence, 0),
      inside.length,
    ),
    accuracy: share(inside.filter(({ label, predicted }) => label === predicted).length, inside.length),
  }));
}

/** expectedCalibrationError is the mean distance of confidence and accuracy over the bins, by their counts. */
export function expectedCalibrationError(rows: readonly Classified[]): number {
  const bins = calibrationBins(rows);
  const distance = bins.reduce((sum, { count, confidence, accuracy }) => sum + count * Math.abs(confidence - accuracy), 0);
  return share(
    distance,
    bins.reduce((sum, { count }) => sum + count, 0),
  );
}

/** binaryFigures are those of a yes-or-no task. */
export function binaryFigures(rows: readonly Scored[]) {
  const count = (positive: boolean, predicted: boolean) =>
    rows.filter((row) => row.positive === positive && row.predicted === predicted).length;
  const [hits, misses, falseAlarms, passes] = [count(true, true), count(true, false), count(false, true), count(false, false)];
  const { precision, recall, f1 } = precisionRecall(hits, falseAlarms, misses);
  return {
    n: rows.length,
    positives: hits + misses,
    accuracy: share(hits + passes, rows.length),
    interval: wilson(hits + passes, rows.length),
    precision,
    recall,
    f1,
    auc: areaUnderCurve(rows),
    falsePositiveRate: share(falseAlarms, falseAlarms + passes),
  };
}

/** areaUnderCurve is the chance that a positive scores above a negative (ties count half); 0.5 without one of each. */
export function areaUnderCurve(rows: readonly Scored[]): number {
  const sorted = rows.toSorted((a, b) => a.score - b.score);
  const positives = rows.filter(({ positive }) => positive).length;
  const negatives = rows.length - positives;
  if (positives === 0 || negatives === 0) return 0.5;
  let rankSum = 0;
  for (let start = 0; start < sorted.length;) {
    let end = start + 1;
    while (end < sorted.length && sorted[end]?.score === sorted[start]?.score) end += 1;
    const rank = (start + 1 + end) / 2;
    for (let at = start; at < end; at += 1) if (sorted[at]?.positive === true) rankSum += rank;
    start = end;
  }
  return (rankSum - (positives * (positives + 1)) / 2) / (positives * negatives);
}

/**
 * spanFigures count a right span as found when a span of its type overlaps it, and a found span as right the same way: recall is a share
 * of the right spans, precision of the found ones, so that one long find is one find however many right spans it covers.
 */
export function spanFigures(rows: readonly { readonly right: readonly Span[]; readonly found: readonly Span[] }[]) {
  const types = [...new Set(rows.flatMap(({ right, found }) => [...right, ...found]).map(({ type }) => type))].toSorted();
  const counts = new Map(types.map((type) => [type, { hits: 0, missed: 0, confirmed: 0, wrong: 0 }]));
  let clean = 0;
  let flagged = 0;
  for (const { right, found } of rows) {
    for (const span of right) {
      const count = counts.get(span.type);
      if (count !== undefined) count[found.some((other) => overlaps(span, other)) ? "hits" : "missed"] += 1;
    }
    for (const span of found) {
      const count = counts.get(span.type);
      if (count !== undefined) count[right.some((other) => overlaps(span, other)) ? "confirmed" : "wrong"] += 1;
    }
    if (right.length > 0) continue;
    clean += 1;
    if (found.length > 0) flagged += 1;
  }
  const sum = (name: keyof SpanCounts) => [...counts.values()].reduce((total, count) => total + count[name], 0);
  const all = spanScores({ hits: sum("hits"), missed: sum("missed"), confirmed: sum("confirmed"), wrong: sum("wrong") });
  return {
    n: rows.length,
    spans: all.support,
    precision: all.precision,
    recall: all.recall,
    f1: all.f1,
    interval: wilson(sum("hits"), all.support),
    falsePositiveRate: share(flagged, clean),
    clean,
    perType: Object.fromEntries([...counts].map(([type, count]) => [type, spanScores(count)])),
  };
}

/** SpanCounts are of right spans (hits, missed) and of found ones (confirmed, wrong). */
interface SpanCounts {
  readonly hits: number;
  readonly missed: number;
  readonly confirmed: number;
  readonly wrong: number;
}

function spanScores({ hits, missed, confirmed, wrong }: SpanCounts): PrecisionRecall {
  const precision = share(confirmed, confirmed + wrong);
  const recall = share(hits, hits + missed);
  return { precision, recall, f1: share(2 * precision * recall, precision + recall), support: hits + missed };
}

const overlaps = (a: Span, b: Span) => a.type === b.type && a.start < b.end && b.start < a.end;
const share = (part: number, whole: number) => (whole === 0 ? 0 : part / whole);
