/** Runs a seed, and notices what nobody waited for: promises that were rejected without anybody to hear it. */
import process from 'node:process';
import { setImmediate } from 'node:timers/promises';
import { runSeed } from '../../src/testing/simulator/run/run-seed.ts';
import type { SimOptions, SimResult } from '../../src/testing/simulator/run/sim-options.ts';

export async function runGuarded(options: SimOptions): Promise<SimResult> {
  const unheard: unknown[] = [];
  const listen = (error: unknown): void => {
    unheard.push(error);
  };
  process.on('unhandledRejection', listen);
  try {
    const result = await runSeed(options);
    // Node.js tells of them when all microtasks are done.
    await setImmediate();
    const [first] = unheard;
    if (first === undefined || result.outcome !== 'ok') return result;
    const message = `a rejection is not handled: ${first instanceof Error ? first.stack : String(first)}`;
    return { ...result, outcome: 'crash', property: 'no stray promises', message };
  } finally {
    process.off('unhandledRejection', listen);
  }
}
