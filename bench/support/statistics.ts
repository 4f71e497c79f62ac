/** Medians, spreads and percentiles: how a handful of repeats becomes one line of the report. */

/** Of all repeats: the middle one, and how far they lie apart. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

/** @throws RangeError when there are no values */
export function summarise(values: readonly number[]): Summary {
  const sorted = Float64Array.from(values).sort();
  const min = sorted[0];
  const max = sorted[sorted.length - 1];
  if (min === undefined || max === undefined) throw new RangeError('nothing was measured: there are no values');
  return { median: percentile(sorted, 0.5), min, max };
}

/** The value below which `share` (0 to 1) of the ascending values lie, interpolated between neighbours. */
export function percentile(sorted: Float64Array, share: number): number {
  const position = (sorted.length - 1) * share;
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new RangeError('nothing was measured: there are no values');
  return below + (above - below) * (position - Math.floor(position));
}
