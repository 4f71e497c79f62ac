/** The results as text and as JSON. */
import type { SeedSummary } from '../scripts/sim/seed-summary.ts';
import type { BaselineFailure } from './baseline.ts';
import type { HuntResult } from './hunt.ts';

/** What did not hold: a property of the simulator, or the invariant of the core that stopped a node. */
function caughtBy({ property, message }: SeedSummary): string {
  const invariant = /invariant (I\d+) violated/.exec(message ?? '');
  return invariant?.[1] === undefined ? (property ?? 'unknown') : `invariant ${invariant[1]}`;
}

export function resultLine({ mutant, caught, seeds, seconds }: HuntResult): string {
  const cost = `${String(seeds.length).padStart(5)} seeds ${seconds.toFixed(1).padStart(7)} s`;
  const verdict = caught === null ? 'NOT CAUGHT' : `${caughtBy(caught)} (seed ${caught.seed})`;
  return `${mutant.name.padEnd(36)} ${cost}  ${verdict}`;
}

/** Runs depend on every call of the library: a change of it may let a pinned seed run another way. That is no failure. */
export function stalePinLine({ mutant, caught }: HuntResult): string | null {
  if (caught === null || mutant.pinned.includes(caught.seed)) return null;
  return `  the pinned seeds of ${mutant.name} catch it no more: pin ${caught.seed} instead of ${mutant.pinned.join(', ')}`;
}

export function baselineLine({ options, seed, summary }: BaselineFailure): string {
  return `the unchanged library fails seed ${seed} with ${JSON.stringify(options)}: ${summary.outcome}: ${summary.message ?? ''}`;
}

export function resultJson(result: HuntResult): object {
  const { mutant, caught, seeds, seconds, cpuSeconds } = result;
  return {
    name: mutant.name,
    options: mutant.options ?? {},
    seeds: seeds.length,
    seconds,
    cpuSeconds,
    caught:
      caught === null
        ? null
        : { seed: caught.seed, outcome: caught.outcome, by: caughtBy(caught), message: caught.message },
  };
}
