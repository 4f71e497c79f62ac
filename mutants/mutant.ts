/** What a mutant is: a known bug, put back into the sources for one process only. */
import type { SimOptions, SimOutcome } from '../src/testing/simulator/run/sim-options.ts';

/** One change of a source file. */
export interface Patch {
  /** From the root of the repository. */
  readonly file: string;
  /** Must be in the file exactly once, so that no refactoring disarms the mutant unnoticed. */
  readonly search: string;
  readonly replace: string;
}

/** What all runs of a mutant have in common. */
export type SeedOptions = Omit<SimOptions, 'seed' | 'trace'>;

export interface Mutant {
  readonly name: string;
  /** What is wrong, in a sentence. */
  readonly bug: string;
  /** Who had it, or which text warns of it. */
  readonly origin: string;
  readonly patches: readonly Patch[];
  /** Where the usual schedules would take long to show it. Default: those of `npm run sim`. */
  readonly options?: SeedOptions;
  /** Failures that count as catching it. Default: safety only, since a node that merely stops proves little. */
  readonly outcomes?: readonly SimOutcome[];
  /** Seeds that catch it, the cheapest first: the reduced run begins with them. */
  readonly pinned: readonly number[];
}

export function countsAsCaught({ outcomes = ['safety'] }: Mutant, outcome: SimOutcome): boolean {
  return outcomes.includes(outcome);
}
