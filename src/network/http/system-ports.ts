/** What the HTTP network needs of time and chance: the machine's own, unless a simulation or a test passes others. */
import type { Clock, Timers } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';
import { backgroundTimers, systemClock, systemRandom } from '../../system/system-ports.ts';

export interface SystemPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly timers: Timers;
  readonly random: Pick<Random, 'next'>;
}

export const SYSTEM_PORTS: SystemPorts = Object.freeze({
  clock: systemClock,
  timers: backgroundTimers,
  random: systemRandom,
});
