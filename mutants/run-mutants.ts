/** Hunts all mutants, then lets the unchanged library pass the same seeds. */
import type { BaselineFailure } from './baseline.ts';
import { baselineRuns, runBaseline } from './baseline.ts';
import type { HuntResult } from './hunt.ts';
import { hunt } from './hunt.ts';
import { inParallel } from './in-parallel.ts';
import type { Mutant } from './mutant.ts';
import type { MutantArguments } from './mutant-arguments.ts';
import { baselineLine, resultJson, resultLine, stalePinLine } from './result-text.ts';

/** What is least expected counts most. */
export const EXIT_CODES = { ok: 0, usage: 1, missed: 2, baseline: 3, failed: 4, interrupted: 130 } as const;

/** A reduced run goes on so far where the pinned seeds do not catch a mutant any more. */
const REDUCED_SEEDS = 300;

/** A long hunt says now and then that it goes on. */
const PROGRESS_SEEDS = 100;

export interface RunMutantsOptions extends Pick<MutantArguments, 'seeds' | 'from' | 'isReduced' | 'workers'> {
  readonly mutants: readonly Mutant[];
  /** For people. */
  readonly say: (text: string) => void;
}

export interface MutantsReport {
  readonly exitCode: number;
  readonly results: readonly HuntResult[];
  readonly baselineSeeds: number;
  readonly baselineFailures: readonly BaselineFailure[];
}

/** @throws WorkerFailure when a mutant can't be run */
export async function runMutants(options: RunMutantsOptions): Promise<MutantsReport> {
  const { mutants, workers, say } = options;
  const results = await inParallel(mutants, workers, async (mutant) => {
    const result = await hunt(mutant, { seeds: seedsFor(mutant, options), onSeed: progressOf(say) });
    say(resultLine(result));
    const stale = stalePinLine(result);
    if (options.isReduced && stale !== null) say(stale);
    return result;
  });
  const missed = results.filter(({ caught }) => caught === null);
  say(`${results.length - missed.length} of ${results.length} mutants are caught`);
  const runs = baselineRuns(results);
  const baselineFailures = await runBaseline(runs, workers, (done) => {
    if (done % PROGRESS_SEEDS === 0) say(`the unchanged library ran ${done} of ${runs.length} seeds`);
  });
  for (const failure of baselineFailures) say(baselineLine(failure));
  say(
    `the unchanged library passes ${runs.length - baselineFailures.length} of the ${runs.length} seeds that were used`,
  );
  const exitCode = exitCodeOf(missed.length, baselineFailures.length);
  return { exitCode, results, baselineSeeds: runs.length, baselineFailures };
}

export function reportJson({ results, baselineSeeds, baselineFailures }: MutantsReport): object {
  const failures = baselineFailures.map(({ options, seed, summary }) => ({ options, seed, message: summary.message }));
  return { mutants: results.map(resultJson), baseline: { seeds: baselineSeeds, failures } };
}

/** Which seeds to try, in this order. */
export function seedsFor(
  { pinned }: Pick<Mutant, 'pinned'>,
  { isReduced, from, seeds }: Pick<RunMutantsOptions, 'isReduced' | 'from' | 'seeds'>,
): readonly number[] {
  if (!isReduced) return range(from, seeds);
  return [...pinned, ...range(1, REDUCED_SEEDS).filter((seed) => !pinned.includes(seed))];
}

function range(from: number, count: number): readonly number[] {
  return Array.from({ length: count }, (_, position) => from + position);
}

function exitCodeOf(missed: number, baselineFailures: number): number {
  if (baselineFailures > 0) return EXIT_CODES.baseline;
  return missed > 0 ? EXIT_CODES.missed : EXIT_CODES.ok;
}

function progressOf(say: (text: string) => void): (mutant: Mutant) => void {
  let seeds = 0;
  return ({ name }) => {
    seeds += 1;
    if (seeds % PROGRESS_SEEDS === 0) say(`${name}: ${seeds} seeds so far`);
  };
}
