/**
 * The real clock, timers and randomness, used unless others are given in the options. They are here because an adapter
 * may not import the runtime; a simulation or a test passes its own.
 */
import type { Clock, TimerHandle, Timers } from '../../ports/clock.ts';
import type { Random } from '../../ports/random.ts';

/** What an adapter needs of time and chance. */
export interface SystemPorts {
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly timers: Timers;
  readonly random: Pick<Random, 'next'>;
}

export const SYSTEM_PORTS: SystemPorts = Object.freeze({
  clock: { nowMs: () => performance.now() },
  timers: {
    setTimer(delayMs: number, callback: () => void): TimerHandle {
      const timer = setTimeout(callback, delayMs);
      timer.unref();
      return { cancel: () => clearTimeout(timer) };
    },
    nextTurn(callback: () => void): void {
      setImmediate(callback);
    },
  },
  random: { next: () => Math.random() },
});
