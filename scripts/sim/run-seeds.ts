/** Runs many seeds, in several processes at a time. */
import type { ChildProcess } from 'node:child_process';
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { SimOptions } from '../../src/testing/simulator/run/sim-options.ts';
import type { SeedSummary } from './seed-summary.ts';

export interface RunSeedsOptions {
  readonly options: Omit<SimOptions, 'seed' | 'trace'>;
  readonly from: number;
  readonly seeds: number;
  readonly workers: number;
  /** Told of each seed, in the order in which they end. Returns whether to go on. */
  readonly onSeed: (summary: SeedSummary) => boolean;
}

const WORKER = fileURLToPath(new URL('./worker.ts', import.meta.url));

/** Resolves when all seeds were run, or nobody wants more of them. No process is left then. */
export async function runSeeds(options: RunSeedsOptions): Promise<void> {
  let next = options.from;
  let isOver = false;
  const end = options.from + options.seeds;
  const workers = Array.from({ length: Math.min(options.workers, options.seeds) }, () => fork(WORKER));
  const take = (): SimOptions | null => {
    if (isOver || next >= end) return null;
    next += 1;
    return { ...options.options, seed: next - 1 };
  };
  const onSeed = (summary: SeedSummary): void => {
    if (!isOver && !options.onSeed(summary)) isOver = true;
  };
  try {
    await Promise.all(workers.map((worker) => feed(worker, take, onSeed)));
  } finally {
    for (const worker of workers) worker.kill();
  }
}

function feed(
  worker: ChildProcess,
  take: () => SimOptions | null,
  onSeed: (summary: SeedSummary) => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let current: SimOptions | null = null;
    const ask = (): void => {
      current = take();
      if (current === null) resolve();
      else worker.send(current);
    };
    worker.on('message', (summary: SeedSummary) => {
      onSeed(summary);
      ask();
    });
    worker.on('error', reject);
    worker.on('exit', (code, signal) => {
      if (current === null) resolve();
      else reject(new Error(`the worker for seed ${current.seed} ended with ${signal ?? code}`));
    });
    ask();
  });
}
