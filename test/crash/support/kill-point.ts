/** Where a process is killed: seeded, so that every run looks at other moments, and any one of them can be tried again. */
import type { SeededRandom } from '../../../src/testing/conformance/seeded-random.ts';

/** At the `occurrence`-th report of this name, and so many microseconds later. */
export interface KillPoint {
  readonly name: string;
  readonly occurrence: number;
  readonly delayUs: number;
  /**
   * `self`: the process kills itself, and does nothing in between but what other threads do. `parent`: it goes on with
   * its work until the signal of its parent comes.
   */
  readonly by: 'self' | 'parent';
}

/** How often a report is picked, and the last of its occurrences that is. */
export interface KillTarget {
  readonly weight: number;
  readonly occurrences: number;
}

export type KillTargets = Readonly<Record<string, KillTarget>>;

export function pickKillPoint(random: SeededRandom, targets: KillTargets): KillPoint {
  const weights = Object.fromEntries(Object.entries(targets).map(([name, { weight }]) => [name, weight]));
  const name = random.weighted(weights);
  return {
    name,
    occurrence: random.between(1, targets[name]?.occurrences ?? 1),
    delayUs: random.between(0, random.pick([0, 0, 100, 300, 1000, 1000, 3000, 20_000])),
    by: random.pick(['self', 'parent', 'parent']),
  };
}

export function describeKillPoint({ name, occurrence, delayUs, by }: KillPoint): string {
  return `${delayUs} us after '${name}' no. ${occurrence}, by ${by}`;
}

/** Does nothing for so long: a timer is far too coarse for what happens between two writes of a commit. */
export function spin(us: number): void {
  const end = performance.now() + us / 1000;
  while (performance.now() < end);
}
