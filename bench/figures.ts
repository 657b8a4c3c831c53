/** The few figures that benchmarks print: rounded numbers, quantiles, and the median of ratios. Pure; the benchmarks call it. */

/** round keeps two decimals. */
export function round(value: number): number {
  return Math.round(value * 100) / 100;
}

/** quantile of values in any order; NaN when there are none. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1))] ?? Number.NaN;
}

/** p50p99 are the two quantiles that every benchmark prints; null where nothing was measured. */
export function p50p99(values: readonly number[]): { readonly p50: number | null; readonly p99: number | null } {
  return { p50: finite(quantile(values, 0.5)), p99: finite(quantile(values, 0.99)) };
}

/**
 * medianRatio divides pairs that were measured one after the other, so that both saw the same machine, and gives the middle one; null
 * without a sound pair.
 */
export function medianRatio(pairs: readonly (readonly [over: number, under: number])[]): number | null {
  const ratios = pairs
    .map(([over, under]) => over / under)
    .filter((ratio) => Number.isFinite(ratio) && ratio > 0)
    .toSorted((a, b) => a - b);
  const lower = ratios[Math.ceil(ratios.length / 2) - 1];
  const upper = ratios[Math.floor(ratios.length / 2)];
  return lower === undefined || upper === undefined ? null : round((lower + upper) / 2);
}

function finite(value: number): number | null {
  return Number.isFinite(value) ? round(value) : null;
}
