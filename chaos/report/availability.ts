/** How long nothing succeeded, and what became of the operations, second by second and for each kind of fault. */
import type { Operation } from 'zlayer-consensus/testing';

/** Milliseconds from the start of the history. */
export interface Span {
  readonly startMs: number;
  readonly endMs: number;
}

export interface Counts {
  readonly ok: number;
  readonly failed: number;
  readonly unknown: number;
}

/** What counts as the end of a call: those of unknown outcome have none, so they count when they were made. */
export interface EndedCall {
  readonly atMs: number;
  readonly type: keyof Counts;
}

/** In order of time. */
export function endedCalls(operations: readonly Operation<unknown, unknown>[]): readonly EndedCall[] {
  const calls = operations.map((operation) => ({
    atMs: operation.type === 'unknown' ? operation.callAt : operation.returnAt,
    type: operation.type,
  }));
  return calls.toSorted((a, b) => a.atMs - b.atMs);
}

/** The times between a success and the next one, and those from the start and to the end. In order of time. */
export function successGaps(calls: readonly EndedCall[], whole: Span): readonly Span[] {
  const times = calls.filter(({ type, atMs }) => type === 'ok' && atMs > whole.startMs && atMs < whole.endMs);
  const ends = [...times.map(({ atMs }) => atMs), whole.endMs];
  return ends.map((endMs, index) => ({ startMs: index === 0 ? whole.startMs : (ends[index - 1] ?? 0), endMs }));
}

/** The longest of the gaps that touch the span, in full: it may have begun before, and end after. */
export function longestGapMs(gaps: readonly Span[], span: Span): number {
  let longest = 0;
  for (const { startMs, endMs } of gaps) {
    if (startMs < span.endMs && endMs > span.startMs) longest = Math.max(longest, endMs - startMs);
  }
  return longest;
}

export interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** By the nearest rank: each is a value that occurred. Null when there are none. */
export function percentilesOf(values: readonly number[]): Percentiles | null {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return sorted.length === 0 ? null : { p50: at(0.5), p99: at(0.99), max: at(1) };
}

/** Of the calls that ended in the spans; one that lies in two of them counts once. */
export function countIn(calls: readonly EndedCall[], spans: readonly Span[]): Counts {
  return countCalls(calls.filter(({ atMs }) => spans.some(({ startMs, endMs }) => atMs >= startMs && atMs < endMs)));
}

export function countCalls(calls: readonly EndedCall[]): Counts {
  const counts = { ok: 0, failed: 0, unknown: 0 };
  for (const { type } of calls) counts[type] += 1;
  return counts;
}

/** One row for each step of time. */
export function countSteps(calls: readonly EndedCall[], whole: Span, stepMs: number): readonly Counts[] {
  const steps = Math.max(1, Math.ceil((whole.endMs - whole.startMs) / stepMs));
  const rows = Array.from({ length: steps }, () => ({ ok: 0, failed: 0, unknown: 0 }));
  for (const { atMs, type } of calls) {
    const row = rows[Math.floor((atMs - whole.startMs) / stepMs)];
    if (row !== undefined) row[type] += 1;
  }
  return rows;
}
