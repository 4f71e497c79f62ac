/** What is left of a run when it is over: small enough to be sent between processes. */
import type { SimCounts, SimOutcome, SimResult } from '../../src/testing/simulator/run/sim-options.ts';

export interface SeedSummary {
  readonly seed: number;
  readonly outcome: SimOutcome;
  readonly property: string | null;
  readonly message: string | null;
  readonly atMs: number;
  readonly hash: string;
  readonly steps: number;
  readonly nodes: number;
  readonly faults: number;
  readonly counts: SimCounts;
  /** Whether the check for linearizability reached its limits, if there was one. */
  readonly isUndecided?: boolean;
}

export function summaryOf(result: SimResult): SeedSummary {
  const { seed, outcome, property, message, atMs, hash, steps, settings, schedule, counts } = result;
  return {
    seed,
    outcome,
    property,
    message,
    atMs,
    hash,
    steps,
    nodes: settings.nodes,
    faults: schedule.length,
    counts,
    isUndecided: result.linearizability?.verdict === 'undecided',
  };
}
