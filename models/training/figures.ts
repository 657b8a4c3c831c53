/** Figures of the domain head: accuracy, share of texts that ask the encoder, and calibration error, by group of development texts. */
import { calibrationError, type Answer } from "./calibrate.ts";

/** Trial is one text as the model judged it. */
export interface Trial {
  /** Groups of texts that it belongs to. */
  readonly groups: readonly string[];
  /** Whether the tables alone are right, and whether they are together with the encoder. */
  readonly embedded: boolean;
  readonly encoder: boolean;
  /** What is served. */
  readonly cascade: Answer;
  readonly asks: boolean;
}

/** Figure is of one group: percentages, and the calibration error of what is served. */
export interface Figure {
  readonly n: number;
  readonly embedded: number;
  readonly encoder: number;
  readonly cascade: number;
  readonly escalated: number;
  readonly ece: number;
}

/** figuresOf the groups, in the order in which they are first met. */
export function figuresOf(trials: readonly Trial[]): Record<string, Figure> {
  const groups = new Map<string, Trial[]>();
  for (const trial of trials) {
    for (const name of trial.groups) {
      const group = groups.get(name);
      if (group === undefined) groups.set(name, [trial]);
      else group.push(trial);
    }
  }
  return Object.fromEntries([...groups].map(([name, group]) => [name, figureOf(group)]));
}

function figureOf(trials: readonly Trial[]): Figure {
  const percent = (holds: (trial: Trial) => boolean) => Number(((100 * trials.filter(holds).length) / trials.length).toFixed(1));
  return {
    n: trials.length,
    embedded: percent(({ embedded }) => embedded),
    encoder: percent(({ encoder }) => encoder),
    cascade: percent(({ cascade }) => cascade.right),
    escalated: percent(({ asks }) => asks),
    ece: Number(calibrationError(trials.map(({ cascade }) => cascade)).toFixed(3)),
  };
}

/** figuresPage is the figures for people. */
export function figuresPage(figures: Readonly<Record<string, Figure>>, revision: string): string {
  const rows = Object.entries(figures).map(([name, figure]) => `| ${[name, ...Object.values(figure)].join(" | ")} |`);
  return `# Figures of revision ${revision}

Accuracy of the domain head on development sets, in %; written by \`pnpm run train\`. Weights and thresholds were chosen on these sets; a
small set has a large calibration error by chance.

| set | texts | embedded | with the encoder always | cascade | share that asks the encoder | calibration error of the cascade |
|---|---|---|---|---|---|---|
${rows.join("\n")}
`;
}
