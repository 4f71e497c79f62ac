/** A process that runs seeds on the library with a bug in it, as many as its parent asks for. */
import process from 'node:process';
import type { SeedSummary } from '../scripts/sim/seed-summary.ts';
import type { SimOptions } from '../src/testing/simulator/run/sim-options.ts';
import { installPatches } from './install-patches.ts';
import type { Patch } from './mutant.ts';

/** The first message to a worker. It answers `ready`, and from then on each `SimOptions` with a `SeedReport`. */
export interface WorkerStart {
  readonly patches: readonly Patch[];
}

export interface SeedReport {
  readonly summary: SeedSummary;
  /** What the run cost, in ms of a processor. */
  readonly cpuMs: number;
}

async function start({ patches }: WorkerStart): Promise<void> {
  installPatches(patches);
  // Not before the patches are in place.
  const { runGuarded } = await import('../scripts/sim/run-guarded.ts');
  const { summaryOf } = await import('../scripts/sim/seed-summary.ts');
  const run = async (options: SimOptions): Promise<void> => {
    const before = process.cpuUsage();
    const summary = summaryOf(await runGuarded(options));
    const { user, system } = process.cpuUsage(before);
    const report: SeedReport = { summary, cpuMs: (user + system) / 1000 };
    process.send?.(report);
  };
  process.on('message', (options: SimOptions) => {
    run(options).catch(fail);
  });
  process.send?.('ready');
}

function fail(error: unknown): void {
  console.error(error);
  process.exit(1);
}

process.once('message', (message: WorkerStart) => {
  start(message).catch(fail);
});

// Whoever asked is gone.
process.on('disconnect', () => process.exit(0));
