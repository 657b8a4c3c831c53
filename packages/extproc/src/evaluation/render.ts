/** Renders figures for a terminal, and as one self-contained page. Pure. */
import type { CalibrationBin, PrecisionRecall } from "./metrics.ts";
import type { TaskResult } from "./tasks.ts";

type Figures = TaskResult["figures"];

const percent = (value: unknown) => (typeof value === "number" ? `${(100 * value).toFixed(1)} %` : "–");
/** Confusions that a terminal lists. */
const WORST = 8;

/** renderFigures is what people read in a terminal. */
export function renderFigures(figures: Figures): string {
  const { task, tier, n, interval } = figures as { task: string; tier: string; n: number; interval: readonly [number, number] };
  const head = [
    "accuracy",
    "macroF1",
    "top2",
    "ece",
    "precision",
    "recall",
    "f1",
    "auc",
    "falsePositiveRate",
    "falseHitRate",
    "escalated",
    "abstained",
  ]
    .filter((name) => typeof figures[name] === "number")
    .map(
      (name) =>
        `  ${name.padEnd(18)} ${percent(figures[name])}${name === intervalOf(figures) ? `  [${percent(interval[0])}, ${percent(interval[1])}]` : ""}`,
    );
  return [
    `${task}, ${tier}: ${n} texts`,
    ...head,
    `  speed              ${String(figures["textsPerSecond"])} texts/s, ${String(figures["p50Us"])} us each alone (p50)`,
    ...classLines((figures["perClass"] ?? figures["perType"]) as Readonly<Record<string, PrecisionRecall>> | undefined),
    ...confusionLines(figures["confusion"] as Confusion | undefined),
    "",
  ].join("\n");
}

/** intervalOf names the figure that the interval belongs to. */
const intervalOf = (figures: Figures) => ("accuracy" in figures ? "accuracy" : "recall");

function classLines(perClass: Readonly<Record<string, PrecisionRecall>> | undefined): string[] {
  if (perClass === undefined) return [];
  const width = Math.max(...Object.keys(perClass).map((name) => name.length), 5);
  return [
    "",
    `  ${"label".padEnd(width)}  precision   recall       f1        n`,
    ...Object.entries(perClass).map(
      ([name, { precision, recall, f1, support }]) =>
        `  ${name.padEnd(width)} ${[precision, recall, f1].map((value) => percent(value).padStart(10)).join("")} ${String(support).padStart(8)}`,
    ),
  ];
}

type Confusion = Readonly<Record<string, Readonly<Record<string, number>>>>;

function confusionLines(confusion: Confusion | undefined): string[] {
  if (confusion === undefined) return [];
  const pairs = Object.entries(confusion)
    .flatMap(([label, row]) => Object.entries(row).map(([predicted, count]) => ({ label, predicted, count })))
    .filter(({ label, predicted, count }) => label !== predicted && count > 0)
    .toSorted((a, b) => b.count - a.count)
    .slice(0, WORST);
  return pairs.length === 0
    ? []
    : [
        "",
        "  most confused",
        ...pairs.map(({ label, predicted, count }) => `  ${String(count).padStart(6)}  ${label} taken for ${predicted}`),
      ];
}

const escape = (text: string) => text.replace(/[&<>"]/g, (letter) => `&#${letter.charCodeAt(0)};`);

/** renderPage is the report as one HTML file: figures, confusion matrix, reliability diagram. It needs no script and no network. */
export function renderPage({ figures, bins }: TaskResult): string {
  const title = escape(`turnout eval: ${String(figures["task"])}, ${String(figures["tier"])}`);
  return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${title}</title>
<style>body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:70rem;padding:0 1rem}table{border-collapse:collapse;margin:1rem 0}td,th{padding:.25rem .5rem;text-align:right;font-variant-numeric:tabular-nums}th:first-child,td:first-child{text-align:left}.confusion td{border:1px solid #ddd}pre{background:#f5f5f5;padding:1rem;overflow:auto}</style>
<h1>${title}</h1>
<pre>${escape(renderFigures(figures))}</pre>
${confusionTable(figures["confusion"] as Confusion | undefined)}${bins === undefined ? "" : reliabilityDiagram(bins)}</html>
`;
}

/** Share from which a cell is dark enough for white figures: on either side of it the contrast is at least 4.5 to 1 (WCAG AA). */
const WHITE_FROM = 0.83;

function confusionTable(confusion: Confusion | undefined): string {
  if (confusion === undefined) return "";
  const labels = Object.keys(confusion);
  const rows = labels.map((label) => {
    const row = labels.map((predicted) => confusion[label]?.[predicted] ?? 0);
    const total = row.reduce((sum, count) => sum + count, 0) || 1;
    // Blue by share: readable in print and by the colour-blind; the number stands in every cell.
    const cells = row.map(
      (count) =>
        `<td style="background:rgba(0,90,200,${(count / total).toFixed(2)});color:${count / total > WHITE_FROM ? "#fff" : "#000"}">${count}</td>`,
    );
    return `<tr><th scope="row">${escape(label)}</th>${cells.join("")}</tr>`;
  });
  const head = labels.map((label) => `<th scope="col">${escape(label)}</th>`).join("");
  return `<h2>Confusion matrix</h2><p>Rows are the right labels, columns what was predicted.</p><table class="confusion"><tr><td></td>${head}</tr>${rows.join("")}</table>\n`;
}

const SIZE = 320;
/** Room for what is written at the axes. */
const MARGIN = 40;

function reliabilityDiagram(bins: readonly CalibrationBin[]): string {
  const width = SIZE / bins.length;
  const bars = bins
    .filter(({ count }) => count > 0)
    .map(({ from, count, accuracy, confidence }) => {
      const height = accuracy * SIZE;
      const label = `${count} texts, confidence ${percent(confidence)}, accuracy ${percent(accuracy)}`;
      return `<rect x="${(from * SIZE).toFixed(1)}" y="${(SIZE - height).toFixed(1)}" width="${(width - 1).toFixed(1)}" height="${height.toFixed(1)}" fill="#005ac8"><title>${label}</title></rect>`;
    });
  return `<h2>Reliability</h2><p>Bars are accuracy by confidence; on the line, confidence is true.</p>
<svg viewBox="${-MARGIN} -8 ${SIZE + MARGIN + 8} ${SIZE + MARGIN + 8}" width="${SIZE + MARGIN + 8}" height="${SIZE + MARGIN + 8}" font-size="12" role="img" aria-label="Reliability diagram">${bars.join("")}<rect width="${SIZE}" height="${SIZE}" fill="none" stroke="#767676"/><line x1="0" y1="${SIZE}" x2="${SIZE}" y2="0" stroke="#c03000" stroke-dasharray="4"/>${axes()}</svg>
`;
}

/** axes writes shares below the diagram and at its left. */
function axes(): string {
  const marks = [0, 0.5, 1].map(
    (share) =>
      `<text x="${share * SIZE}" y="${SIZE + 16}" text-anchor="middle">${share}</text><text x="-6" y="${(1 - share) * SIZE + 4}" text-anchor="end">${share}</text>`,
  );
  return `${marks.join("")}<text x="${SIZE / 2}" y="${SIZE + 31}" text-anchor="middle">confidence</text><text transform="translate(-27 ${SIZE / 2}) rotate(-90)" text-anchor="middle">accuracy</text>`;
}
