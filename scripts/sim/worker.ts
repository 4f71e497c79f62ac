/** A process that runs seeds, as many as its parent asks for. */
import process from 'node:process';
import type { SimOptions } from '../../src/testing/simulator/run/sim-options.ts';
import { runGuarded } from './run-guarded.ts';
import { summaryOf } from './seed-summary.ts';

process.on('message', (options: SimOptions) => {
  runGuarded(options).then(
    (result) => process.send?.(summaryOf(result)),
    (error: unknown) => {
      console.error(`seed ${options.seed}:`, error);
      process.exit(4);
    },
  );
});

// Whoever asked is gone.
process.on('disconnect', () => process.exit(0));
