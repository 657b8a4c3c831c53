/**
 * Calibration learns from shadow requests how often a semantic hit would have been wrong: the question went upstream although an answer
 * was at hand, and the two answers were compared. One count per decision and step of similarity; with a limit for errors, a decision
 * serves semantic hits only while the Wilson bound of its error rate holds it.
 */

/** Width of a step of similarity. */
const STEP = 0.005;
/** z of a one-sided bound at 95 %. */
const Z = 1.645;

/** Trials is how many comparisons there were, and in how many the answers differed. */
export interface Trials {
  readonly n: number;
  readonly wrong: number;
}

/** CalibratedDecision is what is known of one decision. */
export interface CalibratedDecision extends Trials {
  readonly decision: string;
  /** Upper bound of the error rate, 95 % one-sided; 1 without any trial. */
  readonly errorAtMost: number;
  readonly bySimilarity: readonly (Trials & { readonly from: number })[];
}

export class Calibration {
  readonly #maxError: number | null;
  readonly #decisions = new Map<string, { revision: string; steps: Map<number, { n: number; wrong: number }> }>();

  /** `maxError`: largest error rate that is allowed, 0 to 1; null: hits are served whatever the trials say. */
  constructor(maxError: number | null) {
    this.#maxError = maxError;
  }

  /**
   * record counts one comparison. Decisions are named by the configuration, so that there are only so many; one that has changed begins
   * anew. `revision` null: whatever it is now.
   */
  record(decision: string, revision: string | null, similarity: number, wrong: boolean): void {
    const known = this.#decisions.get(decision);
    const steps =
      known !== undefined && (revision === null || known.revision === revision)
        ? known.steps
        : new Map<number, { n: number; wrong: number }>();
    this.#decisions.set(decision, { revision: revision ?? known?.revision ?? "", steps });
    const step = Math.min(Math.floor(similarity / STEP + 1e-9), Math.round(1 / STEP) - 1);
    const trials = steps.get(step) ?? { n: 0, wrong: 0 };
    steps.set(step, trials);
    trials.n += 1;
    if (wrong) trials.wrong += 1;
  }

  /** allows says whether semantic hits of a decision may be served. */
  allows(decision: string, revision: string): boolean {
    if (this.#maxError === null) return true;
    return this.#decisions.get(decision)?.revision === revision && wilsonUpper(this.#total(decision)) <= this.#maxError;
  }

  report(): readonly CalibratedDecision[] {
    return [...this.#decisions].map(([decision, { steps }]) => {
      const total = this.#total(decision);
      const bySimilarity = [...steps].toSorted(([a], [b]) => a - b).map(([step, { n, wrong }]) => ({ from: step * STEP, n, wrong }));
      return { decision, ...total, errorAtMost: wilsonUpper(total), bySimilarity };
    });
  }

  #total(decision: string): Trials {
    let n = 0;
    let wrong = 0;
    for (const trials of this.#decisions.get(decision)?.steps.values() ?? []) {
      n += trials.n;
      wrong += trials.wrong;
    }
    return { n, wrong };
  }
}

/** wilsonUpper bound of an error rate (Wilson 1927), one-sided 95 %; 1 without any trial. */
export function wilsonUpper({ n, wrong }: Trials): number {
  if (n === 0) return 1;
  const rate = wrong / n;
  const z2 = Z * Z;
  return (rate + z2 / (2 * n) + Z * Math.sqrt((rate * (1 - rate)) / n + z2 / (4 * n * n))) / (1 + z2 / n);
}
