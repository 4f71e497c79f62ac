/** Runs one mutant, seed after seed, until a property of the simulator catches it. */
import { performance } from 'node:perf_hooks';
import type { SeedSummary } from '../scripts/sim/seed-summary.ts';
import type { Mutant } from './mutant.ts';
import { countsAsCaught } from './mutant.ts';
import { SeedRunner } from './seed-runner.ts';

export interface HuntOptions {
  /** To run in this order. */
  readonly seeds: readonly number[];
  /** Told after each seed. */
  readonly onSeed: (mutant: Mutant, summary: SeedSummary) => void;
}

export interface HuntResult {
  readonly mutant: Mutant;
  /** The run that caught it; `null` when none did. */
  readonly caught: SeedSummary | null;
  /** The seeds that were run, the one that caught it included. */
  readonly seeds: readonly number[];
  readonly seconds: number;
  /** Of a processor, without the start of the process. */
  readonly cpuSeconds: number;
}

/** @throws WorkerFailure */
export async function hunt(mutant: Mutant, { seeds, onSeed }: HuntOptions): Promise<HuntResult> {
  const startedMs = performance.now();
  const runner = await SeedRunner.start(mutant.patches);
  const run: number[] = [];
  let cpuMs = 0;
  let caught: SeedSummary | null = null;
  try {
    for (const seed of seeds) {
      const report = await runner.run({ ...mutant.options, seed });
      run.push(seed);
      cpuMs += report.cpuMs;
      onSeed(mutant, report.summary);
      if (!countsAsCaught(mutant, report.summary.outcome)) continue;
      caught = report.summary;
      break;
    }
  } finally {
    runner.close();
  }
  return { mutant, caught, seeds: run, seconds: (performance.now() - startedMs) / 1000, cpuSeconds: cpuMs / 1000 };
}
