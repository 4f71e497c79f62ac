/** Schedules for bugs that show only when certain faults meet: the same few faults, again and again. */
import type { FaultAction, FaultItem } from '../src/testing/simulator/schedule/fault-item.ts';

export interface Cycle {
  readonly everyMs: number;
  readonly times: number;
  /** By their time within the cycle. */
  readonly faults: readonly (readonly [atMs: number, action: FaultAction])[];
}

export function repeatedFaults({ everyMs, times, faults }: Cycle): readonly FaultItem[] {
  const starts = Array.from({ length: times }, (_, position) => position * everyMs);
  return starts
    .flatMap((startMs) => faults.map(([atMs, action]) => ({ atMs: startMs + atMs, action })))
    .map((item, position) => ({ id: position + 1, ...item }));
}
