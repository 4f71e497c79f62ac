/** Runs the unchanged library on the seeds that were used against mutants: none of them may fail. */
import type { SeedSummary } from '../scripts/sim/seed-summary.ts';
import type { HuntResult } from './hunt.ts';
import type { SeedOptions } from './mutant.ts';
import { SeedRunner } from './seed-runner.ts';

export interface BaselineRun {
  readonly options: SeedOptions;
  readonly seed: number;
}

export interface BaselineFailure extends BaselineRun {
  readonly summary: SeedSummary;
}

/** Every run of the hunts, each once. */
export function baselineRuns(results: readonly Pick<HuntResult, 'mutant' | 'seeds'>[]): readonly BaselineRun[] {
  const runs = new Map<string, BaselineRun>();
  for (const { mutant, seeds } of results) {
    const options = mutant.options ?? {};
    for (const seed of seeds) runs.set(`${JSON.stringify(options)} ${seed}`, { options, seed });
  }
  return [...runs.values()];
}

/** Resolves with the runs that failed. @throws WorkerFailure */
export async function runBaseline(
  runs: readonly BaselineRun[],
  workers: number,
  onRun: (done: number) => void,
): Promise<readonly BaselineFailure[]> {
  const failures: BaselineFailure[] = [];
  const rest = runs.values();
  let done = 0;
  const work = async (): Promise<void> => {
    const runner = await SeedRunner.start([]);
    try {
      for (const { options, seed } of rest) {
        const { summary } = await runner.run({ ...options, seed });
        if (summary.outcome !== 'ok') failures.push({ options, seed, summary });
        done += 1;
        onRun(done);
      }
    } finally {
      runner.close();
    }
  };
  await Promise.all(Array.from({ length: Math.min(workers, runs.length) }, work));
  return failures;
}
