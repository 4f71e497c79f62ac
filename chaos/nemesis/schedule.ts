/** When which fault happens: drawn from the seed alone, before anything is started. */
import type { FaultName, PlannedFault } from './fault.ts';
import { FAULTS } from './fault.ts';
import { SeededRandom } from './seeded-random.ts';

export interface ScheduleOptions {
  readonly seed: number;
  readonly seconds: number;
  readonly nodes: number;
  readonly nemeses: readonly FaultName[];
}

/** Before the first fault the cluster is left alone. */
const QUIET_START_MS = 1000;

/** With several kinds at once each pauses for longer, so that there is progress between the faults. */
const CALM_PER_KIND = 0.35;

/**
 * Each kind has a sequence of its own, which does not depend on the other kinds that are chosen, except for its pauses.
 * Every variant comes once before the first one comes again. In order of time.
 */
export function makeSchedule(options: ScheduleOptions): readonly PlannedFault[] {
  return options.nemeses.flatMap((nemesis) => planOf(nemesis, options)).sort((a, b) => a.atMs - b.atMs);
}

function planOf(nemesis: FaultName, { seed, seconds, nodes, nemeses }: ScheduleOptions): readonly PlannedFault[] {
  const random = new SeededRandom(seed, `faults of ${nemesis}`);
  const { variants, holdMs, calmMs } = FAULTS[nemesis];
  const stretch = 1 + CALM_PER_KIND * (nemeses.length - 1);
  const places = Array.from({ length: nodes }, (_, place) => place);
  const plan: PlannedFault[] = [];
  let left: readonly string[] = [];
  let atMs = QUIET_START_MS + (nemeses.length > 1 ? Math.round(random.between(...calmMs) * random.next() * 2) : 0);
  while (atMs < seconds * 1000) {
    if (left.length === 0) left = random.shuffle(variants);
    const [variant = '', ...others] = left;
    left = others;
    const fault: PlannedFault = {
      nemesis,
      atMs,
      holdMs: random.between(...holdMs),
      variant,
      order: random.shuffle(places),
      strength: Math.round(random.next() * 100) / 100,
    };
    plan.push(fault);
    atMs += fault.holdMs + Math.round(random.between(...calmMs) * stretch);
  }
  return plan;
}

/** For people. */
export function describeFault({ nemesis, atMs, holdMs, variant, order, strength }: PlannedFault): string {
  const when = `${(atMs / 1000).toFixed(1).padStart(7)} s`;
  const how = `${nemesis.padEnd(11)}${variant.padEnd(15)}${String(holdMs).padStart(6)} ms`;
  return `${when}  ${how}  order ${order.map((place) => place + 1).join(' ')}  strength ${strength.toFixed(2)}`;
}
