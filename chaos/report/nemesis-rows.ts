/** The table of the report: one row for each kind of fault. */
import type { FaultName } from '../nemesis/fault.ts';
import type { EndedCall, Span } from './availability.ts';
import { countIn, longestGapMs, percentilesOf, successGaps } from './availability.ts';
import type { NemesisRow, ReportedFault } from './result.ts';

/** A fault is felt for a while after it is over. */
const AFTERMATH_MS = 1000;

export interface RowsOptions {
  readonly calls: readonly EndedCall[];
  readonly whole: Span;
  readonly faults: readonly ReportedFault[];
  readonly nemeses: readonly FaultName[];
}

/** In the order of the nemeses; the quiet times at the end. */
export function nemesisRows({ calls, whole, faults, nemeses }: RowsOptions): readonly NemesisRow[] {
  const gaps = successGaps(calls, whole);
  const rowOf = (nemesis: FaultName | 'none', spans: readonly Span[]): NemesisRow => {
    const gapsMs = spans.map((span) => longestGapMs(gaps, span));
    return { nemesis, intervals: spans.length, counts: countIn(calls, spans), gapsMs, gaps: percentilesOf(gapsMs) };
  };
  const felt = faults.map(({ nemesis, startMs, endMs }) => ({ nemesis, startMs, endMs: endMs + AFTERMATH_MS }));
  return [
    ...nemeses.map((nemesis) =>
      rowOf(
        nemesis,
        felt.filter((fault) => fault.nemesis === nemesis),
      ),
    ),
    rowOf('none', quietSpans(felt, whole)),
  ];
}

/** What the spans leave of the whole. */
export function quietSpans(spans: readonly Span[], whole: Span): readonly Span[] {
  const quiet: Span[] = [];
  let fromMs = whole.startMs;
  for (const { startMs, endMs } of spans.toSorted((a, b) => a.startMs - b.startMs)) {
    if (startMs > fromMs) quiet.push({ startMs: fromMs, endMs: startMs });
    fromMs = Math.max(fromMs, endMs);
  }
  if (fromMs < whole.endMs) quiet.push({ startMs: fromMs, endMs: whole.endMs });
  return quiet;
}
